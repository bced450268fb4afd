"""The page beside a fleet's program: told of news, it reads the rest from the store."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from edgespec.config import MqttConfig, WebConfig
from edgespec.fleet.screen import FleetScreen
from edgespec.fleet.silence import Change
from edgespec.web.page_process import PageProcess, listen_for_page, page_url
from edgespec.web.task import Task
from edgespec.wire.text import encode

__all__ = ["fleet_page_beside"]

_LOG = logging.getLogger(__name__)


@contextmanager
def fleet_page_beside(
    screen: FleetScreen,
    config: WebConfig,
    url: URL,
    brokers: Mapping[str, MqttConfig],
    about: Mapping[str, object],
) -> Iterator[FleetScreen]:
    """Yield a screen that tells a page as well, where the configuration has one.

    Args:
        screen: that is told as well.
        config: where the page is, and who may do what.
        url: of the store.
        brokers: over which observers are asked.
        about: ``node``, ``silent_s`` and ``days``.

    Raises:
        ConfigError: the page cannot be served at its address.
    """
    listening = listen_for_page(config)
    if listening is None or config.address is None:
        yield screen
        return
    socket, token = listening
    tables = {name: _table(settings) for name, settings in brokers.items()}
    # The process alone reads it, from memory: it holds passwords.
    told = {**about, "store": url.render_as_string(hide_password=False), "brokers": tables}
    task = Task(
        "fleet", config.address[0], token, config.read_only, config.hosts, config.max_lookers, told
    )
    page = PageProcess(socket, task)
    _LOG.info("the page is at %s", page_url(config.address[0], socket))
    try:
        yield _PageScreen(screen, page)
    finally:
        page.close()


class _PageScreen:
    """Tells a page what is new, and another screen everything."""

    def __init__(self, screen: FleetScreen, page: PageProcess) -> None:
        self._screen, self._page = screen, page
        self._words = ""

    def event(self, broker: str, event: dict[str, Any]) -> None:
        """Take an event's message."""
        self._screen.event(broker, event)
        # Whoever looks asks for the rest: thousands a second are not told.
        about = {"broker": broker, "node": event.get("node", ""), "site": event.get("site", "")}
        kind = {name: event[name] for name in ("event_type", "kind", "band")}
        is_alert = bool(event.get("alert", True))
        self._page.say(encode({"type": "event", **about, **kind, "alert": is_alert}))

    def observer(self, broker: str, node: str, change: Change, why: str) -> None:
        """Take that an observer fell silent, speaks again, or is no more."""
        self._screen.observer(broker, node, change, why)
        about = {"broker": broker, "node": node, "change": change, "why": why}
        self._page.say(encode({"type": "observer", **about}))

    def count(self, words: str) -> None:
        """Take how it goes."""
        self._screen.count(words)
        if words != self._words:
            self._words = words
            self._page.say(encode({"type": "count", "words": words}), keep="count")


def _table(settings: MqttConfig) -> dict[str, Any]:
    """Return a configuration as its table."""
    found = {name: value for name, value in asdict(settings).items() if value is not None}
    return {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in found.items()
    }
