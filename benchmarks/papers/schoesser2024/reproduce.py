"""The experiment of Schoesser et al. 2024 in our own ray-traced hall, and what we add to it.

``python -m benchmarks.papers.schoesser2024.reproduce`` needs no ray tracer: it reads the maps of
the hall and the directly traced places that are kept in ``benchmarks/results/twin``. It writes a
table of every comparison, the ROC figure and all values to ``benchmarks/results/schoesser2024``.
Seeds are fixed; nothing is tuned on test draws.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.papers.schoesser2024.reproduced import (
    LIARS,
    POWERS_DBM,
    SIGMAS_DB,
    UNIT_COUNTS,
    Case,
    as_text,
    draw_rocs,
)
from benchmarks.papers.schoesser2024.scores import Ears, auc, roc, witnessed
from benchmarks.papers.schoesser2024.trials import (
    Draw,
    TracedPlaces,
    corrupted,
    direct_draws,
    draws,
    histories,
    location_errors_m,
    log_distance,
    plain_draws,
    subset,
    subset_grid,
)
from benchmarks.record import RESULTS, facts
from benchmarks.twin.direct import load_direct
from benchmarks.twin.hall import HEIGHTS, JAMMERS, ModelError, hall
from benchmarks.twin.paper_forest import paper_forest
from edgespec.twin.learning.history import History

__all__ = ["main"]

FloatArray = NDArray[np.float64]

N_REPEATS = 5
N_SNAPSHOTS = 10
N_SUBBANDS = 8
#: What lasts, from what is gone with the next snapshot to what never changes.
KINDS = ("sample", "placement", "field", "static")
OURS = ("energy", "matched", "likelihood")


class Results:
    """Values of the repeats by case."""

    def __init__(self) -> None:
        self.aucs: dict[Case, list[float]] = defaultdict(list)
        self.rates: dict[Case, list[FloatArray]] = defaultdict(list)
        self.residuals: dict[str, dict[str, float]] = {}

    def add(self, case: Case, scores: FloatArray, is_jammed: NDArray[np.bool_]) -> None:
        """Take the scores of one repeat."""
        normal, jammed = scores[~is_jammed], scores[is_jammed]
        self.aucs[case].append(auc(normal, jammed))
        self.rates[case].append(roc(normal, jammed))

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a case: AUC, its spread over repeats, detection at 1% false alarms."""
        return [
            {
                **asdict(case),
                "auc": float(np.mean(values)),
                "spread": float(np.std(values, ddof=1)),
                "at_1_percent": float(np.mean([rate[2] for rate in self.rates[case]])),
            }
            for case, values in self.aucs.items()
        ]

    def roc(self, case: Case) -> FloatArray:
        """Return the mean ROC of a case."""
        return np.asarray(np.mean(self.rates[case], axis=0))


def score_all(
    results: Results,
    base: Case,
    draw: Draw,
    detectors: tuple[str, ...],
) -> tuple[Ears, History]:
    """Score one repeat of a case with several detectors."""
    error = ModelError(base.kind, base.sigma_db)
    training, test = histories(draw, error, base.jammer, base.n_subbands)
    ears = Ears.learnt(training, draw.grid)
    for name in detectors:
        results.add(replace(base, detector=name), ears.scores(name, test), draw.test.is_jammed)
    return ears, test


def as_published(results: Results) -> None:
    """One snapshot, one band, an error drawn for each sample: the figure of the paper."""
    for heights in HEIGHTS:
        twins: list[tuple[str, Iterator[Draw]]] = [("maps", draws(heights, 1, N_REPEATS, 1))]
        if heights != "mixed":
            forest = paper_forest(heights)
            twins.append(("forest", draws(heights, 1, N_REPEATS, 1, forest)))
        if heights == "1.5 m":
            twins.append(("plain maps", plain_draws(N_REPEATS, 1)))
        for twin, repeats in twins:
            for draw in repeats:
                for sigma_db in SIGMAS_DB:
                    base = Case("published", heights, twin, "sample", sigma_db, "wide", 1, 1, "")
                    names = ("energy", "lof", "matched", "likelihood")
                    ears, _ = score_all(results, base, draw, names)
                    if sigma_db == 0.0:
                        normal_db = ears.training.total_db
                        results.residuals[f"{heights}, {twin}"] = {
                            "mean_db": float(normal_db.mean()),
                            "std_db": float(normal_db.std()),
                        }


def ours(results: Results) -> None:
    """Learnt bias, ten snapshots, eight subbands."""
    for heights in HEIGHTS:
        for draw in draws(heights, N_SNAPSHOTS, N_REPEATS, 2):
            for kind in KINDS:
                for jammer in JAMMERS if heights == "1.5 m" else ("narrow",):
                    for sigma_db in SIGMAS_DB:
                        base = Case(
                            *("ours", heights, "maps", kind, sigma_db, jammer),
                            *(N_SNAPSHOTS, N_SUBBANDS, ""),
                        )
                        score_all(results, base, draw, OURS)


def steps(results: Results) -> None:
    """What each step of ours brings, at 1.5 m and with a narrowband jammer."""
    for n_snapshots, n_subbands in ((1, 1), (N_SNAPSHOTS, 1), (1, N_SUBBANDS)):
        for draw in draws("1.5 m", n_snapshots, N_REPEATS, 2):
            for kind in ("sample", "placement", "static"):
                for sigma_db in SIGMAS_DB:
                    base = Case(
                        *("steps", "1.5 m", "maps", kind, sigma_db, "narrow"),
                        *(n_snapshots, n_subbands, ""),
                    )
                    score_all(results, base, draw, OURS)


def fewer_units(results: Results) -> None:
    """Some of the units, drawn for each repeat."""
    for number, draw in enumerate(draws("1.5 m", N_SNAPSHOTS, N_REPEATS, 3)):
        order = np.random.default_rng((3, number)).permutation(12)
        for sigma_db in SIGMAS_DB:
            error = ModelError("placement", sigma_db)
            training, test = histories(draw, error, "narrow", N_SUBBANDS)
            for n_units in UNIT_COUNTS:
                units = np.sort(order[:n_units])
                ears = Ears.learnt(subset(training, units), subset_grid(draw.grid, units))
                for name in OURS:
                    case = Case(
                        *("units", "1.5 m", "maps", "placement", sigma_db, "narrow"),
                        *(N_SNAPSHOTS, N_SUBBANDS, name, n_units),
                    )
                    results.add(case, ears.scores(name, subset(test, units)), draw.test.is_jammed)


def weaker(results: Results) -> None:
    """Jammers of less power."""
    for draw in draws("1.5 m", N_SNAPSHOTS, N_REPEATS, 6):
        for power_dbm in POWERS_DBM:
            error = ModelError("placement", 3.0)
            training, test = histories(draw, error, "narrow", N_SUBBANDS, power_dbm)
            ears = Ears.learnt(training, draw.grid)
            for name in OURS:
                case = Case(
                    *("weaker", "1.5 m", "maps", "placement", 3.0, "narrow"),
                    *(N_SNAPSHOTS, N_SUBBANDS, name, 12, 0, power_dbm),
                )
                results.add(case, ears.scores(name, test), draw.test.is_jammed)


def liars(results: Results) -> None:
    """Units that report 10 to 20 dB too much or too little, in the test alone."""
    for number, draw in enumerate(draws("1.5 m", N_SNAPSHOTS, N_REPEATS, 4)):
        training, test = histories(draw, ModelError("placement", 3.0), "narrow", N_SUBBANDS)
        ears = Ears.learnt(training, draw.grid)
        for n_liars in LIARS:
            lied = corrupted(test, n_liars, np.random.default_rng((4, number, n_liars)))
            base = Case(
                *("liars", "1.5 m", "maps", "placement", 3.0, "narrow"),
                *(N_SNAPSHOTS, N_SUBBANDS, "", 12, n_liars),
            )
            for name in OURS:
                results.add(
                    replace(base, detector=name), ears.scores(name, lied), draw.test.is_jammed
                )
            score = ears.detector("likelihood").score
            scores = np.array([witnessed(score, window) for window in ears.windows(lied)])
            results.add(
                replace(base, detector="likelihood, witnessed"), scores, draw.test.is_jammed
            )


def independent(results: Results, errors: dict[str, list[float]]) -> None:
    """Truth traced place by place, never seen by the twin, whatever model the twin has."""
    direct = load_direct()
    for heights in ("1.5 m", "5 m"):
        truth = TracedPlaces(direct, heights)
        twins = {
            "maps": None,
            "forest": paper_forest(heights),
            "log-distance": log_distance(heights),
        }
        for twin, model in twins.items():
            for draw in direct_draws(heights, truth, N_SNAPSHOTS, N_REPEATS, 5, model):
                for kind in ("placement", "static"):
                    for sigma_db in SIGMAS_DB:
                        base = Case(
                            *("independent", heights, twin, kind, sigma_db, "narrow"),
                            *(N_SNAPSHOTS, N_SUBBANDS, ""),
                        )
                        ears, test = score_all(results, base, draw, OURS)
                        key = f"{heights}|{twin}|{kind}|{sigma_db:g}"
                        errors[key] += list(location_errors_m(draw, ears, test, 60))


@click.command()
def main() -> None:
    """Run every comparison and write it to the results."""
    results, errors = Results(), defaultdict(list)
    begun = time.perf_counter()
    for name, run in (
        ("as published", lambda: as_published(results)),
        ("ours", lambda: ours(results)),
        ("steps", lambda: steps(results)),
        ("units", lambda: fewer_units(results)),
        ("weaker", lambda: weaker(results)),
        ("liars", lambda: liars(results)),
        ("independent truth", lambda: independent(results, errors)),
    ):
        run()
        click.echo(f"{name}: {time.perf_counter() - begun:.0f} s so far", err=True)
    located = {
        key: {
            "n": len(values),
            "median_m": float(np.median(values)),
            "p90_m": float(np.quantile(values, 0.9)),
        }
        for key, values in errors.items()
    }
    result = {
        "machine": facts(("numba",)),
        "units": len(hall("1.5 m").unit),
        "rows": results.rows(),
        "normal_residuals": results.residuals,
        "location": located,
    }
    folder = RESULTS / "schoesser2024"
    text = as_text(result)
    (folder / "reproduce.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (folder / "reproduce.md").write_text(text, encoding="utf-8")
    draw_rocs(results.roc, result["rows"], folder / "reproduce.png")
    click.echo(text)


if __name__ == "__main__":
    main()
