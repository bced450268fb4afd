"""Hours and days of a band as a picture: levels, events on them, and when incidents came."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgespec.figures import new_figure, save_figure
from edgespec.history.heat import HeatMap, heat_map
from edgespec.ops.history.report import BandHistory
from edgespec.records import Event, FloatArray
from edgespec.units import format_hz, format_utc

__all__ = ["draw_history", "heat_label", "heat_limits", "history_figure"]

#: matplotlib counts days since 1970.
_NS_A_DAY = 86_400_000_000_000
_MHZ = 1e6
_MOST_BOXES, _MOST_INCIDENTS = 300, 12
_LEAST_RANGE_DB = 15.0
#: Of the picture, so wide is a box at least.
_LEAST_WIDTH = 0.003
_ALERT, _OTHER = "tab:red", "white"


def draw_history(found: BandHistory, trace: str, path: Path) -> None:
    """Write a picture, in the format that the file's name asks for.

    Raises:
        ConfigError: the file cannot be written, or matplotlib is not installed.
    """
    save_figure(history_figure(found, trace), path)


def history_figure(found: BandHistory, trace: str) -> Any:
    """Return the figure: panels ``heat``, ``level`` and, where incidents came, ``incidents``.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    rows = _incidents_of(found)
    heights = {"heat": 5.0, "level": 1.8, "incidents": 0.5 + 0.22 * len(rows)}
    names = [name for name in heights if name != "incidents" or rows]
    figure = new_figure(11.0, sum(heights[name] for name in names) + 0.6)
    panels = figure.subplot_mosaic(
        [[name] for name in names], height_ratios=[heights[name] for name in names], sharex=True
    )
    heat = heat_map(found.minutes, found.unit, trace)
    _heat_panel(figure, panels["heat"], found, heat, trace)
    _level_panel(panels["level"], found)
    if rows:
        _incident_panel(panels["incidents"], rows)
    last = panels[names[-1]]
    last.xaxis_date()
    last.set_xlabel("UTC")
    end_ns = heat.start_ns + len(heat.values) * heat.slot_s * 1e9
    last.set_xlim(heat.start_ns / _NS_A_DAY, end_ns / _NS_A_DAY)
    begin, end = (format_utc(round(ns))[:16].replace("T", " ") for ns in (heat.start_ns, end_ns))
    n_events = len(found.events)
    title = f"{found.band}, {begin} to {end}: {n_events} event{'s' * (n_events != 1)}"
    title += f", {found.age}" * bool(found.age)
    figure.suptitle(title.replace("$", r"\$"), fontsize=10)
    return figure


def heat_limits(values: FloatArray, trace: str) -> tuple[float, float]:
    """Return what the lowest and the highest colour stand for."""
    if trace == "occupancy":
        return 0.0, 100.0
    low, high = (float(x) for x in np.nanquantile(values, (0.02, 0.998)))
    return low, max(high, low + _LEAST_RANGE_DB)


def heat_label(found: BandHistory, trace: str) -> str:
    """Return what colours stand for, in words."""
    return "occupied, % of the time" if trace == "occupancy" else f"{trace} of a bin, {found.unit}"


def _heat_panel(figure: Any, panel: Any, found: BandHistory, heat: HeatMap, trace: str) -> None:
    half_hz = np.median(np.diff(heat.freqs_hz)) / 2.0 if len(heat.freqs_hz) > 1 else 0.5
    lower, upper = (heat.freqs_hz[0] - half_hz) / _MHZ, (heat.freqs_hz[-1] + half_hz) / _MHZ
    end_ns = heat.start_ns + len(heat.values) * heat.slot_s * 1e9
    low, high = heat_limits(heat.values, trace)
    label = heat_label(found, trace)
    if heat.slot_s > 60.0:
        label += f", the largest of {heat.slot_s / 60.0:.0f} min"
    panel.set_facecolor("0.7")
    image = panel.imshow(
        heat.values.T,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(heat.start_ns / _NS_A_DAY, end_ns / _NS_A_DAY, lower, upper),
        vmin=low,
        vmax=high,
    )
    figure.colorbar(image, ax=panel, label=label, pad=0.01, aspect=40)
    strongest = sorted(found.events, key=lambda event: -abs(event.severity_db))[:_MOST_BOXES]
    for event in strongest:
        _box(panel, event, _LEAST_WIDTH * (end_ns - heat.start_ns))
    panel.set_ylim(lower, upper)
    panel.set_ylabel("frequency, MHz" if heat.freqs_hz[0] >= 0 else "offset, MHz")
    n_left = len(found.events) - len(strongest)
    drawn = "red: alerts, white: other events, grey: not heard"
    panel.set_title(f"{drawn}; {n_left} weaker events not drawn" if n_left else drawn, fontsize=8)


def _box(panel: Any, event: Event, least_ns: float) -> None:
    """Draw the edges of an event, wide enough to be seen."""
    begin, end = event.start_ns / _NS_A_DAY, event.end_ns / _NS_A_DAY
    spare = max(0.0, least_ns / _NS_A_DAY - (end - begin)) / 2.0
    begin, end = begin - spare, end + spare
    lower, upper = event.freq_lower_hz / _MHZ, event.freq_upper_hz / _MHZ
    across, along = (begin, end, end, begin, begin), (lower, lower, upper, upper, lower)
    is_alert = event.alert.is_on
    panel.plot(across, along, color=_ALERT if is_alert else _OTHER, lw=1.2 if is_alert else 0.7)


def _level_panel(panel: Any, found: BandHistory) -> None:
    in_time = sorted(found.minutes, key=lambda one: one.minute.utc_ns)
    times = np.array([one.minute.utc_ns + 5e8 * one.minute.duration_s for one in in_time])
    offsets = np.array([found.offset_db(one.scale) for one in in_time])
    # A line must not cross what was not heard.
    gaps = np.flatnonzero(np.diff(times) > 2.5 * 60e9) + 1

    def parted(values: Sequence[float], offset: Any = offsets) -> Any:
        return np.insert(np.asarray(values, float) + offset, gaps, np.nan)

    days = np.insert(times / _NS_A_DAY, gaps, np.nan)
    for values, color, name in (
        ([float(one.minute.max_dbfs.max()) for one in in_time], "tab:orange", "highest bin"),
        ([one.minute.level_dbfs for one in in_time], "tab:blue", "band"),
        ([one.minute.floor_dbfs for one in in_time], "tab:gray", "floor of a bin"),
    ):
        panel.plot(days, parted(values), color=color, lw=1.0, label=name, marker=".", ms=2.0)
    panel.set_ylabel(found.unit)
    panel.margins(y=0.15)
    occupied = panel.twinx()
    shares = parted([100.0 * one.minute.occupied for one in in_time], 0.0)
    occupied.fill_between(days, 0.0, shares, color="tab:green", alpha=0.25, lw=0)
    occupied.set_ylim(0.0, 100.0)
    occupied.set_ylabel("occupied, %", color="tab:green")
    panel.legend(fontsize=7, loc="center left", ncols=3)


def _incidents_of(found: BandHistory) -> list[tuple[str, list[Event]]]:
    """Return what came again, the most frequent first, with its events; what is of none is last."""
    of_each: dict[str, list[Event]] = {}
    for event in found.events:
        of_each.setdefault(event.alert.incident, []).append(event)
    names = {
        one.id: f"{' or '.join(one.kinds[:2])}, {format_hz(round(one.upper_hz - one.lower_hz, -2))}"
        f" at {format_hz(round((one.lower_hz + one.upper_hz) / 2.0, -2))}"
        for one in found.incidents
    }
    ordered = sorted(of_each, key=lambda name: (name == "", -len(of_each[name])))
    return [
        (f"{names.get(name, name or 'no name')} ({len(of_each[name])})", of_each[name])
        for name in ordered[:_MOST_INCIDENTS]
    ]


def _incident_panel(panel: Any, rows: list[tuple[str, list[Event]]]) -> None:
    for at, (_, events) in enumerate(rows):
        for color, is_alert in ((_ALERT, True), ("tab:gray", False)):
            some = [event for event in events if event.alert.is_on is is_alert]
            begins = [event.start_ns / _NS_A_DAY for event in some]
            ends = [event.end_ns / _NS_A_DAY for event in some]
            panel.hlines([at] * len(some), begins, ends, color=color, lw=6.0)
            panel.plot(begins, [at] * len(some), ls="", marker="|", ms=7.0, color=color)
    panel.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=7)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.grid(axis="x", alpha=0.3)
