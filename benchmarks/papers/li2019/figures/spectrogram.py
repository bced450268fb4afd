"""Figure 7: what was heard, and what the unified model expected."""

from pathlib import Path
from typing import Any

import numpy as np

from converter.report.document import Picture
from converter.report.results import Results
from edgespec.errors import EdgespecError
from edgespec.records import FloatArray

__all__ = ["draw_forecast", "figure_7"]

_N_SEGMENTS = 8
#: Signal before the piece that is shown, so that it lies anywhere but at the very start.
_LEAD_SEGMENTS = 20
_DPI = 110


def figure_7(results: Results, folder: Path) -> Picture | str:
    """Eight horizons of a test observer after each other, each from the context before it."""
    kinship = results.kinship
    path = None if kinship is None else results.work / "models" / kinship.unified
    if kinship is None or path is None or not path.is_dir():
        return "Figure 7 is left out: there is no unified model in the folder."
    try:
        observer, truth, forecast, frame_s = _forecast(results, kinship.home, path)
    except (EdgespecError, ImportError) as error:
        return f"Figure 7 is left out: {error}"
    rate_hz = results.experiment.recipe_of(kinship.home).sample_rate_hz
    error_db = float(np.sqrt(np.mean((truth - forecast) ** 2)))
    out = folder / "figure-7.png"
    draw_forecast(truth, forecast, frame_s, rate_hz, out)
    caption = (
        f"Figure 7 in our setting: {1e3 * frame_s * len(truth):.0f} ms of the test observer "
        f"{observer}, {_N_SEGMENTS} horizons in a row, each predicted from the context heard "
        f"before it; the error here is {error_db:.2f} dB. What the model leaves out is the noise "
        "of averages of few powers, which nothing can predict."
    )
    return Picture(out.name, caption, {"rmse_db": error_db, "observer": observer})


def _forecast(
    results: Results, population: str, model: Path
) -> tuple[str, FloatArray, FloatArray, float]:
    """Return the observer's name, truth and forecast ``(n_frames, n_bins)``, seconds of a frame."""
    from dataclasses import replace

    from converter.lab.measures.predictor import open_predictor
    from converter.lab.observers import test_specs
    from converter.simulate.frames import simulate_frames

    predictor = open_predictor(model)
    recipe, geometry = predictor.recipe, predictor.geometry
    _, spec = next(iter(test_specs(results.experiment, population)))
    n_frames = geometry.n_context + (_LEAD_SEGMENTS + _N_SEGMENTS) * geometry.n_horizon
    spec = replace(spec, duration_s=n_frames * geometry.frame_s)
    heard = np.concatenate([part.power_dbfs.copy() for part in simulate_frames(spec, recipe)])
    starts = n_frames - geometry.n_horizon * np.arange(_N_SEGMENTS, 0, -1)
    context = np.stack([heard[start - geometry.n_context : start] for start in starts])
    target = np.stack([heard[start : start + geometry.n_horizon] for start in starts])
    forecast = predictor.forecast(context, target)
    n_bins = geometry.n_bins
    return (
        spec.name,
        target.reshape(-1, n_bins),
        forecast.reshape(-1, n_bins),
        geometry.frame_s,
    )


def draw_forecast(
    truth: FloatArray, forecast: FloatArray, frame_s: float, rate_hz: float, path: Path
) -> None:
    """Write truth above forecast in one colour scale: frequency up, time to the right.

    Args:
        truth: ``(n_frames, n_bins)`` in dBFS.
        forecast: as ``truth``.
        frame_s: seconds of a frame.
        rate_hz: width of the band.
        path: PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 1, sharex=True)
    low, high = np.quantile(truth, (0.02, 0.998))
    half_mhz = rate_hz / 2e6
    image: Any = None
    for axis, shown, title in zip(axes, (truth, forecast), ("heard", "predicted"), strict=True):
        image = axis.imshow(
            shown.T,
            origin="lower",
            aspect="auto",
            cmap="viridis",
            vmin=float(low),
            vmax=float(high),
            extent=(0.0, 1e3 * frame_s * len(shown), -half_mhz, half_mhz),
            interpolation="nearest",
        )
        axis.set_title(title, fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
    axes[-1].set_xlabel("time, ms", fontsize=9)
    figure.supylabel("MHz against the centre", fontsize=9)
    figure.colorbar(image, ax=axes, label="dBFS per bin", pad=0.01)
    figure.savefig(path, dpi=_DPI)
