"""What goes on in a band: events, and candidates that may become some."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from edgespec.detect.rules import EventRules
from edgespec.detect.sightings import MODELS, Lookout
from edgespec.detect.track import Life, Sighting, Track
from edgespec.records import Decision, FloatArray

__all__ = ["Tracks"]

#: A region may move by so many bins from one segment to the next and is still the same.
SLACK_BINS = 4


class Tracks:
    """Follows what is seen from segment to segment: as many at once as there are places.

    Args:
        rules: when a candidate becomes an event.

    Attributes:
        events: those that go on.
        candidates: what was seen, but not often enough.
    """

    def __init__(self, rules: EventRules) -> None:
        self._rules = rules
        self.events: list[Track] = []
        self.candidates: list[Track] = []
        self._joined: list[Track] = []

    def clear(self) -> None:
        """Forget all of them."""
        self.events = []
        self.candidates = []

    def miss(self) -> None:
        """Take a segment in which nothing was seen."""
        for track in (*self.candidates, *self.events):
            track.miss()

    def drop_candidates(self) -> None:
        """Forget candidates that were in none of the last segments."""
        if self.candidates:
            self.candidates = [one for one in self.candidates if any(one.recent)]

    def pause(self, n_ticks: int) -> None:
        """Let a time pass in which nobody listened: events wait, candidates are forgotten."""
        self.candidates = []
        for track in self.events:
            track.n_unheard += n_ticks

    def take_joined(self) -> list[Track]:
        """Return the events that turned out to be parts of others since the last call."""
        joined, self._joined = self._joined, []
        return joined

    def take_over(self, latest_tick: int) -> list[Track]:
        """Return the events that were last seen before ``latest_tick``: they are over."""
        over = [
            track
            for track in self.events
            if track.n_since and track.tick_end + track.n_unheard <= latest_tick
        ]
        if over:
            self.events = [one for one in self.events if not any(one is other for other in over)]
            if not self.events:
                self.candidates = []
        return over

    def goes_on(self, sighting: Sighting) -> bool:
        """Whether a sighting is of an event that is going on."""
        track = self._track_of(sighting)
        return any(track is one for one in self.events)

    def assign(
        self,
        decision: Decision,
        target_dbfs: FloatArray,
        seen: list[Sighting],
        lookout: Lookout,
    ) -> None:
        """Give every sighting to the track that it overlaps most; others are new candidates."""
        hit: list[Track] = []
        for sighting in seen:
            track = self._track_of(sighting)
            if track is None:
                going_on = [one for one in self.events if one.n_since < self._rules.n]
                if going_on and not sighting.is_clear:
                    # A detector with a memory, or a model that errs: nothing of its own is there.
                    track = max(going_on, key=lambda one: one.tick_end)
                    if not any(track is other for other in hit):
                        hit.append(track)
                        track.go_on(decision, sighting.evidence)
                        self._refine(track, sighting, lookout)
                    continue
                if not self._may_be_new(sighting, target_dbfs, lookout):
                    continue
                sighting = lookout.likely(sighting)
                track = Track.begin(self._rules.n, decision, sighting)
                self.candidates.append(track)
            if not any(track is other for other in hit):
                hit.append(track)
                track.hit(decision, sighting, target_dbfs)
                self._refine(track, sighting, lookout)
        for track in (*self.events, *self.candidates):
            if not any(track is other for other in hit):
                track.miss()

    def _refine(self, track: Track, sighting: Sighting, lookout: Lookout) -> None:
        """Read the edges off the finest map that shows the event, over all of its life."""
        if not sighting.evidence.is_alarm or track.region.sign < 0 or track.hops:
            return
        means = lookout.means
        if track.life is None:
            track.life = Life(np.zeros_like(means.power), np.zeros_like(means.quiet))
        track.life.add(means.power, means.quiet)
        finer = lookout.finest(track.life, track.region, is_broad=track.is_broad)
        if finer is None:
            return
        finer = replace(finer, excess_db=track.region.excess_db)
        # A sweep that shows in parts at first may have been taken for several events.
        others = [one for one in self.events if one is not track and one.region.overlap(finer)]
        if not others:
            track.region = finer
        elif track.event_id and all(track.holds(finer, one) for one in others):
            track.region = finer
            self.events = [one for one in self.events if not any(one is two for two in others)]
            self._joined += others

    def _track_of(self, sighting: Sighting) -> Track | None:
        best, most, slack = None, 0, SLACK_BINS if sighting.is_clear else 0
        for track in (*self.events, *self.candidates):
            n_bins = track.overlap(sighting, slack)
            if n_bins > most:
                best, most = track, n_bins
        if best is None:
            # Of its own sign: who comes while power is missing is no part of that.
            sign = sighting.region.sign
            roaming = (one for one in self.events if one.roams and one.region.sign == sign)
            return next(roaming, None)
        return best

    def _may_be_new(self, sighting: Sighting, target_dbfs: FloatArray, lookout: Lookout) -> bool:
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
        others = (*self.events, *self.candidates)
        if any(track.region.overlap(region) and track.region.sign != region.sign
               for track in others):  # fmt: skip
            return False
        return not others or lookout.agrees(region, target_dbfs)

    def ready(self, recent: Sequence[bool], k: int) -> Iterator[Track]:
        """Yield the candidates that become events, the strongest first; what is near is part of it.

        Args:
            recent: for each of the last segments, whether any score alarmed.
            k: in how many of them one must have been seen.
        """
        ready = [track for track in self.candidates if sum(track.recent) >= k]
        for track in sorted(ready, key=lambda one: -one.score / one.threshold):
            if any(track is one for one in self.candidates) and self._begins(track):
                yield track
        if self.events or sum(recent) < k or not self.candidates:
            return
        # Alarms enough, but in other places every time: one event around those that are clear.
        clear = [track for track in self.candidates if track.is_clear]
        first, *others = clear or self.candidates
        for track in others:
            first.absorb(track)
        if others:
            first.roams = True
        first.n_alarms = first.n_segments = sum(recent)
        if self._begins(first):
            yield first

    def _begins(self, track: Track) -> bool:
        """Make a candidate an event, unless it is a part of one that goes on."""
        self.candidates = [one for one in self.candidates if one is not track]
        for other in self.events:
            if other.is_below(track.region, is_clear=track.is_clear, is_broad=track.is_broad):
                continue
            if track.region.is_near(other.region, SLACK_BINS):
                other.absorb(track)
                return False
        # What is near is a part of it, whether it was there often enough or not.
        apart = []
        for other in self.candidates:
            if not track.region.is_near(other.region, SLACK_BINS):
                apart.append(other)
            elif not track.roams:
                track.absorb(other)
        self.candidates = [] if track.roams else apart
        self.events.append(track)
        return True
