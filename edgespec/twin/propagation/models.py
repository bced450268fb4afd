"""The models of propagation by their names in a site file."""

from collections.abc import Callable

from edgespec.twin.propagation.path_gain import PathGain
from edgespec.twin.site import Site

__all__ = ["PATH_GAINS", "path_gain"]


def _log_distance(site: Site) -> PathGain:
    from edgespec.twin.propagation.log_distance import LogDistance

    return LogDistance(site)


def _maps(site: Site) -> PathGain:
    from edgespec.twin.propagation.maps import Maps

    return Maps(site)


def _forest(site: Site) -> PathGain:
    from edgespec.twin.propagation.forest import Forest

    return Forest(site)


#: Each is loaded when chosen; the names are those of ``edgespec.twin.options``.
PATH_GAINS: dict[str, Callable[[Site], PathGain]] = {
    "log-distance": _log_distance,
    "maps": _maps,
    "forest": _forest,
}


def path_gain(site: Site) -> PathGain:
    """Return the model of propagation that a site names.

    Raises:
        ConfigError: its file cannot be read or belongs to another site.
    """
    return PATH_GAINS[site.propagation.model](site)
