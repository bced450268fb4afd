"""Path gain traced from sources, as the paper does: what maps of units are checked with.

It needs the extra `raytrace`; the figures are kept in ``benchmarks/results/twin/direct.npz``, so
that all else runs without a ray tracer.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import RESULTS
from benchmarks.twin.hall import MAPS, draw_places, hall
from edgespec.twin.propagation.maps import Maps

__all__ = [
    "DIRECT",
    "PLAIN",
    "Direct",
    "load_direct",
    "load_plain",
    "save_direct",
    "save_plain",
    "time_tracing",
    "trace_direct",
    "trace_plain",
]

FloatArray = NDArray[np.float64]

DIRECT, PLAIN = RESULTS / "twin" / "direct.npz", RESULTS / "twin" / "plain.npz"

#: Radius of the body around a sensing unit on which power is collected, as in the maps.
_RADIUS_M = 0.245
#: A second lattice of rays: this many times more of them, so none goes where one went before.
_OTHER_RAYS = 1.037


@dataclass(frozen=True, slots=True, eq=False)
class Direct:
    """Gains to the units at 1.5 m and then to those at the ceiling, in dB.

    ``held_out_db`` float32 ``(n, 24)`` from random places ``held_out_m``; ``centres_db`` ``(2, m,
    24)`` from centres of cells ``centres_m``, with two lattices of rays; ``plane_db`` ``(m, 12)``
    from the same by a plain radio map at the height of the sources, cells of 1 m, as the paper.
    ``seconds``: medians of one trace to all units, and of one plain radio map, as they came.
    """

    held_out_m: FloatArray
    held_out_db: FloatArray
    centres_m: FloatArray
    centres_db: FloatArray
    plane_db: FloatArray
    n_rays: int
    seconds: FloatArray


def trace_direct(
    n_held_out: int, n_centres: int, n_rays: int, seed: int, progress: Callable[[str], None]
) -> Direct:
    """Trace from random places and from random centres of cells."""
    from converter.raytrace.room import room_of
    from converter.raytrace.tracer import TraceOptions, Tracer

    low, high = hall("1.5 m"), hall("5 m")
    room = room_of(low)
    rng = np.random.default_rng(seed)
    held_out_m = draw_places(low, n_held_out, rng)
    grid = Maps(replace(low, propagation=replace(low.propagation, file=MAPS))).grid()
    centres_m = grid.xyz_m[rng.choice(len(grid.xyz_m), n_centres, replace=False)]
    units_m = np.concatenate([low.units_xyz_m, high.units_xyz_m])
    tracers = [Tracer(room, TraceOptions(round(n_rays * more))) for more in (1.0, _OTHER_RAYS)]
    held_out, seconds = [], []
    cells = tracers[0].cells(units_m, _RADIUS_M)
    for number, place_m in enumerate(held_out_m):
        begun = time.perf_counter()
        held_out.append(tracers[0].gain(place_m, cells))
        seconds.append(time.perf_counter() - begun)
        if number % 20 == 19:
            progress(f"{number + 1}/{n_held_out} held-out places, {np.median(seconds):.2f} s each")
    centres, planes, plane_seconds = [], [], []
    rows = (low.units_xyz_m[:, 1] // 1).astype(int), (low.units_xyz_m[:, 0] // 1).astype(int)
    for tracer in tracers:
        cells = tracer.cells(units_m, _RADIUS_M)
        centres.append([tracer.gain(place_m, cells) for place_m in centres_m])
        progress(f"{n_centres} centres of cells")
    for place_m in centres_m:
        begun = time.perf_counter()
        planes.append(tracers[0].plane_gain(place_m, low.propagation.source_height_m, 1.0)[rows])
        plane_seconds.append(time.perf_counter() - begun)
    progress(f"{n_centres} plain radio maps, {np.median(plane_seconds):.2f} s each")
    return Direct(
        held_out_m,
        _db(np.array(held_out)),
        centres_m,
        _db(np.array(centres)),
        _db(np.array(planes)),
        n_rays,
        np.array([np.median(seconds), np.median(plane_seconds)]),
    )


def _db(gain: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(gain > 0, 10 * np.log10(gain), np.nan).astype(np.float32))


def save_direct(direct: Direct) -> None:
    """Keep the gains with the other results."""
    DIRECT.parent.mkdir(parents=True, exist_ok=True)
    with DIRECT.open("wb") as file:
        np.savez_compressed(file, **{name: getattr(direct, name) for name in Direct.__slots__})


def load_direct() -> Direct:
    """Return the gains that were kept."""
    with np.load(DIRECT, allow_pickle=False) as file:
        return Direct(**{name: file[name] for name in Direct.__slots__})


def trace_plain(n_rays: int) -> FloatArray:
    """Return plain radio maps of the units at 1.5 m, cells of 1 m: float32 ``(12, 40, 40)``."""
    from converter.raytrace.room import room_of
    from converter.raytrace.tracer import TraceOptions, Tracer

    site = hall("1.5 m")
    tracer = Tracer(room_of(site), TraceOptions(n_rays))
    height_m = site.propagation.source_height_m
    return _db(np.array([tracer.plane_gain(place, height_m, 1.0) for place in site.units_xyz_m]))


def save_plain(plain_db: FloatArray) -> None:
    """Keep plain radio maps with the other results."""
    with PLAIN.open("wb") as file:
        np.savez_compressed(file, gain_db=plain_db.astype(np.float16))


def load_plain() -> FloatArray:
    """Return the plain radio maps that were kept: float64 ``(12, 40, 40)``."""
    with np.load(PLAIN, allow_pickle=False) as file:
        return np.asarray(file["gain_db"], np.float64)


def time_tracing(n_rays: int, n_rounds: int, other: Callable[[FloatArray], object]) -> FloatArray:
    """Return seconds, in turns: float64 ``(n_rounds, 4)``.

    One place to twelve units; a plain radio map of 1 m cells; the map of a unit as `raytrace` makes
    them; and what ``other`` takes for one place.
    """
    from converter.raytrace.maps import cell_axes
    from converter.raytrace.room import room_of
    from converter.raytrace.tracer import TraceOptions, Tracer

    site = hall("1.5 m")
    room, height_m = room_of(site), site.propagation.source_height_m
    tracer = Tracer(room, TraceOptions(n_rays))
    centres_m = cell_axes(room, 0.5, (height_m,)).centres_m
    units = tracer.cells(site.units_xyz_m, _RADIUS_M)
    cells = tracer.cells(centres_m[room.clearance_m(centres_m) > 0], _RADIUS_M)
    seconds = np.empty((n_rounds + 1, 4))
    for number in range(n_rounds + 1):
        place_m = np.array([14.3 + 0.1 * number, 20.1, height_m])
        for column, work in enumerate(
            (
                lambda place_m=place_m: tracer.gain(place_m, units),
                lambda place_m=place_m: tracer.plane_gain(place_m, height_m, 1.0),
                lambda number=number: tracer.gain(site.units_xyz_m[number % 12], cells),
                lambda place_m=place_m: other(place_m[None, :]),
            )
        ):
            begun = time.perf_counter()
            work()
            seconds[number, column] = time.perf_counter() - begun
    # The first round compiles.
    return seconds[1:]
