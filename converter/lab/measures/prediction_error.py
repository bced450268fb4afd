"""Prediction errors in dB of one observer, beside what no prediction can be better than."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from converter.lab.measures.predictor import Predictor
from edgespec.dsp.segments import Segmenter
from edgespec.dsp.transform import log_power_floor_db
from edgespec.errors import SourceError, UsageError
from edgespec.records import FloatArray, Spectrogram

__all__ = ["irreducible_error_db", "prediction_row", "segment_errors_db"]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_BATCH_SEGMENTS = 256


def irreducible_error_db(n_averages: int) -> float:
    """Return the standard deviation in dB of the mean of ``n_averages`` exponential powers.

    ``10 / ln(10) * sqrt(trigamma(n_averages))``: whatever is Gaussian in the time domain has it
    in every cell of the spectrogram, and no prediction of the mean goes below.

    Raises:
        UsageError: ``n_averages`` is not positive.
    """
    if n_averages < 1:
        raise UsageError(f"n_averages is {n_averages}; it must be at least 1")
    return log_power_floor_db(n_averages)


def segment_errors_db(predictor: Predictor, frames: Iterable[Spectrogram]) -> FloatArray:
    """Return the RMS error in dB of every segment that the device would make, float32 ``(n,)``.

    Args:
        predictor: the model; its geometry says where segments lie.
        frames: one recording, in any number of pieces that follow each other; a piece may be
            overwritten when the next one is made.
    """
    geometry = predictor.geometry
    segmenter = Segmenter(geometry)
    context = np.empty((_BATCH_SEGMENTS, geometry.n_context, geometry.n_bins), np.float32)
    target = np.empty((_BATCH_SEGMENTS, geometry.n_horizon, geometry.n_bins), np.float32)
    errors: list[FloatArray] = [np.empty(0, np.float32)]
    n = 0
    for piece in frames:
        segmenter.push(piece)
        for segment in segmenter.segments():
            context[n], target[n] = segment.context, segment.target
            n += 1
            if n == _BATCH_SEGMENTS:
                errors.append(predictor.errors_db(context, target))
                n = 0
    errors.append(predictor.errors_db(context[:n], target[:n]))
    return np.concatenate(errors)


def prediction_row(predictor: Predictor, frames: Iterable[Spectrogram]) -> dict[str, Any]:
    """Return what the prediction table says of one model on one observer.

    Over the segments: ``n_segments``, mean ``rmse_db`` and standard deviation ``std_db`` of their
    RMS errors, quantiles ``q05_db`` to ``q95_db``; the irreducible ``floor_db``, and ``excess_db``,
    ``sqrt(mean(rmse^2) - floor^2)`` or 0: what a better model could still gain.

    Raises:
        SourceError: the recording has not one valid segment.
    """
    errors_db = segment_errors_db(predictor, frames).astype(np.float64)
    if not len(errors_db):
        raise SourceError(
            f"the recording has no {predictor.geometry.n_segment} valid frames in a row: a "
            "prediction error needs a longer one"
        )
    floor_db = irreducible_error_db(predictor.recipe.n_averages)
    excess = float(np.mean(errors_db**2)) - floor_db**2
    quantiles = np.quantile(errors_db, _QUANTILES)
    return {
        "n_segments": len(errors_db),
        "rmse_db": float(errors_db.mean()),
        "std_db": float(errors_db.std()),
        **{
            f"q{round(100 * q):02d}_db": float(value)
            for q, value in zip(_QUANTILES, quantiles, strict=True)
        },
        "floor_db": floor_db,
        "excess_db": math.sqrt(max(excess, 0.0)),
    }
