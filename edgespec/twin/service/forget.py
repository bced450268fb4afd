"""What was learnt of a site, taken away: at the broker, at its central unit, in a file."""

import re
from pathlib import Path

from edgespec.config import MqttConfig
from edgespec.errors import ConfigError, UsageError
from edgespec.mqtt.retained import empty_retained, gather_retained
from edgespec.option import SITE_ID
from edgespec.wire.topics import TwinTopics

__all__ = ["forget_at_engine", "forget_site", "trained_file"]


def trained_file(site: str, path: Path | None) -> Path | None:
    """Return the trained file of a site; ``path`` is that, a folder with ``SITE.npz``, or None.

    Raises:
        UsageError: the name can be none of a site.
        ConfigError: there is no such file.
    """
    if not re.fullmatch(SITE_ID["pattern"], site):
        raise UsageError(f"the site is {site!r:.80}; it must be {SITE_ID['pattern_text']}")
    if path is None:
        return None
    file = path / f"{site}.npz" if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(f"{file} is no file: name what 'edgespec twin train' wrote")
    return file


def forget_site(settings: MqttConfig, site: str) -> bool:
    """Empty what the broker keeps of a site's learning; return whether there was anything.

    The unit that looks after the site hears of it and begins anew.

    Raises:
        ConfigError: the broker's URL cannot be used.
        BrokerError: it cannot be reached, or does not let this user do so.
    """
    topic = TwinTopics(settings.topic_prefix).state(site)
    was_kept = topic in gather_retained(settings, [topic])
    empty_retained(settings, [topic])
    return was_kept


def forget_at_engine(url: str, settings: MqttConfig, site: str) -> None:
    """Tell an engine to forget a site's learning; whoever has its partition begins anew.

    Raises:
        ConfigError: the URL cannot be used.
        BrokerError: the engine cannot be reached, or does not let this user do so.
    """
    from edgespec.engine.heard import say

    say(url, settings, TwinTopics(settings.topic_prefix).state(site), b"")
