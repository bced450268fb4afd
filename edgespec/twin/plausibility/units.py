"""Which units are believed: a unit that differs from all others for long is outvoted."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.window import Window
from edgespec.twin.level_kind import MISSING
from edgespec.twin.options import DetectOptions
from edgespec.twin.plausibility.kernels import SCALES, follow_units

__all__ = ["Trust"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

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
        self._is_known = np.zeros(n_units, np.bool_)
        self._rank = np.zeros(n_units)
        self._unheld = np.zeros(n_units, np.bool_)
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
        n_suspect = follow_units(
            level_db,
            window.residual_db,
            window.scale_db,
            window.kind,
            self._unheld if is_held is None else is_held,
            is_occupied,
            self._is_known,
            self._may_stick,
            is_alarm,
            self._share,
            self._limit_db,
            self._mean_db,
            self._last_db,
            self._n_same,
            self._rank,
        )
        if n_suspect or self.reasons:
            self._distrust(window)

    def _distrust(self, window: Window) -> None:
        """Leave out the units that differ too much, as many as can be outvoted."""
        n_heard = int((window.kind != MISSING).sum())
        if not n_heard:
            return
        suspects = np.flatnonzero(self._rank >= 0.0)
        # The worst come first, if not all can be outvoted.
        suspects = suspects[np.argsort(-self._rank[suspects], kind="stable")]
        most = (n_heard - 1) // 2
        self.reasons = {
            int(unit): self._reason(int(unit), window.scale_db[unit]) for unit in suspects[:most]
        }
        self._is_known[:] = False
        self._is_known[list(self.reasons)] = True

    def _reason(self, unit: int, scale_db: FloatArray) -> str:
        if np.isinf(self._rank[unit]):
            return f"its levels have not changed for {int(self._n_same[unit])} snapshots"
        excess = np.abs(self._mean_db[unit]) / np.maximum(self._limit_db, SCALES * scale_db)
        difference_db = float(self._mean_db[unit, int(np.argmax(excess))])
        if difference_db < 0:
            return f"reads {-difference_db:.0f} dB less than expected and no other unit agrees"
        return (
            f"reads {difference_db:.0f} dB more than expected and no other unit agrees: it is "
            "wrong, or a weak source is beside it"
        )
