"""Maps of path gain: by reciprocity one for each sensing unit, instead of one for each source.

With isotropic antennas in a room where nothing moves, the gain from a place to a unit is that from
the unit to the place: as many maps as units hold the gain of every source there may ever be.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter.raytrace.room import Room
from converter.raytrace.tracer import Tracer
from edgespec.errors import UsageError

__all__ = ["CellAxes", "TracedMaps", "cell_axes", "save_maps", "trace_maps"]

FloatArray = NDArray[np.float64]

_SCHEMA = "edgespec.maps/1"

#: A body has twenty faces, and the tracer holds them all.
_MOST_CELLS = 500_000

#: Half the side of a cell that a body fills: neighbours never touch.
_BODY_SHARE = 0.49


@dataclass(frozen=True, slots=True, eq=False)
class CellAxes:
    """Centres of the cells along x, y and z in metres, and the side of a cell."""

    x_m: FloatArray
    y_m: FloatArray
    z_m: FloatArray
    cell_m: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(n_z, n_y, n_x)``."""
        return len(self.z_m), len(self.y_m), len(self.x_m)

    @property
    def centres_m(self) -> FloatArray:
        """All centres, float64 ``(n_z * n_y * n_x, 3)``, x fastest."""
        z_m, y_m, x_m = np.meshgrid(self.z_m, self.y_m, self.x_m, indexing="ij")
        return np.stack([x_m.ravel(), y_m.ravel(), z_m.ravel()], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class TracedMaps:
    """``gain_db`` float32 ``(n_units, n_z, n_y, n_x)``, NaN where no source can be."""

    gain_db: NDArray[np.float32]
    axes: CellAxes
    units_xyz_m: FloatArray
    frequency_hz: float
    seconds: tuple[float, ...]


def cell_axes(room: Room, cell_m: float, heights_m: Sequence[float]) -> CellAxes:
    """Return square cells over the whole room, in layers at the given heights.

    Raises:
        UsageError: a cell is larger than the room, a height is outside of it, or there are too
            many cells.
    """
    for height_m in heights_m:
        if not 0 < height_m < room.size_m[2]:
            raise UsageError(
                f"height {height_m:g} m is not inside of the room, 0 to {room.size_m[2]:g} m"
            )
    if not 0 < cell_m <= min(room.size_m[:2]):
        raise UsageError(f"cells of {cell_m:g} m do not fit the room of {room.size_m} m")
    n_cells = len(heights_m) * int(np.prod(np.array(room.size_m[:2]) / cell_m))
    if n_cells > _MOST_CELLS:
        raise UsageError(
            f"cells of {cell_m:g} m make {n_cells} of them; more than {_MOST_CELLS} are not traced "
            "at once: take larger cells"
        )
    x_m, y_m = (
        (np.arange(round(size / cell_m), dtype=np.float64) + 0.5) * cell_m
        for size in room.size_m[:2]
    )
    return CellAxes(x_m, y_m, np.array(sorted(heights_m), np.float64), cell_m)


def trace_maps(
    tracer: Tracer,
    room: Room,
    units_xyz_m: FloatArray,
    axes: CellAxes,
    progress: Callable[[str], None] = lambda text: None,
) -> TracedMaps:
    """Trace the map of every unit; cells in boxes, and such that no ray met, are NaN."""
    centres_m = axes.centres_m
    is_free = room.clearance_m(centres_m) > 0
    cells = tracer.cells(centres_m[is_free], _BODY_SHARE * axes.cell_m)
    gain_db = np.full((len(units_xyz_m), len(centres_m)), np.nan, np.float32)
    seconds = []
    for number, place_m in enumerate(units_xyz_m):
        begun = time.perf_counter()
        gain = tracer.gain(place_m, cells)
        seconds.append(time.perf_counter() - begun)
        with np.errstate(divide="ignore"):
            found_db = np.where(gain > 0, 10.0 * np.log10(gain), np.nan)
        gain_db[number, is_free] = found_db
        n_missed = int(np.count_nonzero(gain <= 0))
        missed = f", {n_missed} cells without a ray" if n_missed else ""
        progress(
            f"{number + 1}/{len(units_xyz_m)} unit at {tuple(float(v) for v in place_m)} m: "
            f"{cells.n_cells} cells in {seconds[-1]:.1f} s{missed}"
        )
    shape = (len(units_xyz_m), *axes.shape)
    return TracedMaps(gain_db.reshape(shape), axes, units_xyz_m, room.frequency_hz, tuple(seconds))


def save_maps(maps: TracedMaps, path: Path, how: object) -> None:
    """Write maps as npz, the gains as float16: 0.03 dB at -100 dB, less than any ray tracing.

    ``how`` is a dataclass that says how they were made; it is kept as JSON in ``meta``.
    """
    meta = {"schema": _SCHEMA, "cell_m": maps.axes.cell_m, **asdict(how)}  # type: ignore[call-overload]
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            gain_db=maps.gain_db.astype(np.float16),
            x_m=maps.axes.x_m,
            y_m=maps.axes.y_m,
            z_m=maps.axes.z_m,
            units_xyz_m=maps.units_xyz_m,
            frequency_hz=np.float64(maps.frequency_hz),
            meta=np.array(json.dumps(meta)),
        )
