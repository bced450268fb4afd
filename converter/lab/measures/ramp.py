"""Slow poisoning: an interferer that rises too slowly to be noticed, against what a device learns.

The references of the plain detectors and the site's scale are learnt in the warm-up. A ramp that
begins after it meets fixed references; one that begins in it is learnt as normal, and so is one
that rises while a device warms up again (EVALUATION, protocol 13).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.experiment import Ramp
from converter.lab.measures.episodes import open_device
from converter.simulate.specs import RecordingSpec
from converter.simulate.strangers import draw_stranger
from edgespec.config import DetectConfig
from edgespec.inference.bundle import Bundle
from edgespec.records import IqBlock
from edgespec.simulate.agc import GainSteps
from edgespec.simulate.interferers import ISR_MOST_S, Interferer
from edgespec.simulate.receiver import distort, quantise
from edgespec.simulate.scene import Scene
from edgespec.simulate.wanted import wanted_power

__all__ = ["play_ramp", "rising_isr_db"]


def play_ramp(
    spec: RecordingSpec, bundle: Bundle, ramp: Ramp, detect: DetectConfig | None = None
) -> list[dict[str, Any]]:
    """Return at which level each detector of the device catches a ramp, if ever.

    A detector catches it with the first k of n alarming segments that end after the ramp began:
    the rule that opens an event, for each detector alone and for ``any``.

    Args:
        spec: the observer; its duration is not looked at.
        bundle: with thresholds.
        ramp: what rises.
        detect: the device's settings; None for its defaults.

    Returns:
        A row for each detector: ``observer context kind rate_db_per_s start_s relearn_s detector
        caught caught_isr_db caught_s alarms_at_top false_before n_segments``. ``caught_s`` counts
        from the beginning of the ramp, ``alarms_at_top`` is the share of alarming segments while
        the level stays, ``false_before`` how often k of n segments alarmed before the ramp.

    Raises:
        ModelError: the bundle has no thresholds for what is asked.
        SourceError: the observer's sample rate is not the bundle's.
    """
    detect = detect or DetectConfig()
    recipe = bundle.manifest.recipe
    chain = open_device(bundle, spec.scene, detect, spec.center_freq_hz)
    hop = recipe.hop_samples
    rate_hz = recipe.sample_rate_hz
    watchers = {name: _Watcher(detect.k, detect.n) for name in (*chain.thresholds, "any")}
    top_s = ramp.duration_s - ramp.hold_s
    n_scored = 0
    again = ramp.relearn_s
    for number, samples in enumerate(_hops(spec, ramp, hop)):
        end_s = (number + 1) * hop / rate_hz
        if again and end_s > again:
            chain.scorer.reset()
            again += ramp.relearn_s
        block = IqBlock(samples, rate_hz, spec.center_freq_hz, number * hop, 0)
        for scored in chain.scored(block):
            if not chain.scorer.is_warm:
                continue
            n_scored += 1
            above = {s.detector: s.value > chain.thresholds[s.detector] for s in scored.scores}
            above["any"] = any(above.values())
            for name, is_above in above.items():
                watchers[name].see(is_above, end_s, ramp.start_s, top_s)
    head = {
        "observer": spec.name,
        "context": spec.context,
        "kind": ramp.kind,
        "rate_db_per_s": ramp.rate_db_per_s,
        "start_s": ramp.start_s,
        "relearn_s": ramp.relearn_s,
    }
    return [
        head | {"detector": name} | watcher.row(ramp) | {"n_segments": n_scored}
        for name, watcher in watchers.items()
    ]


class _Watcher:
    """Counts the alarms of one detector."""

    def __init__(self, k: int, n: int) -> None:
        self._k = k
        self._recent: deque[bool] = deque(maxlen=n)
        self._was_caught = False
        self._caught_s: float | None = None
        self._false_before = 0
        self._n_top = self._n_top_alarms = 0

    def see(self, is_above: bool, end_s: float, start_s: float, top_s: float) -> None:
        self._recent.append(is_above)
        is_caught = sum(self._recent) >= self._k
        if is_caught and not self._was_caught and end_s <= start_s:
            self._false_before += 1
        if is_caught and end_s > start_s and self._caught_s is None:
            self._caught_s = end_s
        self._was_caught = is_caught
        if end_s > top_s:
            self._n_top += 1
            self._n_top_alarms += is_above

    def row(self, ramp: Ramp) -> dict[str, Any]:
        caught_s = float("nan") if self._caught_s is None else self._caught_s
        at_top = self._n_top_alarms / self._n_top if self._n_top else float("nan")
        return {
            "caught": self._caught_s is not None,
            "caught_isr_db": float(rising_isr_db(ramp, np.array(caught_s))),
            "caught_s": caught_s - ramp.start_s,
            "alarms_at_top": at_top,
            "false_before": self._false_before,
        }


def _hops(spec: RecordingSpec, ramp: Ramp, hop: int) -> Iterator[NDArray[Any]]:
    """Yield the observer's samples hop by hop, with what rises in them; one buffer for all."""
    config, receiver = spec.scene, spec.scene.receiver
    rate_hz = config.sample_rate_hz
    rng = np.random.default_rng([spec.seed, 37])
    item = draw_stranger(ramp.kind, config, rng)
    interferer = Interferer(item, rate_hz, int(rng.integers(2**31)))
    power = wanted_power(config, spec.seed, 0.0, min(ramp.duration_s, ISR_MOST_S))
    steps = GainSteps(receiver, rate_hz, spec.seed)
    scene = Scene(config, spec.seed)
    buffer = receiver.sample_format.empty(hop)
    first = round(ramp.start_s * rate_hz)
    for start in range(0, round(ramp.duration_s * rate_hz) - hop + 1, hop):
        samples = scene.read(hop)
        added = np.zeros(hop, np.complex64)
        n_before = min(max(first - start, 0), hop)
        if n_before < hop:
            at = np.arange(start + n_before, start + hop)
            added[n_before:] = interferer.samples(int(at[0]) - first, hop - n_before)
            level = np.sqrt(power) * 10.0 ** (rising_isr_db(ramp, at / rate_hz) / 20.0)
            added[n_before:] *= level.astype(np.float32)
        steps.apply(added)
        samples += distort(added, replace(receiver, dc=0j))
        yield quantise(samples, receiver.sample_format, receiver.adc_bits, buffer)


def rising_isr_db(ramp: Ramp, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ISR at some times since the start of the observer."""
    rise_db = (at_s - ramp.start_s) * ramp.rate_db_per_s
    return np.minimum(ramp.start_isr_db + rise_db, ramp.stop_isr_db)
