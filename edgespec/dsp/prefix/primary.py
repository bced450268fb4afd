"""The primary synchronisation signal (PSS): where it lies in 5 ms, at which frequency offset."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.dsp.prefix.folding import fold_drifts
from edgespec.dsp.prefix.rate import SEARCH_RATE_HZ
from edgespec.lte.sequences import primary_sync

__all__ = [
    "HALF_FRAME",
    "N_USEFUL",
    "STEP_HZ",
    "SYNC_BINS",
    "Peak",
    "primary_peaks",
    "primary_wave",
]

#: Samples of half a frame, and of a symbol without its prefix, at the rate of the search.
HALF_FRAME = 9600
N_USEFUL = 128
#: The 62 subcarriers of PSS and SSS as bins of a transform over the useful part.
SYNC_BINS = np.concatenate([np.arange(-31, 0), np.arange(1, 32)])

_N_FFT = 2048
#: A transform gives this many correlations without wrapping; five of them are half a frame.
_N_HOP = 1920
_STEP_BINS = 6
#: Step of the frequency offsets, 5.6 kHz: at half of it the correlation has lost 0.5 dB.
STEP_HZ = _STEP_BINS * SEARCH_RATE_HZ / _N_FFT
#: Frequency offsets handled at once: the rows of a batch take less than 5 MB.
_N_VALUES_BATCH = 1_200_000
#: A window with less than this share of the mean power counts as one with it.
_POWER_LEAST = 1e-2
#: Peaks of one sector closer than this are one.
_N_APART = 8


class Peak(NamedTuple):
    """A place where the PSS may be.

    ``coherence`` 0 to 1 is the mean over half frames of the power of the correlation over that of
    the samples. ``at`` is the first sample of the useful part in the first half frame, ``drift``
    how many samples later it comes in each half frame than 9600 after the last.
    """

    coherence: float
    sector: int
    cfo_hz: float
    at: int
    drift: float


def primary_peaks(
    samples: NDArray[np.complex64],
    n_halves: int,
    steps: Sequence[int],
    masked: Sequence[tuple[int, int]] = (),
    n_most: int = 4,
    sectors: Sequence[int] = (0, 1, 2),
    between: Callable[[], None] = lambda: None,
) -> list[Peak]:
    """Return the highest peaks of the PSS, the highest first, at most ``n_most`` a sector.

    Args:
        samples: complex64 at 1.92 MS/s, at least ``n_halves * 9600 + 127`` of them.
        n_halves: half frames to fold, a power of two; drifts of up to a sample each (104 ppm)
            are tried.
        steps: frequency offsets to try, in steps of :data:`STEP_HZ`.
        masked: sectors and places that are known, to be left out.
        n_most: how many peaks of each sector.
        sectors: which of the three sequences.
        between: called before each batch of frequency offsets.
    """
    spectra = fft.fft(_rows(samples, n_halves), axis=1)
    scale = _inverse_energy(samples, n_halves) / np.float32(n_halves)
    peaks = []
    for sector in sectors:
        best = _best_of_offsets(spectra, scale, sector, steps, between)
        known = [at for other, at in masked if other == sector]
        peaks += _highest(best, sector, known, n_halves, n_most)
    return sorted(peaks, reverse=True)


@cache
def primary_wave(sector: int) -> NDArray[np.complex64]:
    """Return the useful part of the PSS of energy 1, complex64 ``(128,)``."""
    spectrum = np.zeros(N_USEFUL, np.complex64)
    spectrum[SYNC_BINS] = primary_sync(sector)
    wave: NDArray[np.complex64] = fft.ifft(spectrum)
    wave /= np.linalg.norm(wave)
    return wave


class _Best(NamedTuple):
    """For each place in half a frame the highest value, and the step and drift that gave it."""

    value: NDArray[np.float32]
    step: NDArray[np.int64]
    drift: NDArray[np.int64]


def _rows(samples: NDArray[np.complex64], n_halves: int) -> NDArray[np.complex64]:
    """Return overlapping pieces, complex64 ``(5 * n_halves, 2048)``; what lacks is zero."""
    n = n_halves * HALF_FRAME
    padded = np.zeros(n + _N_FFT - _N_HOP, np.complex64)
    piece = samples[: len(padded)]
    padded[: len(piece)] = piece
    return np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_N_HOP]


def _inverse_energy(samples: NDArray[np.complex64], n_halves: int) -> NDArray[np.float32]:
    """Return 1 over the energy of the 128 samples from each on, float32 ``(n_halves, 9600)``."""
    n = n_halves * HALF_FRAME
    power = samples[: n + N_USEFUL - 1]
    sums = np.concatenate([[0.0], np.cumsum(power.real**2 + power.imag**2, dtype=np.float64)])
    energy = sums[N_USEFUL:] - sums[:-N_USEFUL]
    least = max(_POWER_LEAST * N_USEFUL * sums[-1] / len(power), np.finfo(np.float32).tiny)
    out: NDArray[np.float32] = (1.0 / np.maximum(energy, least)).astype(np.float32)
    return out.reshape(n_halves, HALF_FRAME)


def _best_of_offsets(
    spectra: NDArray[np.complex64],
    scale: NDArray[np.float32],
    sector: int,
    steps: Sequence[int],
    between: Callable[[], None],
) -> _Best:
    n_halves = len(scale)
    template = fft.fft(primary_wave(sector), _N_FFT).conj()
    best = _Best(
        np.zeros(HALF_FRAME, np.float32),
        np.zeros(HALF_FRAME, np.int64),
        np.zeros(HALF_FRAME, np.int64),
    )
    n_batch = max(1, _N_VALUES_BATCH // scale.size)
    rows = np.empty((n_batch, n_halves, HALF_FRAME), np.float32)
    for first in range(0, len(steps), n_batch):
        between()
        batch = steps[first : first + n_batch]
        for row, step in zip(rows, batch, strict=False):
            product = spectra * np.roll(template, _STEP_BINS * step)
            wave = fft.ifft(product, axis=1, overwrite_x=True)[:, :_N_HOP]
            power = wave.real**2
            power += wave.imag**2
            np.multiply(power.reshape(scale.shape), scale, out=row)
        folded = fold_drifts(rows[: len(batch)])
        n_drifts = folded.shape[1]
        flat = folded.reshape(-1, HALF_FRAME)
        (better,) = np.nonzero(flat.max(axis=0) > best.value)
        which = flat[:, better].argmax(axis=0)
        best.value[better] = flat[which, better]
        best.step[better] = np.asarray(batch)[which // n_drifts]
        best.drift[better] = which % n_drifts - (n_halves - 1)
    return best


def _highest(
    best: _Best, sector: int, masked: Sequence[int], n_halves: int, n_most: int
) -> list[Peak]:
    """Return the highest peaks of a sector that lie apart from each other and the masked."""
    around = np.arange(-_N_APART, _N_APART + 1)
    value = best.value.copy()
    for at in masked:
        value[(at + around) % HALF_FRAME] = 0.0
    peaks = []
    for _ in range(n_most):
        at = int(value.argmax())
        if not value[at] > 0.0:
            break
        drift = float(best.drift[at]) / max(n_halves - 1, 1)
        peaks.append(Peak(float(value[at]), sector, float(best.step[at]) * STEP_HZ, at, drift))
        value[(at + around) % HALF_FRAME] = 0.0
    return peaks
