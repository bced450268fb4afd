"""The forest of the paper: 400 trees for each unit, kept once it is grown."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import ROOT
from benchmarks.twin.hall import draw_places, hall, traced
from converter.raytrace.forest import ForestOptions, fit_trees, flatten
from edgespec.twin.propagation.forest import FlatForest, load_forest

__all__ = ["N_PLACES", "learning_places", "one_unit", "paper_forest"]

FloatArray = NDArray[np.float64]

#: Places of a transmitter to learn from, as many as the paper has maps.
N_PLACES = 5000

_OPTIONS = ForestOptions(n_trees=400, min_leaf=1, is_joint=False)

#: 0.3 GB each and some minutes to grow, so they are kept; git does not look there.
_KEPT = ROOT / "work" / "twin"


def learning_places(heights: str) -> tuple[FloatArray, FloatArray]:
    """Return places ``(n, 3)`` and the traced gains from there ``(n, n_units)``."""
    places_m = draw_places(hall(heights), N_PLACES, np.random.default_rng(11))
    return places_m, traced(heights).gains_db(places_m)


def one_unit(heights: str, unit: int) -> Any:
    """Return the scikit-learn forest of one unit."""
    places_m, gain_db = learning_places(heights)
    units_m = hall(heights).units_xyz_m
    (forest,) = fit_trees(places_m, gain_db[:, unit : unit + 1], units_m, _OPTIONS)
    return forest


@cache
def paper_forest(heights: str) -> FlatForest:
    """Return the forests of all units, compiled; grown from the maps unless they are kept."""
    path = _KEPT / f"paper-{heights.replace(' ', '-')}.npz"
    if not path.exists():
        units_m = hall(heights).units_xyz_m
        parts = [flatten([one_unit(heights, unit)], units_m) for unit in range(len(units_m))]
        whole = _joined(parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez(file, **{name: getattr(whole, name) for name in FlatForest.__slots__})
    return load_forest(path)


def _joined(parts: list[FlatForest]) -> FlatForest:
    """Return forests of single units as one."""
    n_nodes = np.cumsum([0, *(part.n_nodes for part in parts)])
    n_leaves = np.cumsum([0, *(len(part.value) for part in parts)])
    child = [
        part.child + np.where(part.feature < 0, leaves, nodes).astype(np.int32)
        for part, nodes, leaves in zip(parts, n_nodes, n_leaves, strict=False)
    ]
    roots = [part.root + np.int32(nodes) for part, nodes in zip(parts, n_nodes, strict=False)]
    return FlatForest(
        feature=np.concatenate([part.feature for part in parts]),
        threshold=np.concatenate([part.threshold for part in parts]),
        child=np.concatenate(child),
        value=np.concatenate([part.value for part in parts]),
        root=np.concatenate(roots),
        unit=np.repeat(np.arange(len(parts), dtype=np.int32), parts[0].n_trees),
        units_xyz_m=parts[0].units_xyz_m,
    )
