"""Events: k of n alarming segments open one, hysteresis keeps it, a hold-off ends it."""

import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from edgespec.detect import plain
from edgespec.detect.arithmetic import Arithmetic
from edgespec.detect.extent import Extent, ExtentFinder
from edgespec.errors import ConfigError
from edgespec.grid import Grid
from edgespec.records import BandInfo, Decision, Event, EventType, FloatArray, Score

__all__ = ["EventRules", "EventTracker"]

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class EventRules:
    """When segments become an event.

    ``k`` of the last ``n`` scored segments must alarm to open one. While it is open, a segment
    belongs to it when any score is above ``hysteresis`` times its threshold. It ends when no
    segment belonged to it for ``hold_off_s``, and says so again at most every ``update_s``.
    """

    k: int = 2
    n: int = 3
    hysteresis: float = 0.9
    hold_off_s: float = 0.5
    update_s: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n:
            raise ConfigError(f"detect.k is {self.k} and detect.n is {self.n}: need 1 <= k <= n")
        if not 0.0 < self.hysteresis <= 1.0:
            raise ConfigError(
                f"detect.hysteresis is {self.hysteresis}; it must lie above 0 and up to 1"
            )


@dataclass(slots=True)
class _Open:
    """The event that is going on."""

    event_id: str
    start_ns: int
    tick_start: int
    end_ns: int
    tick_end: int
    extent: Extent
    extent_by: str
    extent_ratio: float
    peak_dbfs: float
    detector: str
    score: float
    threshold: float
    confidence: float
    said_at: int


class EventTracker:
    """Turns decisions into events, one at a time in one band.

    Args:
        info: names the events; its grid says where they lie in frequency and time.
        rules: when an event opens, goes on and ends.
        spread_db: for each detector, the spread of every bin's mean error on normal signal.
        clock_ns: monotonic clock, for the latency of an event.
        arithmetic: how normal segments are learnt.
    """

    def __init__(
        self,
        info: BandInfo,
        rules: EventRules,
        spread_db: Mapping[str, FloatArray],
        clock_ns: Callable[[], int],
        arithmetic: Arithmetic = plain,
    ) -> None:
        self.info = info
        self._rules = rules
        self._clock_ns = clock_ns
        self._arithmetic = arithmetic
        self._recent: deque[bool] = deque(maxlen=rules.n)
        self._first: deque[tuple[Decision, Extent] | None] = deque(maxlen=rules.n)
        self._finders: dict[str, ExtentFinder] = {}
        self._spread_db = spread_db
        self._open: _Open | None = None

    @property
    def is_open(self) -> bool:
        """Whether an event is going on."""
        return self._open is not None

    def learn_normal(self, scores: tuple[Score, ...]) -> None:
        """Take the error maps of a segment that is known or decided to be normal."""
        for score in scores:
            if score.error_map_db is not None:
                self._finder(score).add_normal(score.error_map_db)

    def update(self, decision: Decision, target_dbfs: FloatArray) -> Event | None:
        """Take the decision on one segment and return what there is to say, if anything.

        Args:
            decision: scores and thresholds.
            target_dbfs: measured horizon ``(n_horizon, n_bins)``.
        """
        if self._open is None:
            return self._while_quiet(decision, target_dbfs)
        return self._while_open(self._open, decision, target_dbfs)

    def finish(self) -> Event | None:
        """End the event that is going on: the stream is over."""
        event = self._open
        self._open = None
        self._recent.clear()
        self._first.clear()
        return self._message(event, EventType.END, 0) if event else None

    def retune(self, grid: Grid) -> Event | None:
        """Go on with frames on another grid, and return the end of the event that was going on.

        It keeps the edges it had; what was normal on the old grid is forgotten.
        """
        event = self.finish()
        self.info = replace(self.info, grid=grid)
        self._finders.clear()
        return event

    def _ticks(self, seconds: float) -> int:
        """Return a time on the plane's clock: by that on the wall, blocks may come in a burst."""
        return round(seconds * self.info.grid.tick_hz)

    def _while_quiet(self, decision: Decision, target_dbfs: FloatArray) -> Event | None:
        is_alarm, is_first = decision.is_alarm, not any(self._recent)
        self._recent.append(is_alarm)
        if not is_alarm:
            self._first.append(None)
            self.learn_normal(decision.scores)
            return None
        if is_first:
            for finder in self._finders.values():
                finder.start_event()
        extent, extent_by, extent_ratio = self._extent(decision, target_dbfs)
        self._first.append((decision, extent))
        if sum(self._recent) < self._rules.k:
            return None
        # The event began with the first alarming segment among the last n, not with the k-th.
        first, first_extent = next(pair for pair in self._first if pair is not None)
        onset = first_extent.first_frame * self.info.grid.frame_ticks
        score, threshold = decision.strongest
        self._open = _Open(
            event_id=str(uuid.uuid4()),
            start_ns=first.utc_ns + round(onset / self.info.grid.tick_hz * _NS),
            tick_start=first.tick_start + onset,
            end_ns=self._end_ns(decision),
            tick_end=decision.tick_start + decision.n_ticks,
            extent=extent,
            extent_by=extent_by,
            extent_ratio=extent_ratio,
            peak_dbfs=float(target_dbfs[:, extent.peak_bin].max()),
            detector=score.detector,
            score=score.value,
            threshold=threshold,
            confidence=sum(self._recent) / self._rules.n,
            said_at=decision.tick_start,
        )
        return self._message(self._open, EventType.NEW, decision.received_ns)

    def _while_open(
        self, event: _Open, decision: Decision, target_dbfs: FloatArray
    ) -> Event | None:
        self._recent.append(decision.is_alarm)
        belongs = any(
            score.value > self._rules.hysteresis * threshold
            for score, threshold in zip(decision.scores, decision.thresholds, strict=True)
        )
        if not belongs:
            quiet_ticks = decision.tick_start + decision.n_ticks - event.tick_end
            if quiet_ticks < self._ticks(self._rules.hold_off_s):
                return None
            self._open = None
            self._recent.clear()
            self._first.clear()
            return self._message(event, EventType.END, decision.received_ns)
        event.end_ns = self._end_ns(decision)
        event.tick_end = decision.tick_start + decision.n_ticks
        event.confidence = sum(self._recent) / self._rules.n
        if decision.is_alarm:
            self._follow_extent(event, decision, target_dbfs)
            peak_dbfs = float(target_dbfs[:, event.extent.peak_bin].max())
            event.peak_dbfs = max(event.peak_dbfs, peak_dbfs)
            score, threshold = decision.strongest
            if score.value / threshold > event.score / event.threshold:
                event.detector, event.score = score.detector, score.value
                event.threshold = threshold
        if decision.tick_start - event.said_at < self._ticks(self._rules.update_s):
            return None
        event.said_at = decision.tick_start
        return self._message(event, EventType.UPDATE, decision.received_ns)

    def _follow_extent(self, event: _Open, decision: Decision, target_dbfs: FloatArray) -> None:
        """Let the event's extent go on by the detector that gave it, or by a surer one.

        When an interferer stops, a forecast that expected it to stay sees a loss in its place;
        that must not replace what was seen while it was there.
        """
        extent, extent_by, ratio = self._extent(decision, target_dbfs)
        if extent_by == event.extent_by or ratio > event.extent_ratio:
            event.extent, event.extent_by = extent, extent_by
            event.extent_ratio = max(ratio, event.extent_ratio)

    def _extent(self, decision: Decision, target_dbfs: FloatArray) -> tuple[Extent, str, float]:
        """Return the extent by the surest detector that alarmed and has an error map.

        With its name and its score over its threshold; where none has a map, the whole band.
        """
        pairs = zip(decision.scores, decision.thresholds, strict=True)
        best, best_by, best_ratio = None, "", 0.0
        for score, threshold in pairs:
            ratio = score.value / threshold
            if score.error_map_db is not None and ratio > 1.0:
                extent = self._finder(score).add_event(score.error_map_db)
                if ratio > best_ratio:
                    best, best_by, best_ratio = extent, score.detector, ratio
        if best is None:  # only a detector without a map alarmed
            peak = int(target_dbfs.mean(axis=0).argmax())
            return Extent(0, self.info.grid.n_bins - 1, peak, 0.0, 0), "", 0.0
        return best, best_by, best_ratio

    def _finder(self, score: Score) -> ExtentFinder:
        finder = self._finders.get(score.detector)
        if finder is None:
            spread_db = self._spread_db.get(score.detector)
            finder = ExtentFinder(self.info.grid.n_bins, spread_db, self._arithmetic)
            self._finders[score.detector] = finder
        return finder

    def _end_ns(self, decision: Decision) -> int:
        return decision.utc_ns + round(decision.n_ticks / self.info.grid.tick_hz * _NS)

    def _message(self, event: _Open, event_type: EventType, received_ns: int) -> Event:
        extent = event.extent
        lower_hz, upper_hz = self.info.grid.edges_hz(extent.lower_bin, extent.upper_bin)
        latency_ns = self._clock_ns() - received_ns if received_ns else 0
        return Event(
            event_id=event.event_id,
            event_type=event_type,
            band=self.info.band,
            start_ns=event.start_ns,
            end_ns=event.end_ns,
            sample_start=event.tick_start,
            n_samples=event.tick_end - event.tick_start,
            freq_lower_hz=lower_hz,
            freq_upper_hz=upper_hz,
            peak_freq_hz=float(self.info.grid.freqs_hz[extent.peak_bin]),
            peak_dbfs=event.peak_dbfs,
            excess_db=extent.excess_db,
            detector=event.detector,
            score=event.score,
            threshold=event.threshold,
            confidence=event.confidence,
            latency_s=latency_ns / _NS,
            model_sha256=self.info.model_sha256,
        )
