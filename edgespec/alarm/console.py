"""Events and states on the terminal: JSON lines for programs, a table for people."""

import math
from collections.abc import Sequence
from typing import Any, TextIO

from edgespec import __version__
from edgespec.alarm.output import Output
from edgespec.alarm.terminal import Terminal
from edgespec.config import Config
from edgespec.heard_cell import CellState, HeardCell
from edgespec.kinds import OVERLOAD, advice_for
from edgespec.records import BandInfo, Event, EventType, ObserverState, RssReport
from edgespec.units import format_hz, format_utc
from edgespec.wire.event import EventMessage, event_payload
from edgespec.wire.info import band_payload, info_payload
from edgespec.wire.rss import rss_payload
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode

__all__ = ["JsonLinesSink", "TableSink"]

_COLUMNS = (
    ("time (UTC)", "<", 15),
    ("event", "<", 6),
    ("band", "<", 10),
    ("from MHz", ">", 10),
    ("to MHz", ">", 10),
    ("width kHz", ">", 9),
    ("peak dBFS", ">", 9),
    ("excess dB", ">", 9),
    ("score/threshold", ">", 19),
    ("latency ms", ">", 10),
    ("kind", "<", 0),
)


class JsonLinesSink:
    """One JSON object a line, with the schemas of the MQTT messages, written out at once.

    Args:
        stream: where to; a reader that goes away (``| head``) ends the output, not the monitor.
        node: id of this observer; the header knows better.
    """

    def __init__(self, stream: TextIO, node: str = "") -> None:
        self._output = Output(stream)
        self._node = node
        self._sequence = 0

    def header(self, bands: Sequence[BandInfo], config: Config) -> None:
        """Write who speaks as an object of schema ``edgespec.info/1`` for each band."""
        self._node = config.node.id
        for band in bands:
            about = {**band_payload(band), "version": __version__, "mqtt": config.mqtt.public_url}
            self._write(info_payload(about, self._node))

    def event(self, event: Event) -> None:
        """Write an object of schema ``edgespec.event/2``."""
        self._sequence += 1
        message = EventMessage(event, self._node, self._sequence)
        self._write(event_payload(message))

    def state(self, state: ObserverState) -> None:
        """Write an object of schema ``edgespec.state/1``."""
        self._write(state_payload(state, self._node))

    def rss(self, report: RssReport) -> None:
        """Write an object of schema ``edgespec.rss/1``."""
        self._write(rss_payload(report))

    def close(self) -> None:
        """Write nothing more; the stream stays open."""
        self._output.close()

    def _write(self, payload: dict[str, Any]) -> None:
        self._output.write(encode(payload).decode() + "\n")


class TableSink:
    """A row for each message of an event, advice once it has a name, a line about the observer.

    On a terminal that line overwrites itself.
    """

    def __init__(self, stream: TextIO) -> None:
        self._terminal = Terminal(stream)
        # Of several bands, the last word on each: together they are the line on a terminal.
        self._texts: dict[str, str] = {}
        # New events whose name is not known yet; it is told before anything else is.
        self._nameless: set[str] = set()

    def header(self, bands: Sequence[BandInfo], config: Config) -> None:
        """Say what is listened to, with which models, and where alarms go."""
        for band in bands:
            self._terminal.line(f"listening to {band.source}: band {band.band}, {_range(band)}")
        models = ", ".join(dict.fromkeys(band.model for band in bands))
        self._terminal.line(
            f"model {models}, alarms to {config.mqtt.public_url or 'this screen only'}"
        )
        self._terminal.line(_row([name for name, _, _ in _COLUMNS]))
        self._texts = dict.fromkeys((band.band for band in bands), "starting")

    def event(self, event: Event) -> None:
        """Write one row."""
        row = _row(
            [
                format_utc(event.end_ns)[11:26],
                event.event_type.value,
                event.band,
                f"{event.freq_lower_hz / 1e6:.4f}",
                f"{event.freq_upper_hz / 1e6:.4f}",
                f"{(event.freq_upper_hz - event.freq_lower_hz) / 1e3:.1f}",
                f"{event.peak_dbfs:.1f}",
                f"{event.excess_db:+.1f}",
                f"{event.score:.4g}/{event.threshold:.4g}",
                f"{event.latency_s * 1e3:.1f}",
                _kind(event),
            ]
        )
        self._terminal.line(row, event.event_type)
        if not event.is_named:
            self._nameless.add(event.event_id)
            return
        is_first = event.event_type is EventType.NEW or event.event_id in self._nameless
        self._nameless.discard(event.event_id)
        advice = advice_for(event.kind)
        if is_first and event.alert.is_on and advice:
            self._terminal.line(f"{'':{_COLUMNS[0][2]}}  advice: {advice}")

    def state(self, state: ObserverState) -> None:
        """Write or overwrite the line about the observer."""
        text = _status(state)
        if len(self._texts) > 1:
            if self._terminal.is_terminal:
                self._texts[state.band] = _short(state)
                text = " | ".join(f"{band}: {words}" for band, words in self._texts.items())
            else:
                text = f"{state.band}: {text}"
        if self._terminal.is_terminal:
            self._terminal.status(text)
        else:
            self._terminal.line(text)

    def rss(self, report: RssReport) -> None:
        """Write nothing: the line about the observer has its level."""

    def close(self) -> None:
        """Leave the cursor on a line of its own; the stream stays open."""
        self._terminal.close()


def _row(cells: list[str]) -> str:
    columns = zip(cells, _COLUMNS, strict=True)
    return "  ".join(f"{cell:{align}{width}}" for cell, (_, align, width) in columns).rstrip()


def _kind(event: Event) -> str:
    """Return what an event is called, how likely, whose cell it is and why it is no alert."""
    words = event.kind if event.is_named else "no name yet"
    if event.is_named and event.kind_probability < 1.0:
        words += f" {event.kind_probability:.0%}"
    if event.kind_hint:
        words += f", perhaps {event.kind_hint}"
    if event.cell_identity is not None:
        words += f" {event.cell_identity}"
    return words if event.alert.is_on else f"{words} (no alert: {event.alert.reason})"


def _range(band: BandInfo) -> str:
    """Return from where to where a band reaches."""
    lower_hz, upper_hz = band.grid.range_hz
    if lower_hz < 0:
        return f"{format_hz(upper_hz - lower_hz)} around an unknown centre"
    return f"{format_hz(lower_hz)} to {format_hz(upper_hz)}"


def _highest(state: ObserverState) -> str | None:
    """Return which detector stands highest, in words that fit to the mood; None where none does.

    While an event is kept open by its hold-off, nothing is above its threshold: that is said.
    """
    highest = _highest_share(state)
    if highest is None or state.warmup_left_s > 0:
        return None
    share, name = highest
    if state.alarm and share <= 1.0:
        return "nothing above its threshold now"
    return f"{name} at {100.0 * max(share, 0.0):.0f}% of its threshold"


def _highest_share(state: ObserverState) -> tuple[float, str] | None:
    """Return the largest score as a share of its threshold, and whose it is."""
    return max(
        ((score / state.thresholds[name], name) for name, score in state.scores.items()
         if state.thresholds.get(name) and math.isfinite(score)),
        default=None,
    )  # fmt: skip


def _short(state: ObserverState) -> str:
    """Return what fits into a line beside other bands."""
    parts = [_mood(state), _why_unscored(state), _highest(state), f"{state.speed:.1f}x real time"]
    return ", ".join(part for part in parts if part)


def _status(state: ObserverState) -> str:
    parts = [
        _mood(state),
        *_levels(state),
        _count(state.n_segments, "segment"),
        _count(state.n_events, "event"),
        f"{state.speed:.1f}x real time",
    ]
    for words in (_highest(state), _why_unscored(state)):
        if words is not None:
            parts.insert(1, words)
    if state.n_dropped:
        parts.append(f"{_count(state.n_dropped, 'sample')} lost")
    if state.cell is not None:
        parts.append(_cell(state.cell))
    if state.promise is not None:
        parts.append(f"calibrated for {state.promise.per_day:g} false events a day")
    if state.distrust:
        parts.append(f"not trusted: {state.distrust}")
    parts += [f"{_count(n, 'segment')} {reason}" for reason, n in state.n_skipped.items() if n]
    if state.mqtt_connected is not None:
        waiting = f", {state.spool_events} waiting" if state.spool_events else ""
        parts.append(f"broker {'connected' if state.mqtt_connected else 'unreachable'}{waiting}")
    return " | ".join(parts)


def _mood(state: ObserverState) -> str:
    """Return ``ALARM`` while an event is open, ``noticed`` if a score is high without one."""
    if state.warmup_left_s > 0:
        return f"warming up, {max(state.warmup_left_s, 0.1):.1f} s left"
    if state.troubles:
        return f"{'ALARM: ' if state.alarm else ''}{', '.join(state.troubles)}"
    if state.alarm:
        return "ALARM"
    if state.unscored_s:
        return "not scored"
    highest = _highest_share(state)
    # One segment is no event yet: k of n are.
    if highest is not None and highest[0] > 1.0:
        return "noticed"
    return "not trusted" if state.distrust else "quiet"


def _why_unscored(state: ObserverState) -> str | None:
    """Return what was not scored in the last second, in words; None where all was."""
    if not state.unscored_reason:
        return None
    since = f", nothing for {state.unscored_s:.1f} s" if state.unscored_s else ""
    return f"{state.unscored_share:.0%} not scored ({state.unscored_reason}{since})"


def _levels(state: ObserverState) -> tuple[str, ...]:
    if not state.n_segments:
        return ()
    # What clips is louder than it reads.
    least = "at least " if OVERLOAD in state.troubles else ""
    return (
        f"level {least}{state.level_dbfs:.1f} dBFS",
        f"noise floor {state.noise_floor_dbfs:.1f} dBFS",
    )


def _cell(cell: HeardCell) -> str:
    if cell.identity is None:
        return "no cell" if cell.state is CellState.NONE else "looking for a cell"
    doubt = ", says little" if cell.distrust else ""
    learning = ", learning" if cell.state is CellState.LEARNING else ""
    kind = "NR cell" if cell.technology == "nr" else "cell"
    return f"{kind} {cell.identity} cancelled ({cell.quality:.0%} of the power{learning}{doubt})"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
