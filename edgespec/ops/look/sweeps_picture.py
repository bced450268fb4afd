"""A look at sweeps as a picture: levels above, time below."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from edgespec.figures import new_figure, save_figure
from edgespec.ops.look.sweeps import SweepLook
from edgespec.units import format_utc

__all__ = ["draw_sweeps", "sweeps_figure"]

_MOST_ROWS = 400
_LEAST_RANGE_DB = 15.0


def draw_sweeps(found: SweepLook, path: Path) -> None:
    """Write a picture of sweeps, in the format that the file's name asks for.

    Raises:
        ConfigError: the file cannot be written, or matplotlib is not installed.
    """
    save_figure(sweeps_figure(found), path)


def sweeps_figure(found: SweepLook) -> Any:
    """Return the figure: panels ``levels`` and ``time``.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    table = found.table
    figure = new_figure(9.0, 7.6)
    panels = figure.subplot_mosaic([["levels"], ["time"]], height_ratios=(2, 3), sharex=True)
    freqs_mhz = table.freqs_hz / 1e6
    panel = panels["levels"]
    if found.usual_db is not None:
        panel.plot(freqs_mhz, found.usual_db, color="tab:green", lw=1.0, label="usual, last run")
    for words, of, color in (
        ("max", np.nanmax, "tab:orange"),
        ("median", np.nanmedian, "tab:gray"),
        ("mean", np.nanmean, "tab:blue"),
    ):
        panel.plot(freqs_mhz, of(table.levels_db, axis=0), color=color, lw=0.9, label=words)
    panel.set_ylabel(table.unit)
    panel.legend(fontsize=7, loc="lower center", ncols=4)
    _time_panel(figure, panels["time"], found)
    name = f"{found.source[:120]}, {format_utc(round(table.utc_s[0] * 1e9))}"
    figure.suptitle(name.replace("$", r"\$"), fontsize=9)
    return figure


def _time_panel(figure: Any, panel: Any, found: SweepLook) -> None:
    """Draw the sweeps by their numbers: gaps have no place, and their times stand at the side."""
    table = found.table
    pooled = -(-table.n_sweeps // _MOST_ROWS)
    # Of more rows than fit the largest of some is shown, so that no burst is lost.
    starts = np.arange(0, table.n_sweeps, pooled)
    rows_db = np.fmax.reduceat(table.levels_db, starts, axis=0)
    low_db, high_db = (float(x) for x in np.nanquantile(rows_db, (0.05, 0.999)))
    age_s = table.utc_s - table.utc_s[0]
    edges_mhz = _edges(table.freqs_hz / 1e6)
    mesh = panel.pcolormesh(
        edges_mhz,
        np.append(starts, table.n_sweeps),
        rows_db,
        vmin=low_db,
        vmax=max(high_db, low_db + _LEAST_RANGE_DB),
        rasterized=True,
    )
    figure.colorbar(mesh, ax=panel, label=table.unit)
    ticks = np.unique(np.linspace(0, table.n_sweeps - 1, 6).round().astype(int))
    panel.set_yticks(ticks, [f"{age_s[tick]:.4g} s" for tick in ticks])
    panel.set_xlabel("MHz")
    for event in found.found:
        begin, end = (_row_of(text, table.utc_s) for text in (event.begin, event.end))
        lower_mhz, upper_mhz = event.lower_hz / 1e6, event.upper_hz / 1e6
        panel.plot(
            [lower_mhz, upper_mhz, upper_mhz, lower_mhz, lower_mhz],
            [begin, begin, max(end, begin + 1), max(end, begin + 1), begin],
            color="tab:red",
            lw=1.2,
        )
        panel.annotate(
            event.kind.replace("$", r"\$"), (upper_mhz, begin), color="tab:red", fontsize=8
        )


def _edges(centers: Any) -> Any:
    """Return the edges of points, half-way to their neighbours."""
    if len(centers) < 2:
        return np.array([centers[0] - 0.5, centers[0] + 0.5])
    middle = (centers[1:] + centers[:-1]) / 2.0
    return np.concatenate(([2 * centers[0] - middle[0]], middle, [2 * centers[-1] - middle[-1]]))


def _row_of(text: str, utc_s: Any) -> int:
    try:
        at_s = datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0
    return int(np.clip(np.searchsorted(utc_s, at_s - 1e-3), 0, len(utc_s)))
