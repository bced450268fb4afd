"""An autoregression in compiled loops, alone or added to what an LSTM says."""

import functools
from collections.abc import Callable

import numpy as np
from numba import types

from edgespec.errors import ModelError
from edgespec.inference import kernels
from edgespec.inference.backend import refuse_sides
from edgespec.inference.bundle import Bundle
from edgespec.inference.network import Autoregression
from edgespec.inference.numba_network import NumbaLstmBackend
from edgespec.jit import ahead
from edgespec.memory import aligned_floats
from edgespec.records import FloatArray, Scaling

__all__ = ["NumbaLinearBackend", "NumbaSumBackend"]

_AS_IT_IS = Scaling(0.0, 1.0)


class _Forecast:
    """What an autoregression adds to an output.

    Raises:
        ModelError: it does not have the shapes of the bundle.
    """

    def __init__(self, bundle: Bundle, autoregression: Autoregression) -> None:
        manifest = bundle.manifest
        self.window_shape = n_frames, _ = manifest.window_shape
        order, n_horizon = autoregression.order, autoregression.n_horizon
        if n_horizon != manifest.output_shape[0] or not 0 < order <= n_frames:
            raise ModelError(
                f"weights.npz of bundle {manifest.name!r} has an autoregression of {order} "
                f"frames for {n_horizon}, but its geometry has {n_frames} and "
                f"{manifest.output_shape[0]}: convert the model again"
            )
        self._kernel = _writable(autoregression.kernel)
        self._bias = _writable(autoregression.bias)
        self._window: FloatArray = np.empty(self.window_shape, np.float32)
        self._first = n_frames - order
        self._add = _addition()

    def add(self, window: FloatArray, scaling: Scaling, out: FloatArray) -> None:
        """Add the forecast for ``(window - mean) / scale`` to ``out`` ``(n_horizon, n_bins)``.

        Raises:
            ModelError: the window is not of the shape of the model.
        """
        if window.shape != self.window_shape:
            raise ModelError(
                f"the window is {window.shape}, but the model takes {self.window_shape}: monitor "
                "with the geometry of the bundle"
            )
        if window.dtype != np.float32 or not window.flags.carray:
            np.copyto(self._window, window)
            window = self._window
        rows = window[self._first :].reshape(-1)
        mean, gain = np.float32(scaling.mean_db), np.float32(1.0 / scaling.scale_db)
        n_bins = self.window_shape[1]
        self._add(rows, mean, gain, self._kernel, self._bias, n_bins, out.reshape(-1))


class NumbaLinearBackend:
    """A :class:`~edgespec.inference.backend.Backend` for an autoregression that stands alone."""

    name = "numba"

    def __init__(self, bundle: Bundle, autoregression: Autoregression) -> None:
        self._forecast = _Forecast(bundle, autoregression)
        shape = bundle.manifest.output_shape
        self._result = aligned_floats(shape[0] * shape[1]).reshape(shape)

    def predict(self, window: FloatArray, *sides: FloatArray) -> FloatArray:
        """Return the model's output for one standardised window; see ``Backend.predict``.

        Raises:
            ModelError: the window is not of the shape of the model, or there are side inputs.
        """
        refuse_sides(sides)
        self._result.fill(0.0)
        self._forecast.add(window, _AS_IT_IS, self._result)
        return self._result


class NumbaSumBackend:
    """A :class:`~edgespec.inference.backend.StreamingBackend`: an LSTM and an autoregression.

    Args:
        bundle: says what shape windows and results have.
        lstm: the network beside the autoregression.
        autoregression: what is added to its output.
    """

    name = "numba"

    def __init__(
        self, bundle: Bundle, lstm: NumbaLstmBackend, autoregression: Autoregression
    ) -> None:
        self._lstm = lstm
        self._forecast = _Forecast(bundle, autoregression)

    def predict(self, window: FloatArray, *sides: FloatArray) -> FloatArray:
        """Return the model's output for one standardised window; see ``Backend.predict``.

        Raises:
            ModelError: the window is not of the shape of the model, or there are side inputs.
        """
        result = self._lstm.predict(window, *sides)
        self._forecast.add(window, _AS_IT_IS, result)
        return result

    def predict_raw(self, window_db: FloatArray, scaling: Scaling) -> FloatArray:
        """Return the model's output for one window in dB; see ``StreamingBackend.predict_raw``.

        Raises:
            ModelError: the window is not of the shape of the model.
        """
        result = self._lstm.predict_raw(window_db, scaling)
        self._forecast.add(window_db, scaling, result)
        return result


def _writable(array: FloatArray) -> FloatArray:
    """Return a copy in one row, as the compiled loop takes it."""
    row = aligned_floats(array.size)
    np.copyto(row, array.reshape(-1))
    return row


@functools.cache
def _addition() -> Callable[..., None]:
    """Return the loop over horizon, frames and bins."""
    floats, number = types.float32[::1], types.float32

    @ahead(types.void(floats, number, number, floats, floats, types.int64, floats))
    def add(rows, mean, gain, kernel, bias, n_bins, out):  # type: ignore[no-untyped-def]
        kernels.regress(rows, mean, gain, kernel, bias, n_bins, out)

    return add
