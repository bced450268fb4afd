"""A campus with 29 receivers that were never calibrated, and walks of a 1 W handheld through it.

``powder_rss.npz`` of ``../shared/data`` is no part of this project. It becomes what a user has: a
site without walls and a file of comma-separated values with latitudes and longitudes, which is read
as any other walk.
"""

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import DATA
from edgespec.twin.site import Site, Unit
from edgespec.twin.walk.table import read_walk
from edgespec.twin.walk.walk import Walk

__all__ = ["BLOCK_M", "Campus", "load_campus"]

FloatArray = NDArray[np.float64]

#: Squares of this side are held out together: readings 4 s apart know each other.
BLOCK_M = 180.0

#: What is kept free around the walk and the receivers.
_MARGIN_M = 150.0
_LATITUDE_M, _LONGITUDE_M = 110_950.0, 111_320.0
#: Two receivers of the set share one place; a site wants each where it is.
_HEIGHTS_M = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Campus:
    """The site, the walks for learning (``rest``) and for the test (``grid``), and the extremes.

    ``two_db`` float64 ``(n, n_units)`` was heard of two transmitters at ``two_m`` ``(n, 2, 2)``, in
    the order of the set; ``rest_s`` int64 ``(n,)`` is when each reading of ``rest`` was taken.
    """

    site: Site
    rest: Walk
    rest_s: NDArray[np.int64]
    grid: Walk
    two_db: FloatArray
    two_m: FloatArray


def load_campus(path: Path = DATA / "powder_rss.npz") -> Campus:
    """Return the campus of the published measurements."""
    with np.load(path) as data:
        nodes = [str(name) for name in data["receivers"]]
        receivers, places = data["receiver_lat_lon"], data["tx_lat_lon"]
        times, split, levels_db = data["time"], data["split"], data["rss_db"]
        two_db, two = data["two_tx_rss_db"].astype(np.float64), data["two_tx_lat_lon"]
    every = np.concatenate([receivers, places[split == "rest"]])
    degrees = _MARGIN_M / np.array([_LATITUDE_M, _LONGITUDE_M * np.cos(np.radians(every[0, 0]))])
    origin = every.min(axis=0) - degrees

    def metres(lat_lon: FloatArray) -> FloatArray:
        off = lat_lon - origin
        east_m = off[..., 1] * _LONGITUDE_M * np.cos(np.radians(origin[0]))
        return np.stack([east_m, off[..., 0] * _LATITUDE_M], axis=-1)

    width_m, depth_m = metres(every).max(axis=0) + _MARGIN_M
    units = tuple(
        Unit(node, float(x_m), float(y_m), 10.0 + _HEIGHTS_M * index)
        for index, (node, (x_m, y_m)) in enumerate(zip(nodes, metres(receivers), strict=True))
    )
    site = Site(
        name="campus",
        freq_lower_hz=462.69e6,
        freq_upper_hz=462.71e6,
        size_m=(float(width_m), float(depth_m), 100.0),
        unit=units,
        n_subbands=1,
        level_unit="dBFS",
        latitude_deg=float(origin[0]),
        longitude_deg=float(origin[1]),
    )
    with tempfile.TemporaryDirectory() as folder:
        walks = [
            read_walk(
                _written(Path(folder) / f"{name}.csv", nodes, times[of], places[of], levels_db[of]),
                site,
            )
            for name, of in (("rest", split == "rest"), ("grid", split == "grid_test"))
        ]
    at_s = np.array(times[split == "rest"], "datetime64[s]").astype(np.int64)
    return Campus(site, walks[0], at_s, walks[1], two_db, metres(two))


def _written(
    path: Path,
    nodes: list[str],
    times: NDArray[np.str_],
    places: FloatArray,
    levels_db: NDArray[np.float32],
) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "lat", "lon", *nodes])
        for time, place, levels in zip(times, places, levels_db, strict=True):
            row = ["" if np.isnan(level) else f"{level:.2f}" for level in levels]
            writer.writerow([time, f"{place[0]:.7f}", f"{place[1]:.7f}", *row])
    return path
