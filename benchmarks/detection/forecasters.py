"""Forecasters beside each other: prediction error, and what its growth tells of an interferer.

``python -m benchmarks.detection.forecasters WORK`` prints the tables of docs/laboratory.md from the
WORK folder of benchmarks/experiments/forecasters.toml or settings.toml: in a table every forecaster
was given the same segments of the same test observers, whom none of them was fitted on.
"""

from pathlib import Path

import click
import numpy as np

from converter.lab.experiment import Experiment
from converter.lab.numbers.thresholds import observer_names
from converter.lab.toml import load_experiment
from converter.report.detection_scores import DetectionScores, mean_of
from converter.report.markdown_table import markdown_table
from converter.report.resamples import Draws, Floats, interval
from converter.report.results import Results
from edgespec.errors import SourceError

__all__ = ["BASELINES", "MODELS", "errors_db", "forecasters", "main", "markdown"]

#: What needs no training, as people call it; the last one is what others are set against.
BASELINES = {
    "last-frame": "last frame",
    "context-mean": "context mean",
    "linear-ar": "linear AR, the laboratory's baseline",
}
#: Models by their architecture.
MODELS = {
    "linear-ar": "linear AR, the model",
    "lstm": "LSTM",
    "ar-lstm": "LSTM on the AR's residual",
    "offset-lstm": "LSTM on each bin's mean",
}
_LINEAR = "linear-ar"


def forecasters(scores: DetectionScores, experiment: Experiment) -> dict[str, str]:
    """Return the forecasters among the scorers, and what people call them, in order."""
    found = {name: title for name, title in BASELINES.items() if name in scores.scorers}
    for architecture, title in MODELS.items():
        for name in scores.scorers:
            model = experiment.models.get(name)
            is_plain = model is not None and model.transform and model.teacher is None
            if model is not None and is_plain and model.architecture == architecture:
                home = "" if model.population == scores.population else f" of {model.population}"
                found[name] = title + home
    return found


def errors_db(scores: DetectionScores, scorer: str) -> Floats:
    """Return the mean RMS error of the normal segments of each test observer, dB."""
    rows = scores.layout.normal.rows
    errors = scores.bench.scores(scorer, "raw")[rows]
    observers = observer_names(scores.frame.columns)[rows]
    return np.array([np.mean(errors[observers == name]) for name in np.unique(observers)])


def markdown(scores: DetectionScores, experiment: Experiment) -> str:
    """Return the table: errors, and areas of onsets by ISR and over all ISRs."""
    isrs_db = scores.isrs_db
    by_isr_titles = [f"AUC at {isr:g} dB" for isr in isrs_db]
    titles = ["forecaster", "error, dB", "less linear AR, dB", *by_isr_titles]
    titles += ["AUC, onset", "AUC, persistent"]
    names = forecasters(scores, experiment)
    errors = {name: errors_db(scores, name) for name in names}
    draws = Draws(range(scores.n_observers), scores.population)
    rows = []
    for scorer, title in names.items():
        less = "-"
        if scorer != _LINEAR and _LINEAR in errors:
            less = f"{interval(draws.mean(errors[scorer] - errors[_LINEAR])):+.3f}"
        areas = scores.auc(scorer, site=True)
        by_isr = [mean_of(areas, scores.pick(["onset"], isrs_db=[isr]))[0] for isr in isrs_db]
        whole = interval(mean_of(areas, scores.pick(["onset"])))
        cells = [title, f"{interval(draws.mean(errors[scorer])):.3f}", less]
        lasting = mean_of(areas, scores.pick(["persistent"]))[0]
        cells += [*(f"{area:.3f}" for area in by_isr), f"{whole:.3f}", f"{lasting:.3f}"]
        rows.append(cells)
    return markdown_table(titles, rows, right_from=1)


@click.command(help=__doc__)
@click.argument("work", type=click.Path(path_type=Path, file_okay=False))
def main(work: Path) -> None:
    """Print the tables of a WORK folder."""
    experiment = load_experiment(work / "experiment.toml")
    results = Results.read(experiment, work)
    shown = [s for s in results.detections.values() if len(forecasters(s, experiment)) > 1]
    if not shown:
        raise SourceError(
            f"{str(work)!r} has no detection with two forecasters: evaluate "
            "benchmarks/experiments/forecasters.toml or settings.toml into it first"
        )
    for scores in shown:
        click.echo(f"{scores.name}, population {scores.population}\n")
        click.echo(markdown(scores, experiment))
        click.echo(
            f"\n{scores.n_observers} test observers, {len(scores.layout.normal.rows)} normal "
            f"segments, onset of {', '.join(scores.kinds)}\n"
        )


if __name__ == "__main__":
    main()
