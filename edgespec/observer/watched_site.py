"""The levels of a site, watched beside the detectors and kept over a restart."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgespec.aside import Jobs
from edgespec.clock import ClockQuality
from edgespec.detect.slow.looks import FLOOR
from edgespec.detect.slow.watch import SiteWatch, SlowRules
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.stream import is_near_range
from edgespec.grid import Grid
from edgespec.observer.kept.kept_cells import MOST_CELLS, file_of_cell, tidy_up
from edgespec.observer.kept.kept_site import KeptSite, SiteFile, load_kept_site, save_kept_site
from edgespec.records import BandInfo, Decision, Event, FloatArray, Geometry

__all__ = ["SitePlan", "WatchedSite"]

_LOG = logging.getLogger(__name__)
_HOUR_NS = 3600 * 1_000_000_000
#: It is written as often at most, and once it is known.
_SAVE_S = 3600.0
_MOST_WAITING, _CLOSE_S = 4, 5.0


@dataclass(frozen=True, slots=True)
class SitePlan:
    """What is told of a site, where it is kept (None: nowhere), and what is normal there."""

    rules: SlowRules
    file: SiteFile | None = None
    is_normal: Callable[[Event], bool] = lambda event: False


class WatchedSite:
    """Watches the levels of a site, from where an earlier run left off if there was one.

    An observer that enters another cell is at another site: each of the last cells has levels of
    its own, and what goes on in one goes on when it is entered again, or ends with it.

    What is kept is written by a thread of its own, once the site is known, then once an hour, and
    at the end; not where the warm-up is not trusted, nor behind a retune.

    Args:
        plan: what is told, and what is kept.
        info: names the events; its grid says where they lie.
        geometry: of the segments.
        clock_ns: monotonic clock.
        utc: how good UTC is.
        is_trusted: whether the warm-up was normal.
        utc_ns: UTC.
    """

    def __init__(
        self,
        plan: SitePlan,
        info: BandInfo,
        geometry: Geometry,
        clock_ns: Callable[[], int],
        utc: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
        is_trusted: Callable[[], bool] = lambda: True,
        utc_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._make: Callable[[], SiteWatch] = lambda: SiteWatch(
            info, geometry, plan.rules, clock_ns, utc, plan.is_normal
        )
        self.watch = self._make()
        self._file = plan.file
        self._range_hz, self._n_bins = info.grid.range_hz, geometry.n_bins
        self._tick_hz = info.grid.tick_hz
        self._utc, self._utc_ns = utc, utc_ns
        self._is_trusted = is_trusted
        self._saved_tick: int | None = None
        self._jobs = Jobs("site", "what is known of the site is not kept", _MOST_WAITING)
        self._cell: Cell | None = None
        # By the labels of their cells: that of now, the one that has the band's own file, and the
        # watches of those that were left.
        self._label = self._home = ""
        self._left: OrderedDict[str, SiteWatch] = OrderedDict()
        if plan.file is not None:
            self._home = self._load(self.watch, plan.file.path)

    @property
    def is_open(self) -> bool:
        """Whether anything has moved, here or in a cell that was left."""
        return self.watch.is_open or any(watch.is_open for watch in self._left.values())

    @property
    def next_tick(self) -> int:
        """Before that there is nothing to look at."""
        return self.watch.next_tick

    def enter(self, cell: Cell | None) -> list[Event]:
        """Go on in a cell, by the levels that are known there; return the ends of what is over.

        Nothing is done where it is None or that of now.
        """
        if cell is None or cell is self._cell:
            return []
        self._cell, label = cell, cell.label
        if not self._home:
            self._home = label
        is_first = not self._label and label == self._home
        if is_first or label == self._label:
            self._label = label
            return []
        if self._saved_tick is not None:
            self._save()
        self._left[self._label or self._home] = self.watch
        self._label, self._saved_tick = label, None
        self.watch = self._left.pop(label) if label in self._left else self._open()
        ended: list[Event] = []
        while len(self._left) >= MOST_CELLS:
            _, watch = self._left.popitem(last=False)
            ended += watch.finish()
        return ended

    def usual_dbfs(self) -> NDArray[np.float64] | None:
        """Return the usual level of every bin at this hour, None where it is not known."""
        if self._utc() is not ClockQuality.SYNCHRONISED:
            return None
        return self.watch.levels.hours.middle_dbfs(self._utc_ns() // _HOUR_NS % 24, FLOOR)

    def look(self, decision: Decision, target_dbfs: FloatArray, *, is_alarm: bool) -> list[Event]:
        """Take the horizon of a decision; see :meth:`SiteWatch.look`."""
        said = self.watch.look(decision, target_dbfs, is_alarm=is_alarm)
        if self._file is not None and self.watch.levels.first is not None:
            saved = self._saved_tick
            if saved is None or decision.tick_start - saved >= _SAVE_S * self._tick_hz:
                self._saved_tick = decision.tick_start
                self._save()
        return said

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into all that is known."""
        for watch in (self.watch, *self._left.values()):
            watch.follow(step_db)

    def pause(self, n_ticks: int) -> None:
        """Let a time pass in which nobody listened."""
        self.watch.pause(n_ticks)

    def finish(self) -> list[Event]:
        """Write what is known, and return the ends of what is going on."""
        if self._saved_tick is not None:
            self._save()
        self._jobs.close(_CLOSE_S)
        return [event for watch in (self.watch, *self._left.values()) for event in watch.finish()]

    def retune(self, grid: Grid) -> list[Event]:
        """Forget the site, and return the ends of what was going on."""
        self._tick_hz = grid.tick_hz
        ended = [event for watch in self._left.values() for event in watch.finish()]
        self._left.clear()
        self._cell, self._label, self._home = None, "", ""
        return [*ended, *self.watch.retune(grid)]

    def _open(self) -> SiteWatch:
        """Return a watch for the cell of now, with what an earlier run knew there."""
        watch = self._make()
        if not is_near_range(self._range_hz, self.watch.info.grid.range_hz):
            watch.retune(self.watch.info.grid)
        elif self._file is not None:
            self._load(watch, self._path(self._file))
        return watch

    def _load(self, watch: SiteWatch, path: Path) -> str:
        """Begin with what is kept, if that is of here; return the label of its cell, '' if none."""
        kept = None if self._file is None else load_kept_site(path)
        if self._file is None or kept is None:
            return ""
        if not kept.is_of(self._file, self._range_hz, self._n_bins):
            return ""
        watch.levels.begin_with(kept.first, kept.hours)
        return kept.cell

    def _path(self, file: SiteFile) -> Path:
        if self._label == self._home:
            return file.path
        return file_of_cell(file.path, self._label)

    def _save(self) -> None:
        levels, file = self.watch.levels, self._file
        is_there = is_near_range(self._range_hz, self.watch.info.grid.range_hz)
        if file is None or levels.first is None or not is_there or not self._is_trusted():
            return
        kept = KeptSite.of(file, self._utc_ns(), self._range_hz, levels, self._label)
        path = self._path(file)
        self._jobs.add(partial(save_kept_site, path, kept))
        if path != file.path:
            self._jobs.add(partial(tidy_up, file.path))
