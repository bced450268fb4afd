"""A site as a map: what its units should hear, what they hear, the difference, and the source."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.figures import new_figure, save_figure
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.site import Site
from edgespec.twin.unit_levels import strongest_db, total_db
from edgespec.units import format_hz, format_utc
from edgespec.wire.transmitters import Transmitter
from edgespec.wire.verdict import TwinVerdict

__all__ = ["draw_site", "received_map_dbm"]

_UNIT_SIZE = 90
_LEGEND = (
    "triangle: transmitter; circle: sensing unit, with a red ring: saturated, with a cross: not "
    "believed; star: suspected source, rings: once and twice its uncertainty"
)
_NO_LEVEL = "0.85"


def draw_site(site: Site, verdict: TwinVerdict | None, path: Path) -> None:
    """Write a PNG: one panel with what is expected, and with a verdict two more.

    The background of the first is what a unit would hear at each place, where the model of
    propagation can be asked for it; a unit's colour is what it should hear, what it heard, and
    the difference of both in dB, over the whole band.

    Raises:
        ConfigError: the verdict is on other units than the site has, the file cannot be written,
            or matplotlib is not installed.
    """
    if verdict is not None and (
        verdict.nodes != site.nodes or len(verdict.edges_hz) != len(site.edges_hz)
    ):
        raise ConfigError(
            f"the verdict is on other units or subbands than those of {site.name!r}: draw it with "
            "the site file that its central unit has"
        )
    figure, panels = _figure(1 if verdict is None else 3)
    _expected_panel(figure, panels[0], site, verdict)
    if verdict is not None:
        _measured_panel(figure, panels[1], site, verdict)
        _difference_panel(figure, panels[2], site, verdict)
        figure.suptitle(_headline(verdict))
        figure.supxlabel(_LEGEND, fontsize=8)
    save_figure(figure, path)


def _figure(n_panels: int) -> tuple[Any, list[Any]]:
    figure = new_figure(6.2 * n_panels, 6.0)
    panels = figure.subplots(1, n_panels, squeeze=False)[0]
    return figure, list(panels)


def _expected_panel(figure: Any, panel: Any, site: Site, verdict: TwinVerdict | None) -> None:
    from edgespec.twin.expected import Expectation

    gain = path_gain(site)
    expected_db = Expectation(site, gain).level_dbm if verdict is None else verdict.expected_dbm
    levels = total_db(expected_db)
    received = received_map_dbm(site)
    low, high = float(np.nanmin(levels)) - 5.0, float(np.nanmax(levels)) + 5.0
    if received is not None:
        panel.imshow(
            received,
            origin="lower",
            extent=(0.0, site.size_m[0], 0.0, site.size_m[1]),
            cmap="viridis",
            vmin=low,
            vmax=high,
            alpha=0.75,
        )
    drawn = _units(panel, site, levels, "viridis", (low, high), "{:.0f}")
    figure.colorbar(drawn, ax=panel, label=f"whole band, {site.level_unit}", shrink=0.8)
    _furniture(panel, site)
    panel.set_title("expected")


def _measured_panel(figure: Any, panel: Any, site: Site, verdict: TwinVerdict) -> None:
    levels = total_db(verdict.level_db)
    expected = total_db(verdict.expected_dbm)
    both = np.concatenate([levels[np.isfinite(levels)], expected])
    limits = float(both.min()) - 5.0, float(both.max()) + 5.0
    drawn = _units(panel, site, levels, "viridis", limits, "{:.0f}")
    figure.colorbar(drawn, ax=panel, label=f"whole band, {site.level_unit}", shrink=0.8)
    _furniture(panel, site)
    _marks(panel, site, verdict)
    panel.set_title("measured")


def _difference_panel(figure: Any, panel: Any, site: Site, verdict: TwinVerdict) -> None:
    strongest = strongest_db(verdict.residual_db)
    finite = strongest[np.isfinite(strongest)]
    reach = max(6.0, float(np.abs(finite).max())) if finite.size else 6.0
    drawn = _units(panel, site, strongest, "RdBu_r", (-reach, reach), "{:+.0f}")
    figure.colorbar(drawn, ax=panel, label="largest of the subbands, dB", shrink=0.8)
    _furniture(panel, site)
    _marks(panel, site, verdict)
    _suspect(panel, verdict)
    panel.set_title("measured - expected - learnt bias")


def received_map_dbm(site: Site) -> NDArray[np.float64] | None:
    """Return what a unit would hear at each place, float64 ``(n_y, n_x)`` in dBm.

    By reciprocity this needs paths between transmitters and places, which only a model that is
    given by geometry has: None for maps and forests, which know paths to the units alone.
    """
    if site.propagation.model != "log-distance":
        return None
    from dataclasses import replace

    from edgespec.twin.site import Unit

    # The transmitters take the role of units of a site of their own.
    active = [one for one in site.transmitter if one.active]
    if not active:
        return None
    listeners = tuple(
        Unit(f"t-{index}", one.x_m, one.y_m, one.z_m) for index, one in enumerate(active)
    )
    detect = replace(site.detect, min_units=2)
    while len(listeners) < detect.min_units:
        listeners += (Unit("t-none", site.size_m[0], site.size_m[1], site.size_m[2]),)
    swapped = path_gain(replace(site, unit=listeners, transmitter=(), detect=detect))
    cell_m = max(site.size_m[0], site.size_m[1]) / 120.0
    xs = np.arange(0.5 * cell_m, site.size_m[0], cell_m)
    ys = np.arange(0.5 * cell_m, site.size_m[1], cell_m)
    grid_x, grid_y = np.meshgrid(xs, ys)
    height_m = site.unit[0].z_m
    places = np.stack([grid_x.ravel(), grid_y.ravel(), np.full(grid_x.size, height_m)], axis=1)
    gains_db = swapped.gains_db(places)[:, : len(active)]
    power_mw = 10.0 ** ((gains_db + [one.power_dbm for one in active]) / 10.0)
    total_mw = power_mw.sum(axis=1) + 10.0 ** (site.noise_floor_dbm / 10.0)
    return np.asarray(10.0 * np.log10(total_mw).reshape(grid_x.shape))


def _units(
    panel: Any,
    site: Site,
    levels: NDArray[np.float64],
    colours: str,
    limits: tuple[float, float],
    number: str,
) -> Any:
    """Draw every unit in the colour of its level, its number beside it."""
    places = site.units_xyz_m
    heard = np.isfinite(levels)
    panel.scatter(*places[~heard, :2].T, s=_UNIT_SIZE, c=_NO_LEVEL, edgecolors="k", marker="o")
    drawn = panel.scatter(
        places[heard, 0],
        places[heard, 1],
        s=_UNIT_SIZE,
        c=levels[heard],
        cmap=colours,
        vmin=limits[0],
        vmax=limits[1],
        edgecolors="k",
        zorder=3,
    )
    for unit, level in zip(site.unit, levels, strict=True):
        text = number.format(level) if np.isfinite(level) else "silent"
        panel.annotate(
            text,
            (unit.x_m, unit.y_m),
            textcoords="offset points",
            xytext=(0, 8),
            ha="center",
            fontsize=8,
            zorder=5,
            bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.8, "linewidth": 0},
        )
    return drawn


def _furniture(panel: Any, site: Site) -> None:
    """Draw walls and transmitters, and set the axes."""
    from matplotlib.patches import Rectangle

    for wall in site.wall:
        width, depth = (wall.upper_m[i] - wall.lower_m[i] for i in (0, 1))
        corner = wall.lower_m[0], wall.lower_m[1]
        panel.add_patch(
            Rectangle(corner, width, depth, facecolor="0.25", alpha=0.35, edgecolor="0.1")
        )
    for one in site.transmitter:
        _transmitter(panel, one)
    panel.set_xlim(0.0, site.size_m[0])
    panel.set_ylim(0.0, site.size_m[1])
    panel.set_aspect("equal")
    panel.set_xlabel("x, m")
    panel.set_ylabel("y, m")


def _transmitter(panel: Any, one: Transmitter) -> None:
    face = "tab:orange" if one.active else "none"
    panel.plot(one.x_m, one.y_m, "^", color="tab:orange", mfc=face, mec="k", ms=10, zorder=4)
    panel.annotate(
        one.id, (one.x_m, one.y_m), textcoords="offset points", xytext=(0, -14), ha="center",
        fontsize=7, zorder=4,
    )  # fmt: skip


def _marks(panel: Any, site: Site, verdict: TwinVerdict) -> None:
    """Draw a ring around units that are saturated, and a cross over those not believed."""
    for unit in site.unit:
        place = unit.x_m, unit.y_m
        if unit.node in verdict.units_saturated:
            panel.plot(*place, "o", mfc="none", mec="red", ms=15, mew=1.8, zorder=4)
        if unit.node in verdict.implausible:
            panel.plot(*place, "x", color="red", ms=13, mew=2.5, zorder=4)


def _suspect(panel: Any, verdict: TwinVerdict) -> None:
    from matplotlib.patches import Circle

    source = verdict.source
    if source is None:
        return
    for n_sigma, style in ((1, "-"), (2, "--")):
        panel.add_patch(
            Circle(
                (source.x_m, source.y_m), n_sigma * source.sigma_m, fill=False, color="red",
                linestyle=style, linewidth=1.4, zorder=4,
            )
        )  # fmt: skip
    panel.plot(source.x_m, source.y_m, "*", color="red", mec="k", ms=17, zorder=6)


def _headline(verdict: TwinVerdict) -> str:
    text = f"{verdict.site}, {format_utc(verdict.utc_ns)[:19]}Z: "
    if not verdict.is_alarm:
        return f"{text}{verdict.status.value}, no alarm"
    text += f"ALARM, {verdict.kind or 'unknown'} source"
    if verdict.source is not None:
        source = verdict.source
        text += f" near ({source.x_m:.1f}, {source.y_m:.1f}) m within {source.sigma_m:.1f} m"
    if verdict.freq_lower_hz is not None and verdict.freq_upper_hz is not None:
        text += f", {format_hz(verdict.freq_lower_hz)} to {format_hz(verdict.freq_upper_hz)}"
    return text
