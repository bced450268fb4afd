"""A survey as a picture: the spectrum with the cell in it, and how surely each cell is known."""

from pathlib import Path
from typing import Any

from edgespec.errors import ConfigError
from edgespec.ops.survey.report import Survey

__all__ = ["draw_survey"]

_BLOCK_HZ = 180e3


def draw_survey(found: Survey, path: Path) -> None:
    """Write a picture of a survey, in the format that the file's name asks for.

    Raises:
        ConfigError: the file cannot be written, or matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError(
            "pictures need matplotlib: install the extra (pip install 'edgespec[twin]')"
        ) from None
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 1))
    _spectrum_panel(left, found)
    _cells_panel(right, found)
    # A path may hold what the drawing's language of formulas takes for its own.
    figure.suptitle(found.source.replace("$", r"\$"), fontsize=9)
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def _spectrum_panel(panel: Any, found: Survey) -> None:
    spectrum = found.spectrum
    panel.plot((spectrum.offset_hz + found.center_freq_hz) / 1e6, spectrum.power_dbfs, lw=0.8)
    panel.axhline(spectrum.floor_dbfs, color="0.6", lw=0.8, ls=":", label="floor")
    if found.cell is not None and found.bandwidth is not None:
        middle_hz = found.center_freq_hz + found.cell.cfo_hz
        half_hz = found.bandwidth.n_blocks * _BLOCK_HZ / 2
        least = "at least " if found.bandwidth.is_least else ""
        panel.axvspan(
            (middle_hz - half_hz) / 1e6,
            (middle_hz + half_hz) / 1e6,
            color="tab:green",
            alpha=0.15,
            label=f"cell {found.cell.identity}, {least}{found.bandwidth.n_blocks} blocks",
        )
        panel.axvline(middle_hz / 1e6, color="tab:green", lw=0.8)
    half_band_hz = found.sample_rate_hz / 2
    panel.set_xlim(
        (found.center_freq_hz - half_band_hz) / 1e6, (found.center_freq_hz + half_band_hz) / 1e6
    )
    panel.set_xlabel("frequency, MHz" if found.center_freq_hz else "offset from the centre, MHz")
    panel.set_ylabel("dBFS a bin")
    panel.legend(fontsize=8)


def _cells_panel(panel: Any, found: Survey) -> None:
    """Draw of each cell the coherence of its SSS, beside that of the best other identity."""
    cells = (found.cell, *found.others) if found.cell else ()
    panel.set_ylim(0.0, 1.0)
    panel.set_ylabel("coherence of the SSS")
    if not cells:
        panel.set_xticks([])
        panel.text(0.5, 0.5, "no cell", ha="center", va="center", transform=panel.transAxes)
        return
    for place, cell in enumerate(cells):
        panel.bar(place - 0.2, cell.coherence, 0.4, color="tab:green")
        panel.bar(place + 0.2, cell.coherence / cell.margin, 0.4, color="0.7")
    panel.set_xticks(
        range(len(cells)), [f"{cell.identity}\n{cell.snr_db:.0f} dB" for cell in cells]
    )
    panel.set_xlabel("identity, SNR (grey: next identity)")
