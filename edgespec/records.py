"""The nouns of the chain: IQ block, spectrogram, segment, forecast, score, decision, event.

Time is axis 0 everywhere. Arrays in these records may be views into buffers that their
producer reuses: they are valid until the producer is called again, and a consumer that wants
to keep one copies it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import IntFlag, StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.alert import ON, Alert
from edgespec.change import Change
from edgespec.clock import ClockQuality
from edgespec.errors import ModelError
from edgespec.grid import NO_SPAN, Grid, Quantity, Span
from edgespec.kinds import UNKNOWN
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.listing import Listing
from edgespec.observer_state import ObserverState
from edgespec.rss_report import RssReport
from edgespec.sample_format import SampleFormat
from edgespec.source_info import SourceInfo

__all__ = [
    "BandInfo",
    "Change",
    "Decision",
    "Event",
    "EventType",
    "FloatArray",
    "Forecast",
    "FrameFlag",
    "Geometry",
    "IqBlock",
    "ObserverState",
    "RssReport",
    "SampleFormat",
    "Scaling",
    "Score",
    "Segment",
    "SourceInfo",
    "Spectrogram",
]

FloatArray = NDArray[np.float32]


class FrameFlag(IntFlag):
    """What is wrong with a frame; zero means that it is valid.

    ``HALF``: I or Q alone holds one value. What the other has still shows in the frame.
    """

    VALID = 0
    DROPPED = 1
    CLIPPED = 2
    NONFINITE = 4
    CONSTANT = 8
    HALF = 16


@dataclass(frozen=True, slots=True)
class Geometry:
    """How frames of a plane become segments (Li et al. 2019, sec. 4.2).

    A frame has ``n_bins`` and lasts ``frame_s``; a segment is ``n_context`` frames and the
    ``n_horizon`` behind them, and the next one begins ``hop_frames`` later.
    """

    n_bins: int
    frame_s: float
    n_context: int = 100
    n_horizon: int = 25
    hop_frames: int = 25

    def __post_init__(self) -> None:
        if not (np.isfinite(self.frame_s) and self.frame_s > 0):
            raise ModelError(f"frame_s is {self.frame_s}; it must be positive")
        for name in ("n_bins", "n_context", "n_horizon", "hop_frames"):
            if getattr(self, name) < 1:
                raise ModelError(f"{name} is {getattr(self, name)}; it must be at least 1")

    @property
    def n_segment(self) -> int:
        """Frames in one segment: context and horizon."""
        return self.n_context + self.n_horizon

    @property
    def hop_s(self) -> float:
        """Time from one segment to the next in seconds."""
        return self.hop_frames * self.frame_s


@dataclass(frozen=True, slots=True)
class IqBlock:
    """A run of consecutive samples.

    ``samples`` is complex64 ``(n_samples,)`` or integer ``(n_samples, 2)``, I then Q.
    ``sample_start`` counts the samples of the source, lost ones included; ``n_dropped`` is how
    many were lost just before this block. ``received_ns`` is the monotonic clock when the last
    sample arrived: the zero of every latency. ``flags`` is what is known to be wrong with all of
    it and may not show in the samples any more. ``n_away`` samples before those that were lost
    are no loss: the radio was tuned to another band meanwhile.
    """

    samples: NDArray[Any]
    sample_rate_hz: float
    center_freq_hz: float
    sample_start: int
    utc_ns: int
    n_dropped: int = 0
    received_ns: int = 0
    flags: FrameFlag = FrameFlag.VALID
    n_away: int = 0

    @property
    def n_samples(self) -> int:
        """Number of complex samples."""
        return len(self.samples)


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """Frames of a plane: ``power_dbfs`` float32 ``(n_frames, n_bins)``, in frequencies that rise.

    In dBFS, where a complex exponential of modulus 1 is 0 dBFS. ``flags`` uint8 ``(n_frames,)`` of
    :class:`FrameFlag`, ``tick_start`` int64 ``(n_frames,)``: where each frame begins on the clock
    of the ``grid``. ``span`` is the input that completed these frames; it gives their time.
    ``clipped_share`` is the share of its I and Q components that clip, counted where a frame does.
    ``is_whole`` is what its maker knows: all frames are valid, and each begins where the one before
    it ends. Where it is False, who needs to know looks.
    """

    power_dbfs: FloatArray
    flags: NDArray[np.uint8]
    tick_start: NDArray[np.int64]
    grid: Grid
    span: Span = NO_SPAN
    quantity: Quantity = Quantity.POWER
    clipped_share: float = 0.0
    is_whole: bool = False

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.power_dbfs)

    def part(self, frames: slice) -> "Spectrogram":
        """Return some of the frames, as views."""
        return replace(
            self,
            power_dbfs=self.power_dbfs[frames],
            flags=self.flags[frames],
            tick_start=self.tick_start[frames],
            is_whole=self.is_whole and frames.step in (None, 1),
        )

    def copy(self) -> "Spectrogram":
        """Return the same frames in arrays of their own."""
        return replace(
            self,
            power_dbfs=self.power_dbfs.copy(),
            flags=self.flags.copy(),
            tick_start=self.tick_start.copy(),
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """``context`` float32 ``(n_context, n_bins)`` and ``target`` ``(n_horizon, n_bins)``, dBFS.

    ``tick_start`` int64 ``(n_context + n_horizon,)`` is where every frame begins; frames follow
    each other and lie on one grid. ``flags`` uint8 of :class:`FrameFlag` says what is wrong with
    each of them; None: nothing. Only where ``has_context`` are all frames of the context there and
    valid; behind a gap there are fewer. Frames of the target that hold nothing are replaced by
    others of it; ``reason`` says why a target holds too little to be scored.
    """

    context: FloatArray
    target: FloatArray
    tick_start: NDArray[np.int64]
    flags: NDArray[np.uint8] | None = None
    has_context: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Mean and scale, in dB, that standardise one sequence: ``(power - mean_db) / scale_db``."""

    mean_db: float
    scale_db: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the model expected: ``power_dbfs`` float32 ``(n_horizon, n_bins)`` and its scaling."""

    power_dbfs: FloatArray
    scaling: Scaling


@dataclass(frozen=True, slots=True)
class Score:
    """How anomalous a segment is: high is anomalous.

    ``error_map_db`` float32 ``(n_horizon, n_bins)``: measured minus expected, signed, so that
    more power than expected is positive; None where the detector has no such map.
    """

    detector: str
    value: float
    error_map_db: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Score against threshold for every detector on one segment.

    An alarm is ``score > threshold`` for any of them. ``tick_start`` and ``n_ticks`` say where the
    target lies, ``utc_ns`` when it began, ``received_ns`` when its last sample came.
    """

    scores: tuple[Score, ...]
    thresholds: tuple[float, ...]
    tick_start: int
    n_ticks: int
    utc_ns: int
    received_ns: int

    @property
    def is_alarm(self) -> bool:
        """Whether any detector's score is above its threshold."""
        return self.is_alarm_without(())

    def is_alarm_without(self, muted: Collection[str]) -> bool:
        """Return whether the score of a detector that is not muted is above its threshold."""
        pairs = zip(self.scores, self.thresholds, strict=True)
        return any(s.value > limit and s.detector not in muted for s, limit in pairs)

    @property
    def strongest(self) -> tuple[Score, float]:
        """The score that lies highest above its threshold, by their ratio, and that threshold."""
        return max(
            zip(self.scores, self.thresholds, strict=True), key=lambda pair: pair[0].value / pair[1]
        )


@dataclass(frozen=True, slots=True)
class BandInfo:
    """The band an event belongs to, as the configuration names it, and the model that knows it.

    ``grid`` says where it lies now.
    """

    band: str
    grid: Grid
    source: str = ""
    model: str = ""
    model_sha256: str | None = None


class EventType(StrEnum):
    """Life of an event: one ``new``, any number of ``update``, one ``end``, all with one id."""

    NEW = "new"
    UPDATE = "update"
    END = "end"


@dataclass(frozen=True, slots=True)
class Event:
    """Something else is on the band: what a user sees instead of single segments.

    Frequencies are absolute, in Hz; where the source has no centre frequency they are offsets from
    it. ``sample_start`` and ``n_samples`` are its place on the plane's clock: in samples where
    there are samples, or else in ticks. ``end_ns`` is the end of the last segment that belonged to
    it so far, by the length of the signal; ``clock`` says how good UTC is. ``excess_db`` at the
    peak is never negative for a gain, never positive for a loss; ``severity_db`` is the mean
    distance from normal between the edges. ``sureness``, 0 to 1, is the share of alarming segments
    from the first to the last, times ``1 - threshold / (2 score)`` of the highest score. ``kind``
    is a key of :data:`edgespec.kinds.ADVICE`, ``kind_probability`` how likely it is, 1 where a rule
    is certain; where it is unknown, how likely it is that none of the known kinds is right, and
    ``kind_hint`` names the likeliest of these. It is 0 where nobody has looked yet: the first
    message does not wait for a name, which an update tells at once. Of trouble with the receiver
    ``share`` is the largest share of samples that were bad, and levels are lower bounds. Of what
    happens to a cell ``detector`` is ``cell``, ``cell_identity`` says whose it is, ``peak_dbfs`` is
    the power of the band, and ``excess_db`` how its level moved. ``latency_s`` is the time from the
    last sample of the segment that made this message to the message itself. ``model_sha256`` is the
    bundle that the band was judged by; ``alert``, ``scale`` and ``listing`` are set on its way out.
    For ``unheard_s`` of it the radio was tuned to other bands, or gave no samples: nobody knows
    whether it was there.
    """

    event_id: str
    event_type: EventType
    band: str
    start_ns: int
    end_ns: int
    sample_start: int
    n_samples: int
    freq_lower_hz: float
    freq_upper_hz: float
    peak_freq_hz: float
    peak_dbfs: float
    change: Change
    excess_db: float
    severity_db: float
    detector: str
    score: float
    threshold: float
    sureness: float
    kind: str = UNKNOWN
    kind_probability: float = 1.0
    kind_hint: str = ""
    clock: ClockQuality = ClockQuality.UNSYNCHRONISED
    latency_s: float = 0.0
    model_sha256: str | None = None
    share: float | None = None
    cell_identity: int | None = None
    alert: Alert = ON
    scale: LevelScale = UNCALIBRATED
    listing: Listing | None = None
    unheard_s: float = 0.0

    @property
    def heard_s(self) -> float:
        """How long it was heard, in seconds: no more is claimed."""
        return max((self.end_ns - self.start_ns) / 1e9 - self.unheard_s, 0.0)

    @property
    def is_named(self) -> bool:
        """Whether somebody has looked what it is, whether or not that was recognised."""
        return self.kind_probability > 0.0
