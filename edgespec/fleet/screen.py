"""What a fleet's program shows: lines for people, JSON lines for programs."""

import json
from typing import Any, Protocol, TextIO

from edgespec.fleet.silence import Change
from edgespec.screen.output import Output
from edgespec.screen.terminal import Terminal
from edgespec.units import format_hz

__all__ = ["FleetJsonScreen", "FleetScreen", "FleetTextScreen"]

_NEWS = "edgespec.fleet-news/1"
_SAID = {
    Change.SILENT: "SILENT: {}",
    Change.HEARD: "is heard again",
    Change.FORGOTTEN: "is forgotten, and waited for no more",
}


class FleetScreen(Protocol):
    """Who is told what happens, besides the store."""

    def event(self, broker: str, event: dict[str, Any]) -> None:
        """Take an event's message, of an observer or of a site."""
        ...

    def observer(self, broker: str, node: str, change: Change, why: str) -> None:
        """Take that an observer fell silent, and why, speaks again, or is no more."""
        ...

    def count(self, words: str) -> None:
        """Take how it goes."""
        ...


class FleetJsonScreen:
    """Events, and what observers have become, one object a line."""

    def __init__(self, stream: TextIO) -> None:
        self._output = Output(stream)

    def event(self, broker: str, event: dict[str, Any]) -> None:
        """Write an event as its observer told it."""
        self._write({"what": "event", "broker": broker, "event": event})

    def observer(self, broker: str, node: str, change: Change, why: str) -> None:
        """Write who fell silent, speaks again, or is no more."""
        self._write({"what": str(change), "broker": broker, "node": node, "why": why})

    def count(self, words: str) -> None:
        """Nothing: it is no news."""

    def _write(self, told: dict[str, Any]) -> None:
        text = json.dumps({"schema": _NEWS, **told}, ensure_ascii=False, separators=(",", ":"))
        self._output.write(text + "\n")


class FleetTextScreen:
    """A line for each alert that begins or ends, and for what an observer has become.

    On a terminal a last line overwrites itself.
    """

    def __init__(self, stream: TextIO) -> None:
        self._terminal = Terminal(stream)

    def event(self, broker: str, event: dict[str, Any]) -> None:
        """Write a line, but for what is no alert or only goes on."""
        if event["event_type"] == "update" or not event.get("alert", True):
            return
        word = "ALARM" if event["event_type"] == "new" else "alarm is over"
        lower, upper = (event.get(f"core:freq_{edge}_edge") for edge in ("lower", "upper"))
        where = "" if lower is None or upper is None else f", {format_hz((lower + upper) / 2)}"
        who = event.get("node") or f"site {event.get('site')}"
        self._terminal.line(
            f"{event['end'][11:19]}  {who}  {word}: {event['kind'] or 'unknown'} in "
            f"{event['band']}{where}  {event['id']}"
        )

    def observer(self, broker: str, node: str, change: Change, why: str) -> None:
        """Write who fell silent, speaks again, or is no more."""
        self._terminal.line(f"{'':8}  {node}  {_SAID[change].format(why)}")

    def count(self, words: str) -> None:
        """Write the last line of a terminal."""
        if self._terminal.is_terminal:
            self._terminal.status(words)
