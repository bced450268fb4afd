"""An analysis as a picture: six panels of one recording."""

from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.analysis.analysis import SweepAnalysis
from converter.analysis.trend import DAY_S
from edgespec.figures import new_figure, save_figure
from edgespec.units import format_hz

__all__ = ["draw_analysis"]

_SIZE_IN = (15.5, 9.2)
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#888888"
_NOT_THERE = "0.85"
_TICKS_S = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 43_200, 86_400, 2 * 86_400, 7 * 86_400)
_TICK_NAMES = ("1 s", "5 s", "15 s", "1 min", "5 min", "15 min", "1 h", "4 h", "12 h", "1 d", "2 d",
               "7 d")  # fmt: skip
_WORDS_WIDTH = 190


def draw_analysis(found: SweepAnalysis, path: Path) -> None:
    """Write a PNG.

    Above: the levels by frequency and time; the correlation of every two points; that of every two
    times. Below: the level of the band with its trend; the hours of a day; the periodogram, with
    the peaks that chance does not explain.

    Raises:
        ConfigError: it cannot be written, or matplotlib is not installed.
    """
    figure = new_figure(*_SIZE_IN)
    upper, lower = figure.subplots(2, 3, height_ratios=(1.15, 1.0))
    _levels(figure, upper[0], found)
    _of_points(figure, upper[1], found)
    _of_times(figure, upper[2], found)
    _course(lower[0], found)
    _day(lower[1], found)
    _periods(lower[2], found)
    coverage = found.coverage
    first, last = (_stamp(found.pace.utc_s[at]) for at in (0, -1))
    gaps = f", {coverage.n_gaps} gaps" if coverage.n_gaps else ""
    figure.suptitle(
        f"{found.name}: {format_hz(found.freqs_hz[0])} to {format_hz(found.freqs_hz[-1])}, "
        f"{coverage.n_sweeps} sweeps, one in {_duration(coverage.interval_s)}, "
        f"{first} to {last} UTC{gaps}",
        fontsize=12,
    )
    figure.supxlabel(fill(found.stationarity.words, _WORDS_WIDTH), fontsize=10)
    save_figure(figure, path)


def _levels(figure: Any, panel: Any, found: SweepAnalysis) -> None:
    levels = found.cells.levels_db
    low, high = np.nanquantile(levels, [0.02, 0.995])
    image = _map(
        panel, levels, (*_span_mhz(found), *_span_time(found)), "viridis", (low, max(high, low + 1))
    )
    figure.colorbar(image, ax=panel, label=found.unit)
    panel.set(title="levels", xlabel="MHz", ylabel=_time_label(found))


def _of_points(figure: Any, panel: Any, found: SweepAnalysis) -> None:
    span = _span_mhz(found)
    image = _map(panel, found.of_points, (*span, *span), "RdBu_r", (-1, 1))
    figure.colorbar(image, ax=panel, label="Pearson's r")
    panel.set(title="points with points, over the sweeps", xlabel="MHz", ylabel="MHz")


def _of_times(figure: Any, panel: Any, found: SweepAnalysis) -> None:
    span = _span_time(found)
    image = _map(panel, found.of_times, (*span, *span), "RdBu_r", (-1, 1))
    figure.colorbar(image, ax=panel, label="Pearson's r")
    label = _time_label(found)
    panel.set(title="times with times, over the points", xlabel=label, ylabel=label)


def _map(
    panel: Any,
    values: NDArray[Any],
    extent: tuple[float, float, float, float],
    colours: str,
    limits: tuple[float, float],
) -> Any:
    """Draw rows upwards; what is not known is grey."""
    panel.set_facecolor(_NOT_THERE)
    panel.locator_params(axis="x", nbins=6)
    return panel.imshow(
        np.ma.masked_invalid(values),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=extent,
        cmap=colours,
        vmin=limits[0],
        vmax=limits[1],
    )


def _course(panel: Any, found: SweepAnalysis) -> None:
    scale_s, label = _time_unit(found)
    times = (found.pace.utc_s - found.pace.utc_s[0]) / scale_s
    line = found.pace.band_db - found.rest_db
    panel.plot(times, found.pace.band_db, color=_BLUE, linewidth=0.6, label="mean of the points")
    # The line goes on where levels are missing.
    known = np.isfinite(line)
    ends = np.interp(times[[0, -1]], times[known], line[known])
    trend = f"trend, {found.trend.moved_db:+.2f} dB in all"
    panel.plot(times[[0, -1]], ends, color=_ORANGE, linewidth=1.6, label=trend)
    panel.set_xlim(times[0], times[-1])
    _plain(panel)
    panel.legend(loc="best", fontsize=8, frameon=False)
    panel.set(title="level of the band", xlabel=label, ylabel=found.unit)


def _day(panel: Any, found: SweepAnalysis) -> None:
    _plain(panel)
    panel.set(xlabel="hour of the day, UTC", ylabel="dB around the trend")
    panel.set_xticks(range(0, 25, 4))
    panel.set_xlim(0, 24)
    cycle = found.cycle
    if cycle is None:
        panel.set_title("cycle of the day")
        words = "less than two days were heard"
        panel.text(0.5, 0.5, words, transform=panel.transAxes, ha="center", color=_GREY)
        panel.set_yticks([])
        return
    hours = np.arange(24) + 0.5
    mean, spread = (np.asarray(values) for values in (cycle.mean_db, cycle.spread_db))
    panel.fill_between(
        hours, mean - spread, mean + spread, color=_BLUE, alpha=0.2, linewidth=0,
        label=f"spread over {cycle.n_days} days",
    )  # fmt: skip
    panel.plot(hours, mean, color=_BLUE, marker="o", markersize=3, label="mean of the hour")
    panel.axhline(0.0, color=_GREY, linewidth=0.7)
    panel.legend(loc="best", fontsize=8, frameon=False)
    panel.set_title(
        f"cycle of the day: {cycle.swing_db:.1f} dB, {cycle.share:.0%} of the hourly variance"
    )


def _periods(panel: Any, found: SweepAnalysis) -> None:
    periodogram = found.periodogram
    _plain(panel)
    panel.set(title="periodogram of the level without its trend", xlabel="period", ylabel="power")
    if not len(periodogram.period_s):
        return
    panel.set(xscale="log", yscale="log")
    panel.plot(periodogram.period_s, periodogram.power, color=_BLUE, linewidth=0.6)
    panel.plot(
        periodogram.period_s, periodogram.background, color=_GREY, linewidth=1.2,
        label=f"a level that wanders (memory {periodogram.memory:.2f})",
    )  # fmt: skip
    panel.plot(
        periodogram.period_s, periodogram.limit, color=_GREY, linewidth=1.2, linestyle="--",
        label="chance in 1 of 100",
    )  # fmt: skip
    for peak in periodogram.peaks:
        at = int(np.argmin(np.abs(periodogram.period_s - peak.period_s)))
        power = periodogram.power[at]
        panel.plot(peak.period_s, power, marker="v", color=_ORANGE, markersize=6)
        panel.annotate(
            peak.name, (peak.period_s, power), xytext=(0, 7), textcoords="offset points",
            ha="center", fontsize=9, color=_ORANGE,
        )  # fmt: skip
    shortest, longest = periodogram.period_s[[-1, 0]]
    panel.set_xlim(shortest, longest * 1.15)
    # What is far under the background says nothing, and would take most of the picture.
    panel.set_ylim(periodogram.background.min() / 30, 6 * max(periodogram.power.max(), 1.0))
    shown = [n for n, tick in enumerate(_TICKS_S) if shortest <= tick <= longest]
    panel.set_xticks([_TICKS_S[n] for n in shown], [_TICK_NAMES[n] for n in shown])
    panel.minorticks_off()
    panel.legend(loc="best", fontsize=8, frameon=False)


def _plain(panel: Any) -> None:
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(True, color="#e6e6e6", linewidth=0.6)
    panel.set_axisbelow(True)


def _span_mhz(found: SweepAnalysis) -> tuple[float, float]:
    half_hz = 0.5 * float(np.median(np.diff(found.freqs_hz))) if len(found.freqs_hz) > 1 else 0.5
    return (found.freqs_hz[0] - half_hz) / 1e6, (found.freqs_hz[-1] + half_hz) / 1e6


def _time_unit(found: SweepAnalysis) -> tuple[float, str]:
    """Return the seconds of the unit that times are shown in, and what stands at the axis."""
    for unit_s, name in ((DAY_S, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if found.coverage.span_s >= 3 * unit_s:
            return unit_s, name
    return 1.0, "seconds"


def _time_label(found: SweepAnalysis) -> str:
    return _time_unit(found)[1]


def _span_time(found: SweepAnalysis) -> tuple[float, float]:
    return 0.0, len(found.cells.utc_s) * found.cells.step_s / _time_unit(found)[0]


def _stamp(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d %H:%M")


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.3g} min"
