"""Where a transmitter is by levels alone: extremely randomised trees, grown on a walk.

The trees know what the walk looks like where no formula does, and nothing of where it never went;
so they are one more measurement beside the map, with heavy tails.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import kernel

__all__ = ["Trees", "grow_trees"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

_N_TREES = 100
#: They are grown on so many readings, evenly over the walk: a map of more is gigabytes.
_MOST_READINGS = 50_000
#: Readings in a leaf.
_LEAST = 3
#: A unit that took no part counts as this far below the least that it read, in dB.
_ABSENT_DB = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Trees one after another, whose nodes compare levels and whose leaves are places.

    ``feature`` int16 ``(n_nodes,)``: the unit whose level a node compares, -1 in a leaf;
    ``threshold`` float32: at most that goes left; ``child`` int32: the left child, the right one
    follows it; ``place_m`` float32 ``(n_nodes, 2)``; ``root`` int32 ``(n_trees,)``; ``absent_db``
    float64 ``(n_features,)``: what stands for a level that is missing; ``unit`` int64 of that
    shape: which unit of the site each is, -1 for none. ``fewest`` units heard each reading of the
    walk: of one that fewer heard the trees have seen nothing alike.
    """

    feature: NDArray[np.int16]
    threshold: Float32Array
    child: NDArray[np.int32]
    place_m: Float32Array
    root: NDArray[np.int32]
    absent_db: FloatArray
    unit: NDArray[np.int64]
    fewest: int

    def knows(self, level_db: FloatArray) -> bool:
        """Whether as many units heard levels ``(n_units,)`` as heard each reading of the walk."""
        n_heard = np.count_nonzero(np.isfinite(level_db[self.unit[self.unit >= 0]]))
        return bool(n_heard >= self.fewest)

    def find_m(self, level_db: FloatArray) -> FloatArray:
        """Return the mean place ``(2,)`` of the leaves that levels ``(n_units,)`` lead to."""
        level_db = np.where(self.unit < 0, np.nan, level_db[self.unit])
        levels = np.where(np.isfinite(level_db), level_db, self.absent_db).astype(np.float32)
        place_m = np.zeros(2)
        _descend(levels, self.feature, self.threshold, self.child, self.place_m, self.root, place_m)
        return place_m

    def of_units(self, index: NDArray[np.int64]) -> "Trees":
        """Return the trees for a site whose units were at ``index``; -1 is one that is new."""
        unit = np.full(len(self.absent_db), -1)
        unit[index[index >= 0]] = np.flatnonzero(index >= 0)
        return replace(self, unit=unit)

    def is_sound(self) -> bool:
        """Whether every way ends: children lie behind their parents, and all that is asked is."""
        n_nodes, n_features = len(self.feature), len(self.absent_db)
        inner = np.flatnonzero(self.feature >= 0)
        return bool(
            n_nodes
            and self.root.size
            and self.threshold.shape == self.child.shape == self.feature.shape
            and self.place_m.shape == (n_nodes, 2)
            and np.all(self.feature < n_features)
            and np.all(self.child[inner] > inner)
            and np.all(self.child[inner] < n_nodes - 1)
            and np.all((self.root >= 0) & (self.root < n_nodes))
        )


def grow_trees(places_m: FloatArray, levels_db: FloatArray, seed: int = 0) -> Trees:
    """Return trees grown on readings (Geurts, Ernst and Wehenkel 2006).

    At each node every unit proposes one threshold at random between its lowest and highest level,
    and the best of these parts the readings. The same readings give the same trees.

    Args:
        places_m: float64 ``(n, 2)``.
        levels_db: float64 ``(n, n_units)``; NaN where one took no part.
        seed: of all that is drawn.
    """
    fewest = int(np.isfinite(levels_db).sum(axis=1).min())
    step = -(-len(levels_db) // _MOST_READINGS)
    places_m, levels_db = np.ascontiguousarray(places_m[::step]), levels_db[::step]
    n, n_units = levels_db.shape
    known = np.isfinite(levels_db)
    least_db = np.where(known, levels_db, np.inf).min(axis=0)
    absent_db = np.where(np.isfinite(least_db), least_db, 0.0) - _ABSENT_DB
    levels = np.where(known, levels_db, absent_db).astype(np.float32)
    most = 2 * n
    rng = np.random.default_rng(seed)
    parts: list[tuple[NDArray[np.int16], Float32Array, NDArray[np.int32], Float32Array]] = []
    roots, begin = [], 0
    for _ in range(_N_TREES):
        feature = np.full(most, -1, np.int16)
        threshold = np.zeros(most, np.float32)
        child = np.zeros(most, np.int32)
        place_m = np.zeros((most, 2), np.float32)
        draws = rng.random((most, n_units), np.float32)
        n_nodes = _grow(
            levels, places_m, np.arange(n), draws, _LEAST, feature, threshold, child, place_m
        )
        child[:n_nodes] += begin
        one = slice(0, n_nodes)
        parts.append((feature[one], threshold[one], child[one], place_m[one]))
        roots.append(begin)
        begin += n_nodes
    return Trees(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
        np.array(roots, np.int32),
        absent_db,
        np.arange(n_units),
        fewest,
    )


@kernel
def _grow(levels, places_m, rows, draws, least, feature, threshold, child, place_m):  # type: ignore[no-untyped-def]
    """Grow one tree into arrays of ``2 n`` nodes, and return how many it has; ``rows`` is sorted.

    ``draws`` ``(2 n, n_units)`` are from 0 to 1, a row for each node.
    """
    n, n_units = levels.shape
    begins, ends = np.zeros(2 * n, np.int64), np.zeros(2 * n, np.int64)
    ends[0] = n
    n_nodes = 1
    node = 0
    # Nodes are numbered as they come up, so a child lies behind its parent.
    while node < n_nodes:
        begin, end = begins[node], ends[node]
        size = end - begin
        x_m, y_m = 0.0, 0.0
        for i in range(begin, end):
            x_m += places_m[rows[i], 0]
            y_m += places_m[rows[i], 1]
        place_m[node, 0] = x_m / size
        place_m[node, 1] = y_m / size
        best, best_unit, best_at = -1.0, -1, np.float32(0.0)
        for u in range(n_units if size >= 2 * least else 0):
            low, high = levels[rows[begin], u], levels[rows[begin], u]
            for i in range(begin, end):
                low = min(low, levels[rows[i], u])
                high = max(high, levels[rows[i], u])
            at = low + draws[node, u] * (high - low)
            n_left, left_x, left_y = 0, 0.0, 0.0
            for i in range(begin, end):
                if levels[rows[i], u] <= at:
                    n_left += 1
                    left_x += places_m[rows[i], 0]
                    left_y += places_m[rows[i], 1]
            if n_left < least or size - n_left < least:
                continue
            # What remains of the variance is least where this is most, about the node's mean.
            right_x, right_y = x_m - left_x, y_m - left_y
            gain = (left_x * left_x + left_y * left_y) / n_left
            gain += (right_x * right_x + right_y * right_y) / (size - n_left)
            gain -= (x_m * x_m + y_m * y_m) / size
            if gain > best:
                best, best_unit, best_at = gain, u, at
        if best_unit >= 0:
            middle = begin
            for i in range(begin, end):
                if levels[rows[i], best_unit] <= best_at:
                    rows[i], rows[middle] = rows[middle], rows[i]
                    middle += 1
            feature[node] = best_unit
            threshold[node] = best_at
            child[node] = n_nodes
            begins[n_nodes], ends[n_nodes] = begin, middle
            begins[n_nodes + 1], ends[n_nodes + 1] = middle, end
            n_nodes += 2
        node += 1
    return n_nodes


@kernel
def _descend(levels, feature, threshold, child, places_m, root, place_m):  # type: ignore[no-untyped-def]
    """Add the mean place of the leaves to ``place_m`` ``(2,)``."""
    for start in root:
        node = start
        while feature[node] >= 0:
            node = child[node] + (1 if levels[feature[node]] > threshold[node] else 0)
        place_m[0] += places_m[node, 0] / len(root)
        place_m[1] += places_m[node, 1] / len(root)
