"""Discriminants on the same forecasts: chosen on some kinds of interferers, told on the others.

``python -m benchmarks.detection.discriminants WORK`` prints tables from the WORK folder of
benchmarks/experiments/discriminants.toml. Kinds are split in two halves; for each forecaster the
discriminant that has the largest mean area over onsets of one half is told on the other half, and
the other way round. Scores are in deviations of the observer's own warm-up, as on the device.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from converter.lab.toml import load_experiment
from converter.report.detection_scores import DetectionScores, mean_of
from converter.report.markdown_table import markdown_table
from converter.report.resamples import Floats, interval
from converter.report.results import Results
from edgespec.errors import SourceError

__all__ = ["chosen", "discriminants_of", "halves", "main", "markdown"]

#: What a forecaster's own column is: the root mean square.
_OWN = "rmse"


def discriminants_of(scores: DetectionScores) -> dict[str, dict[str, str]]:
    """Return for each forecaster the column of each discriminant, its own first."""
    found: dict[str, dict[str, str]] = {}
    for column in scores.scorers:
        forecaster, at, discriminant = column.partition("@")
        if at:
            found.setdefault(forecaster, {_OWN: forecaster})[discriminant] = column
    return found


def halves(kinds: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return every other kind, and those between them."""
    return list(kinds[::2]), list(kinds[1::2])


def _area(scores: DetectionScores, column: str, kinds: Sequence[str], isr_db: float) -> Floats:
    cells = scores.pick(["onset"], kinds, [isr_db])
    area: Floats = mean_of(scores.auc(column, site=True), cells)
    return area


def _mean_area(scores: DetectionScores, column: str, kinds: Sequence[str]) -> Floats:
    area: Floats = mean_of(scores.auc(column, site=True), scores.pick(["onset"], kinds))
    return area


def chosen(scores: DetectionScores, columns: dict[str, str], kinds: Sequence[str]) -> str:
    """Return the discriminant with the largest mean area over onsets of some kinds."""
    return max(columns, key=lambda name: float(_mean_area(scores, columns[name], kinds)[0]))


def markdown(scores: DetectionScores) -> str:
    """Return the table: a row for each discriminant of each forecaster on each half of kinds."""
    head = ["forecaster", "told on", "discriminant"]
    head += [f"AUC at {isr:g} dB" for isr in scores.isrs_db]
    head += ["AUC", "more than by rmse"]
    one, other = halves(scores.kinds)
    rows = []
    for forecaster, columns in discriminants_of(scores).items():
        for selecting, told in ((one, other), (other, one)):
            if not selecting or not told:
                continue
            best = chosen(scores, columns, selecting)
            own = _mean_area(scores, columns[_OWN], told)
            for name, column in columns.items():
                area = _mean_area(scores, column, told)
                at_isrs = [_area(scores, column, told, isr)[0] for isr in scores.isrs_db]
                more = "-" if name == _OWN else f"{interval(area - own):+.3f}"
                cells = [f"**{name}**" if name == best else name]
                cells += [*(f"{value:.3f}" for value in at_isrs), f"{interval(area):.3f}", more]
                rows.append([forecaster, ", ".join(told), *cells])
    return markdown_table(head, rows, right_from=3)


@click.command(help=__doc__)
@click.argument("work", type=click.Path(path_type=Path, file_okay=False))
def main(work: Path) -> None:
    """Print the tables of a WORK folder."""
    results = Results.read(load_experiment(work / "experiment.toml"), work)
    shown = [s for s in results.detections.values() if discriminants_of(s)]
    if not shown:
        raise SourceError(
            f"{str(work)!r} has no detection with discriminants: evaluate "
            "benchmarks/experiments/discriminants.toml into it first"
        )
    for scores in shown:
        click.echo(f"{scores.name}, population {scores.population}\n")
        click.echo(markdown(scores))
        normal = scores.layout.normal.rows
        click.echo(
            f"\n{scores.n_observers} test observers, {len(normal)} normal segments. In bold: what "
            "the other half of the kinds chose. Intervals draw observers anew.\n"
        )


if __name__ == "__main__":
    main()
