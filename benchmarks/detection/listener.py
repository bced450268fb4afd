"""A chain that hears an observer, and what it said: false events, and who was found."""

from dataclasses import dataclass, field
from math import isfinite

from benchmarks.detection.taught_listener import Taught
from edgespec.observer.band import BandChain
from edgespec.records import Event, EventType, IqBlock

__all__ = ["FalseEvent", "Listener"]


@dataclass(slots=True)
class FalseEvent:
    """An event on normal signal, as it ended, with every score of the hop in which it opened."""

    opened_s: float
    duration_s: float
    detector: str
    kind: str
    score: float
    threshold: float
    lower_hz: float
    upper_hz: float
    excess_db: float
    change: str
    scores: dict[str, float]


@dataclass(slots=True)
class Listener:
    """A chain, and what it said: seconds scored and in alarm, and events by their id.

    ``stops`` are the last samples that the hops behind the normal signal needed. Where somebody
    calls normal what was told, ``taught`` judges the events.
    """

    chain: BandChain
    hop_s: float
    scored_s: float = 0.0
    alarm_s: float = 0.0
    peaks: dict[str, list[float | None]] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    n_above: dict[str, int] = field(default_factory=dict)
    opened: dict[str, tuple[int, dict[str, float]]] = field(default_factory=dict)
    last: dict[str, Event] = field(default_factory=dict)
    raised: dict[str, float] | None = None
    stops: list[int] = field(default_factory=list)
    taught: Taught | None = None

    def hear(self, block: IqBlock, *, is_normal: bool) -> None:
        """Take a block of one hop."""
        chain, n_before = self.chain, self.chain.n_segments
        if not is_normal:
            self.end_normal()
        events = list(chain.process(block))
        is_scored = chain.scorer.is_warm and chain.n_segments > n_before
        scores: dict[str, float] = {}
        if is_scored and chain.last is not None:
            scores = {score.detector: float(score.value) for score in chain.last.scores}
        for event in events:
            self.last[event.event_id] = event
            if self.taught is not None:
                self.taught.take(event, block.sample_start + block.n_samples)
            if event.event_type == EventType.NEW:
                stop = block.sample_start + block.n_samples
                self.opened[event.event_id] = stop, scores
        if not is_normal:
            if chain.peaks is not None and chain.peaks.n_blocks > len(self.stops):
                self.stops.append(block.sample_start + block.n_samples)
            return
        if not is_scored:
            return
        self.scored_s += self.hop_s
        self.alarm_s += self.hop_s * chain.tracker.is_open
        for name, value in scores.items():
            self.most[name] = max(self.most.get(name, value), value)
            self.n_above[name] = self.n_above.get(name, 0) + (value > chain.thresholds[name])

    def end_normal(self) -> None:
        """Keep what normal signal came to, block by block; from now on each hop is a block."""
        if self.raised is not None:
            return
        chain = self.chain
        self.raised = {} if chain.budget is None else chain.budget.raised
        if chain.peaks is not None:
            columns = zip(chain.peaks.names, chain.peaks.blocks().T, strict=True)
            self.peaks = {
                name: [round(float(one), 2) if isfinite(one) else None for one in column]
                for name, column in columns
            }
            chain.peaks = chain.peaks.hop_by_hop()

    def rises_in(self, after: int, until: int) -> dict[str, list[tuple[int, float]]]:
        """Return each new maximum of the hops that needed samples of a stretch, by detector.

        ``(sample, score)``, in time: the last sample that the hop needed, after the one and up to
        the other, and the event-level score. Nothing of normal signal, and nothing without peaks.
        """
        out: dict[str, list[tuple[int, float]]] = {}
        peaks = self.chain.peaks
        if peaks is None or self.raised is None:
            return out
        for at, values in zip(self.stops, peaks.blocks(), strict=True):
            if not after < at <= until:
                continue
            for name, value in zip(peaks.names, values.tolist(), strict=True):
                if not isfinite(value):
                    continue
                known, rounded = out.setdefault(name, []), round(value, 2)
                if not known or rounded > known[-1][1]:
                    known.append((at, rounded))
        return out

    def false_events(self, stop: int, rate_hz: float, center_hz: float) -> list[FalseEvent]:
        """Return the events that opened up to a sample."""
        return [
            FalseEvent(
                at / rate_hz,
                last.n_samples / rate_hz,
                last.detector,
                last.kind,
                last.score,
                last.threshold,
                last.freq_lower_hz - center_hz,
                last.freq_upper_hz - center_hz,
                last.excess_db,
                str(last.change),
                scores,
            )
            for event_id, (at, scores) in self.opened.items()
            for last in (self.last[event_id],)
            if at <= stop
        ]

    def first_in(self, after: int, until: int) -> tuple[int, str] | None:
        """Return when the first event after one sample and up to another opened, and by what."""
        found = [(at, event) for event, (at, _) in self.opened.items() if after < at <= until]
        if not found:
            return None
        at, event = min(found)
        return at, self.last[event].detector

    def alerts_in(self, after: int, until: int) -> list[int]:
        """Return when events became alerts, after one sample and up to another; in time."""
        if self.taught is None:
            return []
        return sorted(at for at in self.taught.alerted.values() if after < at <= until)
