"""Discriminants on the same forecasts: chosen on some kinds of interferers, told on the others.

``python -m benchmarks.detection.discriminants WORK`` prints tables from the WORK folder of
benchmarks/experiments/discriminants.toml. Kinds are split in two halves: for each forecaster and
ISR the discriminant that has the largest mean area over onsets of one half is told on the other
half, and the other way round. Scores are in deviations of the observer's own warm-up, as on the
device.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks import record
from converter.lab.numbers.intervals import Interval
from converter.lab.toml import load_experiment
from converter.report.detection_scores import RATE, DetectionScores, mean_of
from converter.report.markdown_table import markdown_table
from converter.report.resamples import Floats, interval
from converter.report.results import Results
from edgespec.errors import SourceError

__all__ = ["chosen", "discriminants_of", "halves", "main", "rates", "winners"]

#: What a forecaster's own column is: the root mean square.
_OWN = "rmse"
#: Of Sakoe and Chiba's, the exact one, which Peng et al. 2022 found the best.
_DTW = "dtw"


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


def _area(
    scores: DetectionScores, column: str, kinds: Sequence[str], isr_db: float | None
) -> Floats:
    """Return the mean area over onsets of some kinds at an ISR; None: at all of them."""
    isrs_db = None if isr_db is None else [isr_db]
    area: Floats = mean_of(scores.auc(column, site=True), scores.pick(["onset"], kinds, isrs_db))
    return area


def chosen(
    scores: DetectionScores,
    columns: dict[str, str],
    kinds: Sequence[str],
    isr_db: float | None = None,
) -> str:
    """Return the discriminant with the largest mean area over onsets of some kinds."""
    return max(columns, key=lambda name: float(_area(scores, columns[name], kinds, isr_db)[0]))


def winners(scores: DetectionScores) -> list[dict[str, Any]]:
    """Return what is chosen for each forecaster and ISR, and what it comes to on the others.

    ``isr_db`` None is the mean over all of them. ``area`` is of what was chosen, ``more`` that less
    the root mean square's, ``dtw`` DTW's less the root mean square's, and ``dtw_best`` DTW's less
    that of the best of all others by the kinds that choose.
    """
    one, other = halves(scores.kinds)
    rows = []
    for forecaster, columns in discriminants_of(scores).items():
        others = {name: column for name, column in columns.items() if name != _DTW}
        for isr_db in (*scores.isrs_db, None):
            found: dict[str, list[Floats]] = {}
            names = []
            for selecting, told in ((one, other), (other, one)):
                if not selecting or not told:
                    continue
                names.append(chosen(scores, columns, selecting, isr_db))
                best = _area(scores, columns[names[-1]], told, isr_db)
                own = _area(scores, columns[_OWN], told, isr_db)
                found.setdefault("area", []).append(best)
                found.setdefault("more", []).append(best - own)
                if _DTW in columns:
                    rival = chosen(scores, others, selecting, isr_db)
                    dtw = _area(scores, columns[_DTW], told, isr_db)
                    against = _area(scores, columns[rival], told, isr_db)
                    found.setdefault("dtw", []).append(dtw - own)
                    found.setdefault("dtw_best", []).append(dtw - against)
            row: dict[str, Any] = {"forecaster": forecaster, "isr_db": isr_db, "chosen": names}
            row |= {key: interval(sum(some) / len(some)) for key, some in found.items()}
            rows.append(row)
    return rows


def rates(scores: DetectionScores) -> list[dict[str, Any]]:
    """Return what each discriminant finds at its threshold for 1% false alarms, of all kinds."""
    rows = []
    onset = scores.pick(["onset"])
    for forecaster, columns in discriminants_of(scores).items():
        for name, column in columns.items():
            row = {
                "forecaster": forecaster,
                "discriminant": name,
                "area": interval(mean_of(scores.auc(column, site=True), onset)),
            }
            if scores.has_thresholds(RATE):
                found = mean_of(scores.detected(column, RATE, site=True), onset)
                row["found"] = interval(found)
                row["false_alarms"] = interval(scores.false_alarms(column, RATE, site=True))
            rows.append(row)
    return rows


def _table(rows: Sequence[dict[str, Any]], columns: dict[str, tuple[str, str]]) -> str:
    """Return rows as a table: for each column its title and the format of its figures."""
    shown: list[list[str]] = []
    for row in rows:
        cells = []
        for key, (_, form) in columns.items():
            value = row.get(key)
            is_figure = isinstance(value, Interval | float)
            cells.append("-" if value is None else format(value, form if is_figure else ""))
        shown.append(cells)
    return markdown_table([title for title, _ in columns.values()], shown, right_from=3)


def _of(scores: DetectionScores) -> tuple[str, list[dict[str, Any]]]:
    """Return what is told of a detection, and its rows."""
    won, at = winners(scores), rates(scores)
    one, other = halves(scores.kinds)
    by_isr = [
        row
        | {
            "isr_db": "all" if row["isr_db"] is None else f"{row['isr_db']:g}",
            "chosen": " / ".join(row["chosen"]) or "-",
        }
        for row in won
    ]
    parts = [
        f"{scores.name}, population {scores.population}: {scores.n_observers} test observers, "
        f"{len(scores.layout.normal.rows)} normal segments. Intervals draw observers anew.",
        "What is chosen on one half of the kinds and told on the other, the mean of both ways "
        f"round: chosen by {', '.join(one)} / by {', '.join(other)}; areas under the ROC of "
        "onsets.",
        _table(
            by_isr,
            {
                "forecaster": ("forecaster", ""),
                "isr_db": ("ISR, dB", ""),
                "chosen": ("chosen", ""),
                "area": ("AUC", ".3f"),
                "more": ("more than rmse", "+.3f"),
                "dtw": ("DTW more than rmse", "+.3f"),
                "dtw_best": ("DTW more than the best other", "+.3f"),
            },
        ),
        "All kinds and ISRs together, and the share that is found at the threshold that "
        "calibration observers set for 1% false alarms, with what test observers had:",
        _table(
            at,
            {
                "forecaster": ("forecaster", ""),
                "discriminant": ("discriminant", ""),
                "area": ("AUC", ".3f"),
                "found": ("found at 1%", ".3f"),
                "false_alarms": ("false alarms", ".3f"),
            },
        ),
    ]
    rows = [{key: _plain(value) for key, value in row.items()} for row in (*won, *at)]
    return "\n\n".join(parts) + "\n", rows


def _plain(value: Any) -> Any:
    return [value.value, value.low, value.high] if isinstance(value, Interval) else value


@click.command(help=__doc__)
@click.argument("work", type=click.Path(path_type=Path, file_okay=False))
@click.option("--save/--no-save", default=False, help="Write benchmarks/results.")
def main(work: Path, save: bool) -> None:
    """Print the tables of a WORK folder."""
    results = Results.read(load_experiment(work / "experiment.toml"), work)
    shown = [s for s in results.detections.values() if discriminants_of(s)]
    if not shown:
        raise SourceError(
            f"{str(work)!r} has no detection with discriminants: evaluate "
            "benchmarks/experiments/discriminants.toml into it first"
        )
    told = [_of(scores) for scores in shown]
    text = "\n".join(text for text, _ in told)
    rows = [row for _, some in told for row in some]
    title = "Discriminants on the same forecasts"
    click.echo(record.save_rows("discriminants", title, record.facts(), rows, text, save=save))


if __name__ == "__main__":
    main()
