"""A calibration as a picture: how many false events a day each threshold would raise."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgespec.detect.calibration import DetectorTail, peaks_over
from edgespec.figures import new_figure, save_figure
from edgespec.ops.calibration.report import CalibratedBand

__all__ = ["draw_calibration"]

_LEAST_PER_DAY = 0.02
_DAY_S = 86_400.0


def draw_calibration(bands: Sequence[CalibratedBand], path: Path) -> None:
    """Write a picture, in the format that the file's name asks for.

    Raises:
        ConfigError: the file cannot be written, or matplotlib is not installed.
    """
    n_columns = max(len(band.calibration.detectors) for band in bands)
    figure = new_figure(3.6 * n_columns, 3.6 * len(bands))
    panels = figure.subplots(len(bands), n_columns, squeeze=False)
    for row, band in zip(panels, bands, strict=True):
        for panel, one in zip(row, band.calibration.detectors, strict=False):
            _panel(panel, band, one)
        for panel in row[len(band.calibration.detectors) :]:
            panel.set_axis_off()
    save_figure(figure, path)


def _panel(panel: Any, band: CalibratedBand, one: DetectorTail) -> None:
    calibration, threshold = band.calibration, band.thresholds[one.name]
    column = band.heard.blocks[:, band.heard.names.index(one.name)].astype(np.float64)
    peaks = np.sort(peaks_over(column, one.tail.base))[::-1]
    heard_days = calibration.signal_s / _DAY_S
    panel.plot(peaks, np.arange(1, len(peaks) + 1) / heard_days, ".", ms=3, label="heard")
    most = max(threshold, band.heard.thresholds[one.name], one.highest) * 1.1
    scores = np.linspace(one.tail.base, most, 200)
    rates = np.array([[tail.rate_at(s) for s in scores] for tail in (one.tail, *one.drawn)])
    if one.drawn:
        low, high = np.quantile(rates[1:], (0.05, 0.95), axis=0)
        panel.fill_between(scores, low, high, alpha=0.2, color="tab:orange", lw=0)
    panel.plot(scores, rates.mean(axis=0), color="tab:orange", label="expected, 90%")
    panel.axvline(threshold, color="tab:red", label=f"threshold {threshold:.2f}")
    panel.axvline(band.heard.thresholds[one.name], color="0.6", ls=":", label="threshold before")
    panel.axhline(band.per_day / len(calibration.detectors), color="0.8", lw=0.8)
    panel.set_yscale("log")
    panel.set_ylim(_LEAST_PER_DAY, None)
    panel.set_xlabel("score, deviations at the site")
    panel.set_ylabel("false events a day")
    panel.set_title(f"{band.heard.band}: {one.name}", fontsize=9)
    panel.legend(fontsize=7)
