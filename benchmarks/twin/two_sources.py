"""Two transmitters at once on the campus: every pair of cells against what the receivers read.

An experiment of the benchmark, no part of the product: the powers of two cells of the map and the
noise add up, deviations follow the map's Student's t, and the likeliest pair is the answer.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.twin.campus import Campus
from edgespec.jit import kernel
from edgespec.twin.walk.walk_map import WalkMap

__all__ = ["two_sources"]

FloatArray = NDArray[np.float64]

#: Every so many cells of the map in each direction, some 85 m.
_STRIDE = 3
#: A single cell that alone explains more than was read, by this much at two receivers, is out.
_TOO_MUCH_DB, _RECEIVERS = 12.0, 2
#: Pairs of no more cells than this, those that explain most.
_MOST_CELLS = 300
_NEAR_M = 300.0


@kernel
def _best_pair(power, noise, level, precision, half, best):  # type: ignore[no-untyped-def]
    """Write the likeliest pair of rows of ``power`` ``(n, n_units)`` to ``best`` ``(2,)``."""
    top = -np.inf
    for i in range(len(power)):
        for j in range(i + 1):
            sum_ = 0.0
            for u in range(len(level)):
                off = level[u] - 10.0 * np.log10(power[i, u] + power[j, u] + noise[u])
                scale = 0.5 * (precision[i, u] + precision[j, u])
                sum_ -= half * np.log(1.0 + off * off * scale) - 0.5 * np.log(scale)
            if sum_ > top:
                top = sum_
                best[0], best[1] = i, j


def two_sources(campus: Campus, walk_map: WalkMap) -> dict[str, Any]:
    """Return how far off both of two transmitters are, and how often chance does as well."""
    n_y, n_x, n_units = walk_map.signal_db.shape
    rows, columns = np.divmod(np.arange(n_y * n_x), n_x)
    cells = np.flatnonzero((rows % _STRIDE == 1) & (columns % _STRIDE == 1))
    signal_db = walk_map.signal_db.reshape(-1, n_units)[cells].astype(np.float64)
    error_db = walk_map.error_db.reshape(-1, n_units)[cells].astype(np.float64)
    places_m = walk_map.places_m[cells]
    noise = 10.0 ** (walk_map.floor_db / 10.0)
    heard_db = 10.0 * np.log10(10.0 ** (signal_db / 10.0) + noise)
    half = 0.5 * (walk_map.freedom + 1.0)
    worst_m, both_m = [], []
    for level_db, true_m in zip(campus.two_db, campus.two_m, strict=True):
        units = np.flatnonzero(np.isfinite(level_db) & walk_map.is_known)
        level = level_db[units]
        excess_db = heard_db[:, units] - level
        possible = (excess_db > _TOO_MUCH_DB).sum(axis=1) < _RECEIVERS
        # What a pair needs are cells that explain some receiver well.
        order = np.argsort(np.where(possible, -(np.abs(excess_db) < 4.0).sum(axis=1), n_units))
        kept = order[: min(_MOST_CELLS, max(2, int(possible.sum())))]
        best = np.zeros(2, np.int64)
        _best_pair(
            10.0 ** (signal_db[kept][:, units] / 10.0),
            noise[units],
            level,
            1.0 / (walk_map.freedom * error_db[kept][:, units] ** 2),
            half,
            best,
        )
        found_m = places_m[kept[best]]
        off_m = np.hypot(*(found_m[:, None] - true_m[None, :]).transpose(2, 0, 1))
        straight, crossed = np.diag(off_m), np.diag(off_m[:, ::-1])
        pair = straight if straight.sum() <= crossed.sum() else crossed
        both_m.append(pair.mean())
        worst_m.append(pair.max())
    return {
        "n": len(worst_m),
        "both_within_300_m": round(float(np.mean(np.array(worst_m) <= _NEAR_M)), 3),
        "mean_m_median": round(float(np.median(both_m)), 1),
    }
