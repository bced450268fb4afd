"""Configuration: TOML tables as frozen dataclasses, with loader, JSON schema and template."""

from edgespec.config.alert_tables import AlarmConfig, AlertConfig
from edgespec.config.band_table import BandConfig
from edgespec.config.detect_table import DetectConfig
from edgespec.config.evidence_table import EvidenceConfig
from edgespec.config.history_table import HistoryConfig
from edgespec.config.loader import load_config, load_record, override
from edgespec.config.metrics_table import MetricsConfig
from edgespec.config.notify_table import NotifyConfig
from edgespec.config.schema import json_schema
from edgespec.config.site_table import SiteConfig
from edgespec.config.sweep_table import SweepConfig
from edgespec.config.tables import (
    MqttConfig,
    NodeConfig,
    SourceConfig,
)
from edgespec.config.template import template
from edgespec.config.updates_table import UpdatesConfig
from edgespec.config.web_table import WebConfig
from edgespec.config.whole import Config

__all__ = [
    "AlarmConfig",
    "AlertConfig",
    "BandConfig",
    "Config",
    "DetectConfig",
    "EvidenceConfig",
    "HistoryConfig",
    "MetricsConfig",
    "MqttConfig",
    "NodeConfig",
    "NotifyConfig",
    "SiteConfig",
    "SourceConfig",
    "SweepConfig",
    "UpdatesConfig",
    "WebConfig",
    "json_schema",
    "load_config",
    "load_record",
    "override",
    "template",
]
