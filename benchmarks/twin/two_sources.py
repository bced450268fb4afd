"""Two transmitters at once on the campus: every pair of cells against what the receivers read.

An experiment of the benchmark, no part of the product: the powers of two cells of the map and the
noise add up, deviations follow the map's Student's t, weighed as for one transmitter, and the
answer is the pair with the most of the posterior within 300 m of both. A receiver that reads more
or less than these pairs explain, again and again, was changed since the walk: it is taken by what
it is off, which needs no label.
"""

import warnings
from dataclasses import dataclass
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
_NEAR_M = 300.0
#: A receiver that is off by more has changed, as `twin train` says it; found in so many rounds.
_MOVED_DB, _ROUNDS = 6.0, 3


@kernel
def _pairs(power, noise, level, precision, half, evidence):  # type: ignore[no-untyped-def]
    """Write the log likelihood of each two rows of ``power`` ``(n, n_units)``, ``(n, n)``."""
    for i in range(len(power)):
        for j in range(i + 1):
            sum_ = 0.0
            for u in range(len(level)):
                off = level[u] - 10.0 * np.log10(power[i, u] + power[j, u] + noise[u])
                scale = 0.5 * (precision[i, u] + precision[j, u])
                sum_ -= half * np.log(1.0 + off * off * scale) - 0.5 * np.log(scale)
            evidence[i, j] = sum_
            evidence[j, i] = sum_


def two_sources(campus: Campus, walk_map: WalkMap) -> dict[str, Any]:
    """Return how far off both of two transmitters are, and which receivers had changed."""
    cells = _Cells.of(walk_map)
    off_db = np.zeros(walk_map.signal_db.shape[2])
    for _ in range(_ROUNDS):
        pairs = [cells.pair(level_db - off_db) for level_db in campus.two_db]
        read_db = np.array([cells.read_db(pair) for pair in pairs])
        with warnings.catch_warnings():
            # Of receivers that were not on.
            warnings.simplefilter("ignore", RuntimeWarning)
            usual_db = np.nanmedian(campus.two_db - read_db, axis=0)
        is_moved = walk_map.is_known & (np.abs(usual_db) > _MOVED_DB)
        off_db = np.where(is_moved, usual_db, 0.0)
    worst_m, both_m = [], []
    for pair, true_m in zip(pairs, campus.two_m, strict=True):
        found_m = cells.places_m[pair]
        off_m = np.hypot(*(found_m[:, None] - true_m[None, :]).transpose(2, 0, 1))
        straight, crossed = np.diag(off_m), np.diag(off_m[:, ::-1])
        nearer = straight if straight.sum() <= crossed.sum() else crossed
        both_m.append(nearer.mean())
        worst_m.append(nearer.max())
    return {
        "n": len(worst_m),
        "both_within_300_m": round(float(np.mean(np.array(worst_m) <= _NEAR_M)), 3),
        "mean_m_median": round(float(np.median(both_m)), 1),
        "moved_db": {
            campus.site.nodes[unit]: round(float(off_db[unit]), 1)
            for unit in np.flatnonzero(off_db)
        },
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Cells of a map: what each unit reads of a source there, ``(n_cells, n_units)``; ``is_near``
    float32 ``(n_cells, n_cells)``: which are within 300 m of each other."""

    walk_map: WalkMap
    places_m: FloatArray
    signal_db: FloatArray
    error_db: FloatArray
    noise: FloatArray
    is_near: NDArray[np.float32]

    @classmethod
    def of(cls, walk_map: WalkMap) -> "_Cells":
        """Return some of a map's, evenly spread."""
        n_y, n_x, n_units = walk_map.signal_db.shape
        rows, columns = np.divmod(np.arange(n_y * n_x), n_x)
        cells = np.flatnonzero((rows % _STRIDE == 1) & (columns % _STRIDE == 1))
        signal_db = walk_map.signal_db.reshape(-1, n_units)[cells].astype(np.float64)
        error_db = walk_map.error_db.reshape(-1, n_units)[cells].astype(np.float64)
        noise = 10.0 ** (walk_map.floor_db / 10.0)
        places_m = walk_map.places_m[cells]
        off_m = np.hypot(*(places_m[:, None] - places_m[None, :]).transpose(2, 0, 1))
        is_near = (off_m <= _NEAR_M).astype(np.float32)
        return cls(walk_map, places_m, signal_db, error_db, noise, is_near)

    def read_db(self, pair: NDArray[np.int64]) -> FloatArray:
        """Return what units read of two sources in two cells, ``(n_units,)``."""
        power = (10.0 ** (self.signal_db[pair] / 10.0)).sum(axis=0)
        return 10.0 * np.log10(power + self.noise)

    def pair(self, level_db: FloatArray) -> NDArray[np.int64]:
        """Return two cells for what units read, ``(n_units,)``, NaN for nothing."""
        walk_map = self.walk_map
        units = np.flatnonzero(np.isfinite(level_db) & walk_map.is_known)
        n = len(self.places_m)
        evidence = np.empty((n, n))
        _pairs(
            10.0 ** (self.signal_db[:, units] / 10.0),
            self.noise[units],
            level_db[units],
            1.0 / (walk_map.freedom * self.error_db[:, units] ** 2),
            0.5 * (walk_map.freedom + 1.0),
            evidence,
        )
        evidence -= evidence.max()
        posterior = np.exp(walk_map.weight * evidence).astype(np.float32)
        near = self.is_near
        return np.array(np.divmod((near @ posterior @ near).argmax(), n))
