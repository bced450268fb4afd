"""An OFDM cell without a standard: random symbols behind their cyclic prefixes, at any timing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.records import SampleFormat

__all__ = ["OfdmCell", "encode", "white"]


@dataclass(frozen=True)
class OfdmCell:
    """What is sent, and how the receiver hears it: late, fast, off frequency.

    Frames begin at ``start`` samples; the receiver counts ``ppm`` more samples than nominal.
    ``silent`` are slots of the frame in which nothing is sent. The mean power is 1.
    """

    rate_hz: float = 1.92e6
    prefix: str = "normal"
    start: float = 0.0
    ppm: float = 0.0
    cfo_hz: float = 0.0
    silent: tuple[int, ...] = ()
    duplex: str = "fdd"
    spacing_hz: float = 15e3

    def found(self, **wrong: float) -> Cell:
        """Return what a search would find, wrong by some amounts."""
        return Cell(
            "lte", 7, self.duplex, self.prefix, self.rate_hz,
            self.start + wrong.get("start", 0.0), self.cfo_hz + wrong.get("cfo_hz", 0.0),
            self.ppm + wrong.get("ppm", 0.0), 20.0, 1.0, 3.0, self.spacing_hz,
        )  # fmt: skip

    def samples(self, rng: np.random.Generator, n_samples: int) -> NDArray[np.complex64]:
        """Return complex64 ``(n_samples,)``, from sample 0 of the stream on.

        Subcarriers fill 0.9 of the rate. A symbol is made by an FFT whose subcarriers are turned so
        that its samples lie where the receiver takes them; the lag must be whole.
        """
        plan, scale = PrefixPlan(self.rate_hz, self.prefix, self.spacing_hz), 1.0 + 1e-6 * self.ppm
        n_fft = round(plan.lag_samples)
        slot = plan.slot_samples * scale
        first = int(np.floor(-self.start / slot)) - 1
        slots = np.arange(first, first + int(n_samples / slot) + 4)
        useful = np.repeat(self.start + slots * slot, plan.n_symbols)
        useful += np.tile(plan.prefix_ends, len(slots)) * scale
        begins = np.diff(np.concatenate([[0.0], plan.prefix_ends + n_fft]))
        begins = useful - np.tile(begins - n_fft, len(slots)) * scale
        edges = np.ceil(begins).astype(int)
        n_used = int(0.45 * n_fft)
        numbers = np.r_[-n_used:0, 1 : n_used + 1]
        grid = np.zeros((len(useful), n_fft), complex)
        grid[:, numbers] = rng.normal(size=(len(useful), 2 * n_used, 2)) @ [1, 1j]
        grid[np.isin(np.repeat(slots % 20, plan.n_symbols), self.silent)] = 0.0
        late = edges - useful
        grid *= np.exp(2j * np.pi * np.fft.fftfreq(n_fft) * late[:, None])
        symbols = np.fft.ifft(grid, axis=1) * n_fft / np.sqrt(4 * n_used)
        lengths = np.diff(edges)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        n = np.arange(len(rows)) + edges[0]
        x = symbols[rows, (n - edges[rows]) % n_fft]
        x *= np.exp(2j * np.pi * self.cfo_hz / self.rate_hz * n)
        return x[-edges[0] :][:n_samples].astype(np.complex64)


def white(rng: np.random.Generator, n_samples: int, power: float = 1.0) -> NDArray[np.complex64]:
    """Return white noise."""
    pairs = rng.standard_normal((n_samples, 2), np.float32) * np.float32(np.sqrt(power / 2))
    return pairs.view(np.complex64)[:, 0]


def encode(x: NDArray[np.complex64], sample_format: SampleFormat) -> NDArray[np.generic]:
    """Return samples of a format for complex numbers, full scale is 1."""
    if sample_format is SampleFormat.CF32:
        return x.astype(np.complex64)
    ends = np.iinfo(sample_format.dtype)
    pairs = np.stack([x.real, x.imag], axis=1) * sample_format.full_scale + sample_format.zero
    return np.clip(np.round(pairs), ends.min, ends.max).astype(sample_format.dtype)
