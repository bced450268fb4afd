"""What a model expects of many segments at once: that of a folder, or a bundle as boards run it.

Both are given what :class:`edgespec.observer.scoring.forecaster.Forecaster` gives the model on the
device, and are read as it reads them: only the number of segments at a time differs.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from converter.training.modeldir import load_model
from edgespec.dsp.transform import apply, standardise
from edgespec.errors import UsageError
from edgespec.framing import Recipe
from edgespec.inference.backend import Backend
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import load_bundle
from edgespec.records import FloatArray, Scaling

__all__ = ["Predictor", "open_predictor"]

#: Windows of one call of a Keras model: every other number would be compiled anew.
_BATCHES = (16, 256)


class Predictor:
    """A trained model that forecasts, or reconstructs, the horizon of segments.

    Args:
        recipe: of the segments.
        role: ``forecast`` sees the context, ``reconstruction`` the target.
        run: the network: standardised windows float32 ``(n, n_frames, n_bins)``, at most 256, to
            outputs of ``n * n_horizon * n_bins`` values.
        scaling: one for all segments, where the model was trained so; None: each by its context.
    """

    def __init__(
        self,
        recipe: Recipe,
        role: str,
        run: Callable[[FloatArray], FloatArray],
        scaling: Scaling | None = None,
    ) -> None:
        self.recipe = recipe
        self.geometry = recipe.geometry
        self.role = role
        self._run = run
        self._scaling = scaling

    def forecast(self, context: FloatArray, target: FloatArray) -> FloatArray:
        """Return what the model expects, float32 ``(n, n_horizon, n_bins)`` in dBFS.

        Args:
            context: float32 ``(n, n_context, n_bins)`` in dBFS.
            target: float32 ``(n, n_horizon, n_bins)`` in dBFS; a forecast does not look at it.

        Raises:
            UsageError: the shapes are not those of the geometry.
        """
        expected = np.empty(target.shape, np.float32)
        for some, forecast in self._forecasts(context, target):
            expected[some] = forecast
        return expected

    def errors_db(self, context: FloatArray, target: FloatArray) -> FloatArray:
        """Return the RMS of target minus forecast over each horizon, float32 ``(n,)`` in dB.

        The device's score of a segment (Li et al. 2019, sec. 4.3). Arguments and errors are those
        of :meth:`forecast`.
        """
        errors = np.empty(len(target), np.float32)
        for some, forecast in self._forecasts(context, target):
            np.subtract(target[some], forecast, out=forecast)
            mean_square = np.einsum("ntb,ntb->n", forecast, forecast) / forecast[0].size
            np.sqrt(mean_square, out=errors[some])
        return errors

    def _forecasts(
        self, context: FloatArray, target: FloatArray
    ) -> Iterator[tuple[slice, FloatArray]]:
        self._check(context, target)
        for first in range(0, len(context), _BATCHES[-1]):
            some = slice(first, min(first + _BATCHES[-1], len(context)))
            windows, scalings = self._standardised(context[some], target[some])
            forecast = self._run(windows).reshape(target[some].shape)
            # The arithmetic of transform.restore, on all segments of the batch.
            restored = forecast * scalings[:, 1, None, None]
            restored += scalings[:, 0, None, None]
            yield some, restored

    def _standardised(
        self, context: FloatArray, target: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return windows for the model, and mean and scale in dB ``(n, 2)`` of each."""
        sees_target = self.role == "reconstruction"
        windows = np.empty((target if sees_target else context).shape, np.float32)
        scalings = np.empty((len(context), 2), np.float32)
        scratch = np.empty(context.shape[1:], np.float32)
        for number, window in enumerate(windows):
            scaling = self._scaling
            if scaling is None:
                scaling = standardise(context[number], scratch if sees_target else window)
            if sees_target or self._scaling is not None:
                apply((target if sees_target else context)[number], scaling, window)
            scalings[number] = scaling.mean_db, scaling.scale_db
        return windows, scalings

    def _check(self, context: FloatArray, target: FloatArray) -> None:
        n_bins = self.geometry.n_bins
        wanted = {
            "context": (len(context), self.geometry.n_context, n_bins),
            "target": (len(context), self.geometry.n_horizon, n_bins),
        }
        for (name, shape), given in zip(wanted.items(), (context, target), strict=True):
            if given.shape != shape:
                raise UsageError(f"{name} is {given.shape}; the model takes {shape}, in dBFS")


def open_predictor(path: Path) -> Predictor:
    """Return the model of a folder that ``train`` wrote, or of an ``.edgespec`` bundle.

    Raises:
        ModelError: it cannot be loaded, or what it needs to run is not installed.
    """
    if path.suffix == ".edgespec":
        bundle = load_bundle(path)
        manifest = bundle.manifest
        run = _one_by_one(open_backend(bundle), manifest.output_shape)
        return Predictor(manifest.recipe, manifest.model.role, run)
    card, model = load_model(path)
    return Predictor(card.recipe, card.role, _in_batches(model), card.scaling)


def _in_batches(model: Any) -> Callable[[FloatArray], FloatArray]:
    """Return a Keras model as a function that is compiled for few batch sizes."""

    def run(windows: FloatArray) -> FloatArray:
        n = len(windows)
        n_batch = next(size for size in _BATCHES if n <= size)
        if n < n_batch:
            padded = np.zeros((n_batch, *windows.shape[1:]), np.float32)
            padded[:n] = windows
            windows = padded
        return np.asarray(model.predict_on_batch(windows), np.float32)[:n]

    return run


def _one_by_one(
    backend: Backend, output_shape: tuple[int, int]
) -> Callable[[FloatArray], FloatArray]:
    """Return a device's runtime, which takes one window at a time, as a function of many."""

    def run(windows: FloatArray) -> FloatArray:
        outputs = np.empty((len(windows), *output_shape), np.float32)
        for window, output in zip(windows, outputs, strict=True):
            output[...] = backend.predict(window)
        return outputs

    return run
