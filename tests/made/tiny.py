"""Things of the smallest useful size: a geometry, a manifest, a bundle that nothing can run."""

from pathlib import Path

import numpy as np

from edgespec.framing import Recipe
from edgespec.inference.bundle import Bundle, write_bundle
from edgespec.inference.manifest import Calibration, Manifest, ModelInfo

RECIPE = Recipe(sample_rate_hz=1e6, n_fft=64, n_averages=4, n_context=8, n_horizon=4, hop_frames=4)
FRAMING, GEOMETRY = RECIPE.framing, RECIPE.geometry


def model_info(**changes: object) -> ModelInfo:
    values: dict[str, object] = {
        "architecture": "lstm",
        "role": "forecast",
        "quantisation": "float32",
        "gate": "sigmoid",
        "input_shape": (1, 8, 64),
        "output_shape": (1, 256),
        "operators": ("FULLY_CONNECTED", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
        "parity": {"max_error": 1e-6},
    }
    return ModelInfo(**{**values, **changes})  # type: ignore[arg-type]


def calibration(**changes: object) -> Calibration:
    values: dict[str, object] = {
        "mean": 2.5,
        "std": 0.2,
        "n_scores": 1000,
        "thresholds": {
            "0.01": {"gaussian": 2.97, "quantile": 3.1},
            "1e-3": {"gaussian": 3.12},
        },
        "error_std_db": (1.5,) * 64,
        "recordings": 3,
    }
    return Calibration(**{**values, **changes})  # type: ignore[arg-type]


def manifest(**changes: object) -> Manifest:
    values: dict[str, object] = {
        "name": "tiny",
        "created_utc": "2026-11-22T00:00:00Z",
        "made_with": RECIPE,
        "model": model_info(),
        "detectors": {"model": calibration()},
        "training": {"epochs": 3, "recordings": ["a", "b"]},
        "golden_atol": 1e-4,
    }
    return Manifest(**{**values, **changes})  # type: ignore[arg-type]


def bundle(
    path: Path, rng: np.random.Generator, model: bytes = b"not a network", **changes: object
) -> Bundle:
    made = manifest(**changes)
    inputs = rng.standard_normal((2, *made.window_shape), np.float32)
    outputs = rng.standard_normal((2, *made.output_shape), np.float32)
    return write_bundle(path, made, model, inputs, outputs)
