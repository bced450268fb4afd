"""Figures 7 and 8 of the paper: areas against ISR, by discriminant and by network."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.papers.li2019.figures.style import COLOURS, legend_below, panels
from benchmarks.papers.peng2022 import published
from benchmarks.papers.peng2022.swept_rows import BandRow, SweptRows
from converter.report.document import Part, Picture
from converter.report.resamples import Floats

__all__ = ["figure_7", "figure_8"]

_LEAST, _MOST = 0.45, 1.01


def figure_7(rows: SweptRows, out: Path) -> Part:
    """Draw the area by each discriminant against the ISR, a panel a network and band."""
    kinds, bands = published.FIGURE_7
    found = [
        row for kind in kinds for band in bands if (row := rows.of_kind(band, kind)) is not None
    ]
    if not found:
        return "Figure 7: left out, neither of its networks was run in its bands."
    names = [name for name in found[0].auc if name in published.DISCRIMINANTS or ":" in name]
    names = names or list(found[0].auc)
    names += [name for name in found[0].auc if name not in names]
    with panels(out / "figure-7.png", len(found)) as axes:
        for axis, row in zip(axes, found, strict=True):
            curves = {
                published.DISCRIMINANTS.get(name, name): _curve(rows, row, name) for name in names
            }
            _draw(axis, rows, f"{published.CALLED[rows.kind(row.name)]}, {row.band}", curves)
    return Picture(
        "figure-7.png",
        "Figure 7: area under the ROC against ISR by discriminant, mean over ten classes of "
        "anomalies, with 95% intervals (places drawn anew). The paper's is a picture: there DTW is "
        "the highest.",
        {f"{row.name}/{row.band}/{n}": row_values(rows, row, n) for row in found for n in names},
    )


def figure_8(rows: SweptRows, out: Path) -> Part:
    """Draw the area by DTW of each network against the ISR, a panel a band."""
    kinds, bands = published.FIGURE_8
    found = {
        band: [row for kind in kinds if (row := rows.of_kind(band, kind)) is not None]
        for band in bands
    }
    shown = {band: some for band, some in found.items() if some and "dtw" in some[0].auc}
    if not shown:
        return "Figure 8: left out, none of its networks was run in its bands."
    with panels(out / "figure-8.png", len(shown), most_columns=2) as axes:
        for axis, (band, some) in zip(axes, shown.items(), strict=True):
            curves = {
                published.CALLED[rows.kind(row.name)]: _curve(rows, row, "dtw") for row in some
            }
            _draw(axis, rows, band, curves)
    return Picture(
        "figure-8.png",
        "Figure 8: area under the ROC against ISR by network, DTW as the paper has it, mean over "
        "ten classes of anomalies, with 95% intervals. The paper's is a picture: there the "
        "proposed network is the highest, by 8% over CNN at -10 dB in GSM900 UL.",
        {
            f"{row.name}/{band}": row_values(rows, row, "dtw")
            for band, some in shown.items()
            for row in some
        },
    )


def row_values(rows: SweptRows, row: BandRow, name: str) -> list[float]:
    """Return the area at each ISR."""
    return [float(draws[0]) for draws in _curve(rows, row, name)]


def _curve(rows: SweptRows, row: BandRow, name: str) -> list[Floats]:
    return [row.area(name, [isr]) for isr in range(len(rows.isrs_db))]


def _draw(axis: Any, rows: SweptRows, title: str, curves: dict[str, list[Floats]]) -> None:
    for number, (label, draws) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        low, high = np.quantile([one[1:] for one in draws], (0.025, 0.975), axis=1)
        axis.fill_between(rows.isrs_db, low, high, color=colour, alpha=0.12, linewidth=0)
        axis.plot(rows.isrs_db, [one[0] for one in draws], color=colour, label=label, marker=".")
    axis.set_title(title, fontsize=9)
    axis.set_xlabel("ISR, dB", fontsize=9)
    axis.set_ylabel("area under the ROC", fontsize=9)
    axis.set_ylim(_LEAST, _MOST)
    legend_below(axis)
