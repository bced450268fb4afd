"""Raw scores of one observer's segments: warm-up, normal, and with something on the air."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.baselines.segments import Segments, concatenated
from converter.lab.experiment import Detection
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

__all__ = ["observer_windows"]

#: Segments that are scored at once: 16 MB of frames with the recipe of Li et al. 2019.
_BATCH_SEGMENTS = 256


def observer_windows(
    spec: RecordingSpec,
    recipe: Recipe,
    detection: Detection,
    scorers: Mapping[str, WindowScorer],
    *,
    inject: bool,
) -> dict[str, Any]:
    """Return the columns of the detection table for one observer, each ``(n_rows,)``.

    ``context mode kind isr_db inr_db duty bandwidth_hz stretch segment`` and ``score:NAME`` of
    every scorer, float32, NaN where a detector was still learning. ``segment`` counts the
    observer's segments, so a row of a stretch and the normal row of the same number are a pair
    that differs by what is on the air. ``stretch`` counts the stretches, of which each kind and
    fault has its own, and is -1 for clean segments. As on the device, a segment with a flagged
    frame is not scored: it has no row. A stretch in which nothing is sent has no ISR and is left
    out.

    Args:
        spec: the observer; how long it listens follows from ``detection``.
        recipe: of the segments.
        detection: what is put on the air, and for how long is listened.
        scorers: fitted, by name.
        inject: False leaves all stretches out: a calibration observer.

    Raises:
        UsageError: warm-up or normal signal is too short, or a kind or fault is unknown.
        ModelError: the sample rate of the observer is not that of the recipe.
    """
    plan = ObserverPlan.of(recipe, detection, inject=inject)
    needs_iq = any(scorer.needs_iq for scorer in scorers.values())
    heard = listen(spec, plan.layout, plan.n_segments, plan.starts, needs_iq=needs_iq)
    table = ScoreTable(spec.context, tuple(scorers))
    for scorer in scorers.values():
        scorer.begin(plan.n_warmup)
    states = _score_clean(heard, plan, scorers, table)
    batch = _Batch(scorers, table, needs_iq=needs_iq)
    for stretch, slot in _stretches(spec, plan, heard):
        for variant in Variants(stretch, slot, detection.isrs_db):
            valid = variant.valid
            remembered = _in_order(variant, valid, states[slot.segment], scorers)
            named = np.flatnonzero(np.isin(valid, list(dict(plan.layout.modes))))
            batch.add(variant, valid[named], {name: s[named] for name, s in remembered.items()})
    batch.flush()
    return table.columns()


def _score_clean(
    heard: Heard, plan: ObserverPlan, scorers: Mapping[str, WindowScorer], table: ScoreTable
) -> dict[int, dict[str, Any]]:
    """Score the clean signal; return the states of the stateful scorers before each stretch."""
    numbers = heard.valid(0, plan.n_segments)
    scores = {name: np.empty(len(numbers), np.float32) for name in scorers}
    stateful = {name: scorer for name, scorer in scorers.items() if scorer.stateful}
    states = {}
    cuts = {*range(0, plan.n_segments, _BATCH_SEGMENTS), *plan.starts, plan.n_segments}
    for first, stop in pairwise(sorted(cuts)):
        if first in plan.starts:
            states[first] = {name: scorer.snapshot() for name, scorer in stateful.items()}
        some = slice(*np.searchsorted(numbers, (first, stop)))
        segments = heard.segments(numbers[some])
        for name, scorer in stateful.items():
            scores[name][some] = scorer.score(segments)
    for first in range(0, len(numbers), _BATCH_SEGMENTS):
        some = slice(first, first + _BATCH_SEGMENTS)
        segments = heard.segments(numbers[some])
        for name in scorers.keys() - stateful.keys():
            scores[name][some] = scorers[name].score(segments)
    rows = [Row(plan.mode(n), NOTHING, -1, n) for n in numbers.tolist()]
    kept = [i for i, row in enumerate(rows) if row.mode]
    table.add([rows[i] for i in kept], {name: score[kept] for name, score in scores.items()})
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
) -> dict[str, FloatArray]:
    """Return the scores of the stateful scorers for segments of a stretch, from their states on."""
    segments = variant.segments(numbers)
    found = {}
    for name, state in states.items():
        scorers[name].restore(state)
        found[name] = scorers[name].score(segments)
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
        self._segments: list[Segments] = []
        self._remembered: list[Mapping[str, FloatArray]] = []

    def add(
        self, variant: Variant, numbers: NDArray[np.int64], remembered: Mapping[str, FloatArray]
    ) -> None:
        """Take segments of a variant, with the scores that they have already."""
        if not len(numbers):
            return
        stretch, modes = variant.stretch, dict(variant.stretch.layout.modes)
        for number in numbers.tolist():
            row = Row(modes[number], variant.added, stretch.number, stretch.segment + number)
            self._rows.append(row)
        segments = variant.segments(numbers)
        if self._needs_iq:
            segments = replace(segments, iq=variant.iq(numbers))
        self._segments.append(segments)
        self._remembered.append(remembered)
        if len(self._rows) >= _BATCH_SEGMENTS:
            self.flush()

    def flush(self) -> None:
        """Score what has been gathered."""
        if not self._rows:
            return
        segments = concatenated(self._segments)
        scores = {name: scorer.score(segments) for name, scorer in self._scorers.items()}
        for name in self._remembered[0]:
            scores[name] = np.concatenate([found[name] for found in self._remembered])
        self._table.add(self._rows, scores)
        self._rows, self._segments, self._remembered = [], [], []
