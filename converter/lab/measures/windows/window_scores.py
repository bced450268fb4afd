"""Raw scores of one observer's segments: warm-up, normal, and with something on the air."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.baselines.segments import Segments, concatenated
from converter.lab.experiment import Detection
from converter.lab.measures.hops.hop_listener import HopListener, scores_of_blocks
from converter.lab.measures.hops.hop_scorer import HopScorer, Place
from converter.lab.measures.hops.hop_scorers import make_hop_scorers
from converter.lab.measures.windows.hearing import Heard, listen
from converter.lab.measures.windows.observer_plan import ObserverPlan, Slot
from converter.lab.measures.windows.score_table import NOTHING, Row, ScoreTable
from converter.lab.measures.windows.scorer import WindowScorer
from converter.lab.measures.windows.stretches import Stretch
from converter.lab.measures.windows.variants import Variant, Variants
from converter.simulate.specs import RecordingSpec
from edgespec.framing import Recipe
from edgespec.records import FloatArray
from edgespec.simulate.wanted import wanted_powers

__all__ = ["OVERLOAD", "observer_windows"]

#: Segments that are scored at once: 16 MB of frames with the recipe of Li et al. 2019.
_BATCH_SEGMENTS = 256
#: The score of what cannot be scored: the share of a horizon that is flagged, such as clipped.
OVERLOAD = "overload"

Columns = dict[str, FloatArray]


def observer_windows(
    spec: RecordingSpec,
    recipe: Recipe,
    detection: Detection,
    scorers: Mapping[str, WindowScorer],
    *,
    inject: bool,
) -> dict[str, Any]:
    """Return the columns of the detection table for one observer, each ``(n_rows,)``.

    ``context mode kind neighbour isr_db inr_db duty bandwidth_hz share flagged stretch segment``
    and ``score:NAME`` of every scorer, float32, NaN where a detector was still learning.
    ``segment`` counts the observer's segments, so a row of a stretch and the normal row of the same
    number are a pair that differs by what is on the air. ``stretch`` counts the stretches, of which
    each kind and fault has its own, and is -1 for clean segments. ``share`` is that of the horizon
    in which something is on the air. As on the device, a segment with a flagged frame is not
    scored: all its scores are NaN but that of :data:`OVERLOAD`, which is ``flagged``, the share of
    such frames in its horizon. A stretch in which nothing is sent has no ISR and is left out.

    Args:
        spec: the observer; how long it listens follows from ``detection``.
        recipe: of the segments.
        detection: what is put on the air, and for how long is listened.
        scorers: of segments, fitted, by name.
        inject: False leaves all stretches out: a calibration observer.

    Raises:
        UsageError: warm-up or normal signal is too short, or a kind or fault is unknown.
        ModelError: the sample rate of the observer is not that of the recipe.
    """
    plan = ObserverPlan.of(recipe, detection, inject=inject)
    needs_iq = any(scorer.needs_iq for scorer in scorers.values())
    by_hop = _HopScores.of(spec, plan, detection)
    heard = listen(
        spec, plan.layout, plan.n_segments, plan.starts, needs_iq=needs_iq, hops=by_hop.listener
    )
    columns = [f"score:{name}" for name in (*scorers, OVERLOAD)]
    table = ScoreTable(spec.context, bool(spec.scene.neighbours), [*columns, *by_hop.columns])
    for scorer in scorers.values():
        scorer.begin(plan.n_warmup)
    states = _score_clean(heard, plan, scorers, by_hop, table)
    batch = _Batch(scorers, table, needs_iq=needs_iq)
    for stretch, slot in _stretches(spec, plan, heard):
        for variant in Variants(stretch, slot, detection.isrs_db):
            valid = variant.valid
            found = _in_order(variant, valid, states[slot.segment], scorers)
            named = np.array(list(dict(plan.layout.modes)))
            is_valid = np.isin(named, valid)
            at = np.searchsorted(valid, named[is_valid])
            known = {f"score:{name}": scores[at] for name, scores in found.items()}
            hops = by_hop.of_stretch(variant, slot.segment, named)
            batch.add(variant, named, is_valid, known, hops)
    batch.flush()
    return table.columns()


@dataclass(frozen=True, slots=True)
class _HopScores:
    """Scores of samples for the segments in whose horizon the hops lie; the largest of them."""

    scorers: Sequence[HopScorer]
    place: Place
    recipe: Recipe
    listener: HopListener | None

    @classmethod
    def of(cls, spec: RecordingSpec, plan: ObserverPlan, detection: Detection) -> "_HopScores":
        recipe = plan.layout.recipe
        scorers = make_hop_scorers(detection.hops)
        place = Place(recipe, spec.scene.receiver.sample_format, detection.warmup_s)
        listener = HopListener(scorers, place, plan.starts) if scorers else None
        return cls(scorers, place, recipe, listener)

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return [name for scorer in self.scorers for name in scorer.columns]

    def of_clean(self, numbers: NDArray[np.int64]) -> Columns:
        """Return the scores of clean segments, ``(n,)`` of every column."""
        if self.listener is None:
            return {}
        return {name: self._at(s, numbers) for name, s in self.listener.scores.items()}

    def of_stretch(self, variant: Variant, segment: int, numbers: NDArray[np.int64]) -> Columns:
        """Return the scores of segments of a stretch that begins with ``segment``."""
        if self.listener is None:
            return {}
        states = self.listener.states[segment]
        found = scores_of_blocks(self.scorers, states, variant.samples, self.place, segment)
        return {name: self._at(scores, numbers) for name, scores in found.items()}

    def _at(self, scores: FloatArray, numbers: NDArray[np.int64]) -> FloatArray:
        """Return the largest score of the hops in the horizons of some segments."""
        recipe = self.recipe
        first = numbers + recipe.n_context // recipe.hop_frames
        hops = first[:, None] + np.arange(recipe.n_horizon // recipe.hop_frames)
        return np.asarray(scores[hops].max(axis=1), np.float32)


def _score_clean(
    heard: Heard,
    plan: ObserverPlan,
    scorers: Mapping[str, WindowScorer],
    by_hop: _HopScores,
    table: ScoreTable,
) -> dict[int, dict[str, Any]]:
    """Score the clean signal; return the states of the stateful scorers before each stretch."""
    numbers = heard.valid(0, plan.n_segments)
    scores = {name: np.full(plan.n_segments, np.nan, np.float32) for name in scorers}
    stateful = {name: scorer for name, scorer in scorers.items() if scorer.stateful}
    states = {}
    cuts = {*range(0, plan.n_segments, _BATCH_SEGMENTS), *plan.starts, plan.n_segments}
    for first, stop in pairwise(sorted(cuts)):
        if first in plan.starts:
            states[first] = {name: scorer.snapshot() for name, scorer in stateful.items()}
        some = numbers[slice(*np.searchsorted(numbers, (first, stop)))]
        segments = heard.segments(some)
        for name, scorer in stateful.items():
            scores[name][some] = scorer.score(segments)
    for first in range(0, len(numbers), _BATCH_SEGMENTS):
        some = numbers[first : first + _BATCH_SEGMENTS]
        segments = heard.segments(some)
        for name in scorers.keys() - stateful.keys():
            scores[name][some] = scorers[name].score(segments)
    kept = np.array([n for n in range(plan.n_segments) if plan.mode(n)], np.int64)
    flagged = [heard.flagged(n) for n in kept.tolist()]
    is_valid = np.isin(kept, numbers)
    rows = [
        Row(plan.mode(n), NOTHING, -1, n, flagged=share)
        for n, share in zip(kept.tolist(), flagged, strict=True)
    ]
    columns = {f"score:{name}": values[kept] for name, values in scores.items()}
    columns[f"score:{OVERLOAD}"] = np.array(flagged, np.float32)
    by_sample = {
        name: np.where(is_valid, values, np.float32(np.nan))
        for name, values in by_hop.of_clean(kept).items()
    }
    table.add(rows, columns | by_sample)
    return states


def _stretches(
    spec: RecordingSpec, plan: ObserverPlan, heard: Heard
) -> Iterator[tuple[Stretch, Slot]]:
    """Yield each slot's stretch, but for those in which nothing is sent."""
    layout, rate_hz = plan.layout, spec.scene.sample_rate_hz
    begin = [layout.sample_of(slot.segment) for slot in plan.slots]
    spans_s = [(start / rate_hz, (start + layout.n_samples) / rate_hz) for start in begin]
    powers = wanted_powers(spec.scene, spec.seed, spans_s)
    for slot, power in zip(plan.slots, powers, strict=True):
        if power > 0.0:
            yield Stretch.after(heard.before[slot.segment], spec, layout, slot, power), slot


def _in_order(
    variant: Variant,
    numbers: NDArray[np.int64],
    states: Mapping[str, Any],
    scorers: Mapping[str, WindowScorer],
) -> Columns:
    """Return the scores of the stateful scorers for segments of a stretch, from their states on."""
    found = {name: np.empty(len(numbers), np.float32) for name in states}
    for name, state in states.items():
        scorers[name].restore(state)
    for first in range(0, len(numbers), _BATCH_SEGMENTS):
        some = slice(first, first + _BATCH_SEGMENTS)
        segments = variant.segments(numbers[some])
        for name in states:
            found[name][some] = scorers[name].score(segments)
    return found


class _Batch:
    """Gathers segments of variants until there are enough for the scorers without a state."""

    def __init__(
        self, scorers: Mapping[str, WindowScorer], table: ScoreTable, *, needs_iq: bool
    ) -> None:
        self._scorers = {name: s for name, s in scorers.items() if not s.stateful}
        self._table = table
        self._needs_iq = needs_iq
        self._rows: list[Row] = []
        self._is_valid: list[NDArray[np.bool_]] = []
        self._segments: list[Segments] = []
        self._known: list[Columns] = []

    def add(
        self,
        variant: Variant,
        numbers: NDArray[np.int64],
        is_valid: NDArray[np.bool_],
        remembered: Columns,
        hops: Columns,
    ) -> None:
        """Take segments of a variant, with the scores that they have already.

        Args:
            variant: whose they are.
            numbers: of the segments in the stretch.
            is_valid: which of them are scored.
            remembered: scores of those.
            hops: scores of all of them, by sample.
        """
        stretch, added = variant.stretch, variant.added
        modes = dict(stretch.layout.modes)
        flagged = [variant.flagged(n) for n in numbers.tolist()]
        self._rows += [
            Row(
                modes[number],
                added,
                stretch.number,
                stretch.segment + number,
                stretch.layout.share(number, added.on, added.off),
                share,
            )
            for number, share in zip(numbers.tolist(), flagged, strict=True)
        ]
        known = {name: _spread(scores, is_valid) for name, scores in remembered.items()}
        known[f"score:{OVERLOAD}"] = np.array(flagged, np.float32)
        for name, scores in hops.items():
            known[name] = np.where(is_valid, scores, np.float32(np.nan))
        valid = numbers[is_valid]
        segments = variant.segments(valid)
        if self._needs_iq and len(valid):
            segments = replace(segments, iq=variant.iq(valid))
        if len(valid):
            self._segments.append(segments)
        self._is_valid.append(is_valid)
        self._known.append(known)
        if len(self._rows) >= _BATCH_SEGMENTS:
            self.flush()

    def flush(self) -> None:
        """Score what has been gathered."""
        if not self._rows:
            return
        is_valid = np.concatenate(self._is_valid)
        scores: Columns = {}
        for name, scorer in self._scorers.items():
            found = np.empty(0, np.float32)
            if self._segments:
                found = scorer.score(concatenated(self._segments))
            scores[f"score:{name}"] = _spread(found, is_valid)
        for name in self._known[0]:
            scores[name] = np.concatenate([known[name] for known in self._known])
        self._table.add(self._rows, scores)
        self._rows, self._is_valid, self._segments, self._known = [], [], [], []


def _spread(scores: FloatArray, is_valid: NDArray[np.bool_]) -> FloatArray:
    """Return scores of the valid segments with NaN where the others are."""
    out = np.full(len(is_valid), np.nan, np.float32)
    out[is_valid] = scores
    return out
