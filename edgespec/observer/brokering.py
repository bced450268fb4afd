"""The way of an observer to its broker."""

import platform
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from edgespec import __version__
from edgespec.alerts.inbox import Errands
from edgespec.config import Config
from edgespec.observer.alerting import open_inbox
from edgespec.records import BandInfo
from edgespec.wire.info import band_payload

# Who names no broker does not pay for its client: 4 MB.
if TYPE_CHECKING:
    from edgespec.alarm.mqtt import MqttSink

__all__ = ["open_broker"]


def open_broker(
    config: Config, bands: Sequence[BandInfo], errands: Errands | None = None
) -> "MqttSink | None":
    """Return the way to the broker, connecting in the background; None where none is named.

    ``errands`` does what is asked for there and takes a while.
    """
    if config.mqtt.url is None:
        return None
    from edgespec.alarm.mqtt import MqttSink
    from edgespec.alarm.outbox.spool import Spool

    scales = {band.id: band.level_scale for band in config.band}
    info: dict[str, Any] = {
        "version": __version__,
        "board": platform.machine(),
        "model": bands[0].model,
        "model_sha256": bands[0].model_sha256,
        "bands": [band_payload(band, scales[band.band]) for band in bands],
        "config_sha256": sha256(repr(config).encode()).hexdigest(),
    }
    spool = Spool(config.node.state_dir / "spool", config.mqtt.spool_max_bytes)
    radios, names = [source.id for source in config.source], [band.band for band in bands]
    answer = open_inbox(config, errands).answer if config.mqtt.requests else None
    return MqttSink(config.mqtt, config.node.id, radios, names, info, spool, answer)
