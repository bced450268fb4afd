"""Slow levels of a band that is swept: its shape against the first one, or that of the hour."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgespec.clock import ClockQuality
from edgespec.config import Config
from edgespec.observer.band import BandChain
from edgespec.observer.opening.opening import site_plan
from edgespec.observer.watched_site import WatchedSite
from edgespec.records import Decision, Event, FloatArray, SourceInfo

__all__ = ["DRIFT_FACTOR", "SLOWEST_SWEEP_S", "SweptSite", "watch_site"]

#: Sweeps that are further apart are too few: ten of them are a look at a site, and sixty looks an
#: hour that is known, after five days.
SLOWEST_SWEEP_S = 30.0
#: Fading and a day's traffic move single points of simulated bands by 3.0 to 4.4 dB (6 and 9 drifts
#: in two days of TV and of a GSM1800 downlink): so many times as much as elsewhere is a drift.
DRIFT_FACTOR = 2.0


class SweptSite(WatchedSite):
    """Watches what is left of sweeps less their medians over the bins.

    A receiver whose level drifts then says nothing, as in the scan, and neither does a noise floor
    that rises everywhere: of a sweep alone nobody can tell them apart. Levels in events are those
    of the receiver. It takes what :class:`WatchedSite` takes.
    """

    _level_db = 0.0

    def look(self, decision: Decision, target_dbfs: FloatArray, *, is_alarm: bool) -> list[Event]:
        """Take the target of a decision; see :meth:`SiteWatch.look`."""
        levels_db = np.median(target_dbfs, axis=1, keepdims=True)
        self._level_db = float(levels_db.mean())
        return self._levelled(super().look(decision, target_dbfs - levels_db, is_alarm=is_alarm))

    def follow(self, step_db: float) -> None:
        """Do nothing: a step of the gain is no part of the shape."""

    def usual_dbfs(self) -> NDArray[np.float64] | None:
        """Return the usual level of every bin at this hour, None where it is not known."""
        usual_db = super().usual_dbfs()
        return None if usual_db is None else usual_db + self._level_db

    def finish(self) -> list[Event]:
        """Write what is known, and return the ends of what is going on."""
        return self._levelled(super().finish())

    def _levelled(self, events: list[Event]) -> list[Event]:
        return [replace(event, peak_dbfs=event.peak_dbfs + self._level_db) for event in events]


def watch_site(
    chain: BandChain, config: Config, source: SourceInfo, utc: Callable[[], ClockQuality]
) -> None:
    """Let the chain of the first band watch its slow levels, where it is asked to and can.

    Not where sweeps are more than :data:`SLOWEST_SWEEP_S` apart.
    """
    plan = site_plan(config, source)
    if plan is None or chain.grid.frame_s > SLOWEST_SWEEP_S:
        return
    plan = replace(plan, rules=replace(plan.rules, drift_db=DRIFT_FACTOR * plan.rules.drift_db))
    chain.site = SweptSite(
        plan,
        chain.info,
        chain.geometry,
        time.monotonic_ns,
        utc,
        lambda: not chain.yardstick.distrust,
    )
    if chain.warmup is not None:
        chain.warmup.usual_dbfs = chain.site.usual_dbfs
