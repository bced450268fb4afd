"""How near fast models of path gain come to ray tracing, and how fast they are.

``python -m benchmarks.twin.surrogate`` learns each from the maps of the hall and compares it with
gains traced from places that it never saw; ``--trace`` traces those again, which needs the extra
`raytrace`. It writes a table, a picture and the figures to ``benchmarks/results/twin``.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray

from benchmarks.record import facts
from benchmarks.twin.direct import (
    DIRECT,
    PLAIN,
    Direct,
    load_direct,
    save_direct,
    save_plain,
    time_tracing,
    trace_direct,
    trace_plain,
)
from benchmarks.twin.hall import hall, traced
from benchmarks.twin.paper_forest import N_PLACES, learning_places, one_unit, paper_forest
from converter.raytrace.fit import fit_log_distance, with_fit
from converter.raytrace.forest import ForestOptions, fit_trees, flatten
from converter.report.markdown_table import markdown_table
from edgespec.twin.propagation.forest import features_of
from edgespec.twin.propagation.log_distance import LogDistance

__all__ = ["main"]

FloatArray = NDArray[np.float64]
Gains = Callable[[FloatArray], FloatArray]

RESULTS = DIRECT.parent
TIMING = RESULTS / "tracing.json"
FAST = ForestOptions()
PAPER = "forest of the paper, 400 trees a unit, compiled"
SCIKIT = "the same in scikit-learn"
JOINT = f"joint forest, {FAST.n_trees} trees, compiled"
MAPS = "maps, interpolated"
STRAIGHT = "log-distance and walls, fitted"


@dataclass(frozen=True, slots=True)
class Row:
    """One model at one height of the units."""

    model: str
    heights: str
    rmse_db: float
    median_db: float
    p95_db: float
    fastest_s: float
    median_s: float
    alone_s: float
    n_nodes: int = 0


def models(heights: str) -> tuple[dict[str, Gains], dict[str, int], dict[str, float]]:
    """Return each model's gains by its name, nodes of the forests, and the fit of log-distance."""
    site, maps = hall(heights), traced(heights)
    places_m, gain_db = learning_places(heights)
    compiled = paper_forest(heights)
    joint = flatten(fit_trees(places_m, gain_db, site.units_xyz_m, FAST), site.units_xyz_m)
    fit = fit_log_distance(site, places_m, gain_db)
    gains: dict[str, Gains] = {
        PAPER: compiled.gains_db,
        JOINT: joint.gains_db,
        MAPS: maps.gains_db,
        STRAIGHT: LogDistance(with_fit(site, fit)).gains_db,
    }
    nodes = {PAPER: compiled.n_nodes, JOINT: joint.n_nodes}
    return gains, nodes, {name: round(getattr(fit, name), 2) for name in type(fit).__slots__}


def scikit_learn() -> Gains:
    """Return the forest of one unit, asked twelve times: what those of twelve units take."""
    forest, units_m = one_unit("1.5 m", 0), hall("1.5 m").units_xyz_m
    forest.n_jobs = 1

    def gains_db(places_m: FloatArray) -> FloatArray:
        features = features_of(places_m, units_m)
        return np.stack([forest.predict(features) for _ in units_m], axis=1)

    return gains_db


def time_of(gains: dict[str, Gains], n_rounds: int = 60) -> dict[str, tuple[float, float, float]]:
    """Return how long one place to all units takes: fastest and median in turns, fastest alone.

    In turns each model finds the caches full of what the others read.
    """
    taken: dict[str, list[float]] = {name: [] for name in gains}
    for gain in gains.values():
        gain(_place_m(0))
    for number in range(n_rounds):
        for name, gain in gains.items():
            taken[name].append(_seconds(gain, number))
    return {
        name: (
            min(taken[name]),
            float(np.median(taken[name])),
            min(_seconds(gain, number) for number in range(n_rounds)),
        )
        for name, gain in gains.items()
    }


def _place_m(number: int) -> FloatArray:
    """Return one of the places that are asked for, never the same one again."""
    return np.array([[14.3 + 0.01 * number, 20.1, 1.5]])


def _seconds(gain: Gains, number: int) -> float:
    place_m = _place_m(number)
    begun = time.perf_counter()
    gain(place_m)
    return time.perf_counter() - begun


def measure(
    direct: Direct, heights: str, gains: dict[str, Gains], nodes: dict[str, int]
) -> list[Row]:
    """Return a row for each model at one height."""
    columns = slice(0, 12) if heights == "1.5 m" else slice(12, 24)
    truth_db = np.asarray(direct.held_out_db[:, columns], np.float64)
    timed = {**gains, SCIKIT: scikit_learn()} if heights == "1.5 m" else gains
    times = time_of(timed)
    rows = []
    for name, gain in gains.items():
        error_db = np.abs(gain(direct.held_out_m) - truth_db)
        rows.append(
            Row(
                name,
                heights,
                float(np.sqrt(np.nanmean(error_db**2))),
                float(np.nanmedian(error_db)),
                float(np.nanquantile(error_db, 0.95)),
                *times[name],
                nodes.get(name, 0),
            )
        )
    if SCIKIT in times:
        first = rows[0]
        same = (first.rmse_db, first.median_db, first.p95_db)
        rows.insert(1, Row(SCIKIT, heights, *same, *times[SCIKIT], first.n_nodes))
    return rows


def time_rays(n_rays: int, other: Gains, n_rounds: int = 5) -> dict[str, Any]:
    """Return the fastest times of ray tracing and of a model, in turns."""
    seconds = time_tracing(n_rays, n_rounds, other)
    machine = facts()
    return {
        "n_rays": n_rays,
        "n_rounds": n_rounds,
        "fastest_s": [float(value) for value in seconds.min(axis=0)],
        "median_s": [float(value) for value in np.median(seconds, axis=0)],
        "date": machine["date"],
        "load": machine["load"],
    }


def rms(difference_db: FloatArray) -> float:
    """Return the root mean square of what is known."""
    return float(np.sqrt(np.nanmean(np.asarray(difference_db, np.float64) ** 2)))


def checks(direct: Direct) -> dict[str, float]:
    """Return how far maps of units are from traces of sources, and how far traces from another."""
    found: dict[str, float] = {}
    for heights, columns in (("1.5 m", slice(0, 12)), ("5 m", slice(12, 24))):
        maps_db = traced(heights).gains_db(direct.centres_m)
        one_db, other_db = direct.centres_db[:, :, columns]
        found[f"reciprocity {heights}"] = rms(maps_db - one_db)
        found[f"reciprocity, mean {heights}"] = float(np.nanmean(maps_db - one_db))
        found[f"lattices {heights}"] = rms(one_db - other_db)
    loss_db = direct.centres_db[0, :, :12] - direct.plane_db
    found["plane, mean loss"] = float(np.nanmean(loss_db))
    found["plane, largest loss"] = float(np.nanmax(loss_db))
    found["plane, rms"] = rms(loss_db)
    return found


def draw(path: Path, known: dict[str, dict[str, Gains]]) -> None:
    """Draw the gain to one unit at both heights by ray tracing, forest and log-distance."""
    figure, axes = pyplot.subplots(2, 3, figsize=(10.5, 6.6), layout="constrained", sharex=True)
    unit = 4
    for row, (heights, gains) in enumerate(known.items()):
        site = hall(heights)
        grid = traced(heights).grid()
        for column, name in enumerate((MAPS, JOINT, STRAIGHT)):
            axis = axes[row, column]
            picture = np.full(grid.shape[1] * grid.shape[2], np.nan)
            picture[grid.index] = gains[name](grid.xyz_m)[:, unit]
            image = axis.imshow(
                picture.reshape(grid.shape[1:]),
                origin="lower",
                extent=(0, site.size_m[0], 0, site.size_m[1]),
                vmin=-100,
                vmax=-45,
            )
            axis.plot(*site.units_xyz_m[:, :2].T, "w.", markersize=4)
            axis.plot(*site.units_xyz_m[unit, :2], "r^", markersize=7)
            title = ("ray-traced", "joint forest", "log-distance and walls")[column]
            axis.set_title(f"{title}, units at {heights}", fontsize=9)
    for axis in axes[1]:
        axis.set_xlabel("x, m")
    for axis in axes[:, 0]:
        axis.set_ylabel("y, m")
    figure.colorbar(image, ax=axes, label="path gain from 1.5 m to the marked unit, dB", shrink=0.8)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def _times_text(timing: dict[str, Any]) -> str:
    """Return in words what ray tracing takes beside a model."""
    fastest = timing["fastest_s"]
    one, plain, whole = (f"{value / fastest[3]:,.0f}" for value in fastest[:3])
    return (
        f"Ray tracing, {timing['n_rays']:,} rays, in turns with the joint forest in one process "
        f"({timing['date']}, load {timing['load']}): fastest of {timing['n_rounds']} rounds "
        f"{fastest[0]:.2f} s from one place to twelve units, {fastest[1]:.2f} s for a plain radio "
        f"map of 1 m cells, {fastest[2]:.2f} s for the map of a unit in cells of 0.5 m, and "
        f"{1e3 * fastest[3]:.3f} ms for the forest: they take {one}, {plain} and {whole} times as "
        "long. The paper gives 1.95 s a map and 0.02 s for its forest, a ratio of 98.\n"
    )


def as_text(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    rows = [
        (
            row["model"],
            row["heights"],
            f"{row['rmse_db']:.2f}",
            f"{row['median_db']:.2f}",
            f"{row['p95_db']:.2f}",
            f"{1e3 * row['fastest_s']:.3f}",
            f"{1e3 * row['median_s']:.3f}",
            f"{1e3 * row['alone_s']:.3f}",
            f"{row['n_nodes']:,}" if row["n_nodes"] else "-",
        )
        for row in result["rows"]
    ]
    head = ("model", "units at", "RMSE, dB", "median error, dB", "95%, dB")
    head += ("fastest in turns, ms", "median in turns, ms", "fastest alone, ms")
    head += ("nodes",)
    check = result["checks"]
    lines = [
        "# Path gain: ray tracing and what stands in for it\n",
        f"`python -m benchmarks.twin.surrogate`, {result['machine']['date']}, "
        f"{result['machine']['cpu']}, load {result['machine']['load']}, seed {result['seed']}. "
        f"The models learn from {N_PLACES} random places of the ray-traced maps; the errors are "
        f"against {result['n_held_out']} places traced on their own. A time is for one place to "
        "twelve units in one process: in turns with the other models, when each finds the caches "
        "full of what those read, and alone.\n",
        markdown_table(head, rows),
        "",
        _times_text(result["timing"]),
        "## One map for each unit\n",
        "By reciprocity the maps are traced from the units. From 50 centres of cells, traced "
        "directly, they differ by "
        f"{check['reciprocity 1.5 m']:.2f} dB RMS (units at 1.5 m, mean "
        f"{check['reciprocity, mean 1.5 m']:+.2f} dB) and {check['reciprocity 5 m']:.2f} dB (under "
        f"the ceiling, mean {check['reciprocity, mean 5 m']:+.2f} dB). Two direct traces of the "
        "same link with different lattices of rays differ by "
        f"{check['lattices 1.5 m']:.2f} and {check['lattices 5 m']:.2f} dB RMS: what is left is "
        "mostly the rays' own noise.\n",
        "## What a plain radio map misses\n",
        "A plane of cells at the height of the transmitter is met neither by the direct path nor "
        "by what walls alone reflect, since these stay in the plane. Against closed bodies of the "
        f"same place it shows {check['plane, mean loss']:.1f} dB less on the mean and up to "
        f"{check['plane, largest loss']:.1f} dB less. All maps here collect power on small closed "
        "bodies.\n",
        "Fitted to the maps, log-distance has "
        + " and ".join(
            f"exponent {fit['exponent']:.2f}, {fit['reference_db']:.1f} dB at 1 m and "
            f"{fit['wall_loss_db']:.1f} dB a wall (units at {heights})"
            for heights, fit in result["fits"].items()
        )
        + ".\n",
        "![Maps](surrogate.png)",
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--trace", is_flag=True, help="Trace the held-out places again.")
@click.option("--time", "timed", is_flag=True, help="Time the ray tracer again.")
@click.option("--held-out", default=200, show_default=True)
@click.option("--centres", default=50, show_default=True)
@click.option("--rays", default=1_000_000, show_default=True)
@click.option("--seed", default=5, show_default=True)
def main(trace: bool, timed: bool, held_out: int, centres: int, rays: int, seed: int) -> None:
    """Compare the models of path gain."""
    if trace or not DIRECT.exists():
        save_direct(trace_direct(held_out, centres, rays, seed, click.echo))
    if trace or not PLAIN.exists():
        save_plain(trace_plain(rays))
    direct = load_direct()
    rows: list[Row] = []
    fits, known = {}, {}
    for heights in ("1.5 m", "5 m"):
        known[heights], nodes, fits[heights] = models(heights)
        rows += measure(direct, heights, known[heights], nodes)
    if trace or timed or not TIMING.exists():
        timing = time_rays(rays, known["1.5 m"][JOINT])
        TIMING.write_text(json.dumps(timing) + "\n", encoding="utf-8")
    result: dict[str, Any] = {
        "machine": facts(("numba", "scikit-learn", "sionna-rt")),
        "seed": seed,
        "n_held_out": len(direct.held_out_m),
        "timing": json.loads(TIMING.read_text(encoding="utf-8")),
        "rows": [{name: getattr(row, name) for name in Row.__slots__} for row in rows],
        "checks": checks(direct),
        "fits": fits,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = as_text(result)
    (RESULTS / "surrogate.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "surrogate.md").write_text(text, encoding="utf-8")
    draw(RESULTS / "surrogate.png", known)
    click.echo(text)


if __name__ == "__main__":
    main()
