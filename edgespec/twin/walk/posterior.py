"""Where a transmitter is by a map that a walk taught: the posterior over its cells."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.walk.kernels import N_OFFSETS, cell_evidence
from edgespec.twin.walk.walk_map import WalkMap

__all__ = ["LEVEL", "Fix", "Fixer", "n_held"]

FloatArray = NDArray[np.float64]

#: Share of the posterior that a region holds.
LEVEL = 0.9

#: Offsets are tried to so many deviations, evenly.
_REACH = 7.0 / 3.0

#: Of each square of so many cells one is looked at first.
_STRIDE = 3
#: Squares with less evidence than the best by this are left out, in nats: one in 3000.
_LEAST_NATS = 8.0

#: Degrees of freedom of what trees say, and its scale, of their median error.
_TREE_FREEDOM, _TREE_SCALE = 3.0, 1.75

#: A signal so far below the noise is as good as none, in dB.
_LEAST_SIGNAL_DB = -10.0

#: Cells with less of the posterior than the best by this do not move the median.
_NO_WEIGHT = 1e-4
#: Steps of Weiszfeld's algorithm, how small a step ends it, and how near a cell counts as far.
_MOST_STEPS, _LAST_STEP, _NEAREST = 20, 0.02, 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Fix:
    """A place and how sure it is.

    ``place_m`` ``(2,)``: geometric median of the posterior, which has the least mean distance;
    ``offset_db``: by how much all levels were higher than the map's, for the likeliest cell;
    ``sigma_m``: RMS distance from the place; ``area_m2`` of the smallest region that holds 90%.
    ``cells`` int64 are the rows of the map's cells with a part of the posterior, ``weights``
    float64 that part, highest first, and the first ``n_region`` of them are the region.
    """

    place_m: FloatArray
    offset_db: float
    sigma_m: float
    area_m2: float
    cells: NDArray[np.int64]
    weights: FloatArray
    n_region: int


class Fixer:
    """Finds places by one map; not for several threads at once.

    Deviations of levels follow Student's t with the scale of the map; an offset that all units
    share follows a normal law: how far the power of a source is from that of the walk. What the
    trees of a map say is one more measurement with heavy tails.

    Args:
        walk_map: of training.
        power_error_db: deviation of the offset, above 0.
        weight: of the likelihood; that of the map unless given.
        power_dbm: of the transmitter of the walk.

    Attributes:
        is_known: bool ``(n_units,)``: which units the map knows.
        cell_m: side of its cells.
    """

    def __init__(
        self,
        walk_map: WalkMap,
        power_error_db: float,
        weight: float | None = None,
        power_dbm: float = 0.0,
    ) -> None:
        self.is_known = walk_map.is_known
        self.cell_m = walk_map.cell_m
        self.power_dbm = power_dbm
        n_units = len(walk_map.nodes)
        self._map = walk_map
        self._weight = walk_map.weight if weight is None else weight
        self._signal_db = np.ascontiguousarray(walk_map.signal_db.reshape(-1, n_units))
        scale_db = walk_map.error_db.reshape(-1, n_units)
        self._precision = (1.0 / (walk_map.freedom * scale_db**2)).astype(np.float32)
        self._log_scale = np.log(scale_db).astype(np.float32)
        self._noise_db = walk_map.floor_db.astype(np.float32)
        self._power = 0.5 * (walk_map.freedom + 1.0)
        steps = np.linspace(-_REACH, _REACH, N_OFFSETS)
        self._offset_db = (steps * power_error_db).astype(np.float32)
        prior = np.exp(-0.5 * steps**2)
        self._prior = np.log(prior / prior.sum())
        self._places_m = walk_map.places_m
        n_y, n_x = walk_map.signal_db.shape[:2]
        rows, columns = np.divmod(np.arange(n_y * n_x), n_x)
        self._parent = self._first_of(rows, n_y) * n_x + self._first_of(columns, n_x)
        self._first = np.unique(self._parent)
        self._evidence = np.empty(n_y * n_x)
        self._product = np.empty(N_OFFSETS)

    @staticmethod
    def _first_of(index: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        """Return the row or column of each square that is looked at first."""
        return np.minimum(index // _STRIDE * _STRIDE, n - 1)

    def fix(self, level_db: FloatArray, noise_db: FloatArray | None = None) -> Fix:
        """Return where a transmitter is.

        Args:
            level_db: float64 ``(n_units,)`` as measured; NaN where a unit was not heard.
            noise_db: of that shape, what else it hears; the noise of the walk unless given.

        Raises:
            ValueError: no unit that the map knows was heard.
        """
        heard = np.flatnonzero(np.isfinite(level_db) & self.is_known)
        if not heard.size:
            raise ValueError("no unit that the map knows was heard")
        noise = self._noise_db if noise_db is None else noise_db.astype(np.float32)
        level = np.nan_to_num(level_db).astype(np.float32)
        best = self._look(heard, level, noise, self._first)
        near = self._evidence[self._parent] > best - _LEAST_NATS
        cells = np.flatnonzero(near)
        self._look(heard, level, noise, cells)
        evidence = self._evidence[cells]
        # What the loop leaves of the offsets is that of the last cell it looked at.
        self._look(heard, level, noise, cells[np.argmax(evidence)][None])
        share = np.exp(self._product - self._product.max())
        offset_db = float(share @ self._offset_db / share.sum())
        trees = self._map.trees
        if trees is not None and self._map.tree_error_m is not None and trees.knows(level_db):
            usual_db = self._as_at_the_walk(level_db, noise, offset_db)
            off_m = self._places_m[cells] - trees.find_m(usual_db)
            scale2 = _TREE_FREEDOM * (_TREE_SCALE * self._map.tree_error_m) ** 2
            far = np.log1p((off_m * off_m).sum(axis=1) / scale2)
            # Student's t in the plane.
            evidence = evidence - 0.5 * (_TREE_FREEDOM + 2.0) * far
        return replace(self.fix_of(cells, evidence), offset_db=offset_db)

    def _as_at_the_walk(
        self, level_db: FloatArray, noise_db: NDArray[np.float32], offset_db: float
    ) -> FloatArray:
        """Return levels as if the source had the power of the walk's, over the walk's noise."""
        ratio = 10.0 ** ((level_db - noise_db) / 10.0) - 1.0
        least = 10.0 ** (_LEAST_SIGNAL_DB / 10.0)
        signal_db = noise_db + 10.0 * np.log10(np.maximum(ratio, least)) - offset_db
        power = 10.0 ** (signal_db / 10.0) + 10.0 ** (self._map.floor_db / 10.0)
        return np.asarray(10.0 * np.log10(power))

    def expected_db(self, fix: Fix, unit: int, noise_db: float | None = None) -> float:
        """Return what a unit should read of a source that was located: the mean over its fix."""
        noise = float(self._noise_db[unit]) if noise_db is None else noise_db
        signal = 10.0 ** ((self._signal_db[fix.cells, unit] + fix.offset_db) / 10.0)
        heard_db = 10.0 * np.log10(signal + 10.0 ** (noise / 10.0))
        return float(fix.weights @ heard_db)

    def _look(
        self,
        heard: NDArray[np.int64],
        level_db: NDArray[np.float32],
        noise_db: NDArray[np.float32],
        cells: NDArray[np.int64],
    ) -> float:
        return cell_evidence(
            heard,
            level_db,
            noise_db,
            self._signal_db,
            self._precision,
            self._log_scale,
            self._offset_db,
            self._prior,
            self._power,
            self._weight,
            cells,
            self._product,
            self._evidence,
        )

    def fix_of(self, cells: NDArray[np.int64], evidence: FloatArray) -> Fix:
        """Return the fix of a posterior, ``offset_db`` left at 0.

        Args:
            cells: int64 ``(n,)``: rows of the map's cells; the others have no part of it.
            evidence: float64 ``(n,)``: its logarithm in these, in nats, up to a constant.
        """
        order = np.argsort(-evidence)
        cells = cells[order]
        weights = np.exp(evidence[order] - evidence[order[0]])
        weights /= weights.sum()
        n_region = n_held(weights)
        places_m = self._places_m[cells]
        cell_m = self._map.cell_m
        n_near = int(np.count_nonzero(weights > _NO_WEIGHT * weights[0]))
        middle_m = _geometric_median(places_m[:n_near], weights[:n_near], cell_m)
        spread_m2 = weights @ ((places_m - middle_m) ** 2).sum(axis=1)
        return Fix(
            middle_m,
            0.0,
            # Within a cell the place is uniform.
            float(np.sqrt(spread_m2 + cell_m**2 / 6.0)),
            n_region * cell_m**2,
            cells,
            weights,
            n_region,
        )


def n_held(weights: FloatArray) -> int:
    """Return how many cells hold :data:`LEVEL` of a posterior ``(n,)``, its highest parts first."""
    return int(np.searchsorted(np.cumsum(weights), LEVEL)) + 1


def _geometric_median(places_m: FloatArray, weights: FloatArray, cell_m: float) -> FloatArray:
    """Return the place with the least mean distance, by Weiszfeld's algorithm.

    Nearer than a fifth of a cell counts as that, for a weight is spread over its cell.
    """
    middle_m = (weights @ places_m) / weights.sum()
    for _ in range(_MOST_STEPS):
        off_m = places_m - middle_m
        pull = weights / np.sqrt((off_m * off_m).sum(axis=1) + (_NEAREST * cell_m) ** 2)
        next_m = (pull @ places_m) / pull.sum()
        step_m = float(np.abs(next_m - middle_m).max())
        middle_m = next_m
        if step_m < _LAST_STEP * cell_m:
            break
    return np.asarray(middle_m)
