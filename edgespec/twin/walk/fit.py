"""From a walk to a map: path loss and shadowing of every unit, over the cells of the site."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.site import Site
from edgespec.twin.walk.path_loss import PathLoss, fit_path_losses
from edgespec.twin.walk.shadowing import Lengths, Shadowing, Thinned, thinned
from edgespec.twin.walk.walk import FEWEST_PLACES, Walk
from edgespec.twin.walk.walk_map import WalkMap

__all__ = ["FittedMap", "axes_of", "choose_lengths", "fit_map"]

FloatArray = NDArray[np.float64]

#: Degrees of freedom of deviations from a map.
_FREEDOM = 5.0

#: Most cells of a map; a fix of a source takes time by their number.
_MOST_CELLS = 12_000

#: Most places of a unit: the time of training goes with their third power.
_MOST_PLACES = 1200

#: A signal so far below the noise is as good as none, in dB.
_LEAST_SIGNAL_DB = -20.0

#: Shortest lengths of shadowing that are compared, in metres, on so many readings of some units.
_LENGTHS_M = (1.2, 2.4, 4.9, 9.8, 19.5, 39.0, 78.0)
_COMPARED_READINGS, _COMPARED_UNITS = 300, 8
#: Deviations of shadowing that are compared, of what is usual.
_DEPTHS = (0.25, 0.5, 1.0, 1.5)


@dataclass(frozen=True, slots=True, eq=False)
class FittedMap:
    """A map, and how far each unit was off on each day of the walk, in dB, by node."""

    walk_map: WalkMap
    days_db: dict[str, dict[int, float]]


def axes_of(site: Site) -> tuple[FloatArray, FloatArray]:
    """Return the middles of the columns and of the rows of a map: of ``propagation.cell_m``, or of
    larger cells where there were too many."""
    width_m, depth_m = site.size_m[:2]
    cell_m = max(site.propagation.cell_m, np.sqrt(width_m * depth_m / _MOST_CELLS))
    n_x, n_y = (max(2, int(np.ceil(size / cell_m))) for size in (width_m, depth_m))
    return (np.arange(n_x) + 0.5) * cell_m, (np.arange(n_y) + 0.5) * cell_m


def fit_map(
    site: Site,
    walk: Walk,
    lengths: Lengths,
    axes_m: tuple[FloatArray, FloatArray],
    tell: Callable[[float], None] = lambda share: None,
) -> FittedMap:
    """Return the map of a walk, with weight 1.

    Args:
        site: of the units.
        walk: what they heard.
        lengths: of shadowing at the site.
        axes_m: of :func:`axes_of`.
        tell: takes the share that is done.

    Raises:
        ConfigError: too few units were heard at enough places.
    """
    n_units = len(site.unit)
    parts = _parts(site, walk, lengths)
    losses = dict(zip(parts, _losses(site, parts), strict=True))
    n_y, n_x = len(axes_m[1]), len(axes_m[0])
    x_m, y_m = np.meshgrid(*axes_m)
    cells_m = np.column_stack([x_m.ravel(), y_m.ravel()])
    signal_db = np.zeros((len(cells_m), n_units), np.float32)
    error_db = np.ones_like(signal_db)
    floor_db = np.zeros(n_units)
    days_db = {}
    for done, (unit, part) in enumerate(parts.items()):
        shadowing = Shadowing(losses[unit], lengths, site.units_xyz_m[unit, :2], part)
        level_db, variance = shadowing.levels_db(cells_m)
        floor_db[unit] = losses[unit].floor_db
        signal_db[:, unit] = _without_noise(level_db, floor_db[unit])
        error_db[:, unit] = np.sqrt(variance)
        days_db[site.nodes[unit]] = shadowing.days_db()
        tell((done + 1) / len(parts))
    shape = (n_y, n_x, n_units)
    return FittedMap(
        WalkMap(
            site.nodes,
            *axes_m,
            signal_db.reshape(shape),
            error_db.reshape(shape),
            floor_db,
            np.isin(np.arange(n_units), list(parts)),
            1.0,
            _FREEDOM,
        ),
        days_db,
    )


def choose_lengths(site: Site, walk: Walk) -> Lengths:
    """Return the lengths of shadowing that make a walk likeliest.

    Raises:
        ConfigError: too few units were heard at enough places.
    """
    whole = _parts(site, walk, Lengths(_LENGTHS_M[0]))
    units = sorted(whole, key=lambda unit: -len(whole[unit].counts))[:_COMPARED_UNITS]
    rng = np.random.default_rng(0)
    some = {}
    for unit in units:
        rows = np.flatnonzero(np.isfinite(walk.levels_db[:, unit]))
        rows = rng.permutation(rows)[:_COMPARED_READINGS]
        counts = np.ones(len(rows))
        some[unit] = Thinned(
            walk.places_m[rows], walk.levels_db[rows, unit], counts, walk.days[rows]
        )
    losses = _losses(site, some)

    def likelihood(lengths: Lengths) -> float:
        return sum(
            Shadowing(loss, lengths, site.units_xyz_m[unit, :2], part).likelihood
            for loss, (unit, part) in zip(losses, some.items(), strict=True)
        )

    # No quarter is longer than the site.
    most_m = max(site.size_m[:2])
    lengths_m = [near_m for near_m in _LENGTHS_M if Lengths(near_m).wide_m <= most_m]
    tried = [Lengths(near_m, depth) for near_m in lengths_m or _LENGTHS_M[:1] for depth in _DEPTHS]
    return max(tried, key=likelihood)


def _parts(site: Site, walk: Walk, lengths: Lengths) -> dict[int, Thinned]:
    """Return what each unit heard, thinned, without those that heard at too few places."""
    parts = {}
    for unit in range(len(site.unit)):
        heard = np.isfinite(walk.levels_db[:, unit])
        if heard.sum() < FEWEST_PLACES:
            continue
        part = thinned(
            walk.places_m[heard],
            walk.levels_db[heard, unit],
            walk.days[heard],
            lengths.cell_m,
            _MOST_PLACES,
        )
        if len(part.counts) >= FEWEST_PLACES:
            parts[unit] = part
    if len(parts) < site.detect.min_units:
        raise ConfigError(
            f"{len(parts)} units of site {site.name!r} were heard at {FEWEST_PLACES} places of "
            f"the walk or more, and detect.min_units is {site.detect.min_units}: walk on, to more "
            "places of the site"
        )
    return parts


def _losses(site: Site, parts: dict[int, Thinned]) -> list[PathLoss]:
    distances_m = [
        np.hypot(*(part.places_m - site.units_xyz_m[unit, :2]).T) for unit, part in parts.items()
    ]
    return fit_path_losses(distances_m, [part.levels_db for part in parts.values()])


def _without_noise(level_db: FloatArray, floor_db: float) -> FloatArray:
    """Return the signal in a level of signal and noise."""
    ratio = np.maximum(
        10.0 ** ((level_db - floor_db) / 10.0) - 1.0, 10.0 ** (_LEAST_SIGNAL_DB / 10)
    )
    return np.asarray(floor_db + 10.0 * np.log10(ratio))
