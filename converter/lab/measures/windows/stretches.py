"""Stretches of an observer's signal, each without and with something on the air: paired.

Noise, traffic and fading of a pair are the same, and so are frames and segments. An interferer is
added to the samples that the receiver's gain has made of the clean ones, and the sum is quantised:
the receiver is linear up to its converter, so that is what it would have heard (EVALUATION,
protocol 1 to 3).
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.windows.observer_plan import Slot
from converter.lab.measures.windows.stretch_layout import Layout
from converter.simulate.specs import RecordingSpec
from converter.simulate.strangers import draw_stranger
from edgespec.errors import UsageError
from edgespec.simulate.agc import GainSteps
from edgespec.simulate.config import FAULTS, FaultConfig
from edgespec.simulate.faults import Fault
from edgespec.simulate.inject import mean_power
from edgespec.simulate.interferers import Interferer
from edgespec.simulate.receiver import distort, quantise
from edgespec.simulate.scene import Scene, noise_power

__all__ = ["Addition", "Interference", "Stretch", "fault_config", "interfere", "misconfigure"]

ComplexArray = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A clean stretch of one observer, and what is needed to hear it again otherwise.

    ``samples`` complex64 ``(n_samples,)`` are behind the receiver's gain and before its converter.
    ``segment`` is its first segment in the observer's grid, ``sample_start`` its first sample.
    ``wanted_power`` is the mean power of the wanted signal without noise over the stretch, as
    :func:`edgespec.simulate.wanted.wanted_power` has it.
    """

    spec: RecordingSpec
    layout: Layout
    number: int
    segment: int
    samples: ComplexArray
    wanted_power: float
    before: Scene

    @classmethod
    def after(
        cls, before: Scene, spec: RecordingSpec, layout: Layout, slot: Slot, wanted_power: float
    ) -> "Stretch":
        """Return the stretch of a slot.

        Args:
            before: the observer's scene, at most at the stretch's first sample, and two frames
                of 10 ms earlier if a fault is to come; it stays where it is.
            spec: the observer.
            layout: of the stretch.
            slot: where it begins.
            wanted_power: of the stretch.
        """
        start = layout.sample_of(slot.segment)
        samples = _read(before.branch(), start, layout.n_samples)
        return cls(spec, layout, slot.number, slot.segment, samples, wanted_power, before)

    @property
    def sample_start(self) -> int:
        """First sample of the stretch in the observer's stream."""
        return self.layout.sample_of(self.segment)

    def quantised(self, samples: ComplexArray) -> NDArray[Any]:
        """Return samples as the observer's converter gives them."""
        receiver = self.spec.scene.receiver
        out = receiver.sample_format.empty(len(samples))
        return quantise(samples, receiver.sample_format, receiver.adc_bits, out)

    def rng(self, kind: str) -> np.random.Generator:
        """Return the draws of one kind or fault in this stretch."""
        return np.random.default_rng([self.spec.seed, self.number, zlib.crc32(kind.encode())])


@dataclass(frozen=True, slots=True)
class Addition:
    """What is on the air from sample ``on`` to before ``off`` of a stretch.

    ``kind`` is an interferer's, or a fault as an experiment file writes it. Only an interferer
    has ``isr_db``, the mean power while it transmits over that of the wanted signal, and
    ``inr_db``, the same over the noise in the sampled band; else they are NaN. ``duty`` is the
    share of the time from ``on`` to ``off`` in which it transmits.
    """

    kind: str
    isr_db: float
    inr_db: float
    duty: float
    bandwidth_hz: float
    on: int
    off: int


@dataclass(frozen=True, slots=True)
class Interference:
    """An interferer as it comes out of the receiver's gain at an ISR of 0 dB."""

    stretch: Stretch
    added: Addition
    samples: ComplexArray

    def at(self, isr_db: float) -> tuple[Addition, ComplexArray]:
        """Return what is added at an ISR, and the samples of the stretch from ``on`` to ``off``."""
        inr_db = self.added.inr_db + isr_db - self.added.isr_db
        added = replace(self.added, isr_db=isr_db, inr_db=inr_db)
        amplitude = np.float32(10.0 ** (isr_db / 20.0))
        heard = self.samples * amplitude
        heard += self.stretch.samples[added.on : added.off]
        return added, heard


def interfere(stretch: Stretch, kind: str) -> Interference:
    """Return an interferer in a stretch: parameters, place, start, channel and data are drawn.

    They are the same at every ISR. It moves as the observer does, lies within the band, and its
    power while it transmits is set by measuring it.

    Raises:
        UsageError: the kind is unknown, or wider than the band.
    """
    layout, scene = stretch.layout, stretch.spec.scene
    rate_hz = layout.recipe.sample_rate_hz
    rng = stretch.rng(kind)
    on, off = layout.draw(rng)
    config = replace(draw_stranger(kind, scene, rng), stop_s=(off - on) / rate_hz)
    interferer = Interferer(config, rate_hz, int(rng.integers(2**31)))
    samples = interferer.samples(0, off - on)
    duty = float(np.count_nonzero(samples) / len(samples))
    if duty:
        samples *= np.float32(np.sqrt(stretch.wanted_power * duty / mean_power(samples)))
    inr_db = 10.0 * np.log10(stretch.wanted_power / noise_power(scene)) if duty else -np.inf
    bandwidth_hz = interferer.config.bandwidth_hz
    added = Addition(kind, 0.0, float(inr_db), duty, bandwidth_hz, on, off)
    return Interference(stretch, added, _behind_gain(stretch, samples, on))


def misconfigure(stretch: Stretch, text: str) -> tuple[Addition, ComplexArray]:
    """Return a fault of the cell and the samples of the whole stretch with it.

    Raises:
        UsageError: the fault is not one.
    """
    rate_hz = stretch.layout.recipe.sample_rate_hz
    rng = stretch.rng(text)
    on, off = stretch.layout.draw(rng)
    begin_s, end_s = ((stretch.sample_start + at) / rate_hz for at in (on, off))
    fault = Fault(fault_config(text, begin_s, end_s), int(rng.integers(2**31)))
    samples = _read(stretch.before.branch(fault), stretch.sample_start, stretch.layout.n_samples)
    # A fault begins and ends with symbols.
    begin_s, end_s = fault.start_s, fault.stop_s or end_s
    on, off = (round(at_s * rate_hz) - stretch.sample_start for at_s in (begin_s, end_s))
    low_hz, high_hz = np.clip(fault.edges_hz, -rate_hz / 2, rate_hz / 2)
    bandwidth_hz = float(high_hz - low_hz)
    return Addition(text, np.nan, np.nan, 1.0, bandwidth_hz, on, off), samples


#: What the number behind the colon is, for each fault that takes one.
_WITH_VALUE: dict[str, Callable[[FaultConfig, float], FaultConfig]] = {
    "power-step": lambda config, value: replace(config, step_db=value),
    "frequencies-down": lambda config, value: replace(config, share=value),
}


def fault_config(text: str, start_s: float, stop_s: float) -> FaultConfig:
    """Return the fault of a text such as ``power-step:3`` (dB) or ``frequencies-down:0.33``.

    Raises:
        UsageError: it is none, or its number is missing or not one.
    """
    kind, colon, value = text.partition(":")
    try:
        if kind not in FAULTS or bool(colon) != (kind in _WITH_VALUE):
            raise ValueError
        config = FaultConfig(kind, start_s, stop_s)
        return _WITH_VALUE[kind](config, float(value)) if colon else config
    except ValueError:
        raise UsageError(
            f"the fault is {text!r}; write power-step:DB, frequencies-down:SHARE or station-lost"
        ) from None


def _read(scene: Scene, start: int, n_samples: int) -> ComplexArray:
    """Return samples from ``start`` of a scene on, which goes there."""
    if scene.n_samples > start:
        raise UsageError(f"a scene at sample {scene.n_samples} cannot go back to {start}")
    scene.read(start - scene.n_samples)
    return scene.read(n_samples)


def _behind_gain(stretch: Stretch, samples: ComplexArray, on: int) -> ComplexArray:
    """Return what the receiver's gain and imbalance make of something that is added at ``on``."""
    spec, first = stretch.spec, stretch.sample_start + on
    receiver = spec.scene.receiver
    steps = GainSteps(receiver, spec.scene.sample_rate_hz, spec.seed)
    for at, step_db in steps.between(0, first + len(samples)):
        samples[max(at - first, 0) :] *= np.float32(10.0 ** (step_db / 20.0))
    return distort(samples, replace(receiver, dc=0j))
