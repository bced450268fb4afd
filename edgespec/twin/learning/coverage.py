"""How far off path gains must be said to be, so that 90% regions hold 90% of what is in them."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.walk.posterior import LEVEL

__all__ = ["LARGEST_DB", "error_that_holds"]

FloatArray = NDArray[np.float64]

#: Errors that are compared, in dB; a site file may not say more than the largest.
_ERRORS_DB = (1.0, 1.5, 2.0, 3.0, 4.5, 6.5, 9.0, 12.0, 16.0, 20.0)
LARGEST_DB = _ERRORS_DB[-1]

#: Degrees of freedom of the deviations.
_FREEDOM = 7.0


def error_that_holds(heard_db: FloatArray, cells: NDArray[np.int64], gain_db: FloatArray) -> float:
    """Return the least error of path gains at which enough sources lie in their 90% regions.

    Errors of one place and of neighbouring units are not independent, so a likelihood with the
    errors' own deviation is too sure of itself; that of a walk is weighed for the same reason
    (:mod:`edgespec.twin.walk.learn`). Each source, of unknown power, is located by Student's t over
    the cells.

    Args:
        heard_db: float64 ``(n, n_units)``, what arrived of each source, up to its power; NaN where
            it was not heard.
        cells: int64 ``(n,)``, where each truly was.
        gain_db: float64 ``(n_cells, n_units)``, the path gains that are believed.

    Returns:
        dB; the largest that is compared where none is enough.
    """
    is_held = np.zeros((len(_ERRORS_DB), len(cells)), np.bool_)
    for row, cell in enumerate(cells):
        known = np.isfinite(heard_db[row])
        off_db = heard_db[row, known] - gain_db[:, known]
        off_db -= np.median(off_db, axis=1, keepdims=True)
        squares = off_db * off_db
        for index, error_db in enumerate(_ERRORS_DB):
            logs = np.log1p(squares / (_FREEDOM * error_db**2)).sum(axis=1)
            weights = np.exp(-0.5 * (_FREEDOM + 1.0) * (logs - logs.min()))
            likelier = weights[weights > weights[cell]].sum()
            is_held[index, row] = likelier < LEVEL * weights.sum()
    enough = np.flatnonzero(is_held.mean(axis=1) >= LEVEL)
    return _ERRORS_DB[int(enough[0])] if enough.size else LARGEST_DB
