"""Events: k of n alarming segments open one, hysteresis keeps it, a hold-off ends it."""

import uuid
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from edgespec.clock import ClockQuality
from edgespec.detect.describer import Describer
from edgespec.detect.gain import GainWatch, NoiseSays, gain_step_db
from edgespec.detect.images import without_images
from edgespec.detect.message import message_of
from edgespec.detect.naming import NOT_YET, Naming
from edgespec.detect.regions import Region
from edgespec.detect.rules import STRONG, EventRules
from edgespec.detect.sightings import ASKED_SHARE, MODELS, Lookout
from edgespec.detect.track import Evidence, Track
from edgespec.detect.tracks import Tracks
from edgespec.grid import Grid
from edgespec.kinds import GAIN_STEP
from edgespec.records import BandInfo, Decision, Event, EventType, FloatArray, Score

__all__ = ["EventTracker"]

_NS = 1_000_000_000


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
        self.rules = rules
        self._clock_ns = clock_ns
        self._utc = utc
        self._context_s = context_s
        self.describer = describer or Describer()
        self.lookout = Lookout(info.grid.n_bins, spread_db)
        self._recent: deque[bool] = deque(maxlen=rules.n)
        self._tracks = Tracks(rules)
        self._gain = GainWatch()
        self._is_waiting = False
        # What was surest in the last segment that alarmed.
        self._surest: Evidence | None = None
        self._muted_until = -(1 << 62)
        self.step_db = 0.0

    def could_open(
        self,
        decision: Decision,
        target_dbfs: FloatArray,
        is_cells: Callable[[Region | None], bool],
        share: float = ASKED_SHARE,
    ) -> tuple[Score, ...]:
        """Return the scores that would open an event, were they high enough; see :meth:`update`.

        What they are made of is asked of those above so large a share of their thresholds.
        """
        if self.step_db or self._is_waiting:
            return ()
        return self.lookout.could_open(decision, target_dbfs, is_cells, share)

    @property
    def is_open(self) -> bool:
        """Whether an event is going on."""
        return bool(self._tracks.events)

    @property
    def is_alert(self) -> bool:
        """Whether one is, or what was seen lately may become one."""
        return bool(self._tracks.events or self._tracks.candidates)

    def learn_normal(self, scores: tuple[Score, ...], target_dbfs: FloatArray) -> None:
        """Take the maps of a segment of the warm-up."""
        self.lookout.learn(scores, target_dbfs)

    def forget_normal(self) -> None:
        """Forget what is normal: it is learnt again."""
        self.lookout.forget()

    def go_by(self, lookout: Lookout, model: str, model_sha256: str | None) -> None:
        """Take what is normal in another cell, by a model; what goes on goes on."""
        self.lookout = lookout
        self.info = replace(self.info, model=model, model_sha256=model_sha256)

    def follow(self, step_db: float) -> None:
        """Take a step of the gain into what is normal, and say nothing, as in a warm-up."""
        self.lookout.follow(step_db)

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
        share = self.rules.hysteresis if self._tracks.events else 1.0
        is_hot = is_alarm = False
        for score, threshold in zip(decision.scores, decision.thresholds, strict=True):
            if score.value > share * threshold and score.detector not in muted:
                is_hot = True
                is_alarm = is_alarm or score.value > threshold
        self._recent.append(is_alarm)
        if is_hot:
            return self._while_hot(decision, target_dbfs, share, muted, noise, is_cells, is_clipped)
        self._gain.clear()
        self._tracks.miss()
        said = self._behind(decision) if noise is not None and not noise.may_be else []
        self._tracks.drop_candidates()
        if not self._tracks.events:
            if not self._tracks.candidates:
                self.describer.forget()
            # A model that is muted has learnt nothing yet of what is normal now.
            self.lookout.learn_more(() if muted else decision.scores, target_dbfs)
            return ()
        return [*said, *self._ended(decision)]

    def look_closer(self, decision: Decision) -> Sequence[Event]:
        """Look at the events that the last segment was one of, and return names that are news.

        It takes milliseconds, which what :meth:`update` says must not wait for.

        Args:
            decision: that of the segment.
        """
        said = []
        for track in self._tracks.events:
            self.describer.look(track, self.lookout.normal)
            if not track.is_named:
                said.append(self._message(track, EventType.UPDATE, decision.received_ns))
        return said

    def pause(self, n_ticks: int) -> None:
        """Let a time pass in which nobody listened.

        What goes on is still open behind it, and has its whole hold-off to be seen again; where it
        is not, it ended when it was last seen. What was no event yet never becomes one.
        """
        self._tracks.pause(n_ticks)
        self._gain.clear()
        self._surest = None
        if not self.is_open:
            self._recent.clear()
            self.describer.forget()

    def finish(self) -> Sequence[Event]:
        """End the events that are going on: the stream is over."""
        events = [self._message(track, EventType.END, 0) for track in self._tracks.events]
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
        self._tracks.clear()
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
        lookout = self.lookout
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
        self._surest = max(evidence, key=lambda one: one.ratio, default=None)
        seen = lookout.sightings(evidence, target_dbfs)
        if is_clipped():
            seen = without_images(seen, lookout.means.power, self._tracks.goes_on)
        self._tracks.assign(decision, target_dbfs, seen, lookout)
        self.describer.take(decision, target_dbfs)
        self._tracks.drop_candidates()
        joined = self._tracks.take_joined()
        said = [self._message(one, EventType.END, decision.received_ns) for one in joined]
        if self._recent[-1] and not self._is_waiting:
            said += self._opened(decision, self.rules.k)
        for track in self._tracks.events:
            due = decision.tick_start - track.said_at >= self._ticks(self.rules.update_s)
            if due and track.recent[-1]:
                track.said_at = decision.tick_start
                said.append(self._message(track, EventType.UPDATE, decision.received_ns))
        return [*said, *self._ended(decision)]

    def _behind(self, decision: Decision) -> list[Event]:
        """Open what is over, and turned out to be no step of the gain.

        One segment is enough if it was strong, and its detector heard the next one: where the cell
        is out of step then, samples were lost that nobody missed, and the cell itself was left.
        """
        if not self._tracks.candidates:
            return []
        surest = self._surest
        if surest is not None and surest.detector not in [one.detector for one in decision.scores]:
            surest = self._surest = None
        is_strong = surest is not None and surest.ratio >= STRONG
        return self._opened(decision, 1 if is_strong else self.rules.k)

    def _opened(self, decision: Decision, k: int) -> list[Event]:
        """Open what was seen in ``k`` of the last segments."""
        said = []
        for track in self._tracks.ready(self._recent, k):
            onset = track.first_frame * self.info.grid.frame_ticks
            track.event_id = str(uuid.uuid4())
            # It began with its first alarming segment among the last n, not with the k-th.
            track.tick_start = track.first.tick_start + onset
            track.start_ns = track.first.utc_ns + round(onset / self.info.grid.tick_hz * _NS)
            track.said_at = decision.tick_start
            naming = self.describer.first_name(track)
            said.append(self._message(track, EventType.NEW, decision.received_ns, naming))
        return said

    def _ended(self, decision: Decision) -> list[Event]:
        """End what was not seen for the hold-off."""
        now = decision.tick_start + decision.n_ticks
        over = self._tracks.take_over(now - self._ticks(self.rules.hold_off_s))
        if over and not self._tracks.events:
            self._recent.clear()
        return [self._message(track, EventType.END, decision.received_ns) for track in over]

    def _follow_gain(self, decision: Decision, step_db: float) -> list[Event]:
        """Say that the gain has moved, and take the new level for normal."""
        said = [
            self._message(track, EventType.END, decision.received_ns)
            for track in self._tracks.events
        ]
        candidates = self._tracks.candidates
        first = candidates[0].first if candidates else decision
        self._forget()
        self.lookout.follow(step_db)
        self.step_db = step_db
        self._muted_until = decision.tick_start + decision.n_ticks + self._ticks(self._context_s)
        level_dbfs = self.lookout.power.mean_db
        peak, sign = int(level_dbfs.argmax()), 1 if step_db > 0 else -1
        region = Region(0, len(level_dbfs) - 1, peak, sign, step_db)
        track = Track.of_all(self.rules.n, first, decision, region)
        track.event_id, track.peak_dbfs = str(uuid.uuid4()), float(level_dbfs[peak])
        both, naming = (EventType.NEW, EventType.END), Naming(GAIN_STEP)
        said += [self._message(track, one, decision.received_ns, naming) for one in both]
        return said

    def _message(
        self, track: Track, event_type: EventType, received_ns: int, naming: Naming | None = None
    ) -> Event:
        naming = naming or self.describer.name(track, self.lookout.normal)
        track.is_named = naming is not NOT_YET
        latency_ns = self._clock_ns() - received_ns if received_ns else 0
        return message_of(track, event_type, naming, self.info, self._utc(), latency_ns)
