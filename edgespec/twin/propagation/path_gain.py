"""What every model of propagation gives: path gain to all units, and a grid of candidates."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["GAIN_FLOOR_DB", "CellGrid", "PathGain"]

FloatArray = NDArray[np.float64]

#: Gain of a path on which nothing arrives: finite, so that sums stay finite.
GAIN_FLOOR_DB = -250.0


@dataclass(frozen=True, slots=True, eq=False)
class CellGrid:
    """Places where a source may be, and what of it arrives.

    ``xyz_m`` float64 ``(n_cells, 3)``: centres; ``gain_db`` float64 ``(n_cells, n_units)``:
    negative, never NaN, :data:`GAIN_FLOOR_DB` where nothing arrives. Places inside of walls are
    left out. ``shape`` is ``(n_z, n_y, n_x)`` of the full box and ``index`` int64 ``(n_cells,)``
    the place of each cell in it, for pictures.
    """

    xyz_m: FloatArray
    gain_db: FloatArray
    shape: tuple[int, int, int]
    index: NDArray[np.int64]
    cell_m: float


class PathGain(Protocol):
    """Path gain in dB, with isotropic antennas at both ends."""

    @property
    def n_units(self) -> int:
        """Number of sensing units."""
        ...

    def gains_db(self, xyz_m: FloatArray) -> FloatArray:
        """Return the gain from places ``(n, 3)`` to all units: float64 ``(n, n_units)``."""
        ...

    def grid(self) -> CellGrid:
        """Return the places where a source is searched; computed once, then the same object."""
        ...
