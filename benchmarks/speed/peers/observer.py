"""An observer as a user would write it in an evening: scipy.signal, NumPy and LiteRT."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from edgespec.inference.bundle import Bundle
from edgespec.records import FloatArray

__all__ = ["ScriptObserver"]


class ScriptObserver:
    """From int16 samples to a score: the model's error, in standard deviations of the warm-up.

    The same definition as the detector of the model in edgespec, with nothing around it: no check
    of the samples, no events, no other detector.
    """

    def __init__(self, bundle: Bundle, n_warmup: int) -> None:
        self._framing = bundle.manifest.recipe.framing
        self._geometry = bundle.manifest.geometry
        self._sees_target = bundle.manifest.model.role == "reconstruction"
        self._smallest_std = bundle.manifest.site_std[
            "reconstruction" if self._sees_target else "forecast"
        ]
        self._n_warmup = n_warmup
        interpreter: Any = import_module("ai_edge_litert.interpreter").Interpreter
        self._model = interpreter(model_content=bundle.model, num_threads=1)
        self._model.allocate_tensors()
        self._input: Mapping[str, Any] = self._model.get_input_details()[0]
        self._output: Mapping[str, Any] = self._model.get_output_details()[0]
        self._frames: FloatArray = np.empty((0, self._geometry.n_bins), np.float32)
        self._errors: list[float] = []
        self._mean = self._std = 0.0

    def hop(self, samples: NDArray[np.int16]) -> float | None:
        """Return the score after ``hop_frames`` more frames, None until it is warm."""
        geometry = self._geometry
        new = self._spectrogram(samples)
        self._frames = np.concatenate([self._frames, new])[-geometry.n_segment :]
        if len(self._frames) < geometry.n_segment:
            return None
        context, target = np.split(self._frames, [geometry.n_context])
        mean, std = context.mean(), context.std()
        window = ((target if self._sees_target else context) - mean) / std
        expected = self._predict(window) * std + mean
        return self._score(float(np.sqrt(np.mean((target - expected) ** 2))))

    def _spectrogram(self, samples: NDArray[np.int16]) -> FloatArray:
        framing = self._framing
        iq = (samples[:, 0] + 1j * samples[:, 1]).astype(np.complex64) / 32768
        _, _, power = signal.spectrogram(
            iq,
            window="hann",
            nperseg=framing.n_fft,
            noverlap=0,
            detrend=False,
            return_onesided=False,
            scaling="spectrum",
        )
        averaged = power.T.reshape(-1, framing.n_averages, framing.n_fft).mean(axis=1)
        power_db: FloatArray = 10 * np.log10(np.fft.fftshift(averaged, axes=1) + 1e-20)
        return power_db

    def _predict(self, window: FloatArray) -> FloatArray:
        self._model.reset_all_variables()
        self._model.set_tensor(self._input["index"], window[None].astype(np.float32))
        self._model.invoke()
        output: FloatArray = self._model.get_tensor(self._output["index"])
        return output.reshape(self._geometry.n_horizon, self._geometry.n_bins)

    def _score(self, error: float) -> float | None:
        if len(self._errors) < self._n_warmup:
            self._errors.append(error)
            if len(self._errors) == self._n_warmup:
                # The detectors that need a reference learn it in the first half.
                later = self._errors[self._n_warmup // 2 :]
                self._mean = float(np.mean(later))
                self._std = max(float(np.std(later, ddof=1)), self._smallest_std)
            return None
        return (error - self._mean) / self._std
