"""A random forest that learns maps of path gain, and its trees as flat arrays.

The inputs are those of Schoesser et al. 2024, sec. IV-C: x, y and the distances to all sensing
units. The paper trains 400 trees for each unit; one forest whose leaves hold the gains to all units
is walked once instead of twelve times.
"""

import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import EdgespecError
from edgespec.twin.propagation.forest import FlatForest, features_of

__all__ = [
    "ForestOptions",
    "fit_trees",
    "flatten",
    "load_sklearn",
    "rounded_down",
    "save_forest",
    "train_forest",
]

FloatArray = NDArray[np.float64]

_SCHEMA = "edgespec.forest/1"


@dataclass(frozen=True, slots=True)
class ForestOptions:
    """How a forest is grown; ``is_joint``: the leaves of each tree hold the gains to all units."""

    n_trees: int = 100
    min_leaf: int = 2
    is_joint: bool = True
    seed: int = 0


def load_sklearn() -> Any:
    """Return ``sklearn.ensemble``.

    Raises:
        EdgespecError: it is not installed.
    """
    try:
        return importlib.import_module("sklearn.ensemble")
    except ImportError as error:
        raise EdgespecError(
            f"growing a forest needs scikit-learn ({error}): pip install 'edgespec[raytrace]'"
        ) from error


def fit_trees(
    places_m: FloatArray, gain_db: FloatArray, units_xyz_m: FloatArray, options: ForestOptions
) -> list[Any]:
    """Return scikit-learn forests grown on places ``(n, 3)`` with gains ``(n, n_units)``.

    One for all units, or one for each; two processes at most work on them.
    """
    ensemble = load_sklearn()
    features = features_of(places_m, units_xyz_m)
    targets = [gain_db] if options.is_joint else list(gain_db.T)
    forests = []
    for number, target in enumerate(targets):
        forest = ensemble.RandomForestRegressor(
            n_estimators=options.n_trees,
            min_samples_leaf=options.min_leaf,
            random_state=options.seed + number,
            n_jobs=2,
        )
        forests.append(forest.fit(features, target))
    return forests


def flatten(forests: Sequence[Any], units_xyz_m: FloatArray) -> FlatForest:
    """Return scikit-learn forests as flat arrays that give the same gains.

    Both children of a node lie side by side. A threshold is rounded down to float32: the features
    are float32, so each comparison comes out as before.
    """
    parts: dict[str, list[Any]] = {name: [] for name in ("feature", "threshold", "child", "value")}
    root, unit = [], []
    n_nodes = n_leaves = 0
    for number, forest in enumerate(forests):
        for estimator in forest.estimators_:
            tree = estimator.tree_
            place, order = _pairs(tree)
            is_leaf = tree.children_left[order] < 0
            leaf = n_leaves + np.cumsum(is_leaf) - 1
            left = n_nodes + place[tree.children_left[order]]
            parts["feature"].append(np.where(is_leaf, -1, tree.feature[order]).astype(np.int16))
            parts["threshold"].append(rounded_down(tree.threshold[order]))
            parts["child"].append(np.where(is_leaf, leaf, left).astype(np.int32))
            parts["value"].append(tree.value[order][is_leaf][:, :, 0].astype(np.float32))
            root.append(n_nodes)
            unit.append(-1 if len(forests) == 1 else number)
            n_nodes += tree.node_count
            n_leaves += int(np.count_nonzero(is_leaf))
    return FlatForest(
        **{name: np.concatenate(arrays) for name, arrays in parts.items()},
        root=np.array(root, np.int32),
        unit=np.array(unit, np.int32),
        units_xyz_m=np.asarray(units_xyz_m, np.float64),
    )


def _pairs(tree: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each node goes so that children are neighbours, and the nodes in that order."""
    order = [0]
    for node in order:
        if tree.children_left[node] >= 0:
            order += [tree.children_left[node], tree.children_right[node]]
    place = np.empty(tree.node_count, np.int64)
    place[order] = np.arange(tree.node_count)
    return place, np.array(order)


def rounded_down(values: FloatArray) -> NDArray[np.float32]:
    """Return the largest float32 that is not above each value."""
    rounded = values.astype(np.float32)
    down = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > values, down, rounded)


def save_forest(forest: FlatForest, path: Path, how: object) -> None:
    """Write a forest as npz; ``how`` is a dataclass that is kept as JSON in ``meta``."""
    meta = {"schema": _SCHEMA, **asdict(how)}  # type: ignore[call-overload]
    arrays = {name: getattr(forest, name) for name in FlatForest.__slots__}
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays, meta=np.array(json.dumps(meta)))


def train_forest(
    places_m: FloatArray,
    gain_db: FloatArray,
    units_xyz_m: FloatArray,
    options: ForestOptions,
    progress: Callable[[str], None] = lambda text: None,
) -> FlatForest:
    """Return a compiled forest grown on places ``(n, 3)`` with gains ``(n, n_units)``."""
    progress(f"growing {options.n_trees} trees on {len(places_m)} places")
    return flatten(fit_trees(places_m, gain_db, units_xyz_m, options), units_xyz_m)
