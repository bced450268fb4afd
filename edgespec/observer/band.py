"""One band's chain, read aloud: blocks, frames, segments, scores, events."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import isclose
from typing import Any

from edgespec.detect.any_band.detector import ANY_BAND
from edgespec.detect.cell.cell_events import CellEvents
from edgespec.detect.detectors import RESIDUAL
from edgespec.detect.events import EventTracker
from edgespec.detect.images import is_clipped
from edgespec.detect.peaks import EventPeaks
from edgespec.detect.regions import Region
from edgespec.detect.trouble import TroubleWatch
from edgespec.dsp.channel import Channel
from edgespec.dsp.levels import SubbandLevels
from edgespec.dsp.segments import Segmenter
from edgespec.dsp.spectrogram import PlaneSource
from edgespec.dsp.stream import RATE_TOLERANCE
from edgespec.errors import ModelError
from edgespec.grid import Grid, Span
from edgespec.heard_cell import CellState
from edgespec.kinds import OVERLOAD
from edgespec.observer.away import AwayTime
from edgespec.observer.cancelled import CancelledBand
from edgespec.observer.meter import BandMeter
from edgespec.observer.scored import ScoredSegment
from edgespec.observer.scorer import Scorer
from edgespec.observer.unscored import NO_CELL, NO_CONTEXT, Unscored
from edgespec.observer.warmup import WarmUp
from edgespec.observer.watched_band import WatchedBand
from edgespec.observer.watched_site import WatchedSite
from edgespec.promise import Promise
from edgespec.records import BandInfo, Event, Geometry, RssReport, Score, Segment, Spectrogram

__all__ = ["BandChain"]

_NS = 1_000_000_000
#: No target is waited for: the next one begins whenever it comes.
_NEVER = 1 << 62


class BandChain:
    """Everything between a block of samples and an event, for one band.

    A retune begins everything anew: the events that go on end with the edges they had, and what
    was learnt at the old frequencies is forgotten. It is no loss of samples. Nor is the time that
    the radio was away from the band, and back: everything that is known goes on behind it.

    Args:
        front_end: makes the frames.
        geometry: of the segments.
        scorer: from segments to scores.
        thresholds: for each detector of the scorer.
        tracker: from decisions to events, on the front end's grid.
        levels: reports the received power; None for nothing.
        channel: what makes the front end's samples of the source's, where the band is a part of
            the source.
        trouble: says what is wrong with the receiver; None for nothing.
        warmup: judges what is learnt before anything is scored; None for nothing.
        cancelled: the same samples without their cell; None for nothing.
        cell_events: says what happens to the cell that is watched there; None for nothing.
        promise: what the thresholds promise; None for nothing.
        rhythm: says what is new while no cell is in the band; None for nothing.

    Attributes:
        peaks: is told every score that could open an event; None for nothing.
        meter: says how strong the band is.
        away: when the radio was tuned elsewhere.
        site: says what moves too slowly for a detector; None for nothing.
        unscored: what was not scored lately.

    Raises:
        ModelError: the frames are not those that the segments are made of.
    """

    def __init__(
        self,
        front_end: PlaneSource,
        geometry: Geometry,
        scorer: Scorer,
        thresholds: Mapping[str, float],
        tracker: EventTracker,
        levels: SubbandLevels | None = None,
        channel: Channel | None = None,
        trouble: TroubleWatch | None = None,
        warmup: WarmUp | None = None,
        cancelled: CancelledBand | None = None,
        cell_events: CellEvents | None = None,
        promise: Promise | None = None,
        rhythm: WatchedBand | None = None,
    ) -> None:
        grid = front_end.grid
        if grid.n_bins != geometry.n_bins or not isclose(
            grid.frame_s, geometry.frame_s, rel_tol=RATE_TOLERANCE
        ):
            raise ModelError(
                f"the frames have {grid.n_bins} bins and last {grid.frame_s:.6g} s, but the model "
                f"was made for {geometry.n_bins} bins and {geometry.frame_s:.6g} s: take a front "
                "end, or a bundle, made for the other"
            )
        self.front_end = front_end
        self.geometry = geometry
        self.scorer = scorer
        self.thresholds = {name: thresholds[name] for name in scorer.scales}
        self._limits = tuple(self.thresholds.values())
        if cancelled is not None:
            self.thresholds[RESIDUAL] = thresholds[RESIDUAL]
        if rhythm is not None:
            self.thresholds[ANY_BAND] = thresholds[ANY_BAND]
        self.tracker = tracker
        self.levels = levels
        self.trouble = trouble
        self.warmup = warmup
        self.cancelled = cancelled
        self.cell_events = cell_events
        self.promise = promise
        self.rhythm = rhythm
        self.peaks: EventPeaks | None = None
        self.site: WatchedSite | None = None
        self._tune(grid)
        self._channel = channel
        self._factor = 1 if channel is None else channel.plan.factor
        self.segmenter = Segmenter(geometry, partial=True)
        self.unscored = Unscored(geometry)
        self.n_segments = 0
        self.last: ScoredSegment | None = None
        self.meter = BandMeter(geometry)
        self.away = AwayTime()

    @property
    def info(self) -> BandInfo:
        """The band as events name it."""
        return self.tracker.info

    @property
    def sample_rate_hz(self) -> float:
        """Rate of the blocks that it takes: that of the source."""
        return self.grid.tick_hz * self._factor

    @property
    def hop_samples(self) -> int:
        """Samples of the source from one segment to the next; ticks where there are no samples."""
        return self.geometry.hop_frames * self.grid.frame_ticks * self._factor

    @property
    def warmup_left_s(self) -> float:
        """Seconds of signal that are still to be learnt from before anything is scored."""
        return self.scorer.n_warmup_left * self.geometry.hop_s

    @property
    def troubles(self) -> tuple[str, ...]:
        """Kinds of trouble with the receiver that are going on."""
        return () if self.trouble is None else self.trouble.open_kinds

    @property
    def is_alarming(self) -> bool:
        """Whether anything but the site has an alarm."""
        has_lost = self.cell_events is not None and self.cell_events.is_open
        return self.tracker.is_open or bool(self.troubles) or has_lost

    @property
    def distrust(self) -> str:
        """Why what was learnt is not to be trusted: of power, and beside the cell."""
        of_power = "" if self.warmup is None else self.warmup.distrust
        of_cell = "" if self.cancelled is None else self.cancelled.doubt
        return "; ".join(why for why in (of_power, of_cell) if why)

    def take_rss(self) -> RssReport | None:
        """Return the received power of the second that has ended since the last call, if any."""
        return self.levels.take() if self.levels is not None else None

    def levels_dbfs(self) -> tuple[float, float]:
        """Return total power and noise floor of the last target."""
        return self.meter.levels_dbfs(self.grid.enbw_bins)

    def _level_dbfs(self) -> float:
        return self.levels_dbfs()[0]

    def scored(self, block: Any) -> Iterator[ScoredSegment]:
        """Yield every segment that some input of the front end completed, with its scores.

        Positions of segments are counted in ticks of the grid: samples of the band.
        """
        self._come_back(block)
        for part in self._parts(block):
            spectrogram = self._frames(part)
            if spectrogram.grid is not self.grid:
                self.retune(spectrogram.grid)
            yield from self._scored(spectrogram)

    def process(self, block: Any) -> Iterator[Event]:
        """Yield what there is to say after ``block``; events count samples of the source."""
        self._come_back(block)
        for part in self._parts(block):
            spectrogram = self._frames(part)
            if spectrogram.grid is not self.grid:
                yield from map(self._in_source, self.retune(spectrogram.grid))
            if self.trouble is not None:
                yield from map(self._in_source, self.trouble.update(spectrogram, self._level_dbfs))
            if self.site is not None and self.cancelled is not None:
                yield from map(self._in_source, self.site.enter(self.cancelled.cell))
            yield from map(self._in_source, self._of_cell(spectrogram.span))
            for scored in self._scored(spectrogram):
                target_dbfs = scored.segment.target
                noise = None if self.cancelled is None else self.cancelled.noise_says()
                if not self.scorer.is_warm:
                    if noise is not None and noise.step_db:
                        self._follow_in_warmup(noise.step_db)
                    self.tracker.learn_normal(scored.scores, target_dbfs)
                    continue
                if not scored.scores:
                    continue
                for event in self.tracker.update(
                    scored, target_dbfs, noise, self._is_cells, self._is_clipped
                ):
                    yield self._in_source(event)
                # Whoever takes the events has been told of new ones by now.
                yield from map(self._in_source, self.tracker.look_closer(scored))
                if self.site is not None and scored.tick_start >= self.site.next_tick:
                    for event in self.site.look(scored, target_dbfs, is_alarm=self.is_alarming):
                        yield self._in_source(event)
                if self.peaks is not None:
                    could = self.tracker.could_open(scored, target_dbfs, self._is_cells)
                    self.peaks.add(could, by_one=noise is not None)
                if self.tracker.step_db:
                    self._follow(self.tracker.step_db)
                    if self.cancelled is not None and noise is None:
                        self.cancelled.follow(self.tracker.step_db)
        if self.cancelled is not None:
            self.cancelled.freeze(self.tracker.is_open)

    def _is_cells(self, region: Region | None) -> bool:
        return self.cancelled is not None and self.cancelled.is_cells(region)

    def _come_back(self, block: Any) -> None:
        """Let the time pass in which the radio was tuned to another band, if it was."""
        if n_ticks := getattr(block, "n_away", 0) // self._factor:
            self._next_target = _NEVER
            self.segmenter.pause()
            parts = (self.tracker, self.trouble, self.site, self.meter)
            self.away.add(n_ticks, block.sample_start // self._factor, parts)

    def _parts(self, block: Any) -> Iterable[Any]:
        return (block,) if self._channel is None else self._channel.process(block)

    def _limits_of(self, scores: tuple[Score, ...]) -> tuple[float, ...]:
        if len(scores) == len(self._limits):
            return self._limits
        return tuple([self.thresholds[score.detector] for score in scores])

    def _tune(self, grid: Grid) -> None:
        self.grid = grid
        self._target_ticks = self.geometry.n_horizon * grid.frame_ticks
        self._hop_ticks = self.geometry.hop_frames * grid.frame_ticks
        self._next_target = _NEVER

    def _frames(self, part: Any) -> Spectrogram:
        # In this order: it reads all samples one after the other, which is what brings them near.
        frames = self.front_end.process(part)
        if self.cancelled is not None:
            self.cancelled.process(part)
        return frames

    def _is_clipped(self) -> bool:
        """Whether the last segment clips; a few frames that clip little lie between others."""
        return OVERLOAD in self.troubles or (
            self.last is not None and is_clipped(self.last.segment)
        )

    def _follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is normal."""
        self.scorer.follow(step_db)
        self.meter.follow(step_db)
        if self.site is not None:
            self.site.follow(step_db)
        if self.cell_events is not None:
            self.cell_events.follow()
        if self.rhythm is not None:
            self.rhythm.follow(step_db)

    def _follow_in_warmup(self, step_db: float) -> None:
        """Take a step of the gain into what was learnt so far: it is no event yet."""
        self._follow(step_db)
        self.tracker.follow(step_db)
        if self.warmup is not None:
            self.warmup.follow(step_db)

    def _of_cell(self, span: Span) -> list[Event]:
        watched = None if self.cancelled is None else self.cancelled.watched
        if watched is None or self.cell_events is None:
            return []
        return watched.tell(self.cell_events, span, self._level_dbfs)

    def retune(self, grid: Grid) -> list[Event]:
        """Forget all that was learnt, for frames on a grid, and return the ends of events."""
        self._tune(grid)
        self.meter.retune(grid)
        self.scorer.reset()
        if self.warmup is not None:
            self.warmup.reset()
        parts = (self.tracker, self.trouble, self.cell_events, self.site, self.rhythm)
        return [event for part in parts if part is not None for event in part.retune(grid)]

    def _scored(self, spectrogram: Spectrogram) -> Iterator[ScoredSegment]:
        if self.levels is not None:
            self.levels.add(spectrogram)
        self.segmenter.push(spectrogram)
        span, tick_hz = spectrogram.span, spectrogram.grid.tick_hz
        for segment in self.segmenter.segments():
            tick_start = int(segment.tick_start[-self.geometry.n_horizon])
            age_s = (tick_start - span.tick_start) / tick_hz
            if tick_start > self._next_target:
                self._miss(tick_start)
            self._next_target = tick_start + self._hop_ticks
            utc_ns = span.utc_ns + round(age_s * _NS)
            self.meter.hear(segment.target, tick_start, utc_ns, is_good=not segment.reason)
            if segment.reason:
                self.unscored.add(segment.reason)
                self.scorer.miss()
                continue
            self.n_segments += 1
            warmup = self.warmup
            if warmup is not None and not warmup.is_judged and not self.scorer.n_warmup_left:
                warmup.conclude(self.grid, self.scorer, self.tracker)
            scores = self.scorer.score(segment)
            limits = self._limits_of(scores)
            for one in self._beside(segment):
                if one is not None and self.scorer.is_warm:
                    scores, limits = (*scores, one), (*limits, self.thresholds[one.detector])
            is_scored = scores or not self.scorer.is_warm
            self.unscored.add("" if is_scored else NO_CONTEXT if self._limits else NO_CELL)
            self.last = ScoredSegment(
                scores,
                limits,
                tick_start,
                self._target_ticks,
                utc_ns,
                span.received_ns,
                segment,
            )
            if warmup is not None and not warmup.is_judged:
                warmup.add(segment, scores)
            yield self.last
        # A target is complete a horizon after it began, and the next one a hop later.
        if spectrogram.n_frames:
            late = int(spectrogram.tick_start[-1]) - self._target_ticks - self._hop_ticks
            if late > self._next_target:
                self._miss(late)

    def _beside(self, segment: Segment) -> Iterator[Score | None]:
        """Yield what those say that have a warm-up of their own: of a cell, and where none is."""
        cancelled = self.cancelled
        if cancelled is not None:
            yield cancelled.take(self.thresholds[RESIDUAL])
        if self.rhythm is not None:
            has_cell = cancelled is not None and cancelled.state is not CellState.NONE
            is_alarm = self.is_alarming
            yield self.rhythm.take(segment.target, has_cell=has_cell, is_alarm=is_alarm)

    def _miss(self, tick: int) -> None:
        """Count the targets that should have begun before ``tick`` as dropped."""
        n_missed = -((self._next_target - tick) // self._hop_ticks)
        self.unscored.add("dropped", n_missed)
        self.scorer.miss(n_missed)
        self._next_target += n_missed * self._hop_ticks

    def stop(self) -> None:
        """End what takes long: the band is to end after this block; safe in a signal handler."""
        if self.cancelled is not None:
            self.cancelled.stop()

    def finish(self) -> Iterator[Event]:
        """Yield the ends of the events that are going on: the stream is over."""
        if self.cancelled is not None:
            self.cancelled.finish()
        for part in (self.tracker, self.trouble, self.cell_events, self.site, self.rhythm):
            if part is not None:
                yield from map(self._in_source, part.finish())

    def _in_source(self, event: Event) -> Event:
        """Return an event with its position in samples of the source."""
        event = self.away.told(event, self.grid.tick_hz)
        if self._channel is None:
            return event
        return replace(
            event,
            sample_start=event.sample_start * self._factor,
            n_samples=event.n_samples * self._factor,
        )
