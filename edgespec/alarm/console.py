"""Events and states on the terminal: JSON lines for programs, a table for people."""

from collections.abc import Sequence
from typing import Any, TextIO

from edgespec import __version__
from edgespec.alarm.status_line import StatusLine, status_text
from edgespec.config import Config
from edgespec.kinds import advice_for
from edgespec.level_scale import UNCALIBRATED
from edgespec.records import BandInfo, Event, EventType, ObserverState, RssReport
from edgespec.screen.output import Output
from edgespec.screen.table import Column, Table
from edgespec.screen.terminal import Terminal
from edgespec.units import format_hz, format_utc
from edgespec.wire.event import EventMessage, event_payload
from edgespec.wire.info import band_payload, info_payload
from edgespec.wire.rss import rss_payload
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode

__all__ = ["JsonLinesSink", "TableSink"]

_COLUMNS = (
    Column("time (UTC)", width=15),
    Column("event", width=6),
    Column("band", width=10),
    Column("from MHz", True, 10),
    Column("to MHz", True, 10),
    Column("width kHz", True, 9),
    Column("peak", True, 12),
    Column("excess dB", True, 9),
    Column("score/threshold", True, 19),
    Column("latency ms", True, 10),
    Column("kind", width=16),
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
        scales = {band.id: band.level_scale for band in config.band}
        for band in bands:
            told = band_payload(band, scales.get(band.band, UNCALIBRATED))
            about = {**told, "version": __version__, "mqtt": config.mqtt.public_url}
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
        self._status = StatusLine()
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
        for line in self._table().heading():
            self._terminal.line(line)
        self._status = StatusLine([band.band for band in bands])

    def event(self, event: Event) -> None:
        """Write one row."""
        row = self._table().row(
            [
                format_utc(event.end_ns)[11:26],
                event.event_type.value,
                event.band,
                f"{event.freq_lower_hz / 1e6:.4f}",
                f"{event.freq_upper_hz / 1e6:.4f}",
                f"{(event.freq_upper_hz - event.freq_lower_hz) / 1e3:.1f}",
                event.scale.text(event.peak_dbfs),
                f"{event.excess_db:+.1f}",
                f"{event.score:.4g}/{event.threshold:.4g}",
                f"{event.latency_s * 1e3:.1f}",
                _kind(event),
            ]
        )
        for line in row:
            self._terminal.line(line, event.event_type)
        if not event.is_named:
            self._nameless.add(event.event_id)
            return
        is_first = event.event_type is EventType.NEW or event.event_id in self._nameless
        self._nameless.discard(event.event_id)
        advice = advice_for(event.kind)
        if is_first and event.alert.is_on and advice:
            self._terminal.line(f"{'':{_COLUMNS[0].width}}  advice: {advice}")

    def state(self, state: ObserverState) -> None:
        """Write or overwrite the line about the observer."""
        if self._terminal.is_terminal:
            self._terminal.status(self._status.take(state))
        elif self._status.n_bands > 1:
            self._terminal.line(f"{state.band}: {status_text(state)}")
        else:
            self._terminal.line(status_text(state))

    def rss(self, report: RssReport) -> None:
        """Write nothing: the line about the observer has its level."""

    def close(self) -> None:
        """Leave the cursor on a line of its own; the stream stays open."""
        self._terminal.close()

    def _table(self) -> Table:
        # Anew for each row: a window may have become another.
        return Table(_COLUMNS, width=self._terminal.width)


def _kind(event: Event) -> str:
    """Return what an event is called, how likely, whose it is and why it is no alert."""
    words = event.kind if event.is_named else "no name yet"
    if event.is_named and event.kind_probability < 1.0:
        words += f" {event.kind_probability:.0%}"
    if event.kind_hint:
        words += f", perhaps {event.kind_hint}"
    if event.cell_identity is not None:
        words += f" {event.cell_identity}"
    if event.listing is not None:
        words += f", {event.listing.text}"
    return words if event.alert.is_on else f"{words} (no alert: {event.alert.reason})"


def _range(band: BandInfo) -> str:
    """Return from where to where a band reaches."""
    lower_hz, upper_hz = band.grid.range_hz
    if lower_hz < 0:
        return f"{format_hz(upper_hz - lower_hz)} around an unknown centre"
    return f"{format_hz(lower_hz)} to {format_hz(upper_hz)}"
