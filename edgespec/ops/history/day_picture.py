"""A usual day of a band as a picture: hours and bins, and the level of each day."""

from pathlib import Path
from typing import Any

import numpy as np

from edgespec.figures import new_figure, save_figure
from edgespec.ops.history.day import DayCycle, day_cycle
from edgespec.ops.history.picture import heat_label, heat_limits
from edgespec.ops.history.report import BandHistory
from edgespec.units import format_utc

__all__ = ["day_figure", "draw_day"]

_MHZ, _HOURS = 1e6, 24.0
_DAY_NS = 86_400_000_000_000


def draw_day(found: BandHistory, trace: str, path: Path) -> None:
    """Write a picture, in the format that the file's name asks for.

    Raises:
        ConfigError: the file cannot be written, or matplotlib is not installed.
    """
    save_figure(day_figure(found, trace), path)


def day_figure(found: BandHistory, trace: str) -> Any:
    """Return the figure: panels ``heat``, hours and bins, and ``level``, a line a day.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    cycle = day_cycle(found, trace)
    figure = new_figure(9.0, 6.6)
    panels = figure.subplot_mosaic([["heat"], ["level"]], height_ratios=[4.0, 2.2], sharex=True)
    _heat_panel(figure, panels["heat"], found, cycle, trace)
    _level_panel(panels["level"], found, cycle)
    begin, end = (format_utc(int(day) * _DAY_NS)[:10] for day in cycle.days[[0, -1]])
    n_days = len(cycle.days)
    span = begin if n_days == 1 else f"median of {n_days} days, {begin} to {end}"
    title = f"{found.band}, a day: {span}" + f", {found.age}" * bool(found.age)
    figure.suptitle(title.replace("$", r"\$"), fontsize=10)
    return figure


def _heat_panel(figure: Any, panel: Any, found: BandHistory, cycle: DayCycle, trace: str) -> None:
    freqs_hz = cycle.freqs_hz
    half_hz = np.median(np.diff(freqs_hz)) / 2.0 if len(freqs_hz) > 1 else 0.5
    lower, upper = (freqs_hz[0] - half_hz) / _MHZ, (freqs_hz[-1] + half_hz) / _MHZ
    low, high = heat_limits(cycle.values, trace)
    panel.set_facecolor("0.7")
    image = panel.imshow(
        cycle.values.T,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(0.0, _HOURS, lower, upper),
        vmin=low,
        vmax=high,
    )
    figure.colorbar(image, ax=panel, label=heat_label(found, trace), pad=0.01, aspect=40)
    panel.set_ylabel("frequency, MHz" if freqs_hz[0] >= 0 else "offset, MHz")
    minutes = 1440 // len(cycle.values)
    panel.set_title(f"steps of {minutes} min; grey: not heard", fontsize=8)


def _level_panel(panel: Any, found: BandHistory, cycle: DayCycle) -> None:
    n_days, n_slots = cycle.levels.shape
    hours = (np.arange(n_slots) + 0.5) * _HOURS / n_slots
    for number, levels in enumerate(cycle.levels):
        label = "each day" if number == 0 and n_days > 1 else None
        panel.plot(hours, levels, color="tab:blue", alpha=0.35, lw=0.8, label=label)
    is_heard = np.isfinite(cycle.levels).any(axis=0)
    usual = np.full(n_slots, np.nan)
    usual[is_heard] = np.nanmedian(cycle.levels[:, is_heard], axis=0)
    label = "median" if n_days > 1 else "band"
    panel.plot(hours, usual, color="tab:red", lw=1.6, marker=".", ms=2.5, label=label)
    panel.set_ylabel(f"power of the band, {found.unit}")
    panel.set_xlabel("hour of the day, UTC")
    panel.set_xlim(0.0, _HOURS)
    panel.set_xticks(np.arange(0, 25, 3))
    panel.margins(y=0.12)
    panel.grid(alpha=0.3)
    panel.legend(fontsize=7, loc="best", ncols=2)
