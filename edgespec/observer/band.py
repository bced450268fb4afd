"""One band's chain, read aloud: blocks, frames, segments, scores, events."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
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
from edgespec.grid import Grid, Span
from edgespec.heard_cell import CellState
from edgespec.kinds import OVERLOAD
from edgespec.observer.away import AwayTime
from edgespec.observer.cell.cancelled import CancelledBand
from edgespec.observer.forgetting import Forgetting
from edgespec.observer.meter import BandMeter
from edgespec.observer.scoring.budget_watch import BudgetWatch
from edgespec.observer.scoring.cell_scales import CellScales
from edgespec.observer.scoring.scored import ScoredSegment
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.target_clock import TargetClock
from edgespec.observer.scoring.unscored import NO_CELL, NO_CONTEXT, Unscored
from edgespec.observer.scoring.warmup import WarmUp
from edgespec.observer.scoring.yardstick import Terms, Yardstick
from edgespec.observer.watched_band import WatchedBand
from edgespec.observer.watched_site import WatchedSite
from edgespec.records import BandInfo, Event, Geometry, RssReport, Score, Segment, Spectrogram

__all__ = ["BandChain"]

_NS = 1_000_000_000


class BandChain:
    """Everything between a block of samples and an event, for one band.

    A retune begins everything anew: the events that go on end with the edges they had, and what was
    learnt is forgotten. It is no loss of samples. Nor is the time that the radio was away from the
    band: everything that is known goes on behind it.

    Args:
        front_end: makes the frames.
        geometry: of the segments.
        scorer: from segments to scores.
        thresholds: for each detector of the scorer.
        tracker: from decisions to events, on the front end's grid.
        levels: reports the received power; None for nothing.
        channel: makes the front end's samples, where the band is a part of the source.
        trouble: says what is wrong with the receiver; None for nothing.
        warmup: judges what is learnt before anything is scored; None for nothing.
        cancelled: the same samples without their cell; None for nothing.
        cell_events: says what happens to the cell that is watched there; None for nothing.
        rhythm: says what is new while no cell is in the band; None for nothing.

    Attributes:
        peaks: is told every score that could open an event; None for nothing.
        meter: says how strong the band is.
        unscored: what of the last second could not be scored.
        away: when the radio was tuned elsewhere, or gave no samples.
        budget: raises thresholds that make too many events; None for nothing.
        site: says what moves too slowly for a detector; None for nothing.
        scales: knows what goes with each cell; None: whatever was learnt first counts in all.
        yardstick: by what segments are measured now: scorer, thresholds and promise are its.

    Raises:
        ModelError: the frames are not those that the segments are made of.
    """

    def __init__(
        self,
        front_end: PlaneSource,
        geometry: Geometry,
        scorer: Scorer,
        terms: Terms,
        tracker: EventTracker,
        levels: SubbandLevels | None = None,
        channel: Channel | None = None,
        trouble: TroubleWatch | None = None,
        warmup: WarmUp | None = None,
        cancelled: CancelledBand | None = None,
        cell_events: CellEvents | None = None,
        rhythm: WatchedBand | None = None,
    ) -> None:
        grid = front_end.grid
        self.grid, self.trouble, self._clock = grid, trouble, TargetClock(geometry, grid)
        self.front_end, self.geometry = front_end, geometry
        self.tracker, self.cancelled, self.rhythm = tracker, cancelled, rhythm
        self.budget: BudgetWatch | None = None
        model = tracker.info.model, tracker.info.model_sha256
        self.go_by(Yardstick(scorer, tracker.lookout, terms, *model))
        self.levels, self.warmup, self.cell_events = levels, warmup, cell_events
        self.scales: CellScales | None = None
        self.peaks: EventPeaks | None = None
        self.site: WatchedSite | None = None
        self.forgets: Forgetting | None = None
        self._channel, self._factor = channel, 1 if channel is None else channel.plan.factor
        self.segmenter, self.unscored = Segmenter(geometry, partial=True), Unscored(geometry)
        self.meter, self.away, self.n_segments = BandMeter(geometry), AwayTime(), 0
        self.last: ScoredSegment | None = None

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
        of_cell = "" if self.cancelled is None else self.cancelled.doubt
        return "; ".join(why for why in (self.yardstick.distrust, of_cell) if why)

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
                yield from map(self.in_source, self.retune(spectrogram.grid))
            if self.trouble is not None:
                yield from map(self.in_source, self.trouble.update(spectrogram, self._level_dbfs))
            if self.site is not None and self.cancelled is not None:
                yield from map(self.in_source, self.site.enter(self.cancelled.cell))
            yield from map(self.in_source, self._of_cell(spectrogram.span))
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
                said = self.tracker.update(
                    scored, target_dbfs, noise, self._is_cells, self._is_clipped
                )
                yield from map(self.in_source, said)
                # Whoever takes the events has been told of new ones by now.
                yield from map(self.in_source, self.tracker.look_closer(scored))
                if self.scales is not None:
                    self.scales.learn(scored.segment, self.scorer, is_frozen=self.tracker.is_alert)
                if self.site is not None and scored.tick_start >= self.site.next_tick:
                    said = self.site.look(scored, target_dbfs, is_alarm=self.is_alarming)
                    yield from map(self.in_source, said)
                by_one = noise is not None
                if self.peaks is not None:
                    could = self.tracker.could_open(scored, target_dbfs, self._is_cells)
                    self.peaks.add(could, by_one=by_one)
                if (budget := self.budget) is not None:
                    self._limit_to(budget.take(scored, self.tracker, self._is_cells, by_one=by_one))
                if self.tracker.step_db:
                    self._follow(self.tracker.step_db)
                    if self.cancelled is not None and noise is None:
                        self.cancelled.follow(self.tracker.step_db)
        if self.cancelled is not None:
            self.cancelled.freeze(self.tracker.is_open)

    def keep_to(self, budget: BudgetWatch | None) -> None:
        """Keep events to a budget from now on; None: by the usual thresholds, whatever comes."""
        self.budget = budget
        self.go_by(self.yardstick)

    def _limit_to(self, thresholds: Mapping[str, float] | None) -> None:
        if thresholds is not None:
            self.thresholds = dict(thresholds)
            self._limits = tuple([thresholds[name] for name in self.scorer.scales])

    def _is_cells(self, region: Region | None) -> bool:
        return self.cancelled is not None and self.cancelled.is_cells(region)

    def _come_back(self, block: Any) -> None:
        """Let the time pass in which the radio was tuned to another band, if it was."""
        if n_ticks := getattr(block, "n_away", 0) // self._factor:
            self._clock.pause()
            self.segmenter.pause()
            parts = (self.tracker, self.trouble, self.site, self.meter)
            self.away.add(n_ticks, block.sample_start // self._factor, parts)
        if n_ticks := getattr(block, "n_dropped", 0) // self._factor:
            self.away.lose(n_ticks, block.sample_start // self._factor)

    def _parts(self, block: Any) -> Iterable[Any]:
        return (block,) if self._channel is None else self._channel.process(block)

    def _limits_of(self, scores: tuple[Score, ...]) -> tuple[float, ...]:
        if len(scores) == len(self._limits):
            return self._limits
        return tuple([self.thresholds[score.detector] for score in scores])

    def go_by(self, yardstick: Yardstick | None) -> None:
        """Measure segments by this from now on, model, scales and thresholds; None: as before."""
        if yardstick is None:
            return
        terms, self.yardstick = yardstick.terms, yardstick
        self.scorer, self.promise = yardstick.scorer, terms.promise
        beside = ((RESIDUAL, self.cancelled), (ANY_BAND, self.rhythm))
        names = [*self.scorer.scales, *(name for name, part in beside if part is not None)]
        self._limit_to({name: terms.thresholds[name] for name in names})
        if self.budget is not None:
            cell = None if self.cancelled is None else self.cancelled.cell
            self._limit_to(self.budget.begin(self.thresholds, self.grid.range_hz, cell))
        self.tracker.go_by(yardstick.lookout, yardstick.model, yardstick.model_sha256)

    def _frames(self, part: Any) -> Spectrogram:
        # In this order: it reads all samples one after the other, which is what brings them near.
        frames = self.front_end.process(part)
        if self.rhythm is not None:
            self.rhythm.hear(part.samples)
        if self.cancelled is not None:
            self.cancelled.process(part)
            if self.scales is not None:
                self.go_by(self.scales.enter(self.cancelled.cell, self.yardstick))
        return frames

    def _is_clipped(self) -> bool:
        """Whether the last segment clips; a few frames that clip little lie between others."""
        return OVERLOAD in self.troubles or bool(self.last and is_clipped(self.last.segment))

    def _follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is normal."""
        for part in (self.scorer, self.meter, self.scales, self.site, self.rhythm):
            if part is not None:
                part.follow(step_db)
        if self.cell_events is not None:
            self.cell_events.follow()

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
        self.grid = grid
        self._clock.tune(grid)
        self.meter.retune(grid)
        self.go_by(self.yardstick if self.scales is None else self.scales.retune(self.yardstick))
        self.scorer.reset()
        self.yardstick = replace(self.yardstick, distrust="")
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
            self._miss(self._clock.begin(tick_start))
            utc_ns = span.utc_ns + round(age_s * _NS)
            self.meter.hear(segment.target, tick_start, utc_ns, is_good=not segment.reason)
            if segment.reason:
                self.unscored.add(segment.reason)
                self.scorer.miss()
                continue
            self.n_segments += 1
            warmup = self.warmup
            if warmup is not None and not warmup.is_judged and not self.scorer.n_warmup_left:
                self._conclude(warmup)
            if self.scales is not None:
                self.go_by(self.scales.next(self.grid, self.yardstick))
            scores = self.scorer.score(segment)
            limits = self._limits_of(scores)
            for one in self._beside(segment):
                if one is not None and self.scorer.is_warm:
                    scores, limits = (*scores, one), (*limits, self.thresholds[one.detector])
            if self.rhythm is not None and self.scorer.is_warm:
                scores, limits = self.rhythm.heard_beside(scores, limits)
            is_scored = scores or not self.scorer.is_warm
            self.unscored.add("" if is_scored else NO_CONTEXT if self._limits else NO_CELL)
            times = tick_start, self._clock.target_ticks, utc_ns, span.received_ns
            self.last = ScoredSegment(scores, limits, *times, segment)
            if warmup is not None and not warmup.is_judged:
                warmup.add(segment, scores)
            yield self.last
        if spectrogram.n_frames:
            self._miss(self._clock.overdue(int(spectrogram.tick_start[-1])))

    def _beside(self, segment: Segment) -> Iterator[Score | None]:
        """Yield what those say that have a warm-up of their own: of a cell, and where none is."""
        cancelled = self.cancelled
        if cancelled is not None:
            yield cancelled.take(self.thresholds[RESIDUAL])
        if self.rhythm is not None:
            # One that is lost for a while is still the band's.
            has_cell = cancelled is not None and (
                cancelled.cell is not None or cancelled.state is not CellState.NONE
            )
            yield self.rhythm.take(segment.target, has_cell=has_cell, is_alarm=self.is_alarming)

    def _conclude(self, warmup: WarmUp) -> None:
        """Judge the warm-up, which is over."""
        lessons = warmup.conclude(self.grid, self.scorer, self.info.band)
        if lessons is not None:
            self.tracker.lookout.learn_anew(lessons)
        self.yardstick = replace(self.yardstick, distrust=warmup.distrust)

    def _miss(self, n_missed: int) -> None:
        """Count targets that should have begun as dropped."""
        if n_missed:
            self.unscored.add("dropped", n_missed)
            self.scorer.miss(n_missed)

    def stop(self) -> None:
        """End what takes long: the band is to end after this block; safe in a signal handler."""
        if self.cancelled is not None:
            self.cancelled.stop()

    def finish(self) -> Iterator[Event]:
        """Yield the ends of the events that are going on: the stream is over."""
        if self.cancelled is not None:
            self.cancelled.finish()
        if self.scales is not None:
            self.scales.finish(self.yardstick)
        for part in (self.tracker, self.trouble, self.cell_events, self.site, self.rhythm):
            if part is not None:
                yield from map(self.in_source, part.finish())

    def in_source(self, event: Event) -> Event:
        """Return an event with its position in samples of the source."""
        event = self.away.told(event, self.grid.tick_hz)
        if self._channel is None:
            return event
        return replace(
            event,
            sample_start=event.sample_start * self._factor,
            n_samples=event.n_samples * self._factor,
        )
