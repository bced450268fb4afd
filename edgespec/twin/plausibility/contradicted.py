"""Units that the others contradict wherever a source was located: moved, or their gain changed."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.walk.left_out import left_out_db
from edgespec.twin.walk.posterior import Fixer

__all__ = ["Contradicted"]

FloatArray = NDArray[np.float64]

#: Located sources that are remembered, and from how many on a unit is judged.
_REMEMBERED, _FEWEST = 60, 8

#: A source nearer than this to the last one tells nothing new, in cells: shadowing is the same.
_APART_CELLS = 3.0


class Contradicted:
    """Follows what each unit reads above what a fix by all the others expects of it.

    Noise does not show that a unit was moved, since it hears the same noise elsewhere; sources do,
    and nobody need say where they were. One place tells of the map as much as of the unit, so a
    unit is judged by the median over places. At most a minority is contradicted.

    Args:
        fixer: of the map of a walk.
        limit_db: median beyond which a unit is not believed.
    """

    def __init__(self, fixer: Fixer, limit_db: float) -> None:
        self._fixer = fixer
        self._limit_db = limit_db
        self._rows: deque[FloatArray] = deque(maxlen=_REMEMBERED)
        self._last_m = np.full(2, np.inf)
        self.reasons: dict[int, str] = {}

    def update(
        self, place_m: FloatArray, level_db: FloatArray, noise_db: FloatArray | None = None
    ) -> None:
        """Take a located source, and levels and noise ``(n_units,)`` that it was located by."""
        off_m = float(np.hypot(*(place_m - self._last_m)))
        if off_m < _APART_CELLS * self._fixer.cell_m:
            return
        self._last_m = place_m
        self._rows.append(left_out_db(self._fixer, level_db, noise_db))
        rows = np.array(self._rows)
        n_heard = np.isfinite(rows).sum(axis=0)
        judged = np.flatnonzero(n_heard >= _FEWEST)
        medians = {int(unit): float(np.nanmedian(rows[:, unit])) for unit in judged}
        worst = sorted(medians, key=lambda unit: -abs(medians[unit]))
        most = (int((n_heard > 0).sum()) - 1) // 2
        self.reasons = {
            unit: self._reason(medians[unit], int(n_heard[unit]))
            for unit in worst[:most]
            if abs(medians[unit]) > self._limit_db
        }

    @staticmethod
    def _reason(off_db: float, n: int) -> str:
        which = "more" if off_db > 0 else "less"
        return (
            f"reads {abs(off_db):.0f} dB {which} of {n} located sources than the walk taught, and "
            "no other unit agrees: it was moved, or its gain was changed"
        )
