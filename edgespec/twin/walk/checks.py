"""What looks wrong with a walk once it is read: exchanged axes, exchanged units, stray units."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.site import Site
from edgespec.twin.walk.walk import FEWEST_PLACES, Walk

__all__ = ["check_walk"]

FloatArray = NDArray[np.float64]

#: So many readings of a unit are compared.
_COMPARED = 500

#: Levels that go with distance less than this do not fall with it.
_NO_FALL = -0.1
#: How much better levels must go with another distance before it is said to be the right one.
_BETTER = 0.3
#: With x and y exchanged this counts as better or worse, and better must be so many times as often.
_CLEARLY, _MOSTLY = 0.1, 4
#: A level that comes as often, and is as far below all others, hardly is one.
_OFTEN, _FAR_DB = 5, 10.0


def check_walk(site: Site, walk: Walk) -> tuple[str, ...]:
    """Return in words which units of a walk are hardly right; empty if all are.

    Levels fall with distance. Where they do not fall with the distance from their unit, but do
    with that from another, or with x and y exchanged, that is what was exchanged (Spearman's rank
    correlation of level and distance).

    Raises:
        ConfigError: so it is with most units, and the positions are wrong.
    """
    units_m = site.units_xyz_m[:, :2]
    units = [
        unit
        for unit in range(len(site.unit))
        if np.isfinite(walk.levels_db[:, unit]).sum() >= FEWEST_PLACES
    ]
    if len(units) < 2:
        return _stand_ins(walk, site.nodes)
    falls = np.array([_falls(walk, unit, units_m) for unit in units])
    own = falls[np.arange(len(units)), units]
    exchanged = np.array([_falls(walk, unit, units_m[unit][None, ::-1])[0] for unit in units])
    n_better = np.count_nonzero(exchanged < own - _CLEARLY)
    n_worse = np.count_nonzero(exchanged > own + _CLEARLY)
    if 2 * n_better > len(units) and n_better > _MOSTLY * n_worse:
        raise ConfigError(
            "levels of the walk fall with the distance from their units if x and y are exchanged "
            f"(rank correlation {np.median(exchanged):+.2f}; as written {np.median(own):+.2f}): "
            "exchange the two columns' names, or x_m and y_m of the units"
        )
    if np.median(own) > _NO_FALL:
        raise ConfigError(
            "levels of the walk do not fall with the distance from their units (rank correlation "
            f"{np.median(own):+.2f}): the positions of the walk and of the units hardly belong "
            "together; correct the ones or the others"
        )
    nodes = site.nodes
    said = list(_stand_ins(walk, nodes))
    for row, unit in enumerate(units):
        best = int(np.argmin(falls[row]))
        if best != unit and own[row] > _NO_FALL and falls[row, best] < own[row] - _BETTER:
            said.append(
                f"what {nodes[unit]!r} heard falls with the distance from {nodes[best]!r} (rank "
                f"correlation {falls[row, best]:+.2f}), not from {nodes[unit]!r} "
                f"({own[row]:+.2f}): are the two exchanged, or was it moved?"
            )
        elif own[row] > _NO_FALL:
            said.append(
                f"what {nodes[unit]!r} heard does not fall with the distance from it (rank "
                f"correlation {own[row]:+.2f}): is its position right, and its antenna connected?"
            )
    return tuple(said)


def _stand_ins(walk: Walk, nodes: Sequence[str]) -> tuple[str, ...]:
    """Return of which units one level is hardly a reading: the same again, far below all others."""
    said = []
    for node, column in zip(nodes, walk.levels_db.T, strict=True):
        levels = column[np.isfinite(column)]
        lowest = levels.min(initial=np.inf)
        others = levels[levels > lowest]
        n_lowest = len(levels) - len(others)
        if n_lowest >= _OFTEN and len(others) and others.min() - lowest >= _FAR_DB:
            said.append(
                f"{n_lowest} of {len(levels)} levels of {node!r} are {lowest:g}, and no other is "
                f"below {others.min():g}: if that stands for nothing heard, leave those cells empty"
            )
    return tuple(said)


def _falls(walk: Walk, unit: int, places_m: FloatArray) -> FloatArray:
    """Return how the levels of a unit go with the distances from places ``(n, 2)``, -1 to 1."""
    rows = np.flatnonzero(np.isfinite(walk.levels_db[:, unit]))
    rows = rows[:: max(1, len(rows) // _COMPARED)]
    level = _ranks(walk.levels_db[rows, unit])
    off_m = walk.places_m[rows, None, :] - places_m[None, :, :]
    distances_m = np.hypot(off_m[..., 0], off_m[..., 1])
    return np.array([np.corrcoef(level, _ranks(distance_m))[0, 1] for distance_m in distances_m.T])


def _ranks(values: FloatArray) -> FloatArray:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
