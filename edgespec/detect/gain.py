"""A step of the receiver's gain: everything, the noise floor too, moves alike at one instant."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from edgespec.detect.normal import NormalMap
from edgespec.records import FloatArray

__all__ = ["GainWatch", "NoiseSays", "gain_step_db"]

#: The noise floor is the lowest tenth of the bins.
FLOOR_SHARE = 0.1
#: Smallest step that is told, in dB and in spreads of the floor.
SMALLEST_DB, SMALLEST_SIGMAS = 1.5, 5.0
#: Some bins must stand so far above the floor: without a signal, more gain is not told from
#: noise over the whole band.
SIGNAL_DB, SIGNAL_BINS = 6.0, 3
#: With the step taken away the band must be as normal: RMS and largest distance in spreads.
RMS_SIGMAS, MOST_SIGMAS = 1.6, 6.0
#: The floor has moved with the rest if it is off by less, in its own spreads.
FLOOR_SIGMAS = 4.0
#: Two horizons agree on a step within so much.
SAME_DB = 0.5


@dataclass(frozen=True, slots=True)
class NoiseSays:
    """What the noise beside a cell says: by how many dB the gain has moved, mostly 0.

    ``may_be`` is whether it may have moved, which is soon known.
    """

    step_db: float
    may_be: bool


def gain_step_db(normal: NormalMap, target_dbfs: FloatArray) -> float | None:
    """Return by how many dB the gain has moved, or None if it is not that which has moved.

    Args:
        normal: power map of the site, before the step.
        target_dbfs: ``(n_horizon, n_bins)``.
    """
    if not normal.is_known:
        return None
    normal.settle()
    mean_db = normal.mean_db
    floor = mean_db <= np.quantile(mean_db, FLOOR_SHARE)
    floor_dbfs = float(np.median(mean_db[floor]))
    if np.sort(mean_db)[-min(SIGNAL_BINS, len(mean_db))] < floor_dbfs + SIGNAL_DB:
        return None
    row_db = target_dbfs.mean(axis=0) - mean_db
    # Each bin by how well it knows: in traffic that is the floor, beside a carrier the carrier.
    weight = normal.own_spread_db**-2.0
    step_db = float(np.dot(row_db, weight) / weight.sum())
    step_spread_db = float(weight.sum() ** -0.5)
    if abs(step_db) < max(SMALLEST_DB, SMALLEST_SIGMAS * step_spread_db):
        return None
    left_db = row_db - step_db
    floor_spread_db = float(np.median(normal.own_spread_db[floor])) / 2.0
    if abs(float(np.median(left_db[floor]))) > max(SAME_DB, FLOOR_SIGMAS * floor_spread_db):
        return None
    distance = left_db / normal.own_spread_db
    # A step of 3 dB moves a quantised floor a little less.
    distance[np.abs(left_db) < SAME_DB] = 0.0
    is_normal = np.sqrt(np.mean(distance**2)) <= RMS_SIGMAS and np.abs(distance).max() <= (
        MOST_SIGMAS
    )
    return step_db if is_normal and normal.has_usual_shape(row_db) else None


class GainWatch:
    """Waits until a step stays what it is: the horizon that it falls into has only a part of it.

    Args:
        n_most: horizons with different steps after which it is no step.
    """

    def __init__(self, n_most: int = 6) -> None:
        self._n_most = n_most
        self._seen: deque[float] = deque(maxlen=n_most + 1)

    @property
    def is_waiting(self) -> bool:
        """Whether what is seen may be a step of the gain."""
        return 0 < len(self._seen) <= self._n_most

    def clear(self) -> None:
        """Forget what was seen."""
        self._seen.clear()

    def see(self, step_db: float | None) -> float | None:
        """Take what :func:`gain_step_db` says of a horizon; return a step that is certain."""
        if step_db is None:
            self._seen.clear()
            return None
        before_db = self._seen[-1] if self._seen else None
        self._seen.append(step_db)
        if before_db is None or abs(step_db - before_db) > SAME_DB:
            return None
        self._seen.clear()
        return (before_db + step_db) / 2.0
