"""A simulated ground with units that are not calibrated, and a walk over a part of it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.options import DetectOptions
from edgespec.twin.site import Site, Unit

FloatArray = NDArray[np.float64]

SIZE_M = 400.0
#: Noise of the units, each in a unit of its own: they are not calibrated.
FLOORS_DB = np.array([-88.0, -95.0, -91.0, -83.0, -99.0, -90.0])
_PLACES_M = ((30, 220), (130, 30), (220, 120), (310, 40), (380, 180), (260, 330))


def ground(level_unit: str = "dBFS", **changes: object) -> Site:
    """Return the site: 400 m by 400 m, six units, nothing on the air."""
    units = tuple(Unit(f"g-{i}", float(x), float(y), 5.0) for i, (x, y) in enumerate(_PLACES_M))
    options: dict[str, object] = {
        "name": "ground",
        "freq_lower_hz": 462.6e6,
        "freq_upper_hz": 462.8e6,
        "size_m": (SIZE_M, SIZE_M, 20.0),
        "unit": units,
        "n_subbands": 1,
        "level_unit": level_unit,
        "noise_floor_dbm": -110.0,
        "latitude_deg": 40.76,
        "longitude_deg": -111.84,
        "detect": DetectOptions(interval_s=1.0),
    }
    return Site(**{**options, **changes})  # type: ignore[arg-type]


def signal_db(places_m: FloatArray) -> FloatArray:
    """Return what arrives of the walk's transmitter: 35 dB above the noise at 50 m, power 3.2."""
    off_m = places_m[:, None, :] - np.array(_PLACES_M, np.float64)
    distance_m = np.maximum(np.hypot(off_m[..., 0], off_m[..., 1]), 10.0)
    return np.asarray(FLOORS_DB + 35.0 - 32.0 * np.log10(distance_m / 50.0))


def heard_db(places_m: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return what the units read: signal, noise, and 1.5 dB of their own."""
    power = 10.0 ** (signal_db(places_m) / 10.0) + 10.0 ** (FLOORS_DB / 10.0)
    return np.asarray(10.0 * np.log10(power) + rng.normal(0.0, 1.5, power.shape))


def walk_of(n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return places in the western three quarters of the ground, and what was heard there."""
    places_m = rng.uniform(0.0, 1.0, (n, 2)) * [0.75 * SIZE_M, SIZE_M]
    return places_m, heard_db(places_m, rng)


def write_walk(path: Path, places_m: FloatArray, levels_db: FloatArray) -> Path:
    """Write a walk, one row a place."""
    names = ",".join(f"g-{i}" for i in range(levels_db.shape[1]))
    rows = [
        ",".join("" if np.isnan(one) else f"{one:.2f}" for one in (*place, *levels))
        for place, levels in zip(places_m, levels_db, strict=True)
    ]
    path.write_text("\n".join([f"x,y,{names}", *rows]) + "\n", encoding="utf-8")
    return path
