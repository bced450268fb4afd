"""Whether a head over the scores of a hop finds more than the largest of them, at each observer.

``python -m benchmarks.detection.heads LEARNED --test FRESH`` takes the WORK folder of
``benchmarks/experiments/learned.toml``, whose train observers teach the heads, and that of
``heads.toml``, whose test observers nothing was chosen by. Interferers in real captures are heard
anew. A trained head has not seen the family of kinds that it is tested on. ``--untrained BARS``
asks the observers of ``bars.toml`` about what needs no training.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.heads_captures import captured
from benchmarks.detection.heads_figures import DEVICE, figures_of, told_by
from benchmarks.detection.heads_report import BASE, markdown, rows_of
from benchmarks.record import DATA, facts, save_rows
from converter.lab.measures.hops.power_features import POWER_WINDOWS
from converter.lab.measures.hops.residual_features import RESIDUAL_WINDOWS
from converter.lab.measures.learned import CLASSIFIERS, learned_scores
from converter.lab.numbers.cells import LEAST_SHARE
from converter.lab.numbers.combined import COMBINED
from converter.lab.numbers.thresholds import site_standardised
from converter.lab.tables import read_table
from edgespec.detect.scan.residual_scan import THRESHOLD
from edgespec.inference.bundle import load_bundle, shipped_bundle_path

__all__ = ["UNTRAINED", "joined", "main", "scores_of"]

Columns = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]

UNTRAINED = (
    "residual",
    BASE,
    "sum(residual, zscore)",
    "max(residual, scan)",
    "sum(residual, scan)",
)
#: What a logistic regression is told; it and trees are told all there is, too.
TOLD = {
    "residual and zscore": ("score:residual", "score:device-zscore"),
    "six scores": tuple(
        f"score:{name}"
        for name in (
            "residual",
            "device-zscore",
            "device-energy",
            "device-scan",
            "level",
            "level-step",
        )
    ),
}
_ALL = "all scores and features"


def joined(tables: Sequence[Columns]) -> dict[str, NDArray[Any]]:
    """Return the rows of some tables with the columns of the first; NaN where one lacks a number.

    Onsets of less than :data:`LEAST_SHARE` of their horizon are called glimpses.
    """
    out: dict[str, NDArray[Any]] = {}
    for name in tables[0]:
        parts = [
            np.asarray(
                table[name] if name in table else np.full(len(table["mode"]), np.nan, np.float32)
            )
            for table in tables
        ]
        out[name] = np.concatenate([p.astype(str) if p.dtype == object else p for p in parts])
    is_brief = (out["mode"] == "onset") & (out["share"] < LEAST_SHARE)
    out["mode"] = np.where(is_brief, "glimpse", out["mode"])
    return out


def scores_of(table: Columns) -> dict[str, Mapping[str, Floats]]:
    """Return the scores of every row by head and by the family that it has not seen.

    That is '' for a head that was not trained. Nothing is trained where there is no train split.
    """
    found: dict[str, Mapping[str, Floats]] = {}
    for name in UNTRAINED:
        if name in COMBINED:
            values = COMBINED[name].of(lambda part: site_standardised(table, part))
        else:
            values = site_standardised(table, name)
        found[name] = {"": values}
    if "train" not in table["split"]:
        return found
    for title, told in {**TOLD, _ALL: None}.items():
        part = {
            name: values
            for name, values in table.items()
            if told is None or name in told or not name.startswith(("score:", "feature:"))
        }
        for classifier in CLASSIFIERS if told is None else ("logistic",):
            margins = learned_scores(part, (classifier,))
            found[f"{classifier}, {title}"] = {
                name.rpartition(" ")[2]: margin.astype(np.float64)
                for name, margin in margins.items()
            }
    return found


def _columns(folder: Path, *splits: str) -> dict[str, NDArray[Any]]:
    """Return the rows of some splits of a WORK folder's one detection table."""
    table = read_table(folder / "tables" / "detection")
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    is_kept = np.isin(columns["split"].astype(str), splits)
    return {name: values[is_kept] for name, values in columns.items()}


def features_us(n_times: int = 400) -> tuple[float, float]:
    """Return the least time that the features of a hop at 5 MS/s take: of residual, of power."""
    rng = np.random.default_rng(1)
    n_slots, n_subbands, n_frames, n_bins = 13, 12, 25, 128
    least = []
    for windows, n_rows, n_columns, n_new in (
        (RESIDUAL_WINDOWS, RESIDUAL_WINDOWS.n_before + n_slots, n_subbands, n_slots),
        (POWER_WINDOWS, n_frames, n_bins, n_frames),
    ):
        deviation = rng.normal(size=(n_rows, n_columns))
        times = []
        for _ in range(n_times):
            before = perf_counter()
            windows.of(deviation, n_new)
            times.append(perf_counter() - before)
        least.append(1e6 * min(times))
    return least[0], least[1]


def device_limits() -> dict[str, float]:
    """Return the thresholds of the shipped bundle for the detectors of :data:`DEVICE`."""
    manifest = load_bundle(shipped_bundle_path()).manifest
    return {
        column: THRESHOLD if name == "residual" else manifest.threshold(name, 0.001, "quantile")
        for name, column in DEVICE.items()
    }


@click.command()
@click.argument("work", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--test",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Test observers of another WORK folder; default: those of the same.",
)
@click.option(
    "--untrained",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A further WORK folder, asked about what needs no training.",
)
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The captures.")
@click.option("--captures/--no-captures", default=True, help="Score the captures as well.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    work: Path, test: Path | None, untrained: Path | None, data: Path, captures: bool, save: bool
) -> None:
    """Measure heads over the scores of a hop on observers that they have not seen."""
    tables = [_columns(work, "train", "calibration"), _columns(test or work, "test")]
    if captures:
        tables.append(captured(data, lambda text: click.echo(text, err=True)))
    text, rows = _measured(joined(tables))
    if untrained is not None:
        further, more = _measured(joined([_columns(untrained, "calibration", "test")]))
        text += f"\n## Further observers\n\n{further}"
        rows += [row | {"set": "further"} for row in more]
    of_residual_us, of_power_us = features_us()
    text += (
        f"\nThe features of a hop at 5 MS/s take {of_residual_us:.0f} us (residual) and "
        f"{of_power_us:.0f} us (power) in NumPy, at least; the score of either is there anyway.\n"
    )
    title = "Heads over the scores of a hop"
    click.echo(save_rows("heads", title, facts(("scikit-learn",)), rows, text, save=save))


def _measured(table: Columns) -> tuple[str, list[dict[str, object]]]:
    """Return the tables of all heads, and their rows."""
    by_head = {name: figures_of(scores, table) for name, scores in scores_of(table).items()}
    told = told_by(table, device_limits())
    return markdown(by_head, told), rows_of(by_head, told)


if __name__ == "__main__":
    main()
