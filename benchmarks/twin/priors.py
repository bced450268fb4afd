"""Whether gains and errors that normal operation taught locate better than a site file's defaults.

``python -m benchmarks.twin.priors`` lets transmitters whose places are known teach a twin
(:mod:`edgespec.twin.learning.gains`), and then locates others: in the hall, where what units hear
is simulated by traced rays and units hear too much or too little, and on the campus of
:mod:`benchmarks.twin.powder`, where all was measured, in the season of the map's walk and four
months later. Nothing of the set's test split is used. It writes ``priors.json`` and ``priors.md``
to ``benchmarks/results/twin``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from benchmarks.record import commit, facts
from benchmarks.twin.campus import BLOCK_M, Campus, load_campus
from benchmarks.twin.hall import draw_places, hall, misplace
from benchmarks.twin.hidden import by_localiser
from benchmarks.twin.intervals import Intervals, squares_of
from benchmarks.twin.saved import save_result
from converter.report.markdown_table import markdown_table
from edgespec.twin.learning.gains import GainLimits, LearntGains
from edgespec.twin.localise import Localiser
from edgespec.twin.propagation.log_distance import LogDistance
from edgespec.twin.propagation.maps import Maps
from edgespec.twin.propagation.path_gain import CellGrid, PathGain
from edgespec.twin.site import Site
from edgespec.twin.walk.blocks import FOLDS, folds_of
from edgespec.twin.walk.fit import axes_of, fit_map
from edgespec.twin.walk.learn import some_of
from edgespec.twin.walk.posterior import Fixer
from edgespec.twin.walk.shadowing import Lengths
from edgespec.twin.walk.trees import grow_trees
from edgespec.twin.walk.walk import Walk
from edgespec.twin.walk.walk_map import WalkMap

__all__ = ["Located", "main"]

FloatArray = NDArray[np.float64]

_POWER_DBM = 20.0
_READING_DB = 1.0
#: So often the units of the hall are drawn, and so many sources located each time.
_DRAWS, _SOURCES = 5, 40
#: Places of transmitters that teach, in the hall.
_TEACHING = (10, 40)
#: A signal so far above the noise tells of a gain.
_ABOVE_DB = 9.0
#: Bounds of a site file's defaults, and so long that all is learnt that these allow.
_LIMITS, _LONG_S = GainLimits(15.0, 0.5), 30 * 86400.0

#: Shadowing of the campus as its walk says, the weight, and how far off its trees are: what
#: ``benchmarks.twin.powder`` learns of parts of the walk that are held out.
_NEAR_M, _DEPTH, _WEIGHT, _TREES_M = 39.0, 1.0, 0.53, 134.0


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Errors in metres of sources, whether their 90% regions held them, and who is drawn together:
    ``group`` int64, in intervals."""

    error_m: FloatArray
    is_held: NDArray[np.bool_]
    group: NDArray[np.int64]


def hall_site() -> Site:
    """Return the hall with one subband and without transmitters of its file."""
    return replace(hall("1.5 m"), n_subbands=1, transmitter=())


def hall_scene(truth: PathGain, twin: PathGain, site: Site, off_db: float) -> dict[str, Located]:
    """Return how sources are located by defaults, and by what some places taught."""
    rng = np.random.default_rng(18)
    found: dict[str, list[tuple[float, bool, int]]] = {}
    default_db = site.propagation.gain_error_db
    noise_mw = 10.0 ** (site.noise_floor_dbm / 10.0)

    def heard(places_m: FloatArray, units_db: FloatArray) -> FloatArray:
        power_mw = 10.0 ** ((truth.gains_db(places_m) + _POWER_DBM + units_db) / 10.0)
        levels_db = 10.0 * np.log10(power_mw + noise_mw)
        return np.asarray(levels_db + rng.normal(0.0, _READING_DB, levels_db.shape))

    for draw in range(_DRAWS):
        units_db = rng.normal(0.0, off_db, len(site.unit))
        teaching_m = draw_places(site, max(_TEACHING), rng)
        taught_db = heard(teaching_m, units_db)
        told_m = misplace(teaching_m, site, rng)
        asked_m = draw_places(site, _SOURCES, rng)
        asked_db = heard(asked_m, units_db)
        localiser = Localiser(site, twin.grid())
        rows: dict[str, tuple[FloatArray, float]] = {"defaults": (0.0 * units_db, default_db)}
        for n in _TEACHING:
            learnt = LearntGains(twin.grid(), default_db, _LIMITS)
            expected_dbm = twin.gains_db(told_m[:n]) + _POWER_DBM
            is_clear = expected_dbm > site.noise_floor_dbm + _ABOVE_DB
            off = np.where(is_clear, taught_db[:n] - expected_dbm, np.nan)
            for place_m, row in zip(told_m, off, strict=False):
                learnt.hear(*place_m[:2], row)
            learnt.follow(_LONG_S)
            rows[f"{n} places taught"] = learnt.unit_db, learnt.gain_error_db
        for name, believed in rows.items():
            localiser.believe(*believed)
            locate = by_localiser(localiser, site)
            for place_m, levels in zip(asked_m[:, :2], asked_db, strict=True):
                found_m, held = locate(levels, place_m)
                error_m = float(np.hypot(*(found_m - place_m)))
                found.setdefault(name, []).append((error_m, held, draw))
    return {name: _located(rows) for name, rows in found.items()}


def _located(rows: list[tuple[float, bool, int]]) -> Located:
    error_m, held, group = zip(*rows, strict=True)
    return Located(np.array(error_m), np.array(held, np.bool_), np.array(group, np.int64))


def hall_scenes() -> Iterator[tuple[str, dict[str, Located]]]:
    """Yield each scene of the hall by its name."""
    site = hall_site()
    traced, straight = Maps(site), LogDistance(site)
    for what, twin in (("traced map", traced), ("straight paths", straight)):
        for off_db in (0.0, 3.0, 6.0):
            yield (
                f"hall, {what}, units off by {off_db:g} dB",
                hall_scene(traced, twin, site, off_db),
            )


def campus_scenes(campus: Campus) -> Iterator[tuple[str, dict[str, Located]]]:
    """Yield each season of the campus."""
    walk = campus.rest
    folds = folds_of(walk.places_m, BLOCK_M)
    is_late = walk.days == walk.days.max()
    found: dict[str, dict[str, list[Located]]] = {"July": {}, "November": {}}
    for fold in range(FOLDS):
        is_asked, is_teaching = folds == fold, folds == (fold + 1) % FOLDS
        walk_map = campus_map(campus, walk.chosen(~is_late & ~is_asked & ~is_teaching))
        for season, is_then in (("July", ~is_late), ("November", is_late)):
            teaching, asked = walk.chosen(is_then & is_teaching), walk.chosen(is_then & is_asked)
            if len(teaching) and len(asked):
                past = some_of(walk.chosen(~is_then))
                rows = located_on_campus(campus, walk_map, teaching, past, some_of(asked))
                for name, one in rows.items():
                    found[season].setdefault(name, []).append(one)
    for season, parts in found.items():
        yield f"campus, {season}", {name: _joined(rows) for name, rows in parts.items()}


def _joined(parts: list[Located]) -> Located:
    return Located(
        np.concatenate([one.error_m for one in parts]),
        np.concatenate([one.is_held for one in parts]),
        np.concatenate([one.group for one in parts]),
    )


def campus_map(campus: Campus, walk: Walk) -> WalkMap:
    """Return a map with its trees."""
    lengths = Lengths(_NEAR_M, _DEPTH)
    walk_map = fit_map(campus.site, walk, lengths, axes_of(campus.site)).walk_map
    trees = grow_trees(walk.places_m, walk.levels_db)
    return replace(walk_map, trees=trees, tree_error_m=_TREES_M, weight=_WEIGHT)


def located_on_campus(
    campus: Campus, walk_map: WalkMap, teaching: Walk, past: Walk, asked: Walk
) -> dict[str, Located]:
    """Return how readings are located by defaults, by learnt gains, by learnt powers and cells.

    ``past`` are readings of another season, whose places are not looked at.
    """
    site = campus.site
    learnt = LearntGains(
        cells_of(walk_map), site.propagation.gain_error_db, _LIMITS, tells_error=False
    )
    signal_db = walk_map.signal_db[walk_map.cells_of(teaching.places_m)]
    is_clear = (signal_db > walk_map.floor_db + _ABOVE_DB) & walk_map.is_known
    off_db = np.where(is_clear, teaching.levels_db - signal_db, np.nan)
    for place_m, row in zip(teaching.places_m, off_db, strict=True):
        learnt.hear(*place_m, row)
    learnt.follow(_LONG_S)
    default_db = site.propagation.power_error_db
    none_db = np.zeros(len(site.unit))
    usual = Fixer(walk_map, default_db)
    past_db = past_powers(usual, some_of(teaching))
    cells_prior = past_cells(usual, past, walk_map)
    rows: dict[str, tuple[FloatArray, float, FloatArray | None]] = {
        "defaults": (none_db, default_db, None),
        "gains taught": (learnt.unit_db, default_db, None),
        "powers of the past": (none_db + past_db[0], past_db[1], None),
        "cells of the past": (none_db, default_db, cells_prior),
    }
    found = {}
    for name, (units_db, power_db, prior) in rows.items():
        fixer = Fixer(walk_map, power_db)
        error_m, is_held = np.empty(len(asked)), np.zeros(len(asked), np.bool_)
        row, column = walk_map.cells_of(asked.places_m)
        cells = row * len(walk_map.x_m) + column
        for index, levels in enumerate(asked.levels_db):
            fix = fixer.fix(levels - units_db, walk_map.floor_db - units_db)
            if prior is not None:
                evidence = np.log(fix.weights) + np.log(prior[fix.cells])
                fix = fixer.fix_of(fix.cells, evidence)
            error_m[index] = np.hypot(*(fix.place_m - asked.places_m[index]))
            is_held[index] = cells[index] in fix.cells[: fix.n_region]
        found[name] = Located(error_m, is_held, squares_of(asked.places_m, BLOCK_M))
    return found


def cells_of(walk_map: WalkMap) -> CellGrid:
    """Return the cells of a map as a site's model has them."""
    n_y, n_x, n_units = walk_map.signal_db.shape
    xyz_m = np.hstack([walk_map.places_m, np.zeros((n_y * n_x, 1))])
    gain_db = walk_map.signal_db.reshape(-1, n_units).astype(np.float64)
    return CellGrid(xyz_m, gain_db, (1, n_y, n_x), np.arange(n_y * n_x), walk_map.cell_m)


def past_powers(fixer: Fixer, walk: Walk) -> tuple[float, float]:
    """Return middle and deviation of the powers of sources that were located, places unknown."""
    offset_db = np.array([fixer.fix(levels).offset_db for levels in walk.levels_db])
    middle_db = float(np.median(offset_db))
    return middle_db, max(1.0, 1.4826 * float(np.median(np.abs(offset_db - middle_db))))


def past_cells(fixer: Fixer, walk: Walk, walk_map: WalkMap) -> FloatArray:
    """Return the mean posterior of sources that were located, places unknown, smoothed over
    the length of shadowing; half of it is spread evenly."""
    total = np.zeros(len(walk_map.places_m))
    for levels in walk.levels_db:
        fix = fixer.fix(levels)
        total[fix.cells] += fix.weights
    smooth = gaussian_filter(
        total.reshape(walk_map.signal_db.shape[:2]), _NEAR_M / walk_map.cell_m
    ).ravel()
    return np.asarray(0.5 * smooth / smooth.sum() + 0.5 / len(total))


def figures(found: Located, usual: Located) -> dict[str, Any]:
    """Return figures with 95% intervals by groups drawn anew, and how much is gained."""
    group = found.group
    if len(np.unique(group)) <= _DRAWS:
        # So few groups draw poorly: their sources are drawn one by one.
        group = np.arange(len(group))
    intervals = Intervals(group)

    def median_m(which: NDArray[np.int64]) -> float:
        return float(np.median(found.error_m[which]))

    return {
        "n": len(found.group),
        "median_m": intervals.of(median_m),
        "p90_m": intervals.of(lambda one: float(np.percentile(found.error_m[one], 90.0))),
        "share_held": intervals.of(lambda one: float(found.is_held[one].mean())),
        "gained_m": intervals.of(lambda one: float(np.median(usual.error_m[one])) - median_m(one)),
    }


def text(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""

    def cell(row: dict[str, Any], key: str, times: float = 1.0) -> str:
        value, low, high = (f"{times * one:.3g}" for one in row[key])
        return f"{value} [{low}, {high}]"

    ran = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    columns = ("scene", "believed", "n", "median, m", "90%, m", "held, %", "median gained, m")
    return "\n".join(
        [
            "# What normal operation teaches of gains, against the site file's defaults",
            "",
            f"`python -m benchmarks.twin.priors`, {ran}, commit {result['commit']}.",
            "",
            "Transmitters at told places teach, then other sources are located by the site file's "
            "defaults and by what was learnt, as bounded by a site's defaults, after thirty days; "
            "95% intervals in brackets.",
            "",
            f"Hall: twelve units, {_SOURCES} sources for each of {_DRAWS} draws of the units, "
            "whose gain for signals alone is off as by an antenna or a cable (what noise and "
            "signals share, the learnt bias holds already); told places are off by .37 m. Sources "
            "are drawn anew for the intervals. Straight paths are a wrong map there.",
            "",
            "Campus: measured, readings that are not of the test split, by squares of 180 m: "
            "three fifths of July's walk make the map, a fifth of July or of November teaches, "
            "another is located, in turns; squares are drawn anew. A map knows how far off it is, "
            "so gains alone are taught. 'Powers of the past' takes middle and spread of a source's "
            "power from sources located before, whose places nobody told, in place of "
            "`power_error_db` = 8; 'cells of the past' takes half of what is believed of cells "
            "before a source is heard from where sources of the other season were located, places "
            "untold: experiments of this benchmark, no part of the product.",
            "",
            markdown_table(
                columns,
                [
                    (
                        scene,
                        name,
                        row["n"],
                        cell(row, "median_m"),
                        cell(row, "p90_m"),
                        cell(row, "share_held", 100.0),
                        "" if name == "defaults" else cell(row, "gained_m"),
                    )
                    for scene, rows in result["scenes"].items()
                    for name, row in rows.items()
                ],
                right_from=2,
            ),
            "",
        ]
    )


@click.command()
@click.option("--campus/--no-campus", "on_campus", default=True, show_default=True)
@click.option("--save/--no-save", default=True, show_default=True)
def main(on_campus: bool, save: bool) -> None:
    """Measure and write the results."""
    scenes = dict(hall_scenes())
    if on_campus:
        scenes |= dict(campus_scenes(load_campus()))
    result = {
        "machine": facts(("numpy", "scipy", "numba")),
        "commit": commit(),
        "scenes": {
            scene: {name: figures(one, rows["defaults"]) for name, one in rows.items()}
            for scene, rows in scenes.items()
        },
    }
    click.echo(text(result))
    if save:
        save_result("priors", result, text(result))


if __name__ == "__main__":
    main()
