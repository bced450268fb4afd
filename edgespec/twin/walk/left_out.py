"""Units that others contradict: what each reads above what a fix by the others says."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.walk.posterior import Fixer

__all__ = ["left_out_db"]

FloatArray = NDArray[np.float64]


def left_out_db(
    fixer: Fixer, level_db: FloatArray, noise_db: FloatArray | None = None
) -> FloatArray:
    """Return for each unit its level minus the one that a fix by all others expects of it.

    Args:
        fixer: of a map.
        level_db: float64 ``(n_units,)`` as measured; NaN where a unit was not heard.
        noise_db: of that shape, what else it hears; the noise of the walk unless given.

    Returns:
        float64 ``(n_units,)`` in dB; NaN where it was not heard, is not known, or is alone.
    """
    found = np.full(len(level_db), np.nan)
    heard = np.flatnonzero(np.isfinite(level_db) & fixer.is_known)
    if len(heard) < 2:
        return found
    for unit in heard:
        others = level_db.copy()
        others[unit] = np.nan
        noise = None if noise_db is None else float(noise_db[unit])
        fix = fixer.fix(others, noise_db)
        found[unit] = level_db[unit] - fixer.expected_db(fix, int(unit), noise)
    return found
