"""Everything an observer hears: the wanted signal, noise and interferers, as one stream."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.agc import GainSteps
from edgespec.simulate.config import InterfererConfig, SceneConfig
from edgespec.simulate.faults import Fault
from edgespec.simulate.interferers import ISR_MOST_S, Interferer, settle
from edgespec.simulate.normals import open_normals
from edgespec.simulate.receiver import distort, quantise
from edgespec.simulate.resample import frame_samples
from edgespec.simulate.wanted import Wanted, wanted_powers

__all__ = ["Annotation", "Scene", "noise_power"]

#: The ISR of less time is that of so much: between two symbols there is no power to compare with.
_ISR_LEAST_S = 1e-5


@dataclass(frozen=True, slots=True)
class Annotation:
    """Where something was put in: samples, and frequency edges against the centre.

    ``label`` is the kind of an interferer or fault, or ``gain-step``. Only an interferer has an
    ISR. ``comment`` says it in words.
    """

    sample_start: int
    sample_count: int
    freq_lower_hz: float
    freq_upper_hz: float
    label: str
    isr_db: float | None
    duty: float
    comment: str = ""


class Scene:
    """A stream of samples as the observer's converter gives them.

    The same config and seed give the same samples, however they are cut into reads. ISR is
    ``10 log10(P_j / P_s)``: P_s the mean power of the wanted signal without noise while the
    interferer is active (its first 10 s and first occurrence; neither neighbours nor faults
    count), P_j the mean power of the
    interferer while it transmits.
    """

    def __init__(self, config: SceneConfig, seed: int) -> None:
        self.config = config
        self._seed = seed
        self._n_frame = frame_samples(config.sample_rate_hz)
        seeds = np.random.SeedSequence((seed, 2)).generate_state(1 + len(config.interferers))
        self._noise = open_normals(int(seeds[0]))
        self._noise_scale = np.float32(np.sqrt(noise_power(config) / 2))
        interferers = []
        for item, item_seed in zip(config.interferers, seeds[1:], strict=True):
            settled = settle(item, int(item_seed))
            interferers.append(Interferer(settled, config.sample_rate_hz, int(item_seed)))
        gains = self._gains([interferer.config for interferer in interferers])
        self._interferers = list(zip(interferers, gains, strict=True))
        self._wanted = Wanted(config, seed)
        self._gain_steps = GainSteps(config.receiver, config.sample_rate_hz, seed)
        self._frame = np.empty(0, np.complex64)
        self._used = 0
        self.n_samples = 0

    def read(self, n: int) -> NDArray[np.complex64]:
        """Return the next ``n`` samples, complex64, 1.0 is full scale, not yet quantised."""
        out = np.empty(n, np.complex64)
        done = 0
        while done < n:
            piece = self._take(n - done)
            out[done : done + len(piece)] = piece
            done += len(piece)
        return out

    def read_into(self, out: NDArray[Any]) -> None:
        """Fill ``out`` with the next samples in the receiver's format, quantised and clipped."""
        receiver = self.config.receiver
        done = 0
        while done < len(out):
            piece = self._take(len(out) - done)
            target = out[done : done + len(piece)]
            quantise(piece, receiver.sample_format, receiver.adc_bits, target)
            done += len(piece)

    def skip(self, n: int) -> None:
        """Let the next ``n`` samples go by: they cost what they cost when they are read."""
        while n > 0:
            n -= len(self._take(n))

    def branch(self, *faults: Fault) -> "Scene":
        """Return a scene that goes on from here by itself, with more faults in its wanted signal.

        Without any it gives the samples that this one will give. Up to two frames of 10 ms are
        made ahead, so a fault that begins in them is late.
        """
        other = deepcopy(self)
        other._wanted.faults.extend(faults)
        return other

    def annotations(self, n_samples: int) -> list[Annotation]:
        """Return what was put into the first ``n_samples``, in order of time."""
        found = []
        for interferer, _ in self._interferers:
            full = interferer.config
            for start, stop in self._stretches(full, 0, n_samples):
                lower = full.offset_hz - full.bandwidth_hz / 2
                upper = full.offset_hz + full.bandwidth_hz / 2
                n = stop - start
                words = f"ISR {full.isr_db:g} dB, duty {full.duty:g}"
                found.append(
                    Annotation(start, n, lower, upper, full.kind, full.isr_db, full.duty, words)
                )
        found.extend(self._of_faults(n_samples))
        half_hz = self.config.sample_rate_hz / 2
        for sample, step_db in self._gain_steps.between(0, n_samples):
            words = f"receiver gain {step_db:+.1f} dB"
            found.append(Annotation(sample, 1, -half_hz, half_hz, "gain-step", None, 1.0, words))
        return sorted(found, key=lambda a: a.sample_start)

    def _of_faults(self, n_samples: int) -> list[Annotation]:
        rate_hz = self.config.sample_rate_hz
        found = []
        for fault in self._wanted.faults:
            start = round(fault.start_s * rate_hz)
            stop = n_samples if fault.stop_s is None else round(fault.stop_s * rate_hz)
            n = min(stop, n_samples) - start
            if n > 0:
                lower, upper = np.clip(fault.edges_hz, -rate_hz / 2, rate_hz / 2)
                kind, words = fault.config.kind, fault.describe()
                found.append(
                    Annotation(start, n, float(lower), float(upper), kind, None, 1.0, words)
                )
        return found

    def _take(self, n: int) -> NDArray[np.complex64]:
        """Return at most ``n`` of the samples of the current frame; make the next one if need."""
        if self._used == len(self._frame):
            self._frame = self._next_frame()
            self._used = 0
        piece = self._frame[self._used : self._used + n]
        self._used += len(piece)
        self.n_samples += len(piece)
        return piece

    def _next_frame(self) -> NDArray[np.complex64]:
        n, start = self._n_frame, self.n_samples
        frame = self._wanted.next_frame()
        for interferer, gain in self._interferers:
            for first, stop in self._stretches(interferer.config, start, start + n):
                since = first - self._switched_on(interferer.config, first)
                frame[first - start : stop - start] += gain * interferer.samples(
                    since, stop - first
                )
        self._noise.add_to(frame.view(np.float32), self._noise_scale)
        self._gain_steps.apply(frame)
        return distort(frame, self.config.receiver)

    def _gains(self, items: Sequence[InterfererConfig]) -> list[np.float32]:
        """Return the amplitude of each interferer that gives its ISR."""
        spans_s = []
        for item in items:
            most_s = item.start_s + ISR_MOST_S
            stop_s = most_s if item.stop_s is None else min(most_s, item.stop_s)
            spans_s.append((item.start_s, max(stop_s, item.start_s + _ISR_LEAST_S)))
        powers = wanted_powers(self.config, self._seed, spans_s)
        return [
            np.float32(np.sqrt(power * 10.0 ** (item.isr_db / 10.0)))
            for item, power in zip(items, powers, strict=True)
        ]

    def _switched_on(self, item: InterfererConfig, sample: int) -> int:
        """Return the sample at which the occurrence that holds ``sample`` began."""
        rate_hz = self.config.sample_rate_hz
        first = round(item.start_s * rate_hz)
        every = round(item.every_s * rate_hz)
        return first + (sample - first) // every * every if every else first

    def _stretches(self, item: InterfererConfig, start: int, stop: int) -> list[tuple[int, int]]:
        """Return where the interferer is active between two samples."""
        rate_hz = self.config.sample_rate_hz
        first = round(item.start_s * rate_hz)
        every = round(item.every_s * rate_hz)
        length = stop if item.stop_s is None else round(item.stop_s * rate_hz) - first
        out = []
        on = max(first, self._switched_on(item, start))
        while on < stop:
            lower, upper = max(on, start), min(on + length, stop)
            if lower < upper:
                out.append((lower, upper))
            if not every:
                break
            on += every
        return out


def noise_power(config: SceneConfig) -> float:
    """Return the noise power in the sampled band for the SNR of a loaded subcarrier, linear.

    In the unit of the wanted signal, of which a full cell at a channel gain of 1 has power 1.
    """
    density = 1.0 / config.occupied_hz / 10.0 ** (config.channel.snr_db / 10.0)
    return float(density * config.sample_rate_hz)
