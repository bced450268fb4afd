"""Loops over the levels of one snapshot: residuals, their means over several, slow drift."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import kernel
from edgespec.twin.level_kind import LOWER_BOUND, MEASURED, MISSING

__all__ = ["compare", "follow_drift", "keep", "mean_of"]

FloatArray = NDArray[np.float64]
ByteArray = NDArray[np.uint8]

_NEPERS_PER_DB = math.log(10.0) / 10.0


@kernel
def compare(
    level_db: FloatArray,
    kind: ByteArray,
    expected_dbm: FloatArray,
    expected_total_dbm: FloatArray,
    bias_db: FloatArray,
    drift_db: FloatArray,
    residual_db: FloatArray,
    total_db: FloatArray,
) -> float:
    """Write measured - expected - bias, and return the lowest of it that was measured.

    Args:
        level_db: ``(n_units, n_subbands)``, measured.
        kind: ``(n_units,)``.
        expected_dbm: of the shape of the levels.
        expected_total_dbm: ``(n_units,)``: the power expected over all subbands.
        bias_db: of the shape of the levels: what each reads too much, as learnt.
        drift_db: ``(n_units,)``: by how much more, since then.
        residual_db: of the shape of the levels, written.
        total_db: ``(n_units,)``, written: the power over all subbands above what is expected,
            without bias.
    """
    n_units, n_subbands = level_db.shape
    lowest_db = np.inf
    for u in range(n_units):
        power_mw = 0.0
        for k in range(n_subbands):
            value_db = level_db[u, k] - expected_dbm[u, k] - (bias_db[u, k] + drift_db[u])
            residual_db[u, k] = value_db
            power_mw += math.exp(level_db[u, k] * _NEPERS_PER_DB)
            if kind[u] == MEASURED:
                lowest_db = min(lowest_db, value_db)
        total_db[u] = 10.0 * math.log10(power_mw) - expected_total_dbm[u]
    return lowest_db


@kernel
def keep(
    residual_db: FloatArray,
    expected_dbm: FloatArray,
    total_db: FloatArray,
    kind: ByteArray,
    row: FloatArray,
    kinds: ByteArray,
) -> None:
    """Write a snapshot into a row ``(n_units, 2 n_subbands + 1)``; of a missing unit zeros."""
    n_units, n_subbands = residual_db.shape
    for u in range(n_units):
        kinds[u] = kind[u]
        if kind[u] == MISSING:
            row[u] = 0.0
            continue
        for k in range(n_subbands):
            row[u, k] = residual_db[u, k]
            row[u, n_subbands + k] = expected_dbm[u, k]
        row[u, 2 * n_subbands] = total_db[u]


@kernel
def mean_of(
    rows: FloatArray,
    kinds: ByteArray,
    sums: FloatArray,
    residual_db: FloatArray,
    expected_dbm: FloatArray,
    total_db: FloatArray,
    kind: ByteArray,
) -> int:
    """Write the means over the rows of :func:`keep`; return how many units have one.

    A unit that was heard half of the time or more has one; it is a bound if any part of it is one.

    Args:
        rows: ``(n, n_units, 2 n_subbands + 1)``.
        kinds: ``(n, n_units)``.
        sums: ``(2 n_subbands + 1,)``, work space.
        residual_db: ``(n_units, n_subbands)``, written.
        expected_dbm: of that shape, written.
        total_db: ``(n_units,)``, written.
        kind: ``(n_units,)``, written.
    """
    n, n_units = kinds.shape
    n_subbands = residual_db.shape[1]
    n_means = 0
    for u in range(n_units):
        n_heard, is_bound = 0, False
        sums[:] = 0.0
        for i in range(n):
            n_heard += kinds[i, u] != MISSING
            is_bound |= kinds[i, u] == LOWER_BOUND
            sums += rows[i, u]
        per_heard = 1.0 / max(n_heard, 1)
        for k in range(n_subbands):
            residual_db[u, k] = sums[k] * per_heard
            expected_dbm[u, k] = sums[n_subbands + k] * per_heard
        total_db[u] = sums[2 * n_subbands] * per_heard
        kind[u] = MISSING
        if 2 * n_heard >= n:
            kind[u] = LOWER_BOUND if is_bound else MEASURED
            n_means += 1
    return n_means


@kernel
def follow_drift(
    residual_db: FloatArray,
    kind: ByteArray,
    gain: float,
    most_db: float,
    step_db: float,
    bound_db: float,
    drift_db: FloatArray,
) -> None:
    """Move the drift ``(n_units,)`` towards the mean of the residuals ``(n_units, n_subbands)``.

    Each counts within ``most_db``, ``gain`` of it is followed, by at most ``step_db``, and nothing
    goes beyond ``bound_db``.
    """
    n_units, n_subbands = residual_db.shape
    for u in range(n_units):
        if kind[u] != MEASURED:
            continue
        total_db = 0.0
        for k in range(n_subbands):
            total_db += min(max(residual_db[u, k], -most_db), most_db)
        wanted_db = gain * total_db / n_subbands
        moved_db = drift_db[u] + min(max(wanted_db, -step_db), step_db)
        drift_db[u] = min(max(moved_db, -bound_db), bound_db)
