"""Loops that follow, snapshot by snapshot, how each unit differs from all others."""

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import kernel
from edgespec.twin.level_kind import LOWER_BOUND, MISSING

__all__ = ["RETURN_SHARE", "SCALES", "STUCK_SNAPSHOTS", "follow_units"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: A difference must also be this many scales of the unit's normal residuals.
SCALES = 5.0

#: A distrusted unit returns below this share of the limit.
RETURN_SHARE = 0.5

#: Unchanged levels for this many snapshots are no measurement, where they usually change.
STUCK_SNAPSHOTS = 20


@kernel
def follow_units(
    level_db: FloatArray,
    residual_db: FloatArray,
    scale_db: FloatArray,
    kind: NDArray[np.uint8],
    is_held: BoolArray,
    is_occupied: BoolArray,
    is_known: BoolArray,
    may_stick: BoolArray,
    is_alarm: bool,
    share: float,
    least_db: float,
    mean_db: FloatArray,
    last_db: FloatArray,
    n_same: NDArray[np.int64],
    rank: FloatArray,
) -> int:
    """Take a snapshot, and return how many units are suspect.

    Args:
        level_db: ``(n_units, n_subbands)``, as reported.
        residual_db: of that shape.
        scale_db: of that shape: usual scale of the residuals.
        kind: ``(n_units,)``.
        is_held: ``(n_units,)``: what was not said anew neither sticks nor moves.
        is_occupied: ``(n_units, n_subbands)``: where transmitters give more power than noise.
        is_known: ``(n_units,)``: distrusted so far.
        may_stick: ``(n_units,)``: units whose levels usually change.
        is_alarm: whether the units together see a source.
        share: of a snapshot in the mean.
        least_db: no smaller difference is too much.
        mean_db: ``(n_units, n_subbands)``, followed: the difference from the median of all units,
            of an alarm only what is below zero, and nothing of the distrusted.
        last_db: of that shape, followed: levels that were said last.
        n_same: ``(n_units,)``, followed: how often they were said again.
        rank: ``(n_units,)``, written: the largest difference as a multiple of its limit; infinite
            where the levels stick, -1 where a unit is not suspect.
    """
    n_units, n_subbands = level_db.shape
    ordered_db = np.empty(n_units)
    for k in range(n_subbands):
        n_heard = 0
        for u in range(n_units):
            if kind[u] != MISSING:
                ordered_db[n_heard] = residual_db[u, k]
                n_heard += 1
        if n_heard == 0:
            rank[:] = -1.0
            return 0
        median_db = 0.0
        if not is_alarm:
            ordered_db[:n_heard].sort()
            median_db = ordered_db[n_heard // 2]
        for u in range(n_units):
            if kind[u] == MISSING or (is_alarm and is_known[u]):
                continue
            difference_db = residual_db[u, k] - median_db
            if is_alarm:
                difference_db = min(difference_db, 0.0)
            mean_db[u, k] += share * (difference_db - mean_db[u, k])
    n_suspect = 0
    for u in range(n_units):
        if kind[u] != MISSING and not is_held[u]:
            is_same = True
            for k in range(n_subbands):
                is_same &= level_db[u, k] == last_db[u, k]
                last_db[u, k] = level_db[u, k]
            n_same[u] = n_same[u] + 1 if is_same else 0
        worst, n_low, n_occupied = 0.0, 0, 0
        for k in range(n_subbands):
            limit_db = max(least_db, SCALES * scale_db[u, k])
            worst = max(worst, abs(mean_db[u, k]) / limit_db)
            n_low += is_occupied[u, k] and mean_db[u, k] < -limit_db
            n_occupied += is_occupied[u, k]
        if is_alarm:
            is_suspect = is_known[u] or 2 * n_low > max(n_occupied, 1)
        else:
            is_suspect = worst > (RETURN_SHARE if is_known[u] else 1.0)
        is_stuck = may_stick[u] and n_same[u] >= STUCK_SNAPSHOTS and kind[u] != LOWER_BOUND
        rank[u] = np.inf if is_stuck else worst if is_suspect else -1.0
        n_suspect += is_stuck or is_suspect
    return n_suspect
