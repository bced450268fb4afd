"""Path gain from a forest of regression trees, walked in flat arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.jit import kernel
from edgespec.twin.propagation.arrays import read_arrays
from edgespec.twin.propagation.layer import layer_of_cells
from edgespec.twin.propagation.path_gain import GAIN_FLOOR_DB, CellGrid
from edgespec.twin.propagation.places import maps_of_units
from edgespec.twin.site import Site

__all__ = ["FlatForest", "Forest", "features_of", "load_forest", "walk"]

FloatArray = NDArray[np.float64]

_ADVICE = "make one with `edgespec-converter raytrace --forest`"


@dataclass(frozen=True, slots=True, eq=False)
class FlatForest:
    """Trees one after another.

    ``feature`` int16 ``(n_nodes,)``: which feature a node compares, -1 in a leaf; ``threshold``
    float32 ``(n_nodes,)``: at most that goes left; ``child`` int32 ``(n_nodes,)``: the left child,
    the right one follows it, or the row of a leaf in ``value`` float32 ``(n_leaves, n_outputs)``;
    ``root`` int32 ``(n_trees,)``; ``unit`` int32 ``(n_trees,)``: the unit whose gain a tree gives,
    -1 where its leaves hold those to all units; ``units_xyz_m`` float64 ``(n_units, 3)``.
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    child: NDArray[np.int32]
    value: NDArray[np.float32]
    root: NDArray[np.int32]
    unit: NDArray[np.int32]
    units_xyz_m: FloatArray

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.root)

    @property
    def n_nodes(self) -> int:
        """Number of nodes of all trees."""
        return len(self.feature)

    def gains_db(self, xyz_m: FloatArray) -> FloatArray:
        """Return the gain from places ``(n, 3)`` to all its units: float64 ``(n, n_units)``."""
        features = features_of(np.asarray(xyz_m, np.float64).reshape(-1, 3), self.units_xyz_m)
        gain_db = np.zeros((len(features), len(self.units_xyz_m)))
        walk(
            features,
            self.feature,
            self.threshold,
            self.child,
            self.value,
            self.root,
            self.unit,
            gain_db,
        )
        return gain_db


def features_of(places_m: FloatArray, units_xyz_m: FloatArray) -> NDArray[np.float32]:
    """Return x, y and the distances to all units: float32 ``(n, 2 + n_units)``, in metres.

    These are the inputs of the forest of Schoesser et al. 2024, sec. IV-C.
    """
    features = np.empty((len(places_m), 2 + len(units_xyz_m)), np.float32)
    features[:, :2] = places_m[:, :2]
    line_m = places_m[:, None, :] - units_xyz_m[None, :, :]
    features[:, 2:] = np.sqrt(np.einsum("ijk,ijk->ij", line_m, line_m))
    return features


@kernel
def walk(features, feature, threshold, child, value, root, unit, gain_db):  # type: ignore[no-untyped-def]
    """Write to ``gain_db`` ``(n, n_units)``, zero before, the mean of the leaves of each row."""
    n_rows, n_units = gain_db.shape
    # A tree stays in the cache while all rows walk it.
    for tree in range(len(root)):
        for row in range(n_rows):
            node = root[tree]
            while feature[node] >= 0:
                is_right = features[row, feature[node]] > threshold[node]
                node = child[node] + (1 if is_right else 0)
            leaf = child[node]
            if unit[tree] >= 0:
                gain_db[row, unit[tree]] += value[leaf, 0]
            else:
                for index in range(n_units):
                    gain_db[row, index] += value[leaf, index]
    share = len(root) if unit[0] < 0 else len(root) // n_units
    for row in range(n_rows):
        for index in range(n_units):
            gain_db[row, index] /= share


class Forest:
    """A compiled forest for the units of a site."""

    def __init__(self, site: Site) -> None:
        path = site.propagation.file
        if path is None:
            raise ConfigError("propagation.file is missing; the model 'forest' is read from one")
        self._forest = load_forest(path)
        self._chosen = maps_of_units(self._forest.units_xyz_m, site, path)
        self._site = site
        self._grid: CellGrid | None = None

    @property
    def n_units(self) -> int:
        """Number of sensing units."""
        return len(self._chosen)

    def gains_db(self, xyz_m: FloatArray) -> FloatArray:
        """Return the gain from places ``(n, 3)`` to all units: float64 ``(n, n_units)``."""
        gain_db = self._forest.gains_db(xyz_m)[:, self._chosen]
        return np.maximum(gain_db, GAIN_FLOOR_DB)

    def grid(self) -> CellGrid:
        """Return one layer of square cells at the height of sources, walls left out."""
        if self._grid is None:
            self._grid = layer_of_cells(self._site, self.gains_db)
        return self._grid


def load_forest(path: Path) -> FlatForest:
    """Return the forest of a file.

    Raises:
        ConfigError: it cannot be read, or its arrays do not belong together.
    """
    arrays = read_arrays(path, FlatForest.__slots__, _ADVICE)
    missing = [name for name in FlatForest.__slots__ if name not in arrays]
    if missing:
        raise ConfigError(
            f"propagation.file {str(path)!r} is no forest: it has no {', '.join(missing)}; "
            f"{_ADVICE}"
        )
    forest = FlatForest(**arrays)
    if not _is_sound(forest):
        raise ConfigError(
            f"propagation.file {str(path)!r} is a broken forest: its trees do not end in leaves; "
            f"{_ADVICE}"
        )
    return forest


def _is_sound(forest: FlatForest) -> bool:
    """Whether every walk ends: children lie behind their parents, leaves and features exist."""
    n_nodes, n_units = forest.n_nodes, len(forest.units_xyz_m)
    shapes = (forest.threshold.shape, forest.child.shape, forest.units_xyz_m.shape[1:])
    if shapes != ((n_nodes,), (n_nodes,), (3,)) or forest.root.shape != forest.unit.shape:
        return False
    if not n_nodes or not forest.n_trees or forest.value.ndim != 2:
        return False
    is_leaf = forest.feature < 0
    inner, leaf = np.flatnonzero(~is_leaf), forest.child[is_leaf]
    is_joint = forest.unit[0] < 0
    units = np.full(1, -1) if is_joint else np.arange(n_units)
    return bool(
        np.all(forest.child[inner] > inner)
        and np.all(forest.child[inner] + 1 < n_nodes)
        and np.all((leaf >= 0) & (leaf < len(forest.value)))
        and np.all(forest.feature < 2 + n_units)
        and np.all((forest.root >= 0) & (forest.root < n_nodes))
        and forest.value.shape[1] == (n_units if is_joint else 1)
        and np.array_equal(forest.unit, np.repeat(units, forest.n_trees // len(units)))
    )
