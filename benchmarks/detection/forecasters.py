"""Forecasters beside each other: prediction error, and what its growth tells of an interferer.

``python -m benchmarks.detection.forecasters WORK`` prints the table of docs/laboratory.md from the
WORK folder of benchmarks/experiments/forecasters.toml: every forecaster was given the same segments
of the same test observers, whom none of them was fitted on.
"""

from pathlib import Path

import click
import numpy as np

from converter.lab.numbers.thresholds import observer_names
from converter.lab.toml import load_experiment
from converter.report.detection_scores import DetectionScores, mean_of
from converter.report.markdown_table import markdown_table
from converter.report.resamples import interval
from converter.report.results import Results
from edgespec.errors import SourceError

__all__ = ["NAMES", "error_db", "main", "markdown"]

_TABLE = "forecasters"
#: Scorers in the order of the table, as people call them.
NAMES = {
    "last-frame": "last frame",
    "context-mean": "context mean",
    "linear-ar": "linear AR, the laboratory's baseline",
    "linear-ar-model": "linear AR, the model",
    "unified": "LSTM",
    "ar-lstm": "LSTM on the AR's residual",
}


def error_db(scores: DetectionScores, scorer: str) -> float:
    """Return the mean over test observers of the mean RMS error of their normal segments, in dB."""
    rows = scores.layout.normal.rows
    errors = scores.bench.scores(scorer, "raw")[rows]
    observers = observer_names(scores.frame.columns)[rows]
    means = [float(np.mean(errors[observers == name])) for name in np.unique(observers)]
    return float(np.mean(means))


def markdown(scores: DetectionScores) -> str:
    """Return the table: errors, areas of onsets by ISR, and over all ISRs, with one interval."""
    isrs_db = scores.isrs_db
    by_isr_titles = [f"AUC at {isr:g} dB" for isr in isrs_db]
    titles = ["forecaster", "error, dB", *by_isr_titles, "AUC, onset", "AUC, persistent"]
    rows = []
    for scorer, name in NAMES.items():
        if scorer not in scores.scorers:
            continue
        areas = scores.auc(scorer, site=True)
        by_isr = [mean_of(areas, scores.pick(["onset"], isrs_db=[isr]))[0] for isr in isrs_db]
        whole = interval(mean_of(areas, scores.pick(["onset"])))
        cells = [name, f"{error_db(scores, scorer):.3f}", *(f"{area:.3f}" for area in by_isr)]
        lasting = mean_of(areas, scores.pick(["persistent"]))[0]
        rows.append([*cells, f"{whole:.3f}", f"{lasting:.3f}"])
    return markdown_table(titles, rows, right_from=1)


@click.command(help=__doc__)
@click.argument("work", type=click.Path(path_type=Path, file_okay=False))
def main(work: Path) -> None:
    """Print the table of a WORK folder."""
    results = Results.read(load_experiment(work / "experiment.toml"), work)
    if _TABLE not in results.detections:
        raise SourceError(
            f"{str(work)!r} has no detection {_TABLE!r}: evaluate "
            "benchmarks/experiments/forecasters.toml into it first"
        )
    scores = results.detections[_TABLE]
    click.echo(markdown(scores))
    click.echo(
        f"\n{scores.n_observers} test observers, {len(scores.layout.normal.rows)} normal segments, "
        f"onset of {', '.join(scores.kinds)}"
    )


if __name__ == "__main__":
    main()
