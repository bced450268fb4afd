"""A look as a picture: spectrum above, time below; power on the left, what is left of the cell."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.figures import new_figure, save_figure
from edgespec.ops.look.listed import Listed
from edgespec.ops.look.planes import Plane
from edgespec.ops.look.report import Look
from edgespec.ops.survey.lines import cell_name
from edgespec.records import FloatArray
from edgespec.sources.sigmf import Annotation
from edgespec.units import format_utc

__all__ = ["draw_look", "look_figure"]

#: Rows of a plane that are drawn: of more, the largest of some is shown, so that no burst is lost.
_MOST_ROWS = 400
_LEAST_RANGE_DB = 15.0
_MHZ = 1e6


def draw_look(found: Look, path: Path) -> None:
    """Write a picture of a look, in the format that the file's name asks for.

    Raises:
        ConfigError: the file cannot be written, or matplotlib is not installed.
    """
    save_figure(look_figure(found), path)


def look_figure(found: Look) -> Any:
    """Return the figure of a look: panels ``spectrum`` and ``power``, with a cell ``left``, too.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    has_left = found.left is not None
    figure = new_figure(13.0 if has_left else 9.0, 7.6)
    panels = figure.subplot_mosaic(
        [["spectrum", "left spectrum"], ["power", "left"]]
        if has_left
        else [["spectrum"], ["power"]],
        height_ratios=(2, 3),
    )
    for above, below in (("spectrum", "power"), ("left spectrum", "left")):
        if above in panels:
            panels[above].sharex(panels[below])
    _spectrum_panel(panels["spectrum"], found)
    unit, offset_db = found.scale.unit, found.scale.offset_db
    _plane_panel(figure, panels["power"], found, found.power, f"{unit} a bin", offset_db)
    if found.left is not None:
        _left_spectrum_panel(panels["left spectrum"], found)
        if found.left.is_learnt:
            label, offset_db = "dB over what is usually left", 0.0
        else:
            label = f"{unit} a subband"
        _plane_panel(figure, panels["left"], found, found.left.plane, label, offset_db)
    time = f", {format_utc(found.utc_ns)}" if found.utc_ns else ""
    # A path may hold what the drawing's language of formulas takes for its own.
    name = f"{found.source[:120]}{time}: {found.scale.text(found.level_dbfs)}".replace("$", r"\$")
    figure.suptitle(name, fontsize=9)
    return figure


def _spectrum_panel(panel: Any, found: Look) -> None:
    freqs_mhz, offset_db = found.power.freqs_hz / _MHZ, np.float32(found.scale.offset_db)
    reference = found.reference
    if reference is not None:
        panel.fill_between(
            freqs_mhz,
            reference.lowest_dbfs + offset_db,
            reference.highest_dbfs + offset_db,
            color="tab:green",
            alpha=0.2,
            lw=0,
            label=f"normal, {reference.age_s / 3600:.1f} h ago",
        )
        panel.plot(freqs_mhz, reference.limit_dbfs + offset_db, color="tab:red", lw=1.0, ls="--",
                   label="threshold of a bin")  # fmt: skip
    if found.listed is not None:
        _mask(panel, found.listed, freqs_mhz, float(offset_db))
    panel.plot(freqs_mhz, found.max_dbfs + offset_db, color="tab:orange", lw=0.8, label="max")
    panel.plot(freqs_mhz, found.median_dbfs + offset_db, color="tab:gray", lw=0.8, label="median")
    panel.plot(
        freqs_mhz, found.mean_dbfs + offset_db, color="tab:blue", lw=1.2, label="now, on average"
    )
    panel.set_ylabel(f"{found.scale.unit} a bin")
    panel.legend(fontsize=7, loc="lower center", ncols=3)
    panel.set_title(f"Power, means over {found.horizon_s * 1e3:.1f} ms", fontsize=9)


def _mask(panel: Any, listed: Listed, freqs_mhz: NDArray[np.float64], offset_db: float) -> None:
    """Draw where each entry of a mask lies, and its largest level."""
    for number, (row, _) in enumerate(listed.rows):
        edges_mhz = np.clip([row.lower_hz / _MHZ, row.upper_hz / _MHZ], freqs_mhz[0], freqs_mhz[-1])
        label = "mask" if not number else None
        panel.axvspan(*edges_mhz, color="tab:purple", alpha=0.12, lw=0, label=label)
        if row.max_dbfs is not None:
            panel.plot(edges_mhz, [row.max_dbfs + offset_db] * 2, color="tab:purple", lw=1.5)
        panel.text(edges_mhz[0], 0.99, row.name.replace("$", r"\$"), fontsize=7, color="tab:purple",
                   rotation=90, va="top", clip_on=True,
                   transform=panel.get_xaxis_transform())  # fmt: skip


def _left_spectrum_panel(panel: Any, found: Look) -> None:
    left, cell = found.left, found.cell
    if left is None or cell is None:
        return
    freqs_mhz, unit = left.plane.freqs_hz / _MHZ, found.scale.unit
    offset_db = np.float32(0.0 if left.is_learnt else found.scale.offset_db)
    panel.plot(freqs_mhz, left.plane.level_db.max(axis=0) + offset_db, color="tab:orange", lw=0.8,
               label="max")  # fmt: skip
    median_db = np.median(left.plane.level_db, axis=0) + offset_db
    panel.plot(freqs_mhz, median_db, color="tab:blue", lw=1.2, label="median")
    panel.legend(fontsize=7, loc="upper right")
    panel.set_ylabel("dB over usual" if left.is_learnt else f"{unit} a subband")
    panel.set_title(f"{cell_name(cell)} cancelled, {left.left_db:.1f} dB left", fontsize=9)


def _plane_panel(
    figure: Any, panel: Any, found: Look, plane: Plane, label: str, offset_db: float
) -> None:
    rows_db, row_s = _pooled(plane.level_db, plane.row_s)
    rows_db = rows_db + np.float32(offset_db)
    low_db, high_db = (float(x) for x in np.quantile(rows_db, (0.05, 0.999)))
    half_hz = (plane.freqs_hz[1] - plane.freqs_hz[0]) / 2
    edges_mhz = (plane.freqs_hz[0] - half_hz) / _MHZ, (plane.freqs_hz[-1] + half_hz) / _MHZ
    image = panel.imshow(
        rows_db,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(*edges_mhz, plane.start_s, plane.start_s + len(rows_db) * row_s),
        vmin=low_db,
        vmax=max(high_db, low_db + _LEAST_RANGE_DB),
    )
    figure.colorbar(image, ax=panel, label=label, location="bottom", aspect=50)
    for one in found.annotations:
        _box(panel, one, found.sample_rate_hz, edges_mhz)
    panel.set_ylabel("s")
    panel.set_xlabel("frequency, MHz" if found.center_freq_hz else "offset from the centre, MHz")


def _pooled(level_db: FloatArray, row_s: float) -> tuple[FloatArray, float]:
    """Return at most so many rows, each the largest of as many, and how long each lasts."""
    n_each = -(-len(level_db) // _MOST_ROWS)
    n_rows = max(len(level_db) // n_each, 1)
    parts = level_db[: n_rows * n_each].reshape(n_rows, -1, level_db.shape[1])
    largest: FloatArray = parts.max(axis=1)
    return largest, n_each * row_s


def _box(panel: Any, one: Annotation, rate_hz: float, edges_mhz: tuple[float, float]) -> None:
    """Draw the edges of an annotation, over the whole band where it names none."""
    lower, upper = (
        edge if named is None else named / _MHZ
        for named, edge in zip((one.freq_lower_hz, one.freq_upper_hz), edges_mhz, strict=True)
    )
    start_s, stop_s = one.sample_start / rate_hz, (one.sample_start + one.n_samples) / rate_hz
    across, along = (lower, upper, upper, lower, lower), (start_s, start_s, stop_s, stop_s, start_s)
    panel.plot(across, along, color="tab:red", lw=1.5, scalex=False, scaley=False)
    text = one.label
    if one.score is not None and one.threshold is not None:
        text += f" {one.score:.3g} over {one.threshold:.3g}"
    if text:
        panel.text(lower, start_s, text.replace("$", r"\$"), color="tab:red", fontsize=8,
                   va="top", clip_on=True, backgroundcolor=(1.0, 1.0, 1.0, 0.7))  # fmt: skip
