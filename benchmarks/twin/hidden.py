"""What the traced hall hides: the same faults there and on the real campus, side by side.

``python -m benchmarks.twin.hidden --kept FILE`` takes units away, lets them drift, lets one lie,
and gives the twin a wrong map: in the hall, where what units hear is simulated by traced rays that
the twin knows, and on the campus of :mod:`benchmarks.twin.powder`, where it was measured (readings
of the set's test split, located by the map that ``benchmarks.twin.powder --kept FILE`` learnt). It
writes ``hidden.json`` and ``hidden.md`` to ``benchmarks/results/twin``.
"""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.record import commit, facts
from benchmarks.twin.campus import Campus, load_campus
from benchmarks.twin.hall import draw_places, hall
from benchmarks.twin.saved import save_result
from converter.report.markdown_table import markdown_table
from edgespec.twin.detectors.window import Window
from edgespec.twin.level_kind import MEASURED, MISSING
from edgespec.twin.localise import Localiser
from edgespec.twin.propagation.log_distance import LogDistance
from edgespec.twin.propagation.maps import Maps
from edgespec.twin.propagation.path_gain import PathGain
from edgespec.twin.site import Site
from edgespec.twin.walk.learn import POWER_ERROR_DB, LearntMap
from edgespec.twin.walk.path_loss import fit_path_losses
from edgespec.twin.walk.posterior import LEVEL, Fixer
from edgespec.twin.walk.walk_map import WalkMap

__all__ = ["Fault", "main"]

FloatArray = NDArray[np.float64]

_N_PLACES = 135
_POWER_DBM = 20.0
_READING_DB = 1.0
_LIES_DB = 18.0
_WALLS_M = 3.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: how many units are heard (None for all), their drift, whether one lies."""

    name: str
    n_units: int | None = None
    drift_db: float = 0.0
    lies: bool = False

    def applied(self, level_db: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return levels ``(n_units,)`` with the fault."""
        heard = np.flatnonzero(np.isfinite(level_db))
        changed = level_db + rng.normal(0.0, self.drift_db, len(level_db))
        if self.n_units is not None:
            changed[rng.permutation(heard)[self.n_units :]] = np.nan
        if self.lies:
            changed[rng.choice(heard)] -= _LIES_DB
        return changed


FAULTS = (
    Fault("nothing"),
    Fault("10 units", 10),
    Fault("6 units", 6),
    Fault("4 units", 4),
    Fault("each off by 3 dB", drift_db=3.0),
    Fault("each off by 6 dB", drift_db=6.0),
    Fault(f"one reads {_LIES_DB:g} dB less", lies=True),
)

#: Takes levels; returns a place, and whether its 90% region holds the true one.
Locate = Callable[[FloatArray, FloatArray], tuple[FloatArray, bool]]


def in_hall(truth: PathGain, twin: PathGain, site: Site) -> tuple[FloatArray, FloatArray, Locate]:
    """Return places, levels and what locates in the hall."""
    rng = np.random.default_rng(1)
    places_m = draw_places(site, _N_PLACES, rng)
    power_mw = 10.0 ** ((truth.gains_db(places_m) + _POWER_DBM) / 10.0)
    levels_db = 10.0 * np.log10(power_mw + 10.0 ** (site.noise_floor_dbm / 10.0))
    levels_db += rng.normal(0.0, _READING_DB, levels_db.shape)
    return places_m[:, :2], levels_db, by_localiser(Localiser(site, twin.grid()), site)


def by_localiser(localiser: Localiser, site: Site) -> Locate:
    """Return what locates in the hall, where nothing but noise is expected."""

    def locate(level_db: FloatArray, place_m: FloatArray) -> tuple[FloatArray, bool]:
        heard = np.isfinite(level_db)
        expected = np.full((len(level_db), 1), site.noise_floor_dbm)
        residual = np.where(heard, level_db - site.noise_floor_dbm, 0.0)[:, None]
        source = localiser.source(
            Window(
                residual,
                np.full_like(residual, _READING_DB),
                expected,
                residual[:, 0],
                np.where(heard, MEASURED, MISSING).astype(np.uint8),
                2,
            )
        )
        order = np.argsort(-source.weights)
        n_held = int(np.searchsorted(np.cumsum(source.weights[order]), LEVEL)) + 1
        off_m = np.abs(source.cells.xyz_m[order[:n_held], :2] - place_m[:2]).max(axis=1)
        found_m = np.array([source.position.x_m, source.position.y_m])
        return found_m, bool((off_m <= 0.5 * source.cells.cell_m).any())

    return locate


def on_campus(campus: Campus, walk_map: WalkMap) -> tuple[FloatArray, FloatArray, Locate]:
    """Return places, levels and what locates on the campus."""
    grid = campus.grid.chosen(np.arange(len(campus.grid)) % (len(campus.grid) // _N_PLACES) == 0)
    fixer = Fixer(walk_map, POWER_ERROR_DB)

    def locate(level_db: FloatArray, place_m: FloatArray) -> tuple[FloatArray, bool]:
        fix = fixer.fix(level_db)
        row, column = walk_map.cells_of(place_m[None, :])
        cell = row[0] * len(walk_map.x_m) + column[0]
        return fix.place_m, bool(cell in fix.cells[: fix.n_region])

    return grid.places_m, grid.levels_db, locate


def measured(scene: tuple[FloatArray, FloatArray, Locate], fault: Fault) -> dict[str, float]:
    """Return what a fault costs."""
    places_m, levels_db, locate = scene
    rng = np.random.default_rng(2)
    found = [
        locate(fault.applied(levels, rng), place_m)
        for levels, place_m in zip(levels_db, places_m, strict=True)
    ]
    error_m = [
        float(np.hypot(*(one - place))) for (one, _), place in zip(found, places_m, strict=True)
    ]
    return {
        "median_m": round(float(np.median(error_m)), 2),
        "p90_m": round(float(np.percentile(error_m, 90.0)), 2),
        "share_held": round(float(np.mean([held for _, held in found])), 3),
    }


def hall_rows() -> dict[str, dict[str, float]]:
    """Return what each fault costs in the hall, wrong maps among them."""
    site = replace(hall("1.5 m"), n_subbands=1, transmitter=())
    traced, straight = Maps(site), LogDistance(site)
    rows = {fault.name: measured(in_hall(traced, traced, site), fault) for fault in FAULTS}
    none = FAULTS[0]
    rows["a wrong map: straight paths"] = measured(in_hall(traced, straight, site), none)
    free_m = draw_places(site, 500, np.random.default_rng(3))
    off_db = traced.gains_db(free_m) - straight.gains_db(free_m)
    known = replace(
        site,
        propagation=replace(
            site.propagation, gain_error_db=min(20.0, float(np.sqrt(np.mean(off_db**2))))
        ),
    )
    rows["the same, gain_error_db as it is"] = measured(in_hall(traced, straight, known), none)
    walls = tuple(
        replace(
            wall,
            lower_m=(wall.lower_m[0] + _WALLS_M, *wall.lower_m[1:]),
            upper_m=(wall.upper_m[0] + _WALLS_M, *wall.upper_m[1:]),
        )
        for wall in site.wall
    )
    moved = LogDistance(replace(site, wall=walls))
    rows["straight paths in truth, too"] = measured(in_hall(straight, straight, site), none)
    rows[f"and walls moved by {_WALLS_M:g} m"] = measured(in_hall(moved, straight, site), none)
    return rows


def campus_rows(campus: Campus, learnt: LearntMap) -> dict[str, dict[str, float]]:
    """Return what each fault costs on the campus, a wrong map among them."""
    walk_map = learnt.fitted.walk_map
    rows = {fault.name: measured(on_campus(campus, walk_map), fault) for fault in FAULTS}
    plain = path_loss_map(campus, walk_map)
    rows["a wrong map: straight paths"] = measured(on_campus(campus, plain), FAULTS[0])
    return rows


def path_loss_map(campus: Campus, like: WalkMap) -> WalkMap:
    """Return a map on the cells of another, of path loss alone: as if nothing stood in the way."""
    walk, signal_db, error_db = campus.rest, like.signal_db.copy(), like.error_db.copy()
    units = np.flatnonzero(like.is_known)
    heard = [np.isfinite(walk.levels_db[:, unit]) for unit in units]
    places_m = campus.site.units_xyz_m[units, :2]
    distances_m = [
        np.hypot(*(walk.places_m[rows] - unit_m).T)
        for rows, unit_m in zip(heard, places_m, strict=True)
    ]
    levels_db = [walk.levels_db[rows, unit] for rows, unit in zip(heard, units, strict=True)]
    losses = fit_path_losses(distances_m, levels_db)
    for index, (unit, loss) in enumerate(zip(units, losses, strict=True)):
        cells_db = loss.signal_db(np.hypot(*(like.places_m - places_m[index]).T))
        signal_db[..., unit] = cells_db.reshape(signal_db.shape[:2])
        off_db = levels_db[index] - loss.heard_db(distances_m[index])
        error_db[..., unit] = np.sqrt(np.mean(off_db**2))
    return replace(like, signal_db=signal_db, error_db=error_db, trees=None)


def text(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    ran = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    scenes = ("hall", "campus")

    def cells(name: str) -> list[str]:
        found: list[str] = []
        for scene in scenes:
            row = result[scene].get(name)
            if row is None:
                found += ["", "", ""]
            else:
                held = f"{100 * row['share_held']:.0f}"
                found += [f"{row['median_m']:.3g}", f"{row['p90_m']:.3g}", held]
        return found

    names = [*result["hall"], *(name for name in result["campus"] if name not in result["hall"])]
    columns = ["wrong", *(f"{s}: {k}" for s in scenes for k in ("median, m", "90%, m", "held, %"))]
    return "\n".join(
        [
            "# What the hall hides",
            "",
            f"`python -m benchmarks.twin.hidden`, {ran}, commit {result['commit']}.",
            "",
            "One source at a time. Hall: 40 m by 40 m, twelve units, traced rays that the twin "
            f"knows unless the row says otherwise, {_READING_DB:g} dB a reading, {_N_PLACES} "
            "places. Campus: 3.4 km by 2.8 km, 10 to 25 of 29 uncalibrated receivers, measured, "
            f"{result['n_campus']} readings of the test split. 'Held' is the share of places "
            "within their 90% regions.",
            "",
            markdown_table(columns, [[name, *cells(name)] for name in names], right_from=1),
            "",
        ]
    )


@click.command()
@click.option(
    "--kept",
    type=click.Path(path_type=Path, exists=True),
    required=True,
    help="What `benchmarks.twin.powder --kept FILE` learnt.",
)
@click.option("--save/--no-save", default=True, show_default=True)
def main(kept: Path, save: bool) -> None:
    """Measure and write the results."""
    campus = load_campus()
    learnt, _ = pickle.loads(kept.read_bytes())
    result = {
        "machine": facts(("numpy", "scipy", "numba")),
        "commit": commit(),
        "hall": hall_rows(),
        "campus": campus_rows(campus, learnt),
        "n_campus": len(on_campus(campus, learnt.fitted.walk_map)[0]),
    }
    click.echo(text(result))
    if save:
        save_result("hidden", result, text(result))


if __name__ == "__main__":
    main()
