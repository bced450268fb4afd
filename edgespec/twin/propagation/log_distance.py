"""Log-distance path gain with a loss for every box in the way: needs no ray tracer."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.propagation.layer import layer_of_cells
from edgespec.twin.propagation.path_gain import GAIN_FLOOR_DB, CellGrid
from edgespec.twin.propagation.walls import wall_losses_db
from edgespec.twin.site import Site

__all__ = ["LogDistance"]

FloatArray = NDArray[np.float64]

_LIGHT_M_PER_S = 299_792_458.0

#: Distances below this count as this: antennas are not points.
_NEAREST_M = 0.5

#: The most that boxes take from a path: beyond, power arrives around them.
_MOST_WALLS_DB = 60.0


class LogDistance:
    """``gain = reference - 10 exponent log10(distance / 1 m) - walls`` in dB.

    The reference is that of free space at 1 m unless the site says another
    (Rappaport 2002, sec. 4.9 and 4.11).
    """

    def __init__(self, site: Site) -> None:
        options = site.propagation
        self._site = site
        self._units_m = site.units_xyz_m
        self._exponent = options.exponent
        wavelength_m = _LIGHT_M_PER_S / site.center_freq_hz
        free_space_db = 20.0 * np.log10(wavelength_m / (4.0 * np.pi))
        given_db = options.reference_db
        self._reference_db = float(free_space_db) if given_db is None else given_db
        self._grid: CellGrid | None = None

    @property
    def n_units(self) -> int:
        """Number of sensing units."""
        return len(self._units_m)

    def gains_db(self, xyz_m: FloatArray) -> FloatArray:
        """Return the gain from places ``(n, 3)`` to all units: float64 ``(n, n_units)``."""
        places_m = np.asarray(xyz_m, np.float64).reshape(-1, 3)
        distance_m = np.linalg.norm(places_m[:, None, :] - self._units_m[None, :, :], axis=2)
        fall_db = 10.0 * self._exponent * np.log10(np.maximum(distance_m, _NEAREST_M))
        walls_db = wall_losses_db(places_m, self._units_m, self._site.wall)
        gain_db = self._reference_db - fall_db - np.minimum(walls_db, _MOST_WALLS_DB)
        return np.asarray(np.maximum(gain_db, GAIN_FLOOR_DB))

    def grid(self) -> CellGrid:
        """Return one layer of square cells at the height of sources, walls left out."""
        if self._grid is None:
            self._grid = layer_of_cells(self._site, self.gains_db)
        return self._grid
