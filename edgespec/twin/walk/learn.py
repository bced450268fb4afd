"""Learning a map of a site from a walk, and how far it is to be believed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.site import Site
from edgespec.twin.walk.blocks import FOLDS, folds_of
from edgespec.twin.walk.fit import FittedMap, axes_of, choose_lengths, fit_map
from edgespec.twin.walk.posterior import LEVEL, Fixer
from edgespec.twin.walk.shadowing import Lengths
from edgespec.twin.walk.trees import grow_trees
from edgespec.twin.walk.walk import FEWEST_PLACES, Walk
from edgespec.twin.walk.walk_map import WalkMap
from edgespec.units import counted

__all__ = [
    "POWER_ERROR_DB",
    "HeldOut",
    "LearntMap",
    "check_size",
    "held_out",
    "learn_map",
    "some_of",
]

FloatArray = NDArray[np.float64]

#: Deviation of the transmitter's power over a walk: how it is held, and what its battery does.
POWER_ERROR_DB = 3.0

#: Weights of the likelihood that are compared.
_WEIGHTS = (0.3, 0.45, 0.6, 0.75, 0.9, 1.3, 2.0)
#: The weight of a walk that is too small to hold a part of it out.
_USUAL_WEIGHT = 0.5

#: So many readings of each part are located.
_READINGS = 120


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """How readings of parts of the walk were located by a map of the other parts.

    ``error_m`` float64 ``(n,)``: distance from the truth; ``is_held`` bool: whether the 90% region
    held it; ``area_m2``: of the region; ``residual_db`` ``(n, n_units)``: measured minus mapped
    level at the truth, NaN where not heard.
    """

    error_m: FloatArray
    is_held: NDArray[np.bool_]
    area_m2: FloatArray
    residual_db: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class LearntMap:
    """A map, the lengths of shadowing, the days of units, and what parts held out say of it.

    ``check`` is None where the walk is too small for that.
    """

    fitted: FittedMap
    lengths: Lengths
    check: HeldOut | None


def learn_map(
    site: Site, walk: Walk, tell: Callable[[str, float | None], None] = lambda text, share: None
) -> LearntMap:
    """Return the map of a walk, its likelihood weighed so that 90% regions hold 90%.

    Five times a fifth of the walk, by squares, is located by a map of the rest.

    Raises:
        ConfigError: the walk is too small, or is at one place.
    """
    check_size(site, walk)
    tell("how shadowing changes over the site", None)
    lengths = choose_lengths(site, walk)
    folds = folds_of(walk.places_m, lengths.block_m)
    is_checked = bool(folds.max() >= 0)
    n_maps = FOLDS + 1 if is_checked else 1
    parts: list[tuple[WalkMap, Walk]] = []
    if is_checked:
        for fold in range(FOLDS):

            def done(share: float, fold: int = fold) -> None:
                tell(f"part {fold + 1} of {FOLDS} held out", (fold + share) / n_maps)

            is_there: NDArray[np.bool_] = np.asarray(folds == fold)
            known = walk.chosen(~is_there)
            part = fit_map(site, known, lengths, axes_of(site), done).walk_map
            trees = grow_trees(known.places_m, known.levels_db)
            parts.append((replace(part, trees=trees), some_of(walk.chosen(is_there))))
    fitted = fit_map(
        site, walk, lengths, axes_of(site), lambda share: tell("map", (n_maps - 1 + share) / n_maps)
    )
    if not is_checked:
        return LearntMap(
            replace(fitted, walk_map=replace(fitted.walk_map, weight=_USUAL_WEIGHT)), lengths, None
        )
    tree_error_m = float(np.median(np.concatenate([_tree_errors(*part) for part in parts])))

    def checked(weight: float) -> HeldOut:
        return _joined(
            [
                held_out(replace(part, tree_error_m=tree_error_m), there, weight)
                for part, there in parts
            ]
        )

    weight = _weight({one: float(checked(one).is_held.mean()) for one in _WEIGHTS})
    check = checked(weight)
    walk_map = replace(
        fitted.walk_map,
        weight=weight,
        trees=grow_trees(walk.places_m, walk.levels_db),
        tree_error_m=tree_error_m,
    )
    return LearntMap(replace(fitted, walk_map=walk_map), lengths, check)


def _tree_errors(walk_map: WalkMap, walk: Walk) -> FloatArray:
    """Return how far off the trees of a map are at a walk."""
    assert walk_map.trees is not None
    found_m = np.array([walk_map.trees.find_m(levels) for levels in walk.levels_db])
    return np.asarray(np.hypot(*(found_m - walk.places_m).T))


def held_out(walk_map: WalkMap, walk: Walk, weight: float | None = None) -> HeldOut:
    """Locate every reading that a known unit heard by a map that was not learnt from it."""
    walk = walk.chosen(np.isfinite(walk.levels_db[:, walk_map.is_known]).sum(axis=1) > 0)
    fixer = Fixer(walk_map, POWER_ERROR_DB, weight)
    rows, columns = walk_map.cells_of(walk.places_m)
    true_cells = rows * len(walk_map.x_m) + columns
    error_m, area_m2 = np.empty((2, len(walk)))
    is_held = np.zeros(len(walk), np.bool_)
    for index in range(len(walk)):
        fix = fixer.fix(walk.levels_db[index])
        error_m[index] = np.hypot(*(fix.place_m - walk.places_m[index]))
        area_m2[index] = fix.area_m2
        is_held[index] = true_cells[index] in fix.cells[: fix.n_region]
    residual_db = walk.levels_db - walk_map.levels_db()[rows, columns]
    return HeldOut(error_m, is_held, area_m2, residual_db)


def check_size(site: Site, walk: Walk) -> None:
    """Refuse a walk that no map can be made of.

    Raises:
        ConfigError: it is too small, or at one place.
    """
    if len(walk) < FEWEST_PLACES:
        raise ConfigError(
            f"the walk has {counted(len(walk), 'reading')}; at least {FEWEST_PLACES} are needed, "
            "at as many places, and some thousands are better"
        )
    spread_m = np.ptp(walk.places_m, axis=0)
    cell_m = 2.0 * float(np.diff(axes_of(site)[0][:2])[0])
    if spread_m.max() < cell_m:
        x_m, y_m = walk.places_m.mean(axis=0)
        raise ConfigError(
            f"all {len(walk)} readings of the walk are at one place, x {x_m:.1f}, y {y_m:.1f} m "
            f"(within {spread_m.max():.1f} m): a map needs places all over the site"
        )


def some_of(walk: Walk) -> Walk:
    """Return readings evenly over a walk."""
    step = max(1, len(walk) // _READINGS)
    return walk.chosen(np.arange(len(walk)) % step == 0)


def _joined(parts: list[HeldOut]) -> HeldOut:
    return HeldOut(
        np.concatenate([one.error_m for one in parts]),
        np.concatenate([one.is_held for one in parts]),
        np.concatenate([one.area_m2 for one in parts]),
        np.concatenate([one.residual_db for one in parts]),
    )


def _weight(shares: dict[float, float]) -> float:
    """Return the weight at which the share held is :data:`LEVEL`; shares fall with weights."""
    weights = np.array(list(shares))
    held = np.minimum.accumulate(list(shares.values()))
    return float(np.interp(-LEVEL, -held, weights))
