"""Which boxes a straight path crosses."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.site import Wall

__all__ = ["inside_any", "wall_losses_db"]

FloatArray = NDArray[np.float64]

#: A direction smaller than this is parallel to a face, in metres.
_PARALLEL_M = 1e-9


def wall_losses_db(from_m: FloatArray, to_m: FloatArray, walls: tuple[Wall, ...]) -> FloatArray:
    """Return the loss on the straight paths between two sets of places.

    Args:
        from_m: float64 ``(n, 3)``.
        to_m: float64 ``(m, 3)``.
        walls: boxes; touching one at a corner or ending on its face is no crossing.

    Returns:
        float64 ``(n, m)`` in dB, the sum over the boxes crossed: the slab method, where a ray is
        inside of a box while it is between both faces of every axis.
    """
    losses_db = np.zeros((len(from_m), len(to_m)))
    start_m = from_m[:, None, :]
    step_m = to_m[None, :, :] - start_m
    step_m = np.where(np.abs(step_m) < _PARALLEL_M, _PARALLEL_M, step_m)
    for wall in walls:
        to_lower = (np.array(wall.lower_m) - start_m) / step_m
        to_upper = (np.array(wall.upper_m) - start_m) / step_m
        enters = np.minimum(to_lower, to_upper).max(axis=2)
        leaves = np.maximum(to_lower, to_upper).min(axis=2)
        crossed = np.maximum(enters, 0.0) < np.minimum(leaves, 1.0) - 1e-9
        losses_db += np.where(crossed, wall.loss_db, 0.0)
    return losses_db


def inside_any(xyz_m: FloatArray, walls: tuple[Wall, ...]) -> NDArray[np.bool_]:
    """Return for each place ``(n, 3)`` whether it lies inside of a box: bool ``(n,)``."""
    inside = np.zeros(len(xyz_m), np.bool_)
    for wall in walls:
        inside |= np.all((xyz_m > wall.lower_m) & (xyz_m < wall.upper_m), axis=1)
    return inside
