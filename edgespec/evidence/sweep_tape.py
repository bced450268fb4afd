"""The last sweeps of a source in memory, and what is cut out of them around an alert."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import Grid
from edgespec.records import Event, EventType, IqBlock
from edgespec.sweep_block import SweepBlock
from edgespec.sweep_table import SweepTable

__all__ = ["SweepCut", "SweepTape"]

_MOST_ASKED = 64
#: An event is told some sweeps behind its begin.
_N_LATE = 20
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SweepCut:
    """Sweeps of one grid, and the events in them, each as it was last told."""

    table: SweepTable
    events: tuple[Event, ...]


@dataclass(slots=True)
class _Wish:
    """Numbers of the sweeps that are wanted, and the events that asked for them."""

    start: int
    stop: int
    events: dict[str, Event] = field(default_factory=dict)


class SweepTape:
    """Holds the last sweeps; there may be gaps between them, which their times tell.

    Args:
        n_before: sweeps before the begin of an event that are wanted.
        n_after: from its begin on.
        max_bytes: of memory; where that is less, so is what is kept before an event.
        keep: given every cut.
        unit: of the levels.
    """

    def __init__(
        self,
        n_before: int,
        n_after: int,
        max_bytes: int,
        keep: Callable[[SweepCut], None],
        unit: str = "dB",
    ) -> None:
        self._n_before, self._n_after = n_before, n_after
        self._max_bytes = max_bytes
        self._keep, self._unit = keep, unit
        self._grid: Grid | None = None
        self._held: deque[tuple[int, int, NDArray[np.float32]]] = deque()
        self._next = 0
        self._wish: _Wish | None = None
        self._asked: deque[str] = deque(maxlen=_MOST_ASKED)

    def add(self, block: IqBlock) -> None:
        """Take a block of sweeps, and cut out what is complete with it."""
        if not isinstance(block, SweepBlock):
            return
        if block.grid is not self._grid:
            self.finish()
            self._grid = block.grid
            n_most = self._max_bytes // (4 * block.grid.n_bins)
            n_wanted = self._n_before + self._n_after + _N_LATE
            self._held = deque(maxlen=max(min(n_wanted, n_most), 1))
        step_ns = round(block.grid.frame_s * _NS)
        for row, sweep_db in enumerate(block.samples):
            utc_ns = block.utc_ns + row * step_ns
            self._held.append((block.sample_start + row, utc_ns, sweep_db.copy()))
        self._next = block.sample_start + block.n_samples
        if self._wish is not None and self._next >= self._wish.stop:
            self.finish()

    def want(self, event: Event) -> None:
        """Ask once for what is around the begin of an event; of one in it, take what is new."""
        wish, start = self._wish, event.sample_start
        if wish is not None and event.event_id in wish.events:
            wish.events[event.event_id] = event
            return
        first = self._held[0][0] if self._held else self._next
        if event.event_id in self._asked or not (
            event.event_type == EventType.NEW or start >= first
        ):
            return
        if wish is None:
            wish = self._wish = _Wish(start - self._n_before, start + self._n_after)
        wish.events[event.event_id] = event
        self._asked.append(event.event_id)

    def finish(self) -> None:
        """Cut out what is wanted, as far as it was heard."""
        wish, self._wish = self._wish, None
        if wish is None or self._grid is None:
            return
        rows = [one for one in self._held if wish.start <= one[0] < wish.stop]
        if not rows:
            return
        utc_s = np.array([utc_ns for _, utc_ns, _ in rows], np.float64) / _NS
        # Times are whole seconds, or go back: in a table they rise.
        for row in range(1, len(utc_s)):
            utc_s[row] = max(utc_s[row], utc_s[row - 1] + 1e-3)
        table = SweepTable(
            wish.events[next(iter(wish.events))].band,
            utc_s,
            self._grid.freqs_hz,
            np.stack([sweep_db for _, _, sweep_db in rows]),
            self._grid.frame_s,
            self._grid.rbw_hz,
            self._unit,
        )
        self._keep(SweepCut(table, tuple(wish.events.values())))
