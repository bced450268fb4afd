"""Two transmitters at once on the campus: every pair of cells against what the receivers read.

An experiment of the benchmark, no part of the product: the powers of two cells of the map and the
noise add up, deviations follow the map's Student's t, weighed as for one transmitter, and the
answer is the pair with the most of the posterior within 300 m of both. A receiver that reads more
or less than these pairs explain, again and again, was changed since the walk: it is taken by what
it is off, which needs no label. Each reading is taken by itself here;
:mod:`benchmarks.twin.two_followed` follows them.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.twin.campus import Campus
from edgespec.jit import kernel
from edgespec.twin.walk.walk_map import WalkMap

__all__ = [
    "NEAR_M",
    "Cells",
    "Evidence",
    "FoundPairs",
    "errors_m",
    "found_pairs",
    "share_near",
    "two_sources",
]

FloatArray = NDArray[np.float64]
Evidence = NDArray[np.float32]
Choose = Callable[[Evidence], tuple[int, int]]

#: Every so many cells of the map in each direction, some 85 m.
_STRIDE = 3
NEAR_M = 300.0
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
    cells = Cells.of(walk_map)
    found = found_pairs(cells, campus.two_db, lambda: cells.likeliest)
    off_m = errors_m(found.places_m, campus.two_m)
    return {
        "n": len(off_m),
        "both_within_300_m": round(share_near(off_m), 3),
        "mean_m_median": round(float(np.median(off_m.mean(axis=1))), 1),
        "moved_db": {
            campus.site.nodes[unit]: round(float(found.off_db[unit]), 1)
            for unit in np.flatnonzero(found.off_db)
        },
    }


@dataclass(frozen=True, slots=True, eq=False)
class FoundPairs:
    """``places_m`` ``(n, 2, 2)`` of both, for each reading; ``off_db`` ``(n_units,)`` by which
    receivers had changed, 0 for the others."""

    places_m: FloatArray
    off_db: FloatArray


def found_pairs(cells: "Cells", levels_db: FloatArray, begin: Callable[[], Choose]) -> FoundPairs:
    """Return the pairs that are chosen for readings ``(n, n_units)``, in their order.

    ``begin`` returns who chooses, given the log likelihood of each pair. What a receiver is off
    from the chosen pairs in the median, if that is much, is taken from it, and all begins anew.
    """
    walk_map = cells.walk_map
    off_db = np.zeros(walk_map.signal_db.shape[2])
    for _ in range(_ROUNDS):
        choose = begin()
        pairs = [choose(cells.evidence(level_db - off_db)) for level_db in levels_db]
        read_db = np.array([cells.read_db(pair) for pair in pairs])
        with warnings.catch_warnings():
            # Of receivers that were not on.
            warnings.simplefilter("ignore", RuntimeWarning)
            usual_db = np.nanmedian(levels_db - read_db, axis=0)
        is_moved = walk_map.is_known & (np.abs(usual_db) > _MOVED_DB)
        before_db, off_db = off_db, np.where(is_moved, usual_db, 0.0)
        if np.array_equal(before_db, off_db):
            break
    return FoundPairs(cells.places_m[np.array(pairs)], off_db)


def errors_m(found_m: FloatArray, true_m: FloatArray) -> FloatArray:
    """Return how far off each of the two is, ``(n, 2)``, the nearer way round."""
    straight = np.hypot(*np.moveaxis(found_m - true_m, -1, 0))
    crossed = np.hypot(*np.moveaxis(found_m[:, ::-1] - true_m, -1, 0))
    is_crossed = crossed.sum(axis=1) < straight.sum(axis=1)
    return np.asarray(np.where(is_crossed[:, None], crossed, straight))


def share_near(off_m: FloatArray) -> float:
    """Return the share of readings with both within 300 m."""
    return float(np.mean(off_m.max(axis=1) <= NEAR_M))


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells of a map in ``shape``, row by row: what each unit reads of a source there,
    ``(n_cells, n_units)``; ``near``: which are within 300 m of each other."""

    walk_map: WalkMap
    shape: tuple[int, int]
    side_m: float
    places_m: FloatArray
    signal_db: FloatArray
    error_db: FloatArray
    noise: FloatArray
    near: sparse.csr_matrix

    @classmethod
    def of(cls, walk_map: WalkMap) -> "Cells":
        """Return some of a map's, evenly spread."""
        n_y, n_x, n_units = walk_map.signal_db.shape
        rows, columns = np.divmod(np.arange(n_y * n_x), n_x)
        cells = np.flatnonzero((rows % _STRIDE == 1) & (columns % _STRIDE == 1))
        signal_db = walk_map.signal_db.reshape(-1, n_units)[cells].astype(np.float64)
        error_db = walk_map.error_db.reshape(-1, n_units)[cells].astype(np.float64)
        places_m = walk_map.places_m[cells]
        off_m = np.hypot(*(places_m[:, None] - places_m[None, :]).transpose(2, 0, 1))
        return cls(
            walk_map,
            (len(np.unique(rows[cells])), len(np.unique(columns[cells]))),
            _STRIDE * walk_map.cell_m,
            places_m,
            signal_db,
            error_db,
            10.0 ** (walk_map.floor_db / 10.0),
            sparse.csr_matrix((off_m <= NEAR_M).astype(np.float32)),
        )

    def read_db(self, pair: tuple[int, int]) -> FloatArray:
        """Return what units read of two sources in two cells, ``(n_units,)``."""
        power = (10.0 ** (self.signal_db[list(pair)] / 10.0)).sum(axis=0)
        return np.asarray(10.0 * np.log10(power + self.noise))

    def evidence(self, level_db: FloatArray) -> Evidence:
        """Return the log likelihood of each pair, ``(n_cells, n_cells)``, 0 at most.

        ``level_db`` ``(n_units,)`` is what units read, NaN for nothing.
        """
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
        return np.asarray(evidence - evidence.max(), np.float32)

    def likeliest(self, evidence: Evidence) -> tuple[int, int]:
        """Return the pair of a reading by itself, by its :meth:`evidence`."""
        return self.pair_of(np.exp(np.float32(self.walk_map.weight) * evidence))

    def pair_of(self, posterior: Evidence) -> tuple[int, int]:
        """Return the pair with the most of a posterior ``(n_cells, n_cells)`` near both."""
        nearby = self.near @ (self.near @ posterior).T
        first, second = np.divmod(nearby.argmax(), len(self.places_m))
        return int(first), int(second)
