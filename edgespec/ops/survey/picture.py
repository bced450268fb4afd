"""A survey as a picture: the spectrum with the cell in it, and how surely each cell is known."""

from pathlib import Path
from typing import Any

from edgespec.figures import new_figure, save_figure
from edgespec.nr.block import N_BLOCK_SUBCARRIERS
from edgespec.ops.survey.lines import cell_name
from edgespec.ops.survey.report import Survey
from edgespec.ops.survey.wifi import WIFI_WIDTH_HZ

__all__ = ["draw_survey"]

_BLOCK_HZ = 180e3


def draw_survey(found: Survey, path: Path) -> None:
    """Write a picture of a survey, in the format that the file's name asks for.

    Raises:
        ConfigError: the file cannot be written, or matplotlib is not installed.
    """
    figure = new_figure(11.0, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=(3, 1))
    _spectrum_panel(left, found)
    _cells_panel(right, found)
    # A path may hold what the drawing's language of formulas takes for its own.
    figure.suptitle(found.source.replace("$", r"\$"), fontsize=9)
    save_figure(figure, path)


def _spectrum_panel(panel: Any, found: Survey) -> None:
    spectrum = found.spectrum
    panel.plot((spectrum.offset_hz + found.center_freq_hz) / 1e6, spectrum.power_dbfs, lw=0.8)
    panel.axhline(spectrum.floor_dbfs, color="0.6", lw=0.8, ls=":", label="floor")
    cell, bandwidth = found.cell, found.bandwidth
    if cell is not None and cell.is_named:
        middle_hz = found.center_freq_hz + cell.cfo_hz
        if bandwidth is None:
            wide_hz, what = N_BLOCK_SUBCARRIERS * cell.spacing_hz, "its block"
        else:
            least = "at least " if bandwidth.is_least else ""
            wide_hz, what = bandwidth.n_blocks * _BLOCK_HZ, f"{least}{bandwidth.n_blocks} blocks"
        _mark(panel, middle_hz, wide_hz, "tab:green", f"{cell_name(cell)}, {what}")
        panel.axvline(middle_hz / 1e6, color="tab:green", lw=0.8)
    if found.wifi is not None:
        middle_hz = found.center_freq_hz + found.wifi.cfo_hz
        label = f"Wi-Fi, {found.wifi.n_packets} packets"
        _mark(panel, middle_hz, WIFI_WIDTH_HZ, "tab:orange", label)
    half_band_hz = found.sample_rate_hz / 2
    panel.set_xlim(
        (found.center_freq_hz - half_band_hz) / 1e6, (found.center_freq_hz + half_band_hz) / 1e6
    )
    panel.set_xlabel("frequency, MHz" if found.center_freq_hz else "offset from the centre, MHz")
    panel.set_ylabel("dBFS a bin")
    panel.legend(fontsize=8)


def _mark(panel: Any, middle_hz: float, wide_hz: float, color: str, label: str) -> None:
    edges_hz = middle_hz - wide_hz / 2, middle_hz + wide_hz / 2
    panel.axvspan(edges_hz[0] / 1e6, edges_hz[1] / 1e6, color=color, alpha=0.15, label=label)


def _cells_panel(panel: Any, found: Survey) -> None:
    """Draw of each cell the coherence of its SSS, beside that of the best other identity.

    Of one without a name that of its prefixes.
    """
    cells = (found.cell, *found.others) if found.cell else ()
    panel.set_ylim(0.0, 1.0)
    is_named = all(cell.is_named for cell in cells)
    panel.set_ylabel(f"coherence of the {'SSS' if is_named else 'prefixes'}")
    if not cells:
        panel.set_xticks([])
        panel.text(0.5, 0.5, "no cell", ha="center", va="center", transform=panel.transAxes)
        return
    for place, cell in enumerate(cells):
        panel.bar(place - 0.2, cell.coherence, 0.4, color="tab:green")
        if cell.is_named:
            panel.bar(place + 0.2, cell.coherence / cell.margin, 0.4, color="0.7")
    names = [str(cell.identity) if cell.is_named else "no name" for cell in cells]
    panel.set_xticks(
        range(len(cells)),
        [f"{name}\n{cell.snr_db:.0f} dB" for name, cell in zip(names, cells, strict=True)],
    )
    panel.set_xlabel("identity, SNR (grey: next identity)" if is_named else "SNR")
