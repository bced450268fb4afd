"""How far off a transmitter is located on a real campus by uncalibrated receivers.

``python -m benchmarks.twin.powder`` learns the campus from its walk as ``edgespec twin train
--walk`` does, and compares with what needs no map: the mean place, nearest neighbours in RSS, and
forests of scikit-learn on RSS. All are judged twice: on parts of the walk that are held out by
squares of 180 m, and on the set's own test split, of which nothing was chosen. It takes some
minutes of a core and writes ``powder.json``, ``powder.md`` and ``powder.png`` to
``benchmarks/results/twin``. The measurements (``powder_rss.npz``) are no part of this project.
"""

import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.record import commit, facts
from benchmarks.twin.campus import BLOCK_M, Campus, load_campus
from benchmarks.twin.campus_picture import draw_campus
from benchmarks.twin.drift import DriftFound, drift_of
from benchmarks.twin.intervals import Intervals, squares_of
from benchmarks.twin.saved import save_result
from benchmarks.twin.two_sources import two_sources
from converter.report.markdown_table import markdown_table
from edgespec.twin.walk.blocks import FOLDS, folds_of
from edgespec.twin.walk.learn import HeldOut, LearntMap, held_out, learn_map, some_of
from edgespec.twin.walk.posterior import Fixer
from edgespec.twin.walk.walk import Walk

__all__ = ["Found", "main"]

FloatArray = NDArray[np.float64]

_NEIGHBOURS = 5
_TREES = 100
#: A receiver that did not take part, for methods that want a number.
_ABSENT_DB = -110.0

OURS = "map of the walk"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Errors in metres of one method at places, with its regions where it has any."""

    error_m: FloatArray
    is_held: NDArray[np.bool_] | None = None
    area_m2: FloatArray | None = None


def mean_place(known: Walk, asked: Walk) -> FloatArray:
    """Return the mean place of the walk for all."""
    return np.tile(known.places_m.mean(axis=0), (len(asked), 1))


def neighbours(known: Walk, asked: Walk) -> FloatArray:
    """Return the mean place of the five readings nearest in RSS, over receivers both heard."""
    found = np.empty((len(asked), 2))
    for index, levels in enumerate(asked.levels_db):
        off_db = known.levels_db - levels
        shared = np.isfinite(off_db).sum(axis=1)
        mean2 = np.nansum(off_db**2, axis=1) / np.maximum(shared, 1)
        # Readings that share few receivers are near by chance.
        mean2[2 * shared < np.isfinite(levels).sum()] = np.inf
        found[index] = known.places_m[np.argsort(mean2)[:_NEIGHBOURS]].mean(axis=0)
    return found


def _trees(name: str) -> Callable[[Walk, Walk], FloatArray]:
    def places(known: Walk, asked: Walk) -> FloatArray:
        from sklearn import ensemble

        forest = getattr(ensemble, name)(_TREES, min_samples_leaf=2, random_state=0, n_jobs=1)
        forest.fit(np.nan_to_num(known.levels_db, nan=_ABSENT_DB), known.places_m)
        return np.asarray(forest.predict(np.nan_to_num(asked.levels_db, nan=_ABSENT_DB)))

    return places


METHODS: dict[str, Callable[[Walk, Walk], FloatArray]] = {
    "mean place": mean_place,
    "5 nearest neighbours in RSS": neighbours,
    "random forest on RSS": _trees("RandomForestRegressor"),
    "extremely random trees on RSS": _trees("ExtraTreesRegressor"),
}


def compared(known: Walk, asked: Walk) -> dict[str, FloatArray]:
    """Return the errors of all methods that need no map."""
    return {
        name: np.hypot(*(places(known, asked) - asked.places_m).T)
        for name, places in METHODS.items()
    }


def by_blocks(campus: Campus, learnt: LearntMap) -> tuple[dict[str, Found], FloatArray]:
    """Return errors on the parts held out, of all methods on the same readings, and the places."""
    assert learnt.check is not None
    # The same parts as in learning: squares of 4.6 lengths, 179 m here.
    folds = folds_of(campus.rest.places_m, learnt.lengths.block_m)
    errors: dict[str, list[FloatArray]] = {name: [] for name in METHODS}
    places = []
    for fold in range(FOLDS):
        there: NDArray[np.bool_] = np.asarray(folds == fold)
        asked = some_of(campus.rest.chosen(there))
        for name, error_m in compared(campus.rest.chosen(~there), asked).items():
            errors[name].append(error_m)
        places.append(asked.places_m)
    found = {name: Found(np.concatenate(parts)) for name, parts in errors.items()}
    found[OURS] = of_ours(learnt.check)
    places_m = np.concatenate(places)
    assert len(places_m) == len(found[OURS].error_m)
    return found, places_m


def on_test(campus: Campus, learnt: LearntMap) -> tuple[dict[str, Found], FloatArray]:
    """Return errors on the test split, of all methods, and the places."""
    found = {name: Found(one) for name, one in compared(campus.rest, campus.grid).items()}
    found[OURS] = of_ours(held_out(learnt.fitted.walk_map, campus.grid))
    return found, campus.grid.places_m


def of_ours(check: HeldOut) -> Found:
    """Return what a check by held-out readings found."""
    return Found(check.error_m, check.is_held, check.area_m2)


def figures(found: Found, places_m: FloatArray) -> dict[str, Any]:
    """Return median, 90th percentile and regions with 95% intervals, by blocks drawn anew."""
    intervals = Intervals(squares_of(places_m, BLOCK_M))
    result: dict[str, Any] = {
        "n": len(places_m),
        "n_blocks": len(intervals.rows),
        "median_m": intervals.of(lambda one: float(np.median(found.error_m[one]))),
        "p90_m": intervals.of(lambda one: float(np.percentile(found.error_m[one], 90.0))),
    }
    if found.is_held is not None and found.area_m2 is not None:
        is_held, area_m2 = found.is_held, found.area_m2
        result["share_held"] = intervals.of(lambda one: float(is_held[one].mean()))
        result["area_km2"] = intervals.of(lambda one: float(np.median(area_m2[one])) / 1e6)
    return result


def fix_ms(campus: Campus, learnt: LearntMap) -> dict[str, float]:
    """Return what a fix takes on this machine: the least and the median of many, in ms."""
    fixer = Fixer(learnt.fitted.walk_map, campus.site.propagation.power_error_db)
    took = []
    for levels in campus.rest.levels_db[:300]:
        begun = time.perf_counter()
        fixer.fix(levels)
        took.append(1e3 * (time.perf_counter() - begun))
    return {"least": round(min(took), 3), "median": round(float(np.median(took)), 3)}


def text(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""

    def cell(row: dict[str, Any], key: str, digits: int, times: float = 1.0) -> str:
        if key not in row:
            return ""
        value, low, high = (f"{times * one:.{digits}f}" for one in row[key])
        return f"{value} [{low}, {high}]"

    ran = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    load = result["machine"].get("load", "unknown")
    columns = ("method", "median, m", "90%, m", "in its 90% region, %", "median region, km2")
    lines = [
        "# A transmitter on a campus, by 29 receivers that were never calibrated",
        "",
        f"`python -m benchmarks.twin.powder`, {ran}, commit {result['commit']}.",
        "",
        "RSS of a 1 W handheld at 462.7 MHz, at 10 to 25 receivers (Rafi et al., MIT); 95% "
        "intervals in brackets, by squares of 180 m drawn anew.",
    ]
    for title, rows in result["tables"].items():
        first = next(iter(rows.values()))
        lines += [
            "",
            f"## {title}",
            "",
            f"{first['n']} readings in {first['n_blocks']} squares.",
            "",
            markdown_table(
                columns,
                [
                    (
                        name,
                        cell(row, "median_m", 0),
                        cell(row, "p90_m", 0),
                        cell(row, "share_held", 0, 100.0),
                        cell(row, "area_km2", 3),
                    )
                    for name, row in sorted(rows.items(), key=lambda item: -item[1]["median_m"][0])
                ],
                right_from=1,
            ),
        ]
    took, map_, two = result["fix_ms"], result["map"], result["two"]
    lines += [
        "",
        f"A fix takes {took['least']} ms at least ({took['median']} in the median, load {load}). "
        f"Learning took {result['learning_s']:.0f} s of processor time: cells of "
        f"{map_['cell_m']:.1f} m, shadowing over {map_['near_m']:g} m (depth {map_['depth']:g}), "
        f"weight {map_['weight']:.2f}.",
        "",
        "The weight is learnt from the parts held out, so their share in regions is not "
        "independent of it. Of the test split nothing was chosen.",
        "",
        "![fixes on the campus](powder.png)",
        "",
        *result["drift_text"],
        "",
        "## Two transmitters at once",
        "",
        f"Of {two['n']} readings of two, both are within 300 m of the pair that is chosen in "
        f"{100 * two['both_within_300_m']:.0f}% (mean error of the two, median: "
        f"{two['mean_m_median']:.0f} m). {_moved(two['moved_db'])}An experiment of this benchmark, "
        "no part of the product.",
    ]
    return "\n".join([*lines, ""])


def _moved(moved_db: Mapping[str, float]) -> str:
    """Say which receivers had changed since the walk, as the likeliest pairs have it."""
    if not moved_db:
        return ""
    said = ", ".join(f"{node} by {off_db:+.0f} dB" for node, off_db in sorted(moved_db.items()))
    return f"Receivers that had changed since, found without labels: {said}. "


@click.command()
@click.option(
    "--kept",
    type=click.Path(path_type=Path),
    help="File to keep the learnt map in, and to take it from where it is there.",
)
@click.option("--test/--no-test", default=True, show_default=True, help="Judge the test split.")
@click.option("--save/--no-save", default=True, show_default=True)
def main(kept: Path | None, test: bool, save: bool) -> None:
    """Measure and write the results."""
    campus = load_campus()
    if kept is not None and kept.exists():
        learnt, took_s = pickle.loads(kept.read_bytes())
    else:
        begun = time.process_time()
        learnt = learn_map(campus.site, campus.rest, lambda what, share: None)
        took_s = time.process_time() - begun
        if kept is not None:
            kept.write_bytes(pickle.dumps((learnt, took_s)))
    tables = {"Parts of the walk held out, by squares of 180 m": by_blocks(campus, learnt)}
    if test:
        tables["The test split of the set"] = on_test(campus, learnt)
    drift: DriftFound = drift_of(campus, learnt.lengths)
    result = {
        "machine": facts(("numpy", "scipy", "numba", "scikit-learn")),
        "commit": commit(),
        "learning_s": took_s,
        "map": {
            "cell_m": learnt.fitted.walk_map.cell_m,
            "near_m": learnt.lengths.near_m,
            "depth": learnt.lengths.depth,
            "weight": learnt.fitted.walk_map.weight,
        },
        "fix_ms": fix_ms(campus, learnt),
        "tables": {
            title: {name: figures(one, places_m) for name, one in found.items()}
            for title, (found, places_m) in tables.items()
        },
        "two": two_sources(campus, learnt.fitted.walk_map),
        "drift": drift.rows,
        "drift_text": drift.text(),
    }
    click.echo(text(result))
    if save:
        folder = save_result("powder", result, text(result))
        draw_campus(campus, learnt.fitted.walk_map, folder / "powder.png")


if __name__ == "__main__":
    main()
