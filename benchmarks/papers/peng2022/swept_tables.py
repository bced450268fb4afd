"""Tables 2, 3 and 4 of the paper beside ours, and which discriminant wins where."""

from collections.abc import Sequence
from itertools import chain

from benchmarks.papers.peng2022 import published
from benchmarks.papers.peng2022.published import Errors
from benchmarks.papers.peng2022.swept_measures import chosen, halves
from benchmarks.papers.peng2022.swept_rows import BandRow, SweptRows
from converter.report.document import Cell, Part, Section, Table, with_best
from converter.report.resamples import interval

__all__ = ["TABLES", "discriminant_table", "error_tables", "forecaster_table"]

#: What a table is of: its title, the paper's figures, and whether its networks know hours and days.
TABLES: tuple[tuple[str, Errors], ...] = (
    ("Table 2: the bands of Aachen, without hours and days", published.AACHEN),
    ("Table 3: a software radio, without hours and days", published.SDR),
    ("Table 4: the bands of Aachen, with hours and days", published.SCALES),
)
_NOTE = (
    "MAE / RMSE, ours in dB with the 95% interval of the MAE, places drawn anew. The paper names "
    "no unit and standardises in a way it does not tell, so only the order within a column can be "
    "compared. Our bands are simulated. The last rows need no network, and are not in the paper."
)


def error_tables(rows: SweptRows) -> Section:
    """Return Tables 2 to 4 beside the paper's."""
    return Section("Tables 2, 3 and 4", [_errors(rows, title, theirs) for title, theirs in TABLES])


def _errors(rows: SweptRows, title: str, theirs: Errors) -> Part:
    bands = [band for band in dict.fromkeys(band for _, band in theirs) if band in rows.bands]
    kinds = list(dict.fromkeys(kind for kind, _ in theirs))
    found = {
        (kind, band): row
        for kind in kinds
        for band in bands
        if (row := rows.of_kind(band, kind)) is not None
    }
    if not found:
        return f"{title}: none of it was run."
    out: list[tuple[Cell, ...]] = []
    for kind in kinds:
        cells: list[Cell] = [published.CALLED[kind]]
        for band in bands:
            row = found.get((kind, band))
            cells.append("not run" if row is None else _said(row))
            cells.append(str(theirs[kind, band]))
        out.append(tuple(cells))
    for bar in rows.bars:
        bars = [rows.rows.get((band, bar)) for band in bands]
        said = [["not run" if row is None else _said(row), "-"] for row in bars]
        out.append((bar, *chain.from_iterable(said)))
    columns = ["network"]
    for band in bands:
        columns += [f"{band}, dB", f"paper, {band}"]
    not_here = sorted({band for _, band in theirs} - set(bands))
    note = _NOTE + (f" Not run: {', '.join(not_here)}." if not_here else "")
    return Table(title, tuple(columns), out, note)


def _said(row: BandRow) -> str:
    return f"{interval(row.mae()):.3f} / {row.rmse()[0]:.3f}"


def forecaster_table(rows: SweptRows) -> Section:
    """Return the error of every forecaster, bars among them, in every band."""
    columns = ("forecaster", *(f"{band}, dB" for band in rows.bands))
    out: list[tuple[Cell, ...]] = []
    for name in (*rows.bars, *rows.networks):
        found = [rows.rows.get((band, name)) for band in rows.bands]
        if any(found):
            cells = [None if row is None else interval(row.mae()) for row in found]
            out.append((name, *cells))
    note = "Mean absolute error in dB; in bold the least of a band. The first ones need no network."
    marked = with_best(out, smallest=True, form=".3f")
    return Section("Every forecaster and the bars", [Table("", columns, marked, note, ".3f")])


def discriminant_table(rows: SweptRows) -> Section:
    """Return which discriminant wins for each forecaster and ISR, in the mean over the bands."""
    columns = ("forecaster", "ISR, dB", "chosen", "AUC", "more than rmse", "DTW more than rmse")
    out: list[tuple[Cell, ...]] = []
    for name in (*rows.bars, *rows.networks):
        found = [row for band in rows.bands if (row := rows.rows.get((band, name))) is not None]
        for isr, isr_db in enumerate(rows.isrs_db):
            if found:
                out.append((name, f"{isr_db:g}", *_winner(rows, found, isr)))
    note = (
        "Chosen band by band on one half of the classes of anomalies and told on the other, both "
        "ways round; means over bands, 95% intervals of places that are drawn anew."
    )
    return Section("Which discriminant wins", [Table("", columns, out, note, ".3f")])


def _winner(rows: SweptRows, found: Sequence[BandRow], isr: int) -> tuple[Cell, ...]:
    one, other = halves(rows.classes)
    names, areas, gains, dtw = [], [], [], []
    for row in found:
        for selecting, told in ((one, other), (other, one)):
            best = chosen(row, list(row.auc), isr, selecting)
            names.append(best)
            own = row.area("rmse", [isr], told)
            areas.append(row.area(best, [isr], told))
            gains.append(areas[-1] - own)
            if "dtw" in row.auc:
                dtw.append(row.area("dtw", [isr], told) - own)
    often = sorted(set(names), key=lambda name: (-names.count(name), name))
    said = ", ".join(f"{name} {names.count(name)}" for name in often)
    means = [sum(some) / len(some) if some else None for some in (areas, gains, dtw)]
    return (f"{said} of {len(names)}", *(None if m is None else interval(m) for m in means))
