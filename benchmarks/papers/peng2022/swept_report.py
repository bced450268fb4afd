"""The report beside the paper: verdicts on its claims, its tables, its figures."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.papers.peng2022.swept_claims import judged
from benchmarks.papers.peng2022.swept_figures import figure_7, figure_8
from benchmarks.papers.peng2022.swept_measures import volatility
from benchmarks.papers.peng2022.swept_residuals import residual_table
from benchmarks.papers.peng2022.swept_rows import SweptRows, read_rows
from benchmarks.papers.peng2022.swept_tables import (
    discriminant_table,
    error_tables,
    forecaster_table,
)
from benchmarks.papers.verdicts import as_facts, verdicts
from converter.report.document import Cell, Document, Section, Table
from converter.report.report import write_document

__all__ = ["report_on", "write_report"]

_FULL = "python -m benchmarks.papers.peng2022.run benchmarks/experiments/peng2022.toml --work WORK"


def write_report(work: Path, out: Path, *, whole: bool = False) -> Path:
    """Write ``report.md``, ``report.json`` and the figures; return the path of the first.

    Args:
        work: the folder of a run.
        out: the folder of the report.
        whole: bands in which something is missing are left out.

    Raises:
        SourceError: the folder holds no run, or a file of it is damaged, or no band is ``whole``.
    """
    rows = read_rows(work).whole() if whole else read_rows(work)
    out.mkdir(parents=True, exist_ok=True)
    return write_document(report_on(rows, out), out)


def report_on(rows: SweptRows, out: Path) -> Document:
    """Return the report of what was read; figures are written to ``out``."""
    found = judged(rows)
    sections = [
        _head(rows),
        verdicts(found),
        error_tables(rows),
        forecaster_table(rows),
        residual_table(rows),
        Section("Figures 7 and 8", [figure_7(rows, out), figure_8(rows, out)]),
        discriminant_table(rows),
        _networks(rows),
    ]
    title = f"Peng et al. 2022 beside experiment {rows.experiment['name']}, simulated"
    return Document(
        title,
        sections,
        {
            "experiment": rows.experiment,
            "machines": list(rows.machines),
            "missing": rows.missing,
            "left_out": rows.left_out,
            "volatility_db": volatility(rows),
            "claims": as_facts(found),
        },
    )


def _head(rows: SweptRows) -> Section:
    asked: Mapping[str, object] = rows.experiment
    ordered = ", ".join(f"{band} {db:.2f} dB" for band, db in volatility(rows).items())
    cpu_s = sum(row.cpu_s for row in rows.rows.values())
    missing = ", ".join(rows.missing) or "nothing"
    counts = ", ".join(f"{band} ({count} forecasters)" for band, count in rows.left_out.items())
    left_out = f" Left out, since not all of it was run: {counts}." if counts else ""
    return Section(
        "What was run",
        [
            f"Experiment `{asked['name']}`: each network was trained for each band on "
            f"{asked['n_windows']} segments of {asked['train_places']} places, "
            f"{asked['epochs']} epochs at most, stopped by another {asked['validation_places']}, "
            f"and measured on {asked['test_places']} more: {asked['n_segments']} segments of each, "
            f"behind the first {asked['first_day']:g} days of {asked['days']:g}; {asked['n_past']} "
            f"sweeps are seen and {asked['n_future']} forecast. {asked['n_anomalies']} anomalies "
            f"of each of {len(rows.classes)} classes are added at each ISR; no forecast has seen "
            "them.",
            *([str(asked["note"])] if asked.get("note") else []),
            f"Not run: {missing}.{left_out} By MAE of the mean over the past, the smoothest band "
            f"first: {ordered or 'not known'}.",
            f"{cpu_s / 60:.0f} minutes of CPU on {'; '.join(rows.machines)}. At the paper's sizes: "
            f"`{_FULL}`.",
        ],
    )


def _networks(rows: SweptRows) -> Section:
    out: list[tuple[Cell, ...]] = []
    for name in rows.networks:
        for band in rows.bands:
            row = rows.rows.get((band, name))
            if row is not None:
                facts, known = row.facts, row.facts.get("side_inputs_known", {})
                out.append(
                    (
                        name,
                        band,
                        facts.get("n_parameters"),
                        facts.get("n_windows"),
                        f"{facts.get('best_epoch')} of {facts.get('epochs')}",
                        f"{row.cpu_s:.0f}",
                        ", ".join(f"{side} {share:.0%}" for side, share in known.items()) or "-",
                    )
                )
    columns = (
        *("network", "band", "parameters", "segments", "best epoch", "CPU, s"),
        "known in training",
    )
    return Section("The networks", [Table("", columns, out)])
