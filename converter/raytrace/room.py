"""A room as a ray tracer sees it: a shell and boxes in it, each of one material."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.site import Site

__all__ = ["Box", "Room", "room_of"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel box of a material of ITU-R P.2040, corners in metres."""

    lower_m: tuple[float, ...]
    upper_m: tuple[float, ...]
    material: str


@dataclass(frozen=True, slots=True)
class Room:
    """A shell from the origin to ``size_m``, and boxes in it.

    Walls, floor and ceiling are slabs of ``shell``; what passes through them is lost.
    """

    size_m: tuple[float, ...]
    shell: str
    boxes: tuple[Box, ...]
    frequency_hz: float

    def clearance_m(self, xyz_m: FloatArray) -> FloatArray:
        """Return how far places ``(n, 3)`` are from the nearest surface: float64 ``(n,)``.

        Negative or zero inside of a box, on a surface, and outside of the room.
        """
        places_m = np.asarray(xyz_m, np.float64).reshape(-1, 3)
        size_m = np.array(self.size_m)
        free_m = np.minimum(places_m, size_m - places_m).min(axis=1)
        for box in self.boxes:
            beyond_m = np.maximum(
                np.array(box.lower_m) - places_m, places_m - np.array(box.upper_m)
            )
            outside_m = np.linalg.norm(np.maximum(beyond_m, 0.0), axis=1)
            inside = beyond_m.max(axis=1) <= 0.0
            free_m = np.minimum(free_m, np.where(inside, beyond_m.max(axis=1), outside_m))
        return np.asarray(free_m)

    @property
    def is_transparent(self) -> bool:
        """Whether power passes through any of the boxes."""
        return any(box.material != "metal" for box in self.boxes)


def room_of(site: Site) -> Room:
    """Return the room of a site: its size, and its walls with their materials.

    Raises:
        ConfigError: a wall stands outside of the room, or a sensing unit where no wave arrives.
    """
    for number, wall in enumerate(site.wall, start=1):
        name = wall.name or f"number {number}"
        if min(wall.lower_m) < 0 or any(
            high > size for high, size in zip(wall.upper_m, site.size_m, strict=True)
        ):
            raise ConfigError(
                f"wall {name!r} reaches from {wall.lower_m} to {wall.upper_m}; it must stay inside "
                f"of the room, 0 to {site.size_m}"
            )
    room = Room(
        size_m=site.size_m,
        shell=site.propagation.shell,
        boxes=tuple(Box(wall.lower_m, wall.upper_m, wall.material) for wall in site.wall),
        frequency_hz=site.center_freq_hz,
    )
    for unit, free_m in zip(site.unit, room.clearance_m(site.units_xyz_m), strict=True):
        if free_m <= 0:
            raise ConfigError(
                f"unit {unit.node!r} at {unit.xyz_m} is inside of a wall or outside of the room; "
                "rays start in free space: move it by a few centimetres"
            )
    return room
