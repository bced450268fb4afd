"""Path gain as a walk through the site taught it."""

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.propagation.path_gain import GAIN_FLOOR_DB, CellGrid
from edgespec.twin.propagation.walls import inside_any
from edgespec.twin.site import Site
from edgespec.twin.walk.file import load_map

__all__ = ["Walked"]

FloatArray = NDArray[np.float64]


class Walked:
    """Reads path gain in the cells of a map, and carries the map for who locates by it.

    Of units that report dBm, the gain is signal minus the power that was carried. Of those that
    report dBFS only the signal's ratio to their own noise is known: the site's ``noise_floor_dbm``
    stands for that noise, as it does in what is expected, and the learnt bias for the difference.
    The noise of a unit that heard the walk everywhere is lower than it seems, and its gain higher;
    places are found by the map itself, in the unit of the reports, so they do not suffer.
    A unit that the walk did not teach has :data:`GAIN_FLOOR_DB` everywhere and takes no part.

    Attributes:
        walk_map: in the unit of the reports.
        power_dbm: of the transmitter that was carried.
        zero_dbm: float64 ``(n_units,)``: what a level of each unit is in the site file's dBm, above
            what it reads.
    """

    def __init__(self, site: Site) -> None:
        path = site.propagation.file
        if path is None:
            raise ConfigError("propagation.file is missing; the model 'walk' is read from one")
        walk_map, self.power_dbm = load_map(path, site)
        self.walk_map = walk_map
        self.zero_dbm = np.zeros(len(site.unit))
        if site.level_unit == "dBFS":
            self.zero_dbm = site.noise_floor_dbm - walk_map.floor_db
        self._gain_db = np.where(
            walk_map.is_known,
            np.clip(walk_map.signal_db + self.zero_dbm - self.power_dbm, GAIN_FLOOR_DB, 0.0),
            GAIN_FLOOR_DB,
        ).astype(np.float64)
        self._site = site
        self._grid: CellGrid | None = None

    @property
    def n_units(self) -> int:
        """Number of sensing units."""
        return len(self._site.unit)

    def gains_db(self, xyz_m: FloatArray) -> FloatArray:
        """Return the gain from places ``(n, 3)`` to all units, ``(n, n_units)``."""
        places_m = np.asarray(xyz_m, np.float64).reshape(-1, 3)
        return np.asarray(self._gain_db[self.walk_map.cells_of(places_m[:, :2])])

    def grid(self) -> CellGrid:
        """Return the cells of the map, walls left out."""
        if self._grid is None:
            n_y, n_x, n_units = self._gain_db.shape
            height_m = np.full((n_y * n_x, 1), self._site.propagation.source_height_m)
            xyz_m = np.hstack([self.walk_map.places_m, height_m])
            index = np.flatnonzero(~inside_any(xyz_m, self._site.wall))
            gain_db = self._gain_db.reshape(-1, n_units)[index]
            self._grid = CellGrid(xyz_m[index], gain_db, (1, n_y, n_x), index, self.walk_map.cell_m)
        return self._grid
