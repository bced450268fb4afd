"""The chain, read aloud: blocks become frames, frames segments, segments scores, scores events."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

import numpy as np

from edgespec.config import BandConfig, DetectConfig
from edgespec.detect import plain
from edgespec.detect.arithmetic import Arithmetic, open_arithmetic
from edgespec.detect.detectors import make_detectors, resolve_names
from edgespec.detect.events import EventRules, EventTracker
from edgespec.detect.site import SiteScale
from edgespec.dsp.levels import RssPlan, SubbandLevels
from edgespec.dsp.segments import Segmenter
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.dsp.transform import Transform, open_transform
from edgespec.errors import SourceError
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.records import (
    TAPER_ENBW_BINS,
    BandInfo,
    Decision,
    Event,
    FloatArray,
    Forecast,
    Geometry,
    IqBlock,
    Score,
    Segment,
    SourceInfo,
)
from edgespec.units import POWER_FLOOR_DBFS

__all__ = ["Forecaster", "Pipeline", "ScoredSegment", "Scorer", "levels_dbfs"]

_NS = 1_000_000_000
#: What goes with each front end.
_ARITHMETIC = {"numba": "numba", "scipy": "numpy"}


class Forecaster:
    """What the bundle's model expects of a segment, in dB.

    A forecasting model sees the context, a reconstructing one the target; both are standardised
    by the context alone, so that a change of power in the target stays visible. A backend that can
    go on from the last window is given the context as it is, and its scaling.

    Args:
        bundle: the model.
        backend: runtime that holds it.
        transform: how windows are standardised; default: in NumPy.
    """

    def __init__(
        self, bundle: Bundle, backend: Backend, transform: Transform | None = None
    ) -> None:
        geometry = bundle.manifest.geometry
        self._sees_target = bundle.manifest.model.role == "reconstruction"
        self._backend = backend
        self._transform = transform or open_transform("numpy")
        # A reconstructing model sees targets, which do not overlap.
        self._predict_raw = None if self._sees_target else getattr(backend, "predict_raw", None)
        self._context = np.empty((geometry.n_context, geometry.n_fft), np.float32)
        self._target = np.empty((geometry.n_horizon, geometry.n_fft), np.float32)
        self._expected_dbfs = np.empty_like(self._target)

    def forecast(self, segment: Segment) -> Forecast:
        """Return the expected horizon; its array is overwritten by the next call."""
        transform = self._transform
        if self._predict_raw is not None:
            scaling = transform.scaling_of(segment.context, self._context)
            expected = self._predict_raw(segment.context, scaling)
            transform.restore(expected, scaling, self._expected_dbfs)
            return Forecast(self._expected_dbfs, scaling)
        scaling = transform.standardise(segment.context, self._context)
        window = self._context
        if self._sees_target:
            transform.apply(segment.target, scaling, self._target)
            window = self._target
        transform.restore(self._backend.predict(window), scaling, self._expected_dbfs)
        return Forecast(self._expected_dbfs, scaling)


class Scorer:
    """Every detector's score of a segment; the model runs once for those that need it.

    The first half of the warm-up teaches the plain detectors their references, the second half
    what scores are normal at this site; from then on scores are in standard deviations.

    Args:
        forecaster: the model, None where no detector needs it.
        names: resolved names of the detectors.
        geometry: of the segments.
        n_warmup: segments of the warm-up, at least 4.
        smallest_std: for each detector, the least spread of raw scores that a site may have.
        arithmetic: how the detectors compute.
    """

    def __init__(
        self,
        forecaster: Forecaster | None,
        names: Sequence[str],
        geometry: Geometry,
        n_warmup: int,
        smallest_std: Mapping[str, float] = MappingProxyType({}),
        arithmetic: Arithmetic = plain,
    ) -> None:
        self.n_warmup = max(n_warmup, 4)
        self._forecaster = forecaster
        self._n_reference = self.n_warmup // 2
        self._detectors = make_detectors(names, geometry, self._n_reference, arithmetic)
        self.scales = {name: SiteScale(smallest_std.get(name, 0.0)) for name in names}
        self._needs_forecast = any(detector.needs_forecast for detector in self._detectors)
        self._n_segments = 0

    @classmethod
    def for_bundle(
        cls,
        bundle: Bundle,
        backend: Backend,
        names: Sequence[str],
        warmup_s: float,
        arithmetic: str = "numpy",
    ) -> "Scorer":
        """Return the scorer of a calibrated bundle, with a warm-up of ``warmup_s``.

        ``arithmetic``: ``numba``, ``numpy`` or ``auto``, for detectors and transform alike.
        """
        manifest = bundle.manifest
        return cls(
            Forecaster(bundle, backend, open_transform(arithmetic)),
            names,
            manifest.geometry,
            ceil(warmup_s / manifest.geometry.hop_s),
            manifest.site_std,
            open_arithmetic(arithmetic),
        )

    @property
    def is_warm(self) -> bool:
        """Whether the scores of the last segment are those of a warm observer."""
        return self._n_segments > self.n_warmup

    @property
    def n_warmup_left(self) -> int:
        """Segments that are still to be learnt from."""
        return max(self.n_warmup - self._n_segments, 0)

    def reset(self) -> None:
        """Forget the site and warm up again."""
        self._n_segments = 0
        for detector in self._detectors:
            detector.reset()
        for scale in self.scales.values():
            scale.clear()

    def score(self, segment: Segment) -> tuple[Score, ...]:
        """Return the scores in the order of the names: raw ones until ``is_warm``.

        While the references are learnt, detectors that need one are missing.
        """
        forecast = None
        if self._needs_forecast and self._forecaster is not None:
            forecast = self._forecaster.forecast(segment)
        found = [detector.score(segment, forecast) for detector in self._detectors]
        scores = tuple([score for score in found if score is not None])
        self._n_segments += 1
        if self.is_warm:
            return tuple([self.scales[score.detector].apply(score) for score in scores])
        if self._n_segments > self._n_reference:
            for score in scores:
                self.scales[score.detector].learn(score)
        if self._n_segments == self.n_warmup:
            for scale in self.scales.values():
                scale.settle()
        return scores


@dataclass(frozen=True, slots=True)
class ScoredSegment:
    """One segment with its scores and where its target lies in the stream.

    Its arrays are valid until the next segment is taken.
    """

    segment: Segment
    scores: tuple[Score, ...]
    sample_start: int
    utc_ns: int
    received_ns: int


class Pipeline:
    """Everything between a block of samples and an event, for one band.

    Args:
        bundle: the model with its geometry and thresholds.
        backend: runtime that holds the model.
        source: what the samples are.
        band: names the events.
        detect: detectors, false-alarm rate and event rules.
        update_s: how often an event that goes on says so.
        max_block_samples: largest block that will come.
        front_end: ``numba``, ``scipy`` or ``auto``. It decides on the arithmetic behind it, too:
            without the compiled front end, nothing here loads Numba.
        rss: what to report of the received power; None for nothing.

    Raises:
        SourceError: the source's sample rate is not the bundle's.
        ConfigError: a detector is unknown.
        ModelError: the bundle has no threshold for a detector at the chosen rate.
    """

    def __init__(
        self,
        bundle: Bundle,
        backend: Backend,
        source: SourceInfo,
        band: BandConfig,
        detect: DetectConfig,
        *,
        max_block_samples: int,
        update_s: float = 1.0,
        front_end: str = "auto",
        rss: RssPlan | None = None,
    ) -> None:
        geometry = bundle.manifest.geometry
        if abs(source.sample_rate_hz - geometry.sample_rate_hz) > 1e-4 * geometry.sample_rate_hz:
            raise SourceError(
                f"{source.uri} delivers {source.sample_rate_hz:.10g} samples/s, but the bundle "
                f"{bundle.manifest.name!r} was made for {geometry.sample_rate_hz:.10g}: set the "
                "source's sample rate to that, or choose a bundle made for this rate"
            )
        names = resolve_names(detect.detectors, bundle.manifest.model.role)
        self.thresholds = {
            name: bundle.manifest.threshold(name, detect.false_alarm_rate, detect.threshold)
            for name in names
        }
        self.geometry = geometry
        self.front_end = FrontEnd(
            geometry,
            source.sample_format,
            max_block_samples=max_block_samples,
            backend=front_end,
            max_clipped_fraction=detect.max_clipped_fraction,
        )
        self.segmenter = Segmenter(geometry)
        self.levels: SubbandLevels | None = None
        if rss is not None:
            max_frames = max_block_samples // geometry.frame_samples + 2
            self.levels = SubbandLevels(geometry, source, rss, max_frames, self.front_end.backend)
        arithmetic = _ARITHMETIC[self.front_end.backend]
        self.scorer = Scorer.for_bundle(bundle, backend, names, detect.warmup_s, arithmetic)
        self.tracker = EventTracker(
            BandInfo(band.id, source.center_freq_hz, geometry.sample_rate_hz),
            geometry,
            EventRules(detect.k, detect.n, detect.hysteresis, detect.hold_off_s, update_s),
            {
                name: np.asarray(calibration.error_std_db, np.float32)
                for name, calibration in bundle.manifest.detectors.items()
                if calibration.error_std_db
            },
            time.monotonic_ns,
            open_arithmetic(arithmetic),
        )
        self.n_segments = 0
        self.last: ScoredSegment | None = None
        # The segmenter overwrites its segments; what is asked for between them is kept apart.
        self._heard_dbfs = np.empty((geometry.n_horizon, geometry.n_fft), np.float32)

    @property
    def warmup_left_s(self) -> float:
        """Seconds of signal that are still to be learnt from before anything is scored."""
        return self.scorer.n_warmup_left * self.geometry.hop_s

    def levels_dbfs(self) -> tuple[float, float]:
        """Return total power and noise floor of the last segment; see :func:`levels_dbfs`."""
        if not self.n_segments:
            return POWER_FLOOR_DBFS, POWER_FLOOR_DBFS
        return levels_dbfs(self._heard_dbfs, TAPER_ENBW_BINS[self.geometry.taper])

    def scored(self, block: IqBlock) -> Iterator[ScoredSegment]:
        """Yield every segment that ``block`` completed, with its scores."""
        spectrogram = self.front_end.process(block)
        if self.levels is not None:
            self.levels.add(spectrogram, block)
        self.segmenter.push(spectrogram)
        for segment in self.segmenter.segments():
            sample_start = int(segment.sample_start[self.geometry.n_context])
            age = (sample_start - block.sample_start) / block.sample_rate_hz
            self.n_segments += 1
            np.copyto(self._heard_dbfs, segment.target)
            self.last = ScoredSegment(
                segment,
                self.scorer.score(segment),
                sample_start,
                block.utc_ns + round(age * _NS),
                block.received_ns,
            )
            yield self.last

    def process(self, block: IqBlock) -> Iterator[Event]:
        """Yield what there is to say after ``block``."""
        for scored in self.scored(block):
            if not self.scorer.is_warm:
                self.tracker.learn_normal(scored.scores)
                continue
            decision = Decision(
                scored.scores,
                tuple([self.thresholds[score.detector] for score in scored.scores]),
                scored.sample_start,
                self.geometry.n_horizon * self.geometry.frame_samples,
                scored.utc_ns,
                scored.received_ns,
            )
            event = self.tracker.update(decision, scored.segment.target)
            if event is not None:
                yield event

    def finish(self) -> Iterator[Event]:
        """Yield the end of the event that is going on: the stream is over."""
        event = self.tracker.finish()
        if event is not None:
            yield event


def levels_dbfs(target_dbfs: FloatArray, enbw_bins: float) -> tuple[float, float]:
    """Return total power and noise floor of a horizon, in dBFS.

    The total is the sum of the bins over the equivalent noise bandwidth of the taper. The floor is
    the 10th percentile of the bins' mean power, per bin.
    """
    power = np.mean(10.0 ** (target_dbfs / 10.0), axis=0)
    total = 10.0 * np.log10(power.sum() / enbw_bins)
    return float(total), float(10.0 * np.log10(np.quantile(power, 0.1)))
