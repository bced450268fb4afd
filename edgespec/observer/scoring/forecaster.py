"""The model at work: from a segment to what was expected of it."""

import time

import numpy as np

from edgespec.dsp.transforms import Transform, open_transform
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.latency import LatencyHistogram
from edgespec.observer.scoring.band_memory import BandMemory
from edgespec.records import FloatArray, Forecast, Segment

__all__ = ["Forecaster"]


class Forecaster:
    """What the bundle's model expects of a segment, in dB.

    A forecasting model sees the context, a reconstructing one the target; both are standardised
    by the context alone, so that a change of power in the target stays visible. A backend that can
    go on from the last window is given the context as it is, and its scaling.

    Args:
        bundle: the model.
        backend: runtime that holds it.
        transform: how windows are standardised; default: in NumPy.
        memory: what the model is given beside the window, where it takes anything; None: one that
            nobody tells of minutes, so that the mean of the context stands in.
        durations: of the calls so far, of another model of the same band.

    Attributes:
        durations: of the calls of the model.
        discriminant: name of what compares the forecast with what is seen.
    """

    def __init__(
        self,
        bundle: Bundle,
        backend: Backend,
        transform: Transform | None = None,
        memory: BandMemory | None = None,
        durations: LatencyHistogram | None = None,
    ) -> None:
        geometry = bundle.manifest.geometry
        self._sees_target = bundle.manifest.model.role == "reconstruction"
        self._backend = backend
        self._transform = transform or open_transform()
        # A reconstructing model sees targets, which do not overlap.
        self._predict_raw = None if self._sees_target else getattr(backend, "predict_raw", None)
        sides = bundle.manifest.side_inputs
        self._memory = (memory or BandMemory(sides, geometry)) if sides else None
        self._context = np.empty((geometry.n_context, geometry.n_bins), np.float32)
        self._target = np.empty((geometry.n_horizon, geometry.n_bins), np.float32)
        self.durations = LatencyHistogram() if durations is None else durations
        self.discriminant = bundle.manifest.discriminant
        self._expected_dbfs = np.empty_like(self._target)

    def forecast(self, segment: Segment) -> Forecast:
        """Return the expected horizon; its array is overwritten by the next call."""
        transform = self._transform
        if self._predict_raw is not None:
            scaling = transform.scaling_of(segment.context, self._context)
            begun_ns = time.perf_counter_ns()
            expected = self._predict_raw(segment.context, scaling)
            self.durations.add(time.perf_counter_ns() - begun_ns)
            transform.restore(expected, scaling, self._expected_dbfs)
            return Forecast(self._expected_dbfs, scaling)
        scaling = transform.standardise(segment.context, self._context)
        window = self._context
        if self._sees_target:
            transform.apply(segment.target, scaling, self._target)
            window = self._target
        sides: tuple[FloatArray, ...] = ()
        if self._memory is not None:
            sides = self._memory.given(segment.context, scaling, transform)
        begun_ns = time.perf_counter_ns()
        expected = self._backend.predict(window, *sides)
        self.durations.add(time.perf_counter_ns() - begun_ns)
        transform.restore(expected, scaling, self._expected_dbfs)
        return Forecast(self._expected_dbfs, scaling)
