"""The models of propagation by their names in a site file."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.propagation.path_gain import PathGain
from edgespec.twin.site import Site
from edgespec.twin.walk.posterior import Fixer

__all__ = ["PATH_GAINS", "fixer_of", "path_gain", "walk_zero_dbm"]


def _log_distance(site: Site) -> PathGain:
    from edgespec.twin.propagation.log_distance import LogDistance

    return LogDistance(site)


def _maps(site: Site) -> PathGain:
    from edgespec.twin.propagation.maps import Maps

    return Maps(site)


def _forest(site: Site) -> PathGain:
    from edgespec.twin.propagation.forest import Forest

    return Forest(site)


def _walked(site: Site) -> PathGain:
    from edgespec.twin.propagation.walked import Walked

    return Walked(site)


#: Each is loaded when chosen; the names are those of ``edgespec.twin.options``.
PATH_GAINS: dict[str, Callable[[Site], PathGain]] = {
    "log-distance": _log_distance,
    "maps": _maps,
    "forest": _forest,
    "walk": _walked,
}


def path_gain(site: Site) -> PathGain:
    """Return the model of propagation that a site names.

    Raises:
        ConfigError: its file cannot be read or belongs to another site.
    """
    return PATH_GAINS[site.propagation.model](site)


def fixer_of(site: Site, gain: PathGain) -> Fixer | None:
    """Return what finds places by the map of a walk; None where the gain is no such map."""
    from edgespec.twin.propagation.walked import Walked

    if not isinstance(gain, Walked):
        return None
    return Fixer(gain.walk_map, site.propagation.power_error_db, power_dbm=gain.power_dbm)


def walk_zero_dbm(gain: PathGain) -> NDArray[np.float64] | None:
    """Return what levels in the site file's dBm are above what units read on a walk:
    ``(n_units,)``; None where the gain is no map of a walk."""
    from edgespec.twin.propagation.walked import Walked

    return gain.zero_dbm if isinstance(gain, Walked) else None
