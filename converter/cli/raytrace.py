"""The command that traces a site: ``raytrace``."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from converter.cli.output import FILE, emit, json_option
from edgespec.errors import UsageError
from edgespec.finite import Finite
from edgespec.screen.progress import Progress

if TYPE_CHECKING:
    from converter.raytrace.room import Room
    from edgespec.twin.site import Site

__all__ = ["raytrace"]


@click.command()
@click.argument("site_file", metavar="SITE", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="Maps to write: NAME.npz.")
@click.option(
    "--cell",
    type=Finite(min=0, min_open=True),
    default=0.5,
    show_default=True,
    help="Side of a cell, m.",
)
@click.option(
    "--height", "heights", multiple=True, type=Finite(), help="Of sources, m; of the site."
)
@click.option("--also-at", multiple=True, type=Finite(), help="Every unit at this height, m, too.")
@click.option("--rays", type=click.IntRange(1000), default=1_000_000, show_default=True)
@click.option("--depth", type=click.IntRange(0, 20), default=5, show_default=True, help="Bounces.")
@click.option("--diffraction/--no-diffraction", default=True, show_default=True)
@click.option("--forest", type=FILE, help="Grow a forest on the maps, too: NAME.npz.")
@click.option("--trees", type=click.IntRange(1), default=100, show_default=True)
@click.option("--places", type=click.IntRange(10), default=5000, show_default=True)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Draws the places and the trees.",
)
@json_option
def raytrace(
    site_file: Path,
    out: Path,
    cell: float,
    heights: tuple[float, ...],
    also_at: tuple[float, ...],
    rays: int,
    depth: int,
    diffraction: bool,
    forest: Path | None,
    trees: int,
    places: int,
    seed: int,
    as_json: bool,
) -> None:
    """Trace rays in the room of a SITE file: one map of path gain for each sensing unit.

    The twin reads them with model = "maps", a forest with model = "forest". It needs the extra
    `raytrace` and an LLVM. At the end it says what the model log-distance needs to fit best.
    """
    from converter.raytrace.maps import cell_axes, save_maps, trace_maps
    from converter.raytrace.room import room_of
    from converter.raytrace.tracer import TraceOptions, Tracer
    from edgespec.twin.site import load_site

    for path in (out, forest):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"{path} cannot be written: make its folder first")
    if forest is not None:
        from converter.raytrace.forest import load_sklearn

        load_sklearn()
    site = load_site(site_file)
    room = room_of(site)
    axes = cell_axes(room, cell, heights or (site.propagation.source_height_m,))
    options = TraceOptions(rays, depth, diffraction)
    raised = [_raised(site, height_m) for height_m in also_at]
    for one in raised:
        room_of(one)
    units_m = np.concatenate([one.units_xyz_m for one in (site, *raised)])
    with Progress() as progress:
        maps = trace_maps(Tracer(room, options), room, units_m, axes, progress.say)
    save_maps(maps, out, options)
    result: dict[str, Any] = {
        "maps": str(out),
        "units": len(units_m),
        "cells": int(np.isfinite(maps.gain_db[0]).sum()),
        "bytes": out.stat().st_size,
        "seconds_per_map": round(float(np.median(maps.seconds)), 3),
    }
    lines = [
        f"maps {out}: {len(units_m)} units, {result['cells']} cells of {cell:g} m, "
        f"{result['bytes'] / 1e3:.0f} kB, {result['seconds_per_map']:g} s a map"
    ]
    lines += _learn(site, room, out, forest, (trees, places, seed), result)
    emit(result, as_json, "\n".join(lines))


def _raised(site: "Site", height_m: float) -> "Site":
    """Return the site with all units at one height."""
    return replace(site, unit=tuple(replace(unit, z_m=height_m) for unit in site.unit))


def _learn(
    site: "Site",
    room: "Room",
    maps: Path,
    forest: Path | None,
    amounts: tuple[int, int, int],
    result: dict[str, Any],
) -> list[str]:
    """Fit the other models of propagation to the maps; add to the result, return lines."""
    from converter.raytrace.fit import fit_log_distance, random_places
    from edgespec.twin.propagation.maps import Maps

    n_trees, n_places, seed = amounts
    traced = Maps(replace(site, propagation=replace(site.propagation, model="maps", file=maps)))
    rng = np.random.default_rng(seed)
    places_m = random_places(room, n_places, site.propagation.source_height_m, rng)
    gain_db = traced.gains_db(places_m)
    fit = fit_log_distance(site, places_m, gain_db)
    result["log_distance"] = {
        "exponent": round(fit.exponent, 3),
        "reference_db": round(fit.reference_db, 2),
        "wall_loss_db": round(fit.wall_loss_db, 2),
        "rmse_db": round(fit.rmse_db, 2),
    }
    lines = [
        f"log-distance fits best with exponent = {fit.exponent:.2f}, reference_db = "
        f"{fit.reference_db:.1f} and loss_db = {fit.wall_loss_db:.1f} of each wall: "
        f"{fit.rmse_db:.1f} dB RMS from the maps"
    ]
    if forest is not None:
        from converter.raytrace.forest import ForestOptions, save_forest, train_forest

        how = ForestOptions(n_trees=n_trees, seed=seed)
        with Progress() as progress:
            done = train_forest(places_m, gain_db, site.units_xyz_m, how, progress.say)
        save_forest(done, forest, how)
        result["forest"] = {"path": str(forest), "trees": done.n_trees, "nodes": done.n_nodes}
        lines.append(f"forest {forest}: {done.n_trees} trees, {done.n_nodes} nodes")
    return lines
