"""The PSS of NR: where in 20 ms it lies, and at which frequency of the band."""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from edgespec.nr.block import BLOCK_PERIOD_S, SYNC_SUBCARRIERS
from edgespec.nr.sequences import primary_sync

__all__ = ["STEP", "Peak", "primary_peaks"]

#: Bins of the 127 subcarriers of a PSS: the rate of the search is so many times the spacing.
_N_BINS = 128
#: Length of a transform at that rate, about.
_N_FFT = 1024
#: Step of the frequency offsets, in subcarriers: at half of it 1.7 dB are lost.
STEP = 2 / 3
#: Share of the rate that a receiver's filter leaves.
_SEEN = 0.96
#: The energy of the samples is taken for so many offsets at once, .2 of the width of a PSS.
_N_TOGETHER = 32
#: A peak in noise has 1 / 128 in the mean, and .15 is the highest of 3e8: some are above this, and
#: are refused by their SSS.
_LEAST_COHERENCE = 0.13
_POWER_LEAST = 1e-2
#: Lines of so many subcarriers that stand 6 dB above the median of those of a PSS are levelled.
_LINE, _LINE_MOST = 0.5, 4.0


class Peak(NamedTuple):
    """A place where a PSS may be.

    ``coherence`` 0 to 1 is the power of the correlation over that of the samples; ``at`` the
    sample in which its useful part begins.
    """

    coherence: float
    sector: int
    cfo_hz: float
    at: float


def primary_peaks(
    samples: NDArray[np.complex64],
    sample_rate_hz: float,
    spacing_hz: float,
    n_most: int,
    between: Callable[[], None] = lambda: None,
) -> list[Peak]:
    """Return the highest peaks of a PSS in the first 20 ms, the highest first.

    ``|sum_n x[n + t] s*[n] exp(-2 pi i f n)|^2`` over the energies of both, for the three sequences
    s, every sample t of ``128 spacing`` and every frequency f at which a PSS is received whole.

    Args:
        samples: complex64, 20 ms and a symbol of them.
        sample_rate_hz: of the samples, at least ``128 spacing / 0.96``.
        spacing_hz: of the subcarriers.
        n_most: how many peaks.
        between: called between steps of a fraction of a second.
    """
    rate_hz = _N_BINS * spacing_hz
    cut = _Cut.of(sample_rate_hz, rate_hz)
    spectra = _levelled(cut.spectra(samples), cut, spacing_hz)
    bin_hz = rate_hz / cut.n_out
    most_hz = _SEEN * sample_rate_hz / 2 - _N_BINS / 2 * spacing_hz
    n_steps = int(max(most_hz, 0.0) / (STEP * spacing_hz))
    offsets = np.round(np.arange(-n_steps, n_steps + 1) * STEP * spacing_hz / bin_hz).astype(int)
    templates = [_template(sector, cut.n_out) for sector in range(3)]
    peaks: list[Peak] = []
    for first in range(0, len(offsets), _N_TOGETHER):
        between()
        some = offsets[first : first + _N_TOGETHER]
        scale = _inverse_energy(cut.slice(spectra, int(some[len(some) // 2])), cut)
        for offset in some:
            piece = cut.slice(spectra, int(offset))
            for sector, template in enumerate(templates):
                wave = fft.ifft(piece * template, axis=1, overwrite_x=True)[:, : cut.hop_out]
                power = (wave.real**2 + wave.imag**2) * scale
                best = int(power.argmax())
                if power.flat[best] > _LEAST_COHERENCE:
                    at = best * cut.hop_in / cut.hop_out
                    value = float(power.flat[best])
                    peaks.append(Peak(value, sector, float(offset * bin_hz), at))
    return _apart(sorted(peaks, reverse=True), spacing_hz, sample_rate_hz)[:n_most]


class _Cut(NamedTuple):
    """Overlapping pieces of the input, and how many bins of them are the rate of the search."""

    n_in: int
    n_out: int
    hop_in: int
    hop_out: int
    n_rows: int

    @classmethod
    def of(cls, sample_rate_hz: float, rate_hz: float) -> "_Cut":
        ratio = Fraction(rate_hz / sample_rate_hz).limit_denominator(10_000)
        n_units = fft.next_fast_len(ceil(_N_FFT / ratio.numerator))
        n_kept = n_units - ceil(_N_BINS / ratio.numerator)
        n_rows = ceil(BLOCK_PERIOD_S * sample_rate_hz / (n_kept * ratio.denominator))
        p, q = ratio.numerator, ratio.denominator
        return cls(n_units * q, n_units * p, n_kept * q, n_kept * p, n_rows)

    def spectra(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Return the spectra of the pieces, the lowest frequency first; what lacks is zero."""
        padded = np.zeros((self.n_rows - 1) * self.hop_in + self.n_in, np.complex64)
        piece = samples[: len(padded)]
        padded[: len(piece)] = np.where(np.isfinite(piece), piece, 0)
        rows = np.lib.stride_tricks.sliding_window_view(padded, self.n_in)[:: self.hop_in]
        return np.asarray(fft.fftshift(fft.fft(rows, axis=1), axes=1))

    def slice(self, spectra: NDArray[np.complex64], offset: int) -> NDArray[np.complex64]:
        """Return the bins of the rate of the search about an offset."""
        first = self.n_in // 2 + offset - self.n_out // 2
        return spectra[:, max(first, 0) : first + self.n_out]


def _levelled(
    spectra: NDArray[np.complex64], cut: _Cut, spacing_hz: float
) -> NDArray[np.complex64]:
    """Return spectra in which tones and narrow channels are as loud as what is about them."""
    width = max(1, round(_LINE * cut.n_out / _N_BINS))
    n_lines = cut.n_in // width
    power = np.mean(spectra.real**2 + spectra.imag**2, axis=0)
    lines = power[: n_lines * width].reshape(n_lines, width).mean(axis=1)
    most = _LINE_MOST * ndimage.median_filter(lines, round(cut.n_out / width), mode="nearest")
    gains = np.ones(cut.n_in, np.float32)
    quiet = np.sqrt(np.minimum(most / np.maximum(lines, np.finfo(np.float32).tiny), 1.0))
    gains[: n_lines * width] = np.repeat(quiet, width)
    return spectra * gains


@cache
def _template(sector: int, n_out: int) -> NDArray[np.complex64]:
    """Return the conjugate spectrum of a PSS of energy 1, the lowest frequency first."""
    spectrum = np.zeros(_N_BINS, np.complex64)
    spectrum[SYNC_SUBCARRIERS] = primary_sync(sector)
    wave = fft.ifft(spectrum)
    wave /= np.linalg.norm(wave)
    return np.asarray(fft.fftshift(fft.fft(wave, n_out)).conj())


def _inverse_energy(piece: NDArray[np.complex64], cut: _Cut) -> NDArray[np.float32]:
    """Return 1 over the energy of 128 samples from each on, float32 ``(n_rows, hop_out)``."""
    wave = fft.ifft(piece, axis=1)
    power = wave.real**2 + wave.imag**2
    sums = np.cumsum(power, axis=1, dtype=np.float64)
    sums = np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)
    energy = sums[:, _N_BINS : _N_BINS + cut.hop_out] - sums[:, : cut.hop_out]
    least = _POWER_LEAST * _N_BINS * float(power.mean()) + np.finfo(np.float32).tiny
    return np.asarray(1.0 / np.maximum(energy, least), np.float32)


def _apart(peaks: list[Peak], spacing_hz: float, sample_rate_hz: float) -> list[Peak]:
    """Return the highest of all those that are one: near in time and frequency."""
    found: list[Peak] = []
    near = 4 * sample_rate_hz / (_N_BINS * spacing_hz)
    for peak in peaks:
        if not any(
            abs(one.at - peak.at) < near and abs(one.cfo_hz - peak.cfo_hz) < 2 * spacing_hz
            for one in found
        ):
            found.append(peak)
    return found
