"""One anomaly followed from segment to segment: a candidate first, then an event."""

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from edgespec.detect.description import Description
from edgespec.detect.detectors import RESIDUAL
from edgespec.detect.normal import COMMON_SHARE, Standing
from edgespec.detect.regions import Region, region_at
from edgespec.records import Decision, FloatArray

__all__ = ["Evidence", "Life", "Sighting", "Track"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one map says of a segment whose score is above a threshold.

    ``by`` names the map. ``standing`` is None where nothing is known but that the score is high.
    ``detector``, ``score`` and ``threshold`` are of the surest detector that goes by this map.
    """

    by: str
    standing: Standing | None
    map_db: FloatArray
    detector: str
    score: float
    threshold: float
    is_alarm: bool

    @property
    def ratio(self) -> float:
        """The score over its threshold."""
        return self.score / self.threshold


@dataclass(frozen=True, slots=True)
class Sighting:
    """A region of one segment, by what it was seen, and when in the horizon it began.

    ``is_clear`` says that it stands out by more than normal signal does; without that it is only
    the place where a score that is high would most likely come from.
    """

    region: Region
    evidence: Evidence
    first_frame: int
    is_clear: bool = True

    @property
    def is_broad(self) -> bool:
        """Whether most of the band has moved with it."""
        standing = self.evidence.standing
        return standing is not None and bool(standing.level_db)

    def has_place(self, evidence: Evidence, region: Region) -> bool:
        """Return whether it lies where a map shows a region, too.

        A map shows who has come in a band that has lost its signal as a region within that of the
        loss; of another map, a model's, such a region is what it expected and misses.
        """
        is_apart = self.evidence is evidence and self.region.sign != region.sign
        return not is_apart and self.region.overlap(region) > 0


@dataclass(slots=True)
class Life:
    """Mean power of the bins over the segments of an event, linear, of all and of quiet frames."""

    power: FloatArray
    quiet: FloatArray
    n_segments: int = 0

    def add(self, power: FloatArray, quiet: FloatArray) -> None:
        """Take a segment."""
        self.n_segments += 1
        share = np.float32(1.0 / self.n_segments)
        self.power += share * (power - self.power)
        self.quiet += share * (quiet - self.quiet)


@dataclass(slots=True)
class Track:
    """An anomaly so far.

    ``recent`` says for each of the last ``n`` segments whether it was seen there. Its region is
    read off the mean excess over its segments, by the map that is surest of it. For ``n_unheard``
    ticks since it was last seen nobody listened. One that ``roams`` was in other places every time,
    and takes whatever else is seen. In the last ``n_stayed`` segments that told its place it was
    where its peak is.
    """

    recent: deque[bool]
    first: Decision
    first_frame: int
    region: Region
    by: str
    ratio: float
    detector: str
    score: float
    threshold: float
    roams: bool = False
    event_id: str = ""
    tick_start: int = 0
    start_ns: int = 0
    tick_end: int = 0
    said_at: int = 0
    peak_dbfs: float = -np.inf
    severity_db: float = 0.0
    n_alarms: int = 0
    n_segments: int = 0
    n_since: int = 0
    n_stayed: int = 0
    n_unheard: int = 0
    is_broad: bool = False
    is_clear: bool = False
    is_named: bool = False
    last: Region | None = None
    life: Life | None = None
    description: Description = field(default_factory=Description.empty)
    _sums: dict[str, tuple[FloatArray, int]] = field(default_factory=dict)

    @classmethod
    def begin(cls, n: int, decision: Decision, sighting: Sighting) -> "Track":
        """Return a candidate that was seen for the first time."""
        evidence = sighting.evidence
        return cls(
            deque(maxlen=n),
            decision,
            sighting.first_frame,
            sighting.region,
            evidence.by,
            evidence.ratio,
            evidence.detector,
            evidence.score,
            evidence.threshold,
        )

    @classmethod
    def of_all(cls, n: int, first: Decision, last: Decision, region: Region) -> "Track":
        """Return what has happened to the whole band from one segment to another, and is over."""
        score, threshold = last.strongest
        return cls(
            deque([True], maxlen=n),
            first,
            0,
            region,
            "power",
            score.value / threshold,
            score.detector,
            score.value,
            threshold,
            tick_start=first.tick_start,
            start_ns=first.utc_ns,
            tick_end=last.tick_start + last.n_ticks,
            severity_db=abs(region.excess_db),
            n_alarms=1,
            n_segments=1,
        )

    @property
    def sureness(self) -> float:
        """From the surest score and the share of alarming segments from the first to the last."""
        ratio = max(self.score / self.threshold, 1.0)
        return (1.0 - 0.5 / ratio) * self.n_alarms / max(self.n_segments, 1)

    @property
    def hops(self) -> bool:
        """Whether it was seen clearly in other places every time."""
        return self.roams and self.is_clear

    def overlap(self, sighting: Sighting, slack: int) -> int:
        """Return how many bins a region shares with where it is, or where it was last.

        A change of the whole band is another thing than what had its place in it for long.
        """
        region = sighting.region
        is_settled = self.n_alarms >= (self.recent.maxlen or 1) and not self.is_broad
        if region.sign != self.region.sign or (is_settled and sighting.is_broad):
            return 0
        if self.is_below(region, is_clear=sighting.is_clear, is_broad=sighting.is_broad):
            return 0
        places = (self.region, self.last or self.region)
        return max(place.overlap(region, slack) for place in places)

    def is_below(self, region: Region, *, is_clear: bool, is_broad: bool) -> bool:
        """Whether it is a change of the whole band that somebody in a part of it stands far above.

        By as much as from where on what most of the band does counts as his leakage.
        """
        is_beside = self.is_broad and is_clear and not is_broad and region.sign > 0
        return is_beside and COMMON_SHARE * region.excess_db > self.severity_db

    def holds(self, region: Region, other: "Track") -> bool:
        """Whether in a region of its own lies what another has most of, which it was before."""
        is_before = self.tick_start <= other.tick_start and self.n_alarms > other.n_alarms
        return is_before and region.lower_bin <= other.region.peak_bin <= region.upper_bin

    def miss(self) -> None:
        """Take a segment in which it was not seen."""
        self.recent.append(False)
        self.n_since += 1

    def go_on(self, decision: Decision, evidence: Evidence) -> None:
        """Take a segment whose score belongs to it, wherever that comes from."""
        self.recent.append(evidence.is_alarm)
        self.tick_end, self.n_unheard = decision.tick_start + decision.n_ticks, 0
        self.n_segments += self.n_since + 1
        self.n_since = 0
        self.n_alarms += evidence.is_alarm

    def hit(self, decision: Decision, sighting: Sighting, target_dbfs: FloatArray) -> None:
        """Take a segment in which it was seen."""
        evidence, region = sighting.evidence, sighting.region
        self.go_on(decision, evidence)
        self.is_clear |= sighting.is_clear
        self.last = region
        if not evidence.is_alarm:
            return
        if not self._leaves(sighting):
            self._follow(region, evidence, is_clear=sighting.is_clear)
        self.peak_dbfs = max(self.peak_dbfs, float(target_dbfs[:, self.region.peak_bin].max()))
        if evidence.ratio >= self.score / self.threshold:
            self.detector, self.score = evidence.detector, evidence.score
            self.threshold = evidence.threshold

    def absorb(self, other: "Track") -> None:
        """Take what another track was: it is a part of this one."""
        self.region = self.region.joined(other.region)
        self.n_segments = max(self.n_segments, other.n_segments)

    def _leaves(self, sighting: Sighting) -> bool:
        """Whether subbands alone show a sighting elsewhere than where it has long been.

        Behind an interferer that ends, what is left of the cell is large all over the band until
        the cell is followed again: that says nothing of where the interferer was.
        """
        region, by = sighting.region, sighting.evidence.by
        is_settled = self.n_stayed >= (self.recent.maxlen or 1)
        if is_settled and by == RESIDUAL and not region.overlap(self.region):
            return True
        is_here = region.lower_bin <= self.region.peak_bin <= region.upper_bin
        self.n_stayed = self.n_stayed + 1 if is_here else 0
        return False

    def _follow(self, region: Region, evidence: Evidence, *, is_clear: bool) -> None:
        """Let the region go on by the map that gave it, or by a surer one.

        When an interferer stops, a forecast that expected it to stay sees a loss in its place;
        that must not replace what was seen while it was there.
        """
        standing = evidence.standing
        if self.roams:
            self.region = self.region.joined(region)
            return
        is_broad = standing is not None and bool(standing.level_db)
        if self.is_broad and not is_broad:
            return
        if is_broad and not self.is_broad:
            self._sums.clear()
            self.is_broad, self.by, self.ratio = True, evidence.by, evidence.ratio
        mean_db = self._mean_of(evidence)
        if evidence.by != self.by and evidence.ratio <= self.ratio:
            return
        self.by, self.ratio = evidence.by, max(evidence.ratio, self.ratio)
        if standing is None or mean_db is None:
            self.region = region
            return
        so_far = replace(
            standing,
            excess_db=mean_db,
            level_db=float(np.median(mean_db)) if is_broad else 0.0,
        )
        place = region if is_clear else self.region
        inside = slice(place.lower_bin, place.upper_bin + 1)
        peak = place.lower_bin + int((region.sign * mean_db[inside]).argmax())
        if region.sign * mean_db[peak] <= 0.0:
            self.region = region
            return
        self.region = region_at(so_far, peak)
        # The mean over its bins, weighted as power would be dull where one bin holds it all.
        part = mean_db[self.region.lower_bin : self.region.upper_bin + 1]
        self.severity_db = abs(float(part.mean()))

    def _mean_of(self, evidence: Evidence) -> FloatArray | None:
        if evidence.standing is None:
            return None
        mean_db, count = self._sums.get(evidence.by, (None, 0))
        excess_db = evidence.standing.excess_db
        if mean_db is None:
            mean_db = excess_db.copy()
        else:
            mean_db += (excess_db - mean_db) / np.float32(count + 1)
        self._sums[evidence.by] = (mean_db, count + 1)
        return mean_db
