"""What is learnt from maps: places to learn at, and the straight-line model that fits best."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from converter.raytrace.room import Room
from edgespec.errors import EdgespecError
from edgespec.twin.propagation.walls import wall_losses_db
from edgespec.twin.site import Site

__all__ = ["LogDistanceFit", "fit_log_distance", "random_places", "with_fit"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LogDistanceFit:
    """Options of the model log-distance, and its RMS error where they were fitted, in dB."""

    exponent: float
    reference_db: float
    wall_loss_db: float
    rmse_db: float


def random_places(room: Room, n: int, height_m: float, rng: np.random.Generator) -> FloatArray:
    """Return places uniformly over what is free at a height: float64 ``(n, 3)``.

    Raises:
        EdgespecError: nearly nothing is free there.
    """
    places_m = np.empty((0, 3))
    for _ in range(100):
        drawn_m = rng.uniform(0.0, 1.0, (2 * n, 3)) * np.array(room.size_m)
        drawn_m[:, 2] = height_m
        places_m = np.concatenate([places_m, drawn_m[room.clearance_m(drawn_m) > 0]])
        if len(places_m) >= n:
            return places_m[:n]
    raise EdgespecError(f"at {height_m:g} m nearly all of the room is full of walls")


def fit_log_distance(site: Site, places_m: FloatArray, gain_db: FloatArray) -> LogDistanceFit:
    """Return the exponent, reference and loss of a wall that fit gains ``(n, n_units)`` best.

    Least squares in dB; the loss is one for all walls.
    """
    units_m = site.units_xyz_m
    distance_m = np.linalg.norm(places_m[:, None, :] - units_m[None, :, :], axis=2)
    losses = [wall.loss_db for wall in site.wall]
    one = max(losses, default=1.0) or 1.0
    crossed = wall_losses_db(places_m, units_m, site.wall) / one
    columns = [np.ones(gain_db.size), -10.0 * np.log10(np.maximum(distance_m, 0.5)).ravel()]
    if crossed.any():
        columns.append(-crossed.ravel())
    matrix = np.stack(columns, axis=1)
    solution, *_ = np.linalg.lstsq(matrix, gain_db.ravel(), rcond=None)
    error_db = matrix @ solution - gain_db.ravel()
    return LogDistanceFit(
        exponent=float(solution[1]),
        reference_db=float(solution[0]),
        wall_loss_db=float(solution[2]) if len(solution) > 2 else 0.0,
        rmse_db=float(np.sqrt(np.mean(error_db**2))),
    )


def with_fit(site: Site, fit: LogDistanceFit) -> Site:
    """Return the site with the model log-distance as fitted."""
    propagation = replace(
        site.propagation,
        model="log-distance",
        exponent=fit.exponent,
        reference_db=fit.reference_db,
    )
    walls = tuple(replace(wall, loss_db=fit.wall_loss_db) for wall in site.wall)
    return replace(site, propagation=propagation, wall=walls)
