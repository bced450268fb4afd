"""One band's chain, read aloud: blocks, frames, segments, scores, events."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgespec.config import BandConfig, DetectConfig
from edgespec.detect.arithmetic import open_arithmetic
from edgespec.detect.detectors import resolve_names
from edgespec.detect.events import EventRules, EventTracker
from edgespec.dsp.channel import Channel
from edgespec.dsp.levels import RssPlan, SubbandLevels
from edgespec.dsp.segments import Segmenter
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import SourceError
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.scorer import Scorer
from edgespec.records import (
    TAPER_ENBW_BINS,
    BandInfo,
    Decision,
    Event,
    FloatArray,
    IqBlock,
    RssReport,
    Score,
    Segment,
    SourceInfo,
)
from edgespec.units import POWER_FLOOR_DBFS

__all__ = ["BandChain", "BandSnapshot", "ScoredSegment", "levels_dbfs"]

_NS = 1_000_000_000
#: What goes with each front end.
_ARITHMETIC = {"numba": "numba", "scipy": "numpy"}


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


@dataclass(frozen=True, slots=True)
class BandSnapshot:
    """How a band is after the last segment: what a state says of it.

    While ``warmup_left_s`` of signal are still to be learnt from, ``scores`` is empty. Levels are
    those of the last segment: total power, and noise floor per bin.
    """

    n_segments: int
    n_skipped: dict[str, int]
    level_dbfs: float
    noise_floor_dbfs: float
    scores: dict[str, float]
    thresholds: dict[str, float]
    alarm: bool
    warmup_left_s: float


class BandChain:
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
        channel: what makes the band's samples of the source's, where it is a part of the source;
            ``source`` and ``max_block_samples`` are then those of what comes out of it.

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
        channel: Channel | None = None,
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
        self._channel = channel
        self._factor = 1 if channel is None else channel.plan.factor
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
        self.info = BandInfo(
            band.id,
            source.center_freq_hz,
            geometry.sample_rate_hz,
            source.uri,
            bundle.manifest.name,
            bundle.sha256,
        )
        self.tracker = EventTracker(
            self.info,
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

    @property
    def sample_rate_hz(self) -> float:
        """Rate of the blocks that it takes: that of the source."""
        return self.geometry.sample_rate_hz * self._factor

    @property
    def hop_samples(self) -> int:
        """Samples of the source from one segment to the next."""
        return self.geometry.hop_frames * self.geometry.frame_samples * self._factor

    def snapshot(self) -> BandSnapshot:
        """Return how the band is now; only between blocks."""
        level_dbfs, floor_dbfs = self.levels_dbfs()
        # In the warm-up scores are in dB and say nothing beside thresholds in deviations.
        scores = self.last.scores if self.last is not None and self.scorer.is_warm else ()
        return BandSnapshot(
            n_segments=self.n_segments,
            n_skipped=dict(self.segmenter.skipped),
            level_dbfs=level_dbfs,
            noise_floor_dbfs=floor_dbfs,
            scores={score.detector: score.value for score in scores},
            thresholds=dict(self.thresholds),
            alarm=self.tracker.is_open,
            warmup_left_s=self.warmup_left_s,
        )

    def take_rss(self) -> RssReport | None:
        """Return the received power of the second that has ended since the last call, if any."""
        return self.levels.take() if self.levels is not None else None

    def levels_dbfs(self) -> tuple[float, float]:
        """Return total power and noise floor of the last segment; see :func:`levels_dbfs`."""
        if not self.n_segments:
            return POWER_FLOOR_DBFS, POWER_FLOOR_DBFS
        return levels_dbfs(self._heard_dbfs, TAPER_ENBW_BINS[self.geometry.taper])

    def scored(self, block: IqBlock) -> Iterator[ScoredSegment]:
        """Yield every segment that ``block`` completed, with its scores.

        Positions of segments are counted in samples of the band.
        """
        if self._channel is None:
            yield from self._scored(block)
            return
        for part in self._channel.process(block):
            yield from self._scored(part)

    def _scored(self, block: IqBlock) -> Iterator[ScoredSegment]:
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
        """Yield what there is to say after ``block``; events count samples of the source."""
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
                yield self._in_source(event)

    def finish(self) -> Iterator[Event]:
        """Yield the end of the event that is going on: the stream is over."""
        event = self.tracker.finish()
        if event is not None:
            yield self._in_source(event)

    def _in_source(self, event: Event) -> Event:
        """Return an event with its position in samples of the source."""
        if self._channel is None:
            return event
        return replace(
            event,
            sample_start=event.sample_start * self._factor,
            n_samples=event.n_samples * self._factor,
        )


def levels_dbfs(target_dbfs: FloatArray, enbw_bins: float) -> tuple[float, float]:
    """Return total power and noise floor of a horizon, in dBFS.

    The total is the sum of the bins over the equivalent noise bandwidth of the taper. The floor is
    the 10th percentile of the bins' mean power, per bin.
    """
    power = np.mean(10.0 ** (target_dbfs / 10.0), axis=0)
    total = 10.0 * np.log10(power.sum() / enbw_bins)
    return float(total), float(10.0 * np.log10(np.quantile(power, 0.1)))
