"""What a central unit shows: lines for people, JSON lines for programs."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TextIO

from edgespec.records import EventType
from edgespec.screen.output import Output
from edgespec.screen.terminal import Terminal
from edgespec.units import counted, format_hz, format_utc
from edgespec.wire.site_event import SiteEvent, site_event_payload
from edgespec.wire.text import encode
from edgespec.wire.verdict import TwinStatus, TwinVerdict, encode_verdict

__all__ = ["JsonScreen", "Screen", "TextScreen", "event_lines", "verdict_line"]


class Screen(Protocol):
    """Who is told what happens, besides the broker."""

    def verdict(self, verdict: TwinVerdict, counts: Mapping[str, int]) -> None:
        """Take a verdict."""
        ...

    def event(self, event: SiteEvent) -> None:
        """Take a message of an event's life."""
        ...

    def members(self, ids: Sequence[str], sites: Sequence[str]) -> None:
        """Take who is there and which sites are looked after here."""
        ...


class JsonScreen:
    """Verdicts and events as they go to the broker, one object a line."""

    def __init__(self, stream: TextIO, central: str, level_units: Mapping[str, str]) -> None:
        self._output = Output(stream)
        self._central = central
        self._level_units = level_units
        self._n_events = 0

    def verdict(self, verdict: TwinVerdict, counts: Mapping[str, int]) -> None:
        """Write an object of schema ``edgespec.verdict/1``."""
        unit = self._level_units[verdict.site]
        data = encode_verdict(verdict, self._central, unit, dict(counts))
        self._write_line(data.decode())

    def event(self, event: SiteEvent) -> None:
        """Write an object of schema ``edgespec.site-event/1``."""
        self._n_events += 1
        self._write(site_event_payload(event, self._central, self._n_events))

    def members(self, ids: Sequence[str], sites: Sequence[str]) -> None:
        """Write an object of schema ``edgespec.members/1``."""
        self._write(
            {
                "schema": "edgespec.members/1",
                "central": self._central,
                "members": list(ids),
                "sites": list(sites),
            }
        )

    def _write(self, payload: dict[str, Any]) -> None:
        self._write_line(encode(payload).decode())

    def _write_line(self, line: str) -> None:
        self._output.write(line + "\n")


class TextScreen:
    """A line when the verdict on a site changes, and two or three for every word on an event.

    On a terminal a last line overwrites itself with every verdict.
    """

    def __init__(self, stream: TextIO, central: str) -> None:
        self._terminal = Terminal(stream)
        self._central = central
        self._said: dict[str, tuple[object, ...]] = {}
        self._notes: dict[str, tuple[str, ...]] = {}

    def verdict(self, verdict: TwinVerdict, counts: Mapping[str, int]) -> None:
        """Write a line if anything but a number changed."""
        mood = (
            verdict.status,
            verdict.is_alarm,
            verdict.units_missing,
            verdict.units_saturated,
            verdict.units_implausible,
            tuple(reason for reason in counts if counts[reason] and reason != "accepted"),
        )
        if verdict.notes != self._notes.get(verdict.site, ()):
            self._notes[verdict.site] = verdict.notes
            for note in verdict.notes:
                self._terminal.line(f"{'':10}{verdict.site:<12}  note: {note}")
        if mood != self._said.get(verdict.site):
            self._said[verdict.site] = mood
            self._terminal.line(verdict_line(verdict, counts))
        elif self._terminal.is_terminal:
            self._terminal.status(verdict_line(verdict, counts))

    def event(self, event: SiteEvent) -> None:
        """Write what is known of an event."""
        for line in event_lines(event):
            self._terminal.line(line, event.event_type)

    def members(self, ids: Sequence[str], sites: Sequence[str]) -> None:
        """Write who shares the sites."""
        names = ", ".join(sites[:5]) + (f" and {len(sites) - 5} more" if len(sites) > 5 else "")
        others = [name for name in ids if name != self._central]
        shared = f", shared with {', '.join(others)}" if others else ""
        self._terminal.line(f"{self._central} looks after {names or 'no site'}{shared}")
        self._said = {site: mood for site, mood in self._said.items() if site in sites}


def verdict_line(verdict: TwinVerdict, counts: Mapping[str, int]) -> str:
    """Return one line about a site's last snapshot."""
    parts = [
        f"{format_utc(verdict.utc_ns)[11:19]}  {verdict.site:<12}  {_mood(verdict):<14}",
        f"{verdict.n_units} of {len(verdict.nodes)} units",
    ]
    if verdict.status is TwinStatus.WATCHING:
        parts.append(f"{verdict.detector} {verdict.score:.4g} of {verdict.threshold:.3g}")
    if verdict.n_to_learn:
        parts.append(f"{counted(verdict.n_to_learn, 'snapshot')} left to learn from")
    lists = (
        ("missing", verdict.units_missing),
        ("saturated", verdict.units_saturated),
        ("not believed", verdict.units_implausible),
    )
    parts += [f"{word}: {_listed(nodes)}" for word, nodes in lists if nodes]
    refused = {reason: n for reason, n in counts.items() if reason != "accepted" and n}
    if refused:
        parts.append("refused: " + ", ".join(f"{n} {reason}" for reason, n in refused.items()))
    return " | ".join(parts)


def event_lines(event: SiteEvent) -> list[str]:
    """Return what there is to say about an event, the most important first."""
    word = {"new": "ALARM", "update": "alarm goes on", "end": "alarm is over"}[event.event_type]
    what = f"{event.kind} source" if event.kind else "unknown source"
    lines = [
        f"{format_utc(event.end_ns)[11:19]}  {event.site:<12}  {word}: {what}{_place(event)}, "
        f"{event.detector} {event.score:.4g} of {event.threshold:.3g}"
    ]
    if event.event_type is not EventType.END and event.advice:
        lines.append(f"{'':24}advice: {event.advice}")
    if event.event_type is EventType.END:
        lines[0] += f", it lasted {(event.end_ns - event.start_ns) / 1e9:.0f} s"
    return lines


def _place(event: SiteEvent) -> str:
    text = ""
    source = event.source
    if source is not None:
        text += f" near x {source.x_m:.1f}, y {source.y_m:.1f} m (+- {source.sigma_m:.1f} m)"
    if event.power_dbm is not None:
        text += f", {event.power_dbm:.0f} dBm"
    if event.freq_lower_hz is not None and event.freq_upper_hz is not None:
        text += f", {format_hz(event.freq_lower_hz)} to {format_hz(event.freq_upper_hz)}"
    return text


def _mood(verdict: TwinVerdict) -> str:
    if verdict.status is TwinStatus.WATCHING:
        return "ALARM" if verdict.is_alarm else "quiet"
    return verdict.status.value


def _listed(nodes: Sequence[str]) -> str:
    return ", ".join(nodes[:4]) + (f" and {len(nodes) - 4} more" if len(nodes) > 4 else "")
