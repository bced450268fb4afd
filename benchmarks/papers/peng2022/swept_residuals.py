"""Forecasts of the residual over the mean of the context, beside the same networks without it."""

from collections.abc import Sequence

from benchmarks.papers.peng2022.swept_rows import BandRow, SweptRows
from converter.report.document import Cell, Section, Table
from converter.report.resamples import Floats, interval

__all__ = ["residual_table"]

_RESIDUAL_AR = "residual-ar"
_COLUMNS = (
    *("network", "band", "as it is, dB", "of the residual, dB", "difference"),
    *("behind the best bar as it is", "of the residual", "of the residual behind residual-ar"),
)
_NOTE = (
    "Mean absolute errors and paired differences in percent, 95% intervals of places that are "
    "drawn anew; behind: so much more error. The best bar is that of the band."
)


def residual_table(rows: SweptRows) -> Section:
    """Return what it is worth to forecast the residual, of each network that was asked for it."""
    pairs = [
        (plain, row)
        for name in rows.networks
        for band in rows.bands
        if rows.is_of_residual(name)
        and (row := rows.rows.get((band, name))) is not None
        and (plain := rows.of_kind(band, rows.kind(name))) is not None
    ]
    title = "Forecasts of the residual"
    if not pairs:
        return Section(title, ["None was run beside the same network without it."])
    lines: list[tuple[Cell, ...]] = []
    for plain, row in pairs:
        bars = [_bar(rows, row.band), _bar(rows, row.band, _RESIDUAL_AR)]
        behind = [(plain, bars[0]), (row, bars[0]), (row, bars[1])]
        said = ["-" if bar is None else _percent(_more(one, bar)) for one, bar in behind]
        mae = interval(plain.mae()), interval(row.mae())
        lines.append((plain.name, row.band, *mae, _percent(_more(row, plain)), *said))
    return Section(title, [_said(rows, pairs), Table("", _COLUMNS, lines, _NOTE, ".3f")])


def _said(rows: SweptRows, pairs: Sequence[tuple[BandRow, BandRow]]) -> str:
    """Return the sentences: how many gain, what of their deficit is left, and linear AR of it."""
    fewer, more = _certain([_more(row, plain) for plain, row in pairs])
    text = [
        f"Of {len(pairs)} networks and bands the forecast of the residual has certainly less error "
        f"than the same network without it in {fewer}, certainly more in {more}."
    ]
    lacks: list[tuple[Floats, Floats]] = []
    for plain, row in pairs:
        bar = _bar(rows, row.band)
        if bar is not None and interval(_more(plain, bar)).low > 0:
            lacks.append((plain.mae() - bar.mae(), row.mae() - bar.mae()))
    if lacks:
        before, after = (sum(side) for side in zip(*lacks, strict=True))
        text.append(
            f"{len(lacks)} are certainly behind the best bar as they are; of what they lack the "
            f"residual takes {interval(100 * (1 - after / before)):.0f}% away."
        )
    against = [
        _more(row, bar)
        for _, row in pairs
        if (bar := _bar(rows, row.band, _RESIDUAL_AR)) is not None
    ]
    if against:
        better, worse = _certain(against)
        text.append(
            f"Linear AR of the residual (`{_RESIDUAL_AR}`) has certainly less error than {worse} "
            f"of {len(against)} networks of it, certainly more than {better}."
        )
    return " ".join(text)


def _certain(differences: Sequence[Floats]) -> tuple[int, int]:
    """Return how many are below 0 with their whole interval, and how many above."""
    found = [interval(one) for one in differences]
    return sum(one.high < 0 for one in found), sum(one.low > 0 for one in found)


def _more(one: BandRow, other: BandRow) -> Floats:
    return 100 * (one.mae() / other.mae() - 1)


def _percent(differences: Floats) -> str:
    return f"{interval(differences):+.1f}%"


def _bar(rows: SweptRows, band: str, name: str = "") -> BandRow | None:
    """Return a bar of a band, by default the one with the least error."""
    found = [rows.rows[band, bar] for bar in rows.bars if (band, bar) in rows.rows]
    named = [row for row in found if name in ("", row.name)]
    return min(named, key=lambda row: float(row.mae()[0]), default=None)
