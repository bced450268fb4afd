"""Path gain read from maps, one for each unit, that a ray tracer wrote."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import door
from edgespec.errors import ConfigError
from edgespec.twin.propagation.arrays import read_arrays
from edgespec.twin.propagation.path_gain import GAIN_FLOOR_DB, CellGrid
from edgespec.twin.propagation.places import maps_of_units
from edgespec.twin.site import Site

__all__ = ["Maps"]

FloatArray = NDArray[np.float64]

_ADVICE = "make one with `edgespec-converter raytrace`"

_ARRAYS = {"gain_db": 4, "x_m": 1, "y_m": 1, "z_m": 1, "units_xyz_m": 2}


class Maps:
    """Interpolates path gain between the centres of cells, linearly in dB along each axis.

    By reciprocity one map for each unit holds the gain from every cell to it. A cell that no path
    reaches is NaN in the file and takes no part; where none of the neighbours is reached the gain
    is :data:`GAIN_FLOOR_DB`. Outside of the map its edge counts.
    """

    def __init__(self, site: Site) -> None:
        path = site.propagation.file
        if path is None:
            raise ConfigError("propagation.file is missing; the model 'maps' is read from one")
        with door(f"propagation.file {str(path)!r}", ConfigError, _ADVICE):
            arrays = _read(path)
            self._gain_db = _of_units(arrays, site, path)
            self._axes_m = tuple(
                np.asarray(arrays[name], np.float64) for name in ("z_m", "y_m", "x_m")
            )
        self._site = site
        self._grid: CellGrid | None = None

    @property
    def n_units(self) -> int:
        """Number of sensing units."""
        return int(self._gain_db.shape[3])

    def gains_db(self, xyz_m: FloatArray) -> FloatArray:
        """Return the gain from places ``(n, 3)`` to all units: float64 ``(n, n_units)``."""
        places_m = np.asarray(xyz_m, np.float64).reshape(-1, 3)
        sides = [
            _neighbours(axis_m, places_m[:, 2 - dimension])
            for dimension, axis_m in enumerate(self._axes_m)
        ]
        total = np.zeros((len(places_m), self.n_units))
        weights = np.zeros_like(total)
        for corner in np.ndindex(2, 2, 2):
            index = tuple(sides[axis][0] + side for axis, side in enumerate(corner))
            weight = np.ones(len(places_m))
            for axis, side in enumerate(corner):
                weight = weight * (sides[axis][1] if side else 1.0 - sides[axis][1])
            value = self._gain_db[_clipped(index, self._gain_db.shape)]
            known = np.isfinite(value) & (weight[:, None] > 0.0)
            total += np.where(known, weight[:, None] * np.where(known, value, 0.0), 0.0)
            weights += np.where(known, weight[:, None], 0.0)
        reached = weights > 0.0
        gain_db = np.divide(total, weights, out=np.full_like(total, GAIN_FLOOR_DB), where=reached)
        return np.maximum(gain_db, GAIN_FLOOR_DB)

    def grid(self) -> CellGrid:
        """Return the layer of cells nearest to the height of sources, unreached cells left out."""
        if self._grid is None:
            z_m, y_m, x_m = self._axes_m
            layer = int(np.argmin(np.abs(z_m - self._site.propagation.source_height_m)))
            gain_db = self._gain_db[layer].reshape(-1, self.n_units)
            index = np.flatnonzero(np.isfinite(gain_db).any(axis=1))
            grid_x_m, grid_y_m = np.meshgrid(x_m, y_m)
            xyz_m = np.stack(
                [grid_x_m.ravel(), grid_y_m.ravel(), np.full(grid_x_m.size, z_m[layer])], axis=1
            )
            self._grid = CellGrid(
                xyz_m[index],
                np.nan_to_num(gain_db[index], nan=GAIN_FLOOR_DB),
                (1, len(y_m), len(x_m)),
                index,
                float(x_m[1] - x_m[0]) if len(x_m) > 1 else self._site.propagation.cell_m,
            )
        return self._grid


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file of maps."""
    arrays = read_arrays(path, _ARRAYS, _ADVICE)
    for name, n_dimensions in _ARRAYS.items():
        if name not in arrays or arrays[name].ndim != n_dimensions:
            raise ConfigError(
                f"propagation.file {str(path)!r} has no array {name} of {n_dimensions} dimensions; "
                f"{_ADVICE}"
            )
    for name in ("x_m", "y_m", "z_m"):
        if len(arrays[name]) < 1 or not np.all(np.diff(arrays[name]) > 0):
            raise ConfigError(f"propagation.file {str(path)!r}: {name} must rise from cell to cell")
    return arrays


def _of_units(arrays: dict[str, NDArray[Any]], site: Site, path: Path) -> FloatArray:
    """Return the maps of the site's units: float64 ``(n_z, n_y, n_x, n_units)``."""
    gain_db, places_m = arrays["gain_db"], arrays["units_xyz_m"]
    shape = (len(places_m), *(len(arrays[name]) for name in ("z_m", "y_m", "x_m")))
    if gain_db.shape != shape or places_m.shape[1] != 3:
        raise ConfigError(
            f"propagation.file {str(path)!r}: gain_db is {gain_db.shape}; it must be {shape}"
        )
    chosen = maps_of_units(places_m, site, path)
    return np.ascontiguousarray(np.moveaxis(gain_db[chosen].astype(np.float64), 0, 3))


def _neighbours(axis_m: FloatArray, place_m: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Return for each place the cell below it and how far it is on the way to the next, 0 to 1."""
    if len(axis_m) == 1:
        return np.zeros(len(place_m), np.int64), np.zeros(len(place_m))
    place_m = np.clip(place_m, axis_m[0], axis_m[-1])
    below = np.clip(np.searchsorted(axis_m, place_m, side="right") - 1, 0, len(axis_m) - 2)
    return below, (place_m - axis_m[below]) / (axis_m[below + 1] - axis_m[below])


def _clipped(index: tuple[NDArray[np.int64], ...], shape: tuple[int, ...]) -> Any:
    """Return the index with every axis inside of the array."""
    return tuple(np.minimum(part, n - 1) for part, n in zip(index, shape[:3], strict=True))
