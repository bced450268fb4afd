"""Detection by every scorer: areas, rates at 1 and .1% false alarms, and what follows for us."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from converter.lab.numbers.cells import MODES
from converter.lab.numbers.intervals import Interval
from converter.report.amounts import isr_text
from converter.report.detection_scores import RATES, DetectionScores, mean_of
from converter.report.document import Cell, Part, Section, Table, with_best
from converter.report.resamples import Floats, interval
from converter.report.results import Results

__all__ = ["main_detection", "simple_against_ours"]

#: What EVALUATION asks of the product: mean AUC and percent detected at 1% false alarms, by ISR.
TARGETS = (
    "AUC of an onset .90 at -10 dB, .96 at -5 dB, .99 at 0 dB, of what is persistent .95, .98, .99"
)
#: More ISRs than this get a table for each mode.
_MOST_ISRS = 8
Mask = NDArray[np.bool_]


def main_detection(results: Results, progress: Callable[[str], None]) -> Section:
    """Return the tables of the detection with the most scorers on the unified population."""
    main = results.main
    title = "Detection by every scorer"
    if main is None:
        return Section(title, ["Left out: no detection was run on the unified population."])
    for scorer in main.scorers:
        for site in (False, True):
            progress(f"detection {main.name}, {scorer}")
            main.measured(scorer, site)
    segments = len(main.layout.normal.rows), len(main.layout.anomalous.rows)
    parts: list[Part] = [
        f"Experiment `{main.name}`: {main.n_observers} unseen test observers, {segments[0]} normal "
        f"and {segments[1]} anomalous segments, interferers {', '.join(main.kinds) or 'none'}. "
        "`onset`: it begins in the horizon; `persistent`: it was in the whole context already; "
        "`ended`: it was in the context and has gone. Means over kinds. Bold: the best of a "
        f"column. Targets of the project: {TARGETS}."
    ]
    if not main.isrs_db:
        return Section(title, [*parts, "No interferer was put on the air."])
    for by_mode in _tables(main):
        parts += _figures(main, *by_mode)
    ended = _columns(main, ["ended"])
    if ended:
        name = "AUC after it has ended, scores standardised by the site's warm-up"
        parts.append(_table(main, name, ended, main.auc, True))
    parts += [_false_alarms(main), *_by_kind(main)]
    return Section(title, parts)


def _tables(main: DetectionScores) -> list[tuple[str, dict[str, Mask]]]:
    """Return the end of the names of the tables, and the columns of each."""
    if len(main.isrs_db) <= _MOST_ISRS:
        return [("", _columns(main))]
    return [(f", {m}", columns) for m in MODES if (columns := _columns(main, [m]))]


def _figures(main: DetectionScores, end: str, columns: dict[str, Mask]) -> list[Part]:
    parts: list[Part] = []
    for site, words in ((True, "standardised by the site's warm-up"), (False, "raw")):
        parts.append(_table(main, f"AUC, scores {words}{end}", columns, main.auc, site))
    for site, words in ((True, "standardised"), (False, "raw")):

        def partial(scorer: str, site: bool) -> Floats:
            return main.partial_auc(scorer, site)

        name = f"Partial AUC up to 1 % false alarms, scores {words} (.5 tells nothing){end}"
        parts.append(_table(main, name, columns, partial, site))
    for rate in RATES:
        for site, words in ((True, "standardised"), (False, "raw")):

            def detected(scorer: str, site: bool, rate: float = rate) -> Floats:
                return 100 * main.detected(scorer, rate, site)

            name = f"Detected at a threshold for {rate:.1%} false alarms, scores {words}, %{end}"
            if main.has_thresholds(rate):
                parts.append(_table(main, name, columns, detected, site, ".1f"))
            else:
                parts.append(f"{name}: left out, too few calibration segments to set it.")
    return parts


def _columns(main: DetectionScores, modes: Sequence[str] = MODES) -> dict[str, Mask]:
    """Return the cells of every column: each mode at each ISR."""
    columns = {}
    for mode in modes:
        for isr_db in main.isrs_db:
            cells = main.pick([mode], isrs_db=[isr_db])
            if cells.any():
                columns[f"{mode} {isr_text(isr_db)}"] = cells
    return columns


def _table(
    main: DetectionScores,
    name: str,
    columns: dict[str, Mask],
    figures: Callable[[str, bool], Floats],
    site: bool,
    form: str = ".3f",
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for scorer in main.scorers:
        values = figures(scorer, site)
        rows.append((scorer, *(interval(mean_of(values, mask)) for mask in columns.values())))
    note = f"{_widths(rows, form)} In the file for machines every figure has its interval."
    titles = ("score", *columns)
    return Table(name, titles, with_best(_sorted(rows), form=form), note, form, False)


def _sorted(rows: list[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """Return rows by the mean of their figures, the best first."""

    def key(row: tuple[Cell, ...]) -> float:
        values = [cell.value for cell in row[1:] if isinstance(cell, Interval)]
        mean = float(np.mean(values)) if values else float("nan")
        return -mean if np.isfinite(mean) else np.inf

    return sorted(rows, key=key)


def _widths(rows: Sequence[tuple[Cell, ...]], form: str) -> str:
    """Return how wide the intervals are, in words."""
    halves = [
        (cell.high - cell.low) / 2
        for row in rows
        for cell in row
        if isinstance(cell, Interval) and np.isfinite(cell.high - cell.low)
    ]
    if not halves:
        return "Without intervals."
    return f"Intervals: median ±{np.median(halves):{form}}, widest ±{max(halves):{form}}."


def _false_alarms(main: DetectionScores) -> Table:
    columns = ["score"]
    for rate in RATES:
        for words in ("raw", "per site"):
            columns += [f"{words}, {rate:.1%}", f"worst observer, {words}, {rate:.1%}"]
        columns.append(f"Gaussian, raw, {rate:.1%}")
    found = {
        (row["scorer"], row["standardisation"], row["method"], row["rate"]): row
        for row in main.false_alarm_rows
    }
    rows: list[tuple[Cell, ...]] = []
    for scorer in main.scorers:
        row: list[Cell] = [scorer]
        for rate in RATES:
            for standardisation in ("raw", "site"):
                figures = found[scorer, standardisation, "quantile", rate]
                row += [_percent(figures), 100 * float(figures["worst"])]
            row.append(_percent(found[scorer, "raw", "gaussian", rate]))
        rows.append(tuple(row))
    note = (
        "Thresholds from calibration observers, rates on test observers that they never saw; the "
        "quantile is pooled split-conformal, the Gaussian that of the paper. Target of the "
        "project: within 1.5 times the rate after the warm-up, per site."
    )
    return Table("Realised false-alarm rates, %", tuple(columns), rows, note)


def _percent(row: dict[str, float]) -> Interval:
    return Interval(row["realised"], row["low"], row["high"]).times(100)


def _by_kind(main: DetectionScores) -> list[Part]:
    isr_db = min(main.isrs_db, key=abs)
    parts: list[Part] = []
    for mode in MODES:
        columns = {
            kind: mask for kind in main.kinds if (mask := main.pick([mode], [kind], [isr_db])).any()
        }
        if columns:
            name = f"AUC by kind at {isr_text(isr_db)} dB, {mode}, scores standardised"
            parts.append(_table(main, name, columns, main.auc, True))
    return parts


def simple_against_ours(results: Results) -> Section:
    """Return who is best where, and what the shipped default should follow."""
    main, title = results.main, "Simple baselines against our models"
    if main is None or not main.isrs_db:
        return Section(title, ["Left out: no detection was run on the unified population."])
    ours = [s for s in main.scorers if results.is_model(s)]
    simple = [s for s in main.scorers if s not in ours and s != "random"]
    if not ours or not simple:
        return Section(title, ["Left out: the table does not have both models and simple scores."])
    rows: list[tuple[Cell, ...]] = []
    won = 0
    for column, mask in _columns(main).items():
        model, other = (_best(main, names, mask) for names in (ours, simple))
        auc = {name: mean_of(main.auc(name, True), mask) for name in (model, other)}
        lead = interval(auc[model] - auc[other])
        word = "tie" if lead.low <= 0 <= lead.high else (model if lead.value > 0 else other)
        won += lead.low > 0
        best = tuple(interval(auc[name]).value for name in (model, other))
        rows.append((column, model, best[0], other, best[1], lead, word))
    columns = ("mode, ISR", "best model", "AUC", "best simple", "AUC of it", "lead", "better")
    note = (
        "Scores standardised by the site, as on the device. The best of each group is picked on "
        "the same observers that it is shown on, so a lead is a little flattered, on both sides."
    )
    return Section(
        title, [Table("", columns, rows, note, ".3f"), _advice(main, ours, simple, won, len(rows))]
    )


def _best(main: DetectionScores, names: list[str], mask: Mask) -> str:
    return max(names, key=lambda name: float(mean_of(main.auc(name, True), mask)[0]))


def _advice(
    main: DetectionScores, ours: list[str], simple: list[str], won: int, n_columns: int
) -> str:
    """Say what the shipped default should follow: the table, over all modes in which it is on."""
    cells = main.pick()
    model, other = _best(main, ours, cells), _best(main, simple, cells)
    means = {name: mean_of(main.auc(name, True), cells) for name in (model, other)}
    lead = interval(means[model] - means[other])
    said = (
        f"Over all interferers and ISRs, onset and persistent, the best model is `{model}` (AUC "
        f"{interval(means[model]):.3f}) and the best simple score `{other}` "
        f"({interval(means[other]):.3f}); the lead is {lead:+.3f}. The best model is surely better "
        f"in {won} of {n_columns} columns."
    )
    if lead.high < 0:
        return f"{said} **The shipped default should follow the table: `{other}` belongs in it.**"
    if lead.low > 0 and won == n_columns:
        return f"{said} **The shipped default may rest on the model.**"
    return (
        f"{said} **Neither is better everywhere: the shipped default should have both, `{model}` "
        f"and `{other}`.**"
    )
