"""Arguments and options that several commands of ``edgespec twin`` share."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgespec.finite import Finite

if TYPE_CHECKING:
    from edgespec.config import Config, MqttConfig

__all__ = ["CONFIG", "ONE_SITE", "SECONDS", "SITES", "TRAINED", "config_of", "settings_of"]

_SITE = click.Path(path_type=Path)
SITES = click.argument("site_paths", metavar="SITE.toml...", nargs=-1, required=True, type=_SITE)
ONE_SITE = click.argument("site_path", metavar="SITE.toml", type=_SITE)
CONFIG = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Configuration whose table [mqtt] names broker, credentials and topic prefix.",
)
TRAINED = click.option(
    "--trained",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What 'edgespec twin train' wrote; for several sites a folder with SITE.npz.",
)
SECONDS = Finite(min=0, min_open=True)


def settings_of(config_path: Path | None, mqtt: str | None) -> "MqttConfig":
    """Return the broker that the command line or the configuration names."""
    from edgespec.twin.service.openings import require_url

    return require_url(config_of(config_path, mqtt).mqtt)


def config_of(config_path: Path | None, mqtt: str | None, page: str | None = None) -> "Config":
    """Return the configuration with the broker and the page of the command line."""
    from edgespec.config import load_config, override
    from edgespec.machine import keep_machine_code

    config = override(load_config(config_path), mqtt=mqtt, web=page)
    keep_machine_code(config.node.state_dir)
    return config
