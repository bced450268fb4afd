"""Which of the places that a file was made for are the sensing units of a site."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.site import Site

__all__ = ["maps_of_units"]

#: What a file holds belongs to a unit if it was made for a place at most this far from it.
_SAME_PLACE_M = 0.5


def maps_of_units(places_m: NDArray[np.float64], site: Site, path: Path) -> NDArray[np.int64]:
    """Return for each unit of a site the index of its place among those of a file ``(n, 3)``.

    Raises:
        ConfigError: the file has nothing for one of the units.
    """
    chosen = []
    for unit in site.unit:
        distance_m = np.linalg.norm(places_m - np.array(unit.xyz_m), axis=1)
        nearest = int(np.argmin(distance_m))
        if distance_m[nearest] > _SAME_PLACE_M:
            raise ConfigError(
                f"propagation.file {str(path)!r} has nothing for unit {unit.node!r} at "
                f"{unit.xyz_m}; the nearest place is {distance_m[nearest]:.1f} m away: trace the "
                "site again after a unit was moved"
            )
        chosen.append(nearest)
    return np.array(chosen)
