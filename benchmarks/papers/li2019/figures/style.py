"""How pictures look: sizes, colours, and how an interval or a quantile range is drawn."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from converter.report.resamples import Floats

__all__ = ["COLOURS", "FAR", "legend_below", "panels", "quantile_mark", "roc_axes", "roc_curve"]

#: Told apart by people who see no red or no green (Okabe and Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
#: False-alarm rates that ROC curves are drawn at.
FAR = np.logspace(-3, 0, 121)
_DPI = 110
_PANEL_INCHES = (4.3, 3.7)


@contextmanager
def panels(
    path: Path, n: int, inches: tuple[float, float] = _PANEL_INCHES, most_columns: int = 3
) -> Iterator[list[Any]]:
    """Give ``n`` axes side by side, at most so many to a row, and write the figure in the end."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n_columns = min(n, most_columns)
    n_rows = -(-n // n_columns)
    size = (inches[0] * n_columns, inches[1] * n_rows)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(n_rows, n_columns, squeeze=False, sharey=True).flat)
    for axis in axes[n:]:
        axis.set_visible(False)
    for axis in axes[:n]:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(True, color="#e6e6e6", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.tick_params(labelsize=8)
    yield axes[:n]
    figure.savefig(path, dpi=_DPI)


def roc_axes(axis: Any, title: str, is_first: bool = True) -> None:
    """Label a ROC plot with a logarithmic axis, and mark 1% false alarms."""
    axis.set_xscale("log")
    axis.set_xlim(FAR[0], 1.0)
    axis.set_ylim(0.0, 1.02)
    axis.set_xticks([0.001, 0.01, 0.1, 1.0], ["0.1 %", "1 %", "10 %", "100 %"])
    axis.set_yticks(np.linspace(0, 1, 6), [f"{share} %" for share in range(0, 101, 20)])
    axis.axvline(0.01, color="#777777", linewidth=0.8, linestyle=":")
    axis.plot(FAR, FAR, color="#bbbbbb", linewidth=0.8)
    axis.set_xlabel("false alarms", fontsize=9)
    if is_first:
        axis.set_ylabel("detected", fontsize=9)
    axis.set_title(title, fontsize=9)


def roc_curve(axis: Any, draws: Floats, colour: str, label: str, linestyle: str = "-") -> None:
    """Draw a ROC curve at :data:`FAR` with its 95% band."""
    low, high = np.nanquantile(draws[1:], (0.025, 0.975), axis=0)
    axis.fill_between(FAR, low, high, color=colour, alpha=0.15, linewidth=0)
    axis.plot(FAR, draws[0], color=colour, linewidth=1.5, linestyle=linestyle, label=label)


def legend_below(axis: Any) -> None:
    """Name the curves below the axes, where none of them runs."""
    axis.legend(
        fontsize=7,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.17),
        ncols=2,
        frameon=False,
        borderaxespad=0.0,
    )


def quantile_mark(axis: Any, x: float, quantiles: Sequence[float], colour: str) -> None:
    """Draw the 5, 25, 50, 75 and 95% quantiles: a thin line, a thick one, a dot."""
    q05, q25, q50, q75, q95 = quantiles
    axis.plot([x, x], [q05, q95], color=colour, linewidth=1.2, solid_capstyle="butt")
    axis.plot([x, x], [q25, q75], color=colour, linewidth=6, solid_capstyle="butt", alpha=0.75)
    axis.plot([x], [q50], "o", color="white", markeredgecolor=colour, markersize=5)
