"""Which units are believed: a unit that differs from all others for long is outvoted."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.grid_kernels import LOWER_BOUND
from edgespec.twin.detectors.window import Window
from edgespec.twin.options import DetectOptions

__all__ = ["Trust"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: A difference must also be this many scales of the unit's normal residuals.
_SCALES = 5.0

#: A distrusted unit returns below this share of the limit.
_RETURN_SHARE = 0.5

#: Unchanged levels for this many snapshots are no measurement, where they usually change.
_STUCK_SNAPSHOTS = 20

#: A unit whose levels repeat more often than this in training is never called stuck.
_USUAL_REPEATS = 0.05


class Trust:
    """Follows how each unit differs from the median of all units, averaged over snapshots.

    Too much is implausible only while the units together see no source: what a source adds is no
    lie. A source never lowers a level, so too little is, too, if it is most of what a unit should
    hear; less of that may be a transmitter that moved. At most a minority is distrusted: where most
    units differ, it is the twin that is wrong.

    Args:
        options: of the site.
        repeat_share: float64 ``(n_units,)``: how often the levels of each unit usually repeat.
        n_subbands: of the site.
    """

    def __init__(self, options: DetectOptions, repeat_share: FloatArray, n_subbands: int) -> None:
        n_units = len(repeat_share)
        self._limit_db = options.implausible_db
        self._share = 2.0 / (options.averages + 1.0)
        self._may_stick = repeat_share < _USUAL_REPEATS
        self._mean_db = np.zeros((n_units, n_subbands))
        self._last_db = np.full((n_units, n_subbands), np.nan)
        self._n_same = np.zeros(n_units, np.int64)
        self.reasons: dict[int, str] = {}

    def update(
        self,
        level_db: FloatArray,
        window: Window,
        is_occupied: BoolArray,
        is_alarm: bool,
        is_held: BoolArray | None = None,
    ) -> None:
        """Take a snapshot with the levels as reported; ``window.kind`` has the distrusted, too.

        What ``is_held`` was not said anew: it neither sticks nor moves.
        """
        heard = window.is_heard
        if not heard.any():
            return
        self._follow(level_db, window.residual_db, heard, is_alarm)
        self._follow_stuck(level_db, heard if is_held is None else heard & ~is_held)
        limit_db = np.maximum(self._limit_db, _SCALES * window.scale_db)
        excess = np.abs(self._mean_db) / limit_db
        worst = excess.max(axis=1)
        known = np.zeros(len(heard), np.bool_)
        known[list(self.reasons)] = True
        if is_alarm:
            low = (self._mean_db < -limit_db) & is_occupied
            is_low = 2 * low.sum(axis=1) > np.maximum(is_occupied.sum(axis=1), 1)
            suspect = known | is_low
        else:
            suspect = np.where(known, worst > _RETURN_SHARE, worst > 1.0)
        stuck = self._may_stick & (self._n_same >= _STUCK_SNAPSHOTS)
        stuck &= window.kind != LOWER_BOUND
        suspects = np.flatnonzero(suspect | stuck)
        # The worst come first, if not all can be outvoted.
        suspects = suspects[np.argsort(-np.where(stuck, np.inf, worst)[suspects])]
        most = (int(heard.sum()) - 1) // 2
        self.reasons = {
            int(unit): self._reason(int(unit), bool(stuck[unit]), excess[unit])
            for unit in suspects[:most]
        }

    def _follow(
        self, level_db: FloatArray, residual_db: FloatArray, heard: BoolArray, is_alarm: bool
    ) -> None:
        residual_db = np.where(heard[:, None], residual_db, 0.0)
        step = np.where(heard, self._share, 0.0)
        if is_alarm:
            difference_db = np.minimum(residual_db, 0.0)
            # Nothing that is heard beside a source clears or condemns the distrusted.
            step[list(self.reasons)] = 0.0
        else:
            ordered_db = np.sort(residual_db[heard], axis=0)
            difference_db = residual_db - ordered_db[len(ordered_db) // 2]
        self._mean_db += step[:, None] * (difference_db - self._mean_db)

    def _follow_stuck(self, level_db: FloatArray, said: BoolArray) -> None:
        same = (level_db == self._last_db).all(axis=1)
        self._n_same = np.where(said, np.where(same, self._n_same + 1, 0), self._n_same)
        self._last_db[said] = level_db[said]

    def _reason(self, unit: int, is_stuck: bool, excess: FloatArray) -> str:
        if is_stuck:
            return f"its levels have not changed for {int(self._n_same[unit])} snapshots"
        difference_db = float(self._mean_db[unit, int(np.argmax(excess))])
        if difference_db < 0:
            return f"reads {-difference_db:.0f} dB less than expected and no other unit agrees"
        return (
            f"reads {difference_db:.0f} dB more than expected and no other unit agrees: it is "
            "wrong, or a weak source is beside it"
        )
