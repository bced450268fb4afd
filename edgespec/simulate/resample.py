"""From 7.68 MS/s to the rate of the observer: overlap-save in the frequency domain.

Every frame of 10 ms is transformed with a piece of its neighbours on either side, cut to the new
band with a smooth edge, and transformed back: a linear-phase filter whose output is continuous
over frames. The result is one frame late.

Of the transform only the new band is wanted. It is put together of :data:`_N_PARTS` shorter ones,
``X[k] = sum_p exp(-2 pi i p k / n) F_p[k mod n / P]``, F_p that of every P-th sample from p on
(Cooley and Tukey 1965), which the library computes side by side: half of the time. So is the way
back: ``x[m + c L] = sum_p i^(p c) exp(2 pi i p m / n) f_p[m]``, f_p the transform of every P-th
bin, of length L.

Where the new band is a small part of the old one, every second sample is left out before, behind a
short filter (:mod:`edgespec.simulate.halving`), whose gain in the new band is taken out again.
"""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.computing import loops_are_quick
from edgespec.errors import UsageError
from edgespec.simulate.bounds import MOST_RATE_HZ
from edgespec.simulate.halving import open_halver
from edgespec.simulate.numerology import FRAME_SAMPLES, SAMPLE_RATE_HZ

__all__ = ["FrameResampler", "band_edge", "frame_samples"]

ComplexArray = NDArray[np.complex64]

#: Neighbouring samples on either side: 100 us at 7.68 MS/s, several times the filter's response.
_LEAST_PAD = 768
#: Transforms that one is put together of.
_N_PARTS = 4
#: Where the edge begins and ends, as a share of the sample rate.
_EDGE_START = 0.46
_EDGE_STOP = 0.5


def frame_samples(sample_rate_hz: float) -> int:
    """Return the samples of 10 ms at a rate.

    Raises:
        UsageError: 10 ms are no whole number of samples, or too many or few.
    """
    n = sample_rate_hz / 100.0
    if not (100 <= n <= MOST_RATE_HZ / 100.0 and n == round(n)):
        raise UsageError(
            f"the sample rate {sample_rate_hz:g} Hz cannot be simulated: take a multiple of "
            f"100 Hz from 10 kHz to {MOST_RATE_HZ / 1e6:g} MHz, such as 5e6, 2.4e6 or 1.92e6"
        )
    return round(n)


def band_edge(freqs_hz: NDArray[np.float64], sample_rate_hz: float) -> NDArray[np.float32]:
    """Return the gain of the anti-alias filter at some frequencies: 1, raised cosine, 0."""
    x = np.abs(freqs_hz) / min(sample_rate_hz, SAMPLE_RATE_HZ)
    x = np.clip((x - _EDGE_START) / (_EDGE_STOP - _EDGE_START), 0.0, 1.0)
    return (0.5 + 0.5 * np.cos(np.pi * x)).astype(np.float32)


class FrameResampler:
    """Takes frames of 76,800 samples and gives frames of ``sample_rate_hz / 100``."""

    def __init__(self, sample_rate_hz: float) -> None:
        self._n_out = frame_samples(sample_rate_hz)
        self._halver = open_halver(sample_rate_hz / SAMPLE_RATE_HZ)
        self._is_quick = loops_are_quick()
        n_frame, rate_hz = FRAME_SAMPLES, SAMPLE_RATE_HZ
        if self._halver is not None:
            n_frame, rate_hz = n_frame // 2, rate_hz / 2
        self._n_frame = n_frame
        step = n_frame // math.gcd(n_frame, self._n_out)
        # Twice an even number of samples more: the parts of the transform are of one length.
        step *= 1 + step % 2
        self._pad = _choose_pad(step, self._n_out, n_frame)
        self._pad_out = self._pad * self._n_out // n_frame
        n_in = n_frame + 2 * self._pad
        self._n_fft_out = self._n_out + 2 * self._pad_out
        # The frame that is worked on, with the end of the one before and the start of the next.
        self._line = np.zeros(n_in, np.complex64)
        half = min(n_in, self._n_fft_out) // 2
        bins = np.concatenate((np.arange(half), np.arange(n_in - half + 1, n_in)))
        freqs_hz = np.minimum(bins, n_in - bins) * rate_hz / n_in
        edge = band_edge(freqs_hz, sample_rate_hz) * np.float32(self._n_fft_out / n_in)
        if self._halver is not None:
            edge = edge / self._halver.gain(freqs_hz / SAMPLE_RATE_HZ)
        turns = np.outer(np.arange(_N_PARTS), bins) / n_in
        factors = (edge * np.exp(-2j * np.pi * turns)).astype(np.complex64)
        targets = np.concatenate((np.arange(half), np.arange(1 - half, 0) + self._n_fft_out))
        self._runs = _runs(bins % (n_in // _N_PARTS), targets, factors)
        self._parts = np.empty((_N_PARTS, n_in // _N_PARTS), np.complex64)
        self._product = np.empty(half, np.complex64)
        self._spectrum = np.zeros(self._n_fft_out, np.complex64)
        n_back = self._n_fft_out // _N_PARTS
        self._parts_back = np.empty((_N_PARTS, n_back), np.complex64)
        turns = np.outer(np.arange(_N_PARTS), np.arange(n_back)) / self._n_fft_out
        self._back = (np.exp(2j * np.pi * turns) / _N_PARTS).astype(np.complex64)

    def push(self, frame: ComplexArray) -> ComplexArray:
        """Take the next frame and return the one before it at the new rate."""
        pad, line, n_frame, halver = self._pad, self._line, self._n_frame, self._halver
        if halver is None:
            line[pad + n_frame :] = frame[:pad]
        else:
            halver.take(frame)
            halver.give(0, line[pad + n_frame - halver.late :])
        self._transform()
        out = self._samples()[self._pad_out : self._pad_out + self._n_out]
        line[: 2 * pad] = line[n_frame:]
        if halver is None:
            line[2 * pad : pad + n_frame] = frame[pad:]
        else:
            halver.give(pad + halver.late, line[2 * pad : pad + n_frame - halver.late])
        return out.copy()

    def _transform(self) -> None:
        """Write the new band of the line's transform to the spectrum."""
        np.copyto(self._parts, self._line.reshape(-1, _N_PARTS).T)
        # In place: a new array of this size is memory that the system clears for every frame.
        parts: ComplexArray = fft.fft(self._parts, axis=1, overwrite_x=True)
        for source, target, factors in self._runs:
            total = self._spectrum[target]
            if self._is_quick:
                from edgespec.simulate import resample_loops

                resample_loops.put_together(parts, source.start, factors, total)
                continue
            np.multiply(parts[0, source], factors[0], out=total)
            product = self._product[: len(total)]
            for part in range(1, _N_PARTS):
                total += np.multiply(parts[part, source], factors[part], out=product)

    def _samples(self) -> ComplexArray:
        """Return the inverse transform of the spectrum."""
        if self._n_fft_out % _N_PARTS:
            whole: ComplexArray = fft.ifft(self._spectrum)
            return whole
        np.copyto(self._parts_back, self._spectrum.reshape(-1, _N_PARTS).T)
        parts: ComplexArray = fft.ifft(self._parts_back, axis=1, overwrite_x=True)
        if self._is_quick:
            from edgespec.simulate import resample_loops

            resample_loops.take_back(parts, self._back)
            return parts.reshape(-1)
        parts *= self._back
        even, odd = parts[0] + parts[2], parts[1] + parts[3]
        even_turned, odd_turned = parts[0] - parts[2], 1j * (parts[1] - parts[3])
        np.add(even, odd, out=parts[0])
        np.subtract(even, odd, out=parts[2])
        np.add(even_turned, odd_turned, out=parts[1])
        np.subtract(even_turned, odd_turned, out=parts[3])
        return parts.reshape(-1)


def _runs(
    sources: NDArray[np.int64], targets: NDArray[np.int64], factors: ComplexArray
) -> list[tuple[slice, slice, ComplexArray]]:
    """Return where sources and targets lie side by side, with the factors of each such stretch."""
    is_break = (np.diff(sources) != 1) | (np.diff(targets) != 1)
    edges = [0, *(np.flatnonzero(is_break) + 1).tolist(), len(sources)]
    return [
        (
            slice(int(sources[start]), int(sources[start]) + stop - start),
            slice(int(targets[start]), int(targets[start]) + stop - start),
            np.ascontiguousarray(factors[:, start:stop]),
        )
        for start, stop in pairwise(edges)
    ]


def _choose_pad(step: int, n_out: int, n_frame: int) -> int:
    """Return a multiple of ``step`` that makes both transforms quick, or the least one."""
    least = -(-_LEAST_PAD * n_frame // FRAME_SAMPLES // step)
    for n_steps in range(least, 8 * least):
        pad = n_steps * step
        sizes = (n_frame + 2 * pad, n_out + 2 * (pad * n_out // n_frame))
        if pad <= n_frame and all(fft.next_fast_len(n) == n for n in sizes):
            return pad
    return least * step
