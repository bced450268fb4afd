"""The levels of a site, watched beside the detectors and kept over a restart."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edgespec.aside import Jobs
from edgespec.clock import ClockQuality
from edgespec.detect.slow.looks import FLOOR
from edgespec.detect.slow.watch import SiteWatch, SlowRules
from edgespec.dsp.stream import is_near_range
from edgespec.grid import Grid
from edgespec.observer.kept_site import KeptSite, SiteFile, load_kept_site, save_kept_site
from edgespec.records import BandInfo, Decision, Event, FloatArray, Geometry

__all__ = ["SitePlan", "WatchedSite"]

_LOG = logging.getLogger(__name__)
_HOUR_NS = 3600 * 1_000_000_000
#: It is written as often at most, and once it is known.
_SAVE_S = 3600.0
_MOST_WAITING, _CLOSE_S = 2, 5.0


@dataclass(frozen=True, slots=True)
class SitePlan:
    """What is told of a site, where it is kept (None: nowhere), and what is normal there."""

    rules: SlowRules
    file: SiteFile | None = None
    is_normal: Callable[[Event], bool] = lambda event: False


class WatchedSite:
    """Watches the levels of a site, from where an earlier run left off if there was one.

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
        self.watch = SiteWatch(info, geometry, plan.rules, clock_ns, utc, plan.is_normal)
        self._file = plan.file
        self._range_hz = info.grid.range_hz
        self._tick_hz = info.grid.tick_hz
        self._utc, self._utc_ns = utc, utc_ns
        self._is_trusted = is_trusted
        self._saved_tick: int | None = None
        self._jobs = Jobs("site", "what is known of the site is not kept", _MOST_WAITING)
        if plan.file is not None:
            kept = load_kept_site(plan.file.path)
            if kept is not None and kept.is_of(plan.file, self._range_hz, geometry.n_bins):
                self.watch.levels.begin_with(kept.first, kept.hours)

    @property
    def is_open(self) -> bool:
        """Whether anything has moved."""
        return self.watch.is_open

    @property
    def next_tick(self) -> int:
        """Before that there is nothing to look at."""
        return self.watch.next_tick

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
        self.watch.follow(step_db)

    def pause(self, n_ticks: int) -> None:
        """Let a time pass in which nobody listened."""
        self.watch.pause(n_ticks)

    def finish(self) -> list[Event]:
        """Write what is known, and return the ends of what is going on."""
        if self._saved_tick is not None:
            self._save()
        self._jobs.close(_CLOSE_S)
        return self.watch.finish()

    def retune(self, grid: Grid) -> list[Event]:
        """Forget the site, and return the ends of what was going on."""
        self._tick_hz = grid.tick_hz
        return self.watch.retune(grid)

    def _save(self) -> None:
        levels, file = self.watch.levels, self._file
        is_there = is_near_range(self._range_hz, self.watch.info.grid.range_hz)
        if file is None or levels.first is None or not is_there or not self._is_trusted():
            return
        kept = KeptSite.of(file, self._utc_ns(), self._range_hz, levels)
        self._jobs.add(partial(save_kept_site, file.path, kept))
