"""What a walk taught of a site: the signal of its transmitter from every cell at every unit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.walk.trees import Trees

__all__ = ["WalkMap"]

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WalkMap:
    """Cells of a site, and what each unit hears of the transmitter of the walk from them.

    ``x_m``, ``y_m`` float64: middles of the columns and rows of square cells. ``signal_db``
    float32 ``(n_y, n_x, n_units)``: what arrives, in the unit of the walk, without the unit's
    noise ``floor_db`` ``(n_units,)``; ``error_db`` of the shape of ``signal_db``: deviation of a
    reading from signal and noise together; it grows with the distance from the walk. Units that
    took too little part in the walk are False in ``is_known``. ``weight`` is that of a likelihood
    by which 90% regions hold 90% (:mod:`edgespec.twin.walk.learn`), ``freedom`` the degrees of
    freedom of deviations. ``trees`` find places by levels alone; ``tree_error_m`` is how far off
    they are where the walk did not go (the median), None without trees.
    """

    nodes: tuple[str, ...]
    x_m: FloatArray
    y_m: FloatArray
    signal_db: Float32Array
    error_db: Float32Array
    floor_db: FloatArray
    is_known: NDArray[np.bool_]
    weight: float
    freedom: float
    trees: Trees | None = None
    tree_error_m: float | None = None

    @property
    def cell_m(self) -> float:
        """Side of a cell."""
        return float(self.x_m[1] - self.x_m[0])

    @property
    def places_m(self) -> FloatArray:
        """Middles of the cells, float64 ``(n_y * n_x, 2)``, row by row."""
        x_m, y_m = np.meshgrid(self.x_m, self.y_m)
        return np.column_stack([x_m.ravel(), y_m.ravel()])

    def cells_of(self, places_m: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return row and column of the cells of places ``(n, 2)``; outside, those of the edge."""
        steps = np.floor(places_m / self.cell_m).astype(np.int64)
        last = len(self.y_m) - 1, len(self.x_m) - 1
        return np.clip(steps[:, 1], 0, last[0]), np.clip(steps[:, 0], 0, last[1])

    def levels_db(self) -> Float32Array:
        """Return signal and noise of each unit, ``(n_y, n_x, n_units)``; NaN if unknown."""
        power = 10.0 ** (self.signal_db / 10.0) + 10.0 ** (self.floor_db / 10.0)
        return np.where(self.is_known, 10.0 * np.log10(power), np.nan).astype(np.float32)

    def of_units(self, nodes: Sequence[str], index: NDArray[np.int64]) -> "WalkMap":
        """Return the map of some units: those at ``index``, of which -1 is one that is unknown."""
        return replace(
            self,
            nodes=tuple(nodes),
            signal_db=self.signal_db[..., index],
            error_db=self.error_db[..., index],
            floor_db=self.floor_db[index],
            is_known=self.is_known[index] & (index >= 0),
            trees=self.trees and self.trees.of_units(index),
        )
