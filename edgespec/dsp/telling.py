"""Which seconds of received power are told: all of them, or those that say something new."""

import math
from dataclasses import replace

from edgespec.records import RssReport
from edgespec.units import db_from_ratio, ratio_from_db

__all__ = ["Telling"]

_NS = 1_000_000_000
#: The mean that follows the levels slowly (some five seconds) speaks at a third of the step: it
#: varies by a third as much as they do.
_SHARE = 0.2
_SLOW_STEP = 1.0 / 3.0


class Telling:
    """Lets through what a central unit does not know yet: reports by exception.

    A report says until when it holds (``hold_s``); the central unit takes the levels for unchanged
    until then. A second is told

    - at once, as it is, where a level differs from the last told by more than ``step_db``, or
      where clipping begins or ends;
    - as a mean over some seconds, where that mean differs by more than a third of ``step_db``:
      a weak source shows in means first;
    - ``every_s`` after the last, as the mean over the seconds since then.

    So what was told is never off by more than a step for longer than a second, nor by a third of
    it for longer than some ten. With ``every_s`` of 1 or less every second is told, and holds for
    no longer.

    Args:
        every_s: longest time between two reports, in seconds.
        step_db: change of a level that is told at once.
    """

    def __init__(self, every_s: float, step_db: float) -> None:
        self._every_s = every_s
        self._step_db = step_db
        self._told: RssReport | None = None
        self._slow_db: list[float] = []
        self._since: list[RssReport] = []
        self.n_told = 0

    def take(self, report: RssReport) -> RssReport | None:
        """Return what is told of a second; None where nothing is. ``sequence`` counts the told."""
        if self._every_s <= 1.0:
            return self._say(report, 0.0)
        told = self._told
        if told is None or told.edges_hz != report.edges_hz or _clips(told) != _clips(report):
            return self._begin(report)
        apart_db = _apart_db(report.levels_db, told.levels_db)
        if apart_db > self._step_db:
            return self._begin(report)
        self._since.append(report)
        self._slow_db = [
            slow + _SHARE * (level - slow)
            for slow, level in zip(self._slow_db, report.levels_db, strict=True)
        ]
        if _apart_db(self._slow_db, told.levels_db) > _SLOW_STEP * self._step_db:
            return self._tell(self._since[-round(1.0 / _SHARE) :])
        # Seconds end where blocks of samples do: half of one early is in time.
        if report.utc_ns - told.utc_ns >= (self._every_s - 0.5) * _NS:
            return self._tell(self._since)
        return None

    def _begin(self, report: RssReport) -> RssReport:
        """Tell a second as it is: means go on from it."""
        self._slow_db = list(report.levels_db)
        self._since.clear()
        self._told = self._say(report, self._every_s)
        return self._told

    def _tell(self, seconds: list[RssReport]) -> RssReport:
        """Tell the mean over some seconds."""
        self._told = self._say(mean_of(seconds), self._every_s)
        self._since.clear()
        return self._told

    def _say(self, report: RssReport, hold_s: float) -> RssReport:
        self.n_told += 1
        return replace(report, hold_s=hold_s, sequence=self.n_told)


def mean_of(seconds: list[RssReport]) -> RssReport:
    """Return the mean power over successive reports, by their frames, as one that ends at the last.

    Its length is the sum of theirs.
    """
    if len(seconds) == 1:
        return seconds[0]
    n_frames = sum(one.n_frames for one in seconds)
    weights = [one.n_frames / n_frames for one in seconds]
    levels_db = [
        round(
            db_from_ratio(
                math.fsum(
                    weight * ratio_from_db(level)
                    for weight, level in zip(weights, levels, strict=True)
                )
            ),
            3,
        )
        for levels in zip(*(one.levels_db for one in seconds), strict=True)
    ]
    clipped = math.fsum(
        weight * one.clipped_share for weight, one in zip(weights, seconds, strict=True)
    )
    return replace(
        seconds[-1],
        duration_s=round(math.fsum(one.duration_s for one in seconds), 6),
        levels_db=tuple(levels_db),
        clipped_share=round(clipped, 6),
        n_frames=n_frames,
    )


def _clips(report: RssReport) -> bool:
    return report.clipped_share > 0.0


def _apart_db(levels_db: "list[float] | tuple[float, ...]", told_db: tuple[float, ...]) -> float:
    """Return by how much the farthest level differs."""
    return max(abs(level - told) for level, told in zip(levels_db, told_db, strict=True))
