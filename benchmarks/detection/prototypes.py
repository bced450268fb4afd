"""The laboratory's own figures beside those of the prototypes that the product grew from.

``python -m benchmarks.detection.prototypes WORK`` reads a WORK folder of
``benchmarks/experiments/learned.toml``: mean AUC over kinds, of observers and seeds that the
prototypes never saw. Theirs come from 8 observers of the same simulator, +-.03 or so.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from benchmarks.record import facts, save_rows
from converter.lab.numbers.intervals import Interval
from converter.report.detection_scores import DetectionScores, mean_of
from converter.report.markdown_table import markdown_table
from converter.report.report import read_results
from converter.report.resamples import interval

__all__ = ["PROTOTYPES", "main", "rows_of"]

ISRS_DB = (-10.0, -5.0, 0.0)
_OURS = {
    "zscore": "device-zscore",
    "max(zscore, residual), untrained": "max(residual, zscore)",
    "logistic regression, family left out": "logistic",
    "boosted trees, family left out": "trees",
}
#: Mean AUC of the prototypes at :data:`ISRS_DB`, by score and mode. Their trees saw power alone.
PROTOTYPES: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "zscore": {"onset": (0.64, 0.71, 0.78), "persistent": (0.63, 0.75, 0.85)},
    "max(zscore, residual), untrained": {
        "onset": (0.87, 0.92, 0.94),
        "persistent": (0.95, 0.98, 0.99),
    },
    "logistic regression, family left out": {
        "onset": (0.88, 0.93, 0.96),
        "persistent": (0.96, 0.99, 0.99),
    },
    "boosted trees, family left out": {
        "onset": (0.64, 0.74, 0.84),
        "persistent": (0.77, 0.84, 0.91),
    },
}


def _figures(scores: DetectionScores, scorer: str, mode: str) -> dict[float, Interval]:
    if scorer in scores.learned:
        areas = scores.left_out(scorer, partial(scores.auc, site=True))
    elif scorer in scores.scorers:
        areas = scores.auc(scorer, True)
    else:
        return {}
    masks = {isr_db: scores.pick([mode], isrs_db=[isr_db]) for isr_db in ISRS_DB}
    return {isr: interval(mean_of(areas, mask)) for isr, mask in masks.items() if mask.any()}


def rows_of(scores: DetectionScores) -> list[dict[str, object]]:
    """Return a row for each score, mode and ISR that both have."""
    rows: list[dict[str, object]] = []
    for name, by_mode in PROTOTYPES.items():
        for mode, theirs in by_mode.items():
            ours = _figures(scores, _OURS[name], mode)
            for isr_db, other in zip(ISRS_DB, theirs, strict=True):
                one = ours.get(isr_db)
                if one is None:
                    continue
                rows.append(
                    {
                        "score": name,
                        "mode": mode,
                        "isr_db": isr_db,
                        "prototype": other,
                        "laboratory": one.value,
                        "low": one.low,
                        "high": one.high,
                        "differs": other not in one,
                    }
                )
    return rows


def _text(rows: list[dict[str, object]], scores: DetectionScores) -> str:
    shown = []
    for row in rows:
        ours = f"{row['laboratory']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        word = "differs" if row["differs"] else ""
        what = f"{row['score']}, {row['mode']}"
        shown.append([what, f"{row['isr_db']:+g}", f"{row['prototype']:.2f}", ours, word])
    head = ["score, mode", "ISR, dB", "prototype", "laboratory", "outside of the interval"]
    return (
        f"{scores.n_observers} unseen observers, {len(scores.kinds)} kinds with drawn parameters; "
        f"intervals by observer.\n\n{markdown_table(head, shown)}\n"
    )


@click.command()
@click.argument("work", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(work: Path, save: bool) -> None:
    """Set the laboratory's figures beside the prototypes'."""
    results = read_results(work)
    if results.main is None:
        raise click.ClickException(f"{work} holds no whole detection table")
    rows = rows_of(results.main)
    text = _text(rows, results.main)
    title = "The prototypes' tables by the laboratory's own code"
    click.echo(save_rows("prototypes", title, facts(("scikit-learn",)), rows, text, save=save))


if __name__ == "__main__":
    main()
