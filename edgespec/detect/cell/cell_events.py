"""What happens to a cell, as events."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import log10

from edgespec.clock import ClockQuality
from edgespec.detect.cell.sighting import CellSighting
from edgespec.grid import Grid, Span
from edgespec.kinds import CARRIERS_DOWN, CELL_LOST, NEW_CELL, POWER_STEP
from edgespec.records import BandInfo, Change, Event, EventType

__all__ = ["KINDS", "CellEvents"]

_NS = 1_000_000_000
#: Kinds of events, by what was seen. A step of the gain is the receiver's, which others tell.
KINDS = {
    "cell lost": CELL_LOST,
    "power step": POWER_STEP,
    "carriers down": CARRIERS_DOWN,
    "new cell": NEW_CELL,
}
#: So long after a step it is told: whether the cell is lost with it, or the gain has moved, is
#: known by then.
_WAIT_S = 0.15
#: A step of so much of the cell's band may be a part of its loss, or the receiver's gain.
_ALL = 0.9


@dataclass(slots=True)
class _Happening:
    """What has happened to a cell, and the power of the band when it was told."""

    sighting: CellSighting
    identity: int | None
    level_dbfs: float
    start_ns: int
    said_at: int
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class CellEvents:
    """Turns what was seen of a cell into events; their detector is ``cell``.

    A step of the power, carriers that went down and a new cell are changes: each is said once, new
    and ended, and what is there behind it is what the next change is told against. A step back is
    another event. A lost cell is an event that goes on until it is heard again, the band is tuned
    elsewhere, or another cell is watched in its place.

    Args:
        info: names the events; its grid says where they lie.
        update_s: how often a cell that is still lost is said.
        clock_ns: monotonic clock, for the latency of an event.
        utc: how good UTC is now.
    """

    def __init__(
        self,
        info: BandInfo,
        update_s: float,
        clock_ns: Callable[[], int],
        utc: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
    ) -> None:
        self.info = info
        self._update_s = update_s
        self._clock_ns = clock_ns
        self._utc = utc
        self._waiting: list[CellSighting] = []
        self._lost: _Happening | None = None
        self._tick = self._again = 0

    @property
    def is_open(self) -> bool:
        """Whether a cell is lost now."""
        return self._lost is not None

    def update(
        self,
        sightings: Sequence[CellSighting],
        span: Span,
        *,
        identity: int | None,
        is_lost: bool,
        level_dbfs: Callable[[], float],
    ) -> list[Event]:
        """Take what was seen up to the end of ``span`` and return what there is to say.

        Args:
            sightings: since the last call, in ticks of the grid.
            span: the newest input.
            identity: of the cell that is watched; None: there is none.
            is_lost: whether that is lost now.
            level_dbfs: returns the power of the band.
        """
        self._tick = span.tick_start + span.n_ticks
        events: list[Event] = []
        lost = self._lost
        if lost is not None and (not is_lost or identity != lost.identity):
            events.append(self._message(lost, EventType.END, span.received_ns))
            lost = self._lost = None
            self._again = self._tick + self._ticks(_WAIT_S)
        for seen in sightings:
            if seen.kind == "cell lost":
                lost = self._lost = self._begin(seen, identity, span, level_dbfs())
                events.append(self._message(lost, EventType.NEW, span.received_ns))
            elif seen.kind in KINDS and (_is_new(seen) or self._may_step(seen)):
                self._waiting.append(seen)
        if self._waiting:
            events += self._changes(span, identity, level_dbfs)
        if lost is not None and self._tick - lost.said_at >= self._ticks(self._update_s):
            lost.said_at = self._tick
            events.append(self._message(lost, EventType.UPDATE, span.received_ns))
        return events

    def follow(self) -> None:
        """Take a step of the receiver's gain: it was none of the cell."""
        self._waiting = [one for one in self._waiting if one.share < _ALL or _is_new(one)]

    def finish(self) -> list[Event]:
        """Return the end of what is going on: the stream is over."""
        lost, self._lost, self._waiting = self._lost, None, []
        if lost is None:
            return []
        return [self._message(lost, EventType.END, 0)]

    def retune(self, grid: Grid) -> list[Event]:
        """Go on with another grid, and return the end of what was going on."""
        events = self.finish()
        self._again = 0
        self.info = replace(self.info, grid=grid)
        return events

    def _may_step(self, seen: CellSighting) -> bool:
        """Whether a step is one of its own: not of a cell that is lost, or has just come back."""
        return self._lost is None and seen.tick >= self._again

    def _ticks(self, seconds: float) -> int:
        return round(seconds * self.info.grid.tick_hz)

    def _utc_of(self, tick: int, span: Span) -> int:
        return span.utc_ns + round((tick - span.tick_start) / self.info.grid.tick_hz * _NS)

    def _begin(
        self, seen: CellSighting, identity: int | None, span: Span, level_dbfs: float
    ) -> _Happening:
        """Return a lost cell; what looked like a step of all of it was its loss."""
        first = seen.tick
        for one in self._waiting:
            if one.share >= _ALL and one.size_db < 0.0:
                first = min(first, one.tick)
        self._waiting = [one for one in self._waiting if one.tick < first]
        sighting = replace(seen, tick=first)
        return _Happening(sighting, identity, level_dbfs, self._utc_of(first, span), self._tick)

    def _changes(
        self, span: Span, identity: int | None, level_dbfs: Callable[[], float]
    ) -> list[Event]:
        """Return the events of the changes that are old enough."""
        until = self._tick - self._ticks(_WAIT_S)
        due = [one for one in self._waiting if one.tick <= until or _is_new(one)]
        self._waiting = [one for one in self._waiting if one.tick > until and not _is_new(one)]
        events = []
        for seen in due:
            whose = seen.identity if _is_new(seen) else identity
            start_ns = self._utc_of(seen.tick, span)
            change = _Happening(seen, whose, level_dbfs(), start_ns, self._tick)
            both = (EventType.NEW, EventType.END)
            events += [self._message(change, one, span.received_ns) for one in both]
        return events

    def _message(self, going_on: _Happening, event_type: EventType, received_ns: int) -> Event:
        seen = going_on.sighting
        size_db = seen.size_db
        if _is_new(seen):
            # What it adds to the cell that was there.
            size_db = 10.0 * log10(1.0 + 10.0 ** (size_db / 10.0))
        n_ticks = max(self._tick - seen.tick, 0)
        return Event(
            event_id=going_on.event_id,
            event_type=event_type,
            band=self.info.band,
            start_ns=going_on.start_ns,
            end_ns=going_on.start_ns + round(n_ticks / self.info.grid.tick_hz * _NS),
            sample_start=seen.tick,
            n_samples=n_ticks,
            freq_lower_hz=seen.freq_lower_hz,
            freq_upper_hz=seen.freq_upper_hz,
            peak_freq_hz=(seen.freq_lower_hz + seen.freq_upper_hz) / 2.0,
            peak_dbfs=going_on.level_dbfs,
            change=Change.GAIN if size_db > 0.0 else Change.LOSS,
            excess_db=size_db,
            severity_db=abs(size_db),
            detector="cell",
            score=seen.score,
            threshold=seen.threshold,
            sureness=1.0 - seen.threshold / (2.0 * max(seen.score, seen.threshold)),
            kind=KINDS[seen.kind],
            clock=self._utc(),
            latency_s=(self._clock_ns() - received_ns) / _NS if received_ns else 0.0,
            model_sha256=self.info.model_sha256,
            cell_identity=going_on.identity,
        )


def _is_new(seen: CellSighting) -> bool:
    return seen.kind == "new cell"
