"""Events: k of n alarming segments open one, hysteresis keeps it, a hold-off ends it."""

import uuid
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgespec.clock import ClockQuality
from edgespec.detect.describer import Describer
from edgespec.detect.gain import GainWatch, NoiseSays, gain_step_db
from edgespec.detect.images import without_images
from edgespec.detect.message import message_of
from edgespec.detect.naming import NOT_YET, Naming
from edgespec.detect.regions import Region
from edgespec.detect.rules import EventRules
from edgespec.detect.sightings import MODELS, Lookout
from edgespec.detect.track import Life, Sighting, Track
from edgespec.grid import Grid
from edgespec.kinds import GAIN_STEP
from edgespec.records import BandInfo, Decision, Event, EventType, FloatArray, Score

__all__ = ["EventTracker"]

_NS = 1_000_000_000
#: A region may move by so many bins from one segment to the next and is still the same.
SLACK_BINS = 4


class EventTracker:
    """Turns decisions into events: in one band, as many at once as there are places.

    A score is the band's; regions of the maps behind it decide where. A region that is there in
    ``k`` of the last ``n`` segments is an event of its own, which follows it. Where the band
    alarms ``k`` of ``n`` times in places that do not agree, one event is opened around them all.

    The first message of an event does not wait for its name: :meth:`look_closer` tells it.

    A step of the receiver's gain is said once; what is normal then moves with it, and ``step_db``
    tells the detectors.

    Args:
        info: names the events; its grid says where they lie in frequency and time.
        rules: when an event opens, goes on and ends.
        spread_db: for each detector, the spread of every bin's mean error on normal signal.
        clock_ns: monotonic clock, for the latency of an event.
        utc: how good UTC is now, and how often it was set.
        context_s: how much of the past a model is shown: after a step of the gain it errs so long.
        describer: names the events; None: by frames alone.
    """

    def __init__(
        self,
        info: BandInfo,
        rules: EventRules,
        spread_db: Mapping[str, FloatArray],
        clock_ns: Callable[[], int],
        utc: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
        context_s: float = 0.0,
        describer: Describer | None = None,
    ) -> None:
        self.info = info
        self._rules = rules
        self._clock_ns = clock_ns
        self._utc = utc
        self._context_s = context_s
        self.describer = describer or Describer()
        self._spread_db = spread_db
        self._lookout = Lookout(info.grid.n_bins, spread_db)
        self._recent: deque[bool] = deque(maxlen=rules.n)
        self._tracks: list[Track] = []
        self._candidates: list[Track] = []
        self._joined: list[Track] = []
        self._gain = GainWatch()
        self._is_waiting = False
        self._muted_until = -(1 << 62)
        self.step_db = 0.0

    def could_open(
        self, decision: Decision, target_dbfs: FloatArray, is_cells: Callable[[Region | None], bool]
    ) -> tuple[Score, ...]:
        """Return the scores that would open an event, were they high enough; see :meth:`update`."""
        if self.step_db or self._is_waiting:
            return ()
        return self._lookout.could_open(decision, target_dbfs, is_cells)

    @property
    def is_open(self) -> bool:
        """Whether an event is going on."""
        return bool(self._tracks)

    def learn_normal(self, scores: tuple[Score, ...], target_dbfs: FloatArray) -> None:
        """Take the maps of a segment of the warm-up."""
        self._lookout.learn(scores, target_dbfs)

    def forget_normal(self) -> None:
        """Forget what is normal: it is learnt again."""
        self._lookout = Lookout(self.info.grid.n_bins, self._spread_db)

    def follow(self, step_db: float) -> None:
        """Take a step of the gain into what is normal, and say nothing, as in a warm-up."""
        self._lookout.follow(step_db)

    def update(
        self,
        decision: Decision,
        target_dbfs: FloatArray,
        noise: NoiseSays | None = None,
        is_cells: Callable[[Region | None], bool] = lambda region: False,
        is_clipped: Callable[[], bool] = lambda: False,
    ) -> Sequence[Event]:
        """Take the decision on one segment and return what there is to say, if anything.

        Args:
            decision: scores and thresholds.
            target_dbfs: measured horizon ``(n_horizon, n_bins)``.
            noise: what the noise beside a cell says of the gain; None: power alone says it.
            is_cells: whether power that is not normal in a region, or in the band, is the wanted
                signal's own; asked where a score is high, and power is then no alarm.
            is_clipped: whether what is weaker than the strongest may be its image, and opens no
                event; asked where a score is high.
        """
        self.step_db = 0.0
        self._is_waiting = False
        if noise is not None and noise.step_db:
            return self._follow_gain(decision, noise.step_db)
        muted = MODELS if decision.tick_start < self._muted_until else ()
        share = self._rules.hysteresis if self._tracks else 1.0
        is_hot = is_alarm = False
        for score, threshold in zip(decision.scores, decision.thresholds, strict=True):
            if score.value > share * threshold and score.detector not in muted:
                is_hot = True
                is_alarm = is_alarm or score.value > threshold
        self._recent.append(is_alarm)
        if is_hot:
            return self._while_hot(decision, target_dbfs, share, muted, noise, is_cells, is_clipped)
        self._gain.clear()
        if self._candidates:
            for track in self._candidates:
                track.miss()
            self._drop_candidates()
        if not self._tracks:
            if not self._candidates:
                self.describer.forget()
            # A model that is muted has learnt nothing yet of what is normal now.
            self._lookout.learn_more(() if muted else decision.scores, target_dbfs)
            return ()
        for track in self._tracks:
            track.miss()
        return self._ended(decision)

    def look_closer(self, decision: Decision) -> Sequence[Event]:
        """Look at the events that the last segment was one of, and return names that are news.

        It takes milliseconds, which what :meth:`update` says must not wait for.

        Args:
            decision: that of the segment.
        """
        said = []
        for track in self._tracks:
            self.describer.look(track, self._lookout.normal)
            if not track.is_named:
                said.append(self._message(track, EventType.UPDATE, decision.received_ns))
        return said

    def finish(self) -> Sequence[Event]:
        """End the events that are going on: the stream is over."""
        events = [self._message(track, EventType.END, 0) for track in self._tracks]
        self._forget()
        return events

    def retune(self, grid: Grid) -> Sequence[Event]:
        """Go on with frames on another grid, and return the ends of the events so far.

        They keep the edges they had; what was normal on the old grid is forgotten.
        """
        events = self.finish()
        self.info = replace(self.info, grid=grid)
        self.forget_normal()
        return events

    def _forget(self) -> None:
        self._tracks = []
        self._candidates = []
        self._recent.clear()
        self._gain.clear()
        self.describer.forget()

    def _ticks(self, seconds: float) -> int:
        """Return a time on the plane's clock: by that on the wall, blocks may come in a burst."""
        return round(seconds * self.info.grid.tick_hz)

    def _while_hot(
        self,
        decision: Decision,
        target_dbfs: FloatArray,
        share: float,
        muted: Collection[str],
        noise: NoiseSays | None,
        is_cells: Callable[[Region | None], bool],
        is_clipped: Callable[[], bool],
    ) -> Sequence[Event]:
        lookout = self._lookout
        if noise is None:
            step_db = self._gain.see(gain_step_db(lookout.power, target_dbfs))
            if step_db is not None:
                return self._follow_gain(decision, step_db)
            self._is_waiting = self._gain.is_waiting
        else:
            self._is_waiting = noise.may_be
        if of_cell := lookout.of_cell(decision, target_dbfs, share, is_cells):
            muted = {*muted, *of_cell}
            self._recent[-1] = decision.is_alarm_without(muted)
        evidence = lookout.evidence(decision, target_dbfs, share, muted)
        seen = lookout.sightings(evidence, target_dbfs)
        if is_clipped():
            seen = without_images(seen, lookout.means.power, self._goes_on)
        self._assign(decision, target_dbfs, seen)
        self.describer.take(decision, target_dbfs)
        self._drop_candidates()
        said = [self._message(one, EventType.END, decision.received_ns) for one in self._joined]
        self._joined.clear()
        if self._recent[-1] and not self._is_waiting:
            said += self._opened(decision)
        for track in self._tracks:
            due = decision.tick_start - track.said_at >= self._ticks(self._rules.update_s)
            if due and track.recent[-1]:
                track.said_at = decision.tick_start
                said.append(self._message(track, EventType.UPDATE, decision.received_ns))
        return [*said, *self._ended(decision)]

    def _assign(self, decision: Decision, target_dbfs: FloatArray, seen: list[Sighting]) -> None:
        """Give every sighting to the track that it overlaps most; others are new candidates."""
        hit: list[Track] = []
        for sighting in seen:
            track = self._track_of(sighting)
            if track is None:
                going_on = [one for one in self._tracks if one.n_since < self._rules.n]
                if going_on and not sighting.is_clear:
                    # A detector with a memory, or a model that errs: nothing of its own is there.
                    track = max(going_on, key=lambda one: one.tick_end)
                    if not any(track is other for other in hit):
                        hit.append(track)
                        track.go_on(decision, sighting.evidence)
                        self._refine(track, sighting)
                    continue
                if not self._may_be_new(sighting, target_dbfs):
                    continue
                sighting = self._lookout.likely(sighting)
                track = Track.begin(self._rules.n, decision, sighting)
                self._candidates.append(track)
            if not any(track is other for other in hit):
                hit.append(track)
                track.hit(decision, sighting, target_dbfs)
                self._refine(track, sighting)
        for track in (*self._tracks, *self._candidates):
            if not any(track is other for other in hit):
                track.miss()

    def _refine(self, track: Track, sighting: Sighting) -> None:
        """Read the edges off the finest map that shows the event, over all of its life."""
        if not sighting.evidence.is_alarm or track.region.sign < 0 or track.hops:
            return
        means = self._lookout.means
        if track.life is None:
            track.life = Life(np.zeros_like(means.power), np.zeros_like(means.quiet))
        track.life.add(means.power, means.quiet)
        finer = self._lookout.finest(track.life, track.region, is_broad=track.is_broad)
        if finer is None:
            return
        finer = replace(finer, excess_db=track.region.excess_db)
        # A sweep that shows in parts at first may have been taken for several events.
        others = [one for one in self._tracks if one is not track and one.region.overlap(finer)]
        if not others:
            track.region = finer
        elif track.event_id and all(track.holds(finer, one) for one in others):
            track.region = finer
            self._tracks = [one for one in self._tracks if not any(one is two for two in others)]
            self._joined += others

    def _goes_on(self, sighting: Sighting) -> bool:
        """Whether a sighting is of an event that is going on."""
        track = self._track_of(sighting)
        return any(track is one for one in self._tracks)

    def _track_of(self, sighting: Sighting) -> Track | None:
        best, most, slack = None, 0, SLACK_BINS if sighting.is_clear else 0
        for track in (*self._tracks, *self._candidates):
            n_bins = track.overlap(sighting, slack)
            if n_bins > most:
                best, most = track, n_bins
        if best is None:
            return next((track for track in self._tracks if track.roams), None)
        return best

    def _may_be_new(self, sighting: Sighting, target_dbfs: FloatArray) -> bool:
        """Whether a sighting that belongs to no track may be of another source.

        While something is there, or just was, a model has it in what it is shown, and errs
        elsewhere; where it is gone, the model misses it. Only a power that is not normal is news.
        """
        evidence = sighting.evidence
        if not evidence.is_alarm:
            return False
        if evidence.by not in MODELS:
            return True
        region = sighting.region
        others = (*self._tracks, *self._candidates)
        if any(track.region.overlap(region) and track.region.sign != region.sign
               for track in others):  # fmt: skip
            return False
        return not others or self._lookout.agrees(region, target_dbfs)

    def _opened(self, decision: Decision) -> list[Event]:
        rules, said = self._rules, []
        ready = [track for track in self._candidates if sum(track.recent) >= rules.k]
        for track in sorted(ready, key=lambda one: -one.score / one.threshold):
            if track not in self._candidates:
                continue
            said += self._open(track, decision)
        if self._tracks or sum(self._recent) < rules.k or not self._candidates:
            return said
        # Alarms enough, but in other places every time: one event around those that are clear.
        clear = [track for track in self._candidates if track.is_clear]
        first, *others = clear or self._candidates
        for track in others:
            first.absorb(track)
        if others:
            first.roams = True
        first.n_alarms = first.n_segments = sum(self._recent)
        return self._open(first, decision)

    def _open(self, track: Track, decision: Decision) -> list[Event]:
        self._candidates = [one for one in self._candidates if one is not track]
        for other in self._tracks:
            if track.region.is_near(other.region, SLACK_BINS):
                other.absorb(track)
                return []
        # What is near is a part of it, whether it was there often enough or not.
        apart = []
        for other in self._candidates:
            if not track.region.is_near(other.region, SLACK_BINS):
                apart.append(other)
            elif not track.roams:
                track.absorb(other)
        self._candidates = [] if track.roams else apart
        onset = track.first_frame * self.info.grid.frame_ticks
        track.event_id = str(uuid.uuid4())
        # The event began with its first alarming segment among the last n, not with the k-th.
        track.tick_start = track.first.tick_start + onset
        track.start_ns = track.first.utc_ns + round(onset / self.info.grid.tick_hz * _NS)
        track.said_at = decision.tick_start
        self._tracks.append(track)
        naming = self.describer.first_name(track)
        return [self._message(track, EventType.NEW, decision.received_ns, naming)]

    def _ended(self, decision: Decision) -> list[Event]:
        """End what was not seen for the hold-off."""
        now, hold_off = decision.tick_start + decision.n_ticks, self._ticks(self._rules.hold_off_s)
        over = [
            track for track in self._tracks if track.n_since and now - track.tick_end >= hold_off
        ]
        if not over:
            return []
        self._tracks = [one for one in self._tracks if not any(one is other for other in over)]
        if not self._tracks:
            self._recent.clear()
            self._candidates = []
        return [self._message(track, EventType.END, decision.received_ns) for track in over]

    def _drop_candidates(self) -> None:
        if self._candidates:
            self._candidates = [one for one in self._candidates if any(one.recent)]

    def _follow_gain(self, decision: Decision, step_db: float) -> list[Event]:
        """Say that the gain has moved, and take the new level for normal."""
        said = [self._message(track, EventType.END, decision.received_ns) for track in self._tracks]
        first = self._candidates[0].first if self._candidates else decision
        self._forget()
        self._lookout.follow(step_db)
        self.step_db = step_db
        self._muted_until = decision.tick_start + decision.n_ticks + self._ticks(self._context_s)
        level_dbfs = self._lookout.power.mean_db
        peak, sign = int(level_dbfs.argmax()), 1 if step_db > 0 else -1
        region = Region(0, len(level_dbfs) - 1, peak, sign, step_db)
        track = Track.of_all(self._rules.n, first, decision, region)
        track.event_id, track.peak_dbfs = str(uuid.uuid4()), float(level_dbfs[peak])
        both, naming = (EventType.NEW, EventType.END), Naming(GAIN_STEP)
        said += [self._message(track, one, decision.received_ns, naming) for one in both]
        return said

    def _message(
        self, track: Track, event_type: EventType, received_ns: int, naming: Naming | None = None
    ) -> Event:
        naming = naming or self.describer.name(track, self._lookout.normal)
        track.is_named = naming is not NOT_YET
        latency_ns = self._clock_ns() - received_ns if received_ns else 0
        return message_of(track, event_type, naming, self.info, self._utc(), latency_ns)
