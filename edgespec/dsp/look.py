"""The newest samples of a band, looked at as finely as an FFT allows: where an event wants a name.

Frames are means over ten spectra; pulses of 50 us and a chirp of 1 ms are steady in them.
"""

from functools import cached_property
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.dsp.tapers import TAPERS
from edgespec.framing import Framing
from edgespec.lte.numerology import (
    PREFIX_UNITS,
    SLOT_S,
    SLOT_UNITS,
    SUBCARRIER_HZ,
    USEFUL_UNITS,
    SymbolPlace,
    useful_units,
)
from edgespec.records import FloatArray

__all__ = ["BlockLook"]

#: Prefixes of a slot, as parts of it; of the longer first one its end, as long as the others.
_LENGTHS = np.array(PREFIX_UNITS["normal"])
_PREFIX = _LENGTHS.min() / SLOT_UNITS
_ENDS = np.array([useful_units("normal", SymbolPlace(0, n)) for n in range(len(_LENGTHS))])
_STARTS = _ENDS / SLOT_UNITS - _PREFIX
_SYMBOL = _PREFIX + USEFUL_UNITS / SLOT_UNITS
#: Timings so near to one that was found are the same one, in prefixes.
_SAME_PREFIXES = 1.5


class BlockLook:
    """What some samples hold in each bin of the band's grid, FFT by FFT.

    Args:
        samples: complex64 ``(n,)``, consecutive.
        framing: of the band's frames: same bins, same taper, no averages.
    """

    def __init__(self, samples: NDArray[np.complex64], framing: Framing) -> None:
        self._samples = samples
        self._framing = framing

    @cached_property
    def power(self) -> FloatArray:
        """Power of each bin, linear, float32 ``(n // n_fft, n_fft)``, in frequencies that rise."""
        n_fft = self._framing.n_fft
        weights = TAPERS[self._framing.taper](n_fft).astype(np.float32)
        n_rows = len(self._samples) // n_fft
        rows = self._samples[: n_rows * n_fft].reshape(n_rows, n_fft) * weights
        spectra = fft.fftshift(fft.fft(rows, axis=1), axes=1)
        power = spectra.real**2 + spectra.imag**2
        scaled: FloatArray = (power / np.float32(weights.sum() ** 2)).astype(np.float32)
        return scaled

    def prefix_shares(self, lower_bin: int, upper_bin: int) -> tuple[float, float, float]:
        """Return which share of the power in some bins repeats itself as OFDM's prefixes do.

        ``c = |sum y[n] conj(y[n + T])| / sum |y[n]|^2`` with T = 1 / 15 kHz, three times: over the
        prefixes of LTE at the timing where c is largest; at the best timing of any other, that of a
        second transmission; and over everything, times what a symbol is longer than its prefix:
        that of OFDM whose symbols are somewhat longer or shorter. What noise gives is taken off;
        all are 0 where there are too few samples to tell.
        """
        rate_hz, n = self._framing.sample_rate_hz, len(self._samples)
        lag, n_slot = round(rate_hz / SUBCARRIER_HZ), int(rate_hz * SLOT_S)
        n_prefix = round(rate_hz * SLOT_S * _PREFIX)
        if n_prefix < 2 or n < 2 * n_slot + lag:
            return 0.0, 0.0, 0.0
        product, power = self._repeated(lower_bin, upper_bin, lag)
        place = (np.arange(len(product)) % (rate_hz * SLOT_S)).astype(np.intp)
        place[place >= n_slot] = n_slot - 1
        real, imag, total = (
            np.bincount(place, part, n_slot) for part in (product.real, product.imag, power)
        )
        combed = np.abs(_comb((real + 1j * imag).astype(np.complex128), n_prefix))
        shares = combed / np.maximum(_comb(total.astype(np.complex128), n_prefix).real, 1e-30)
        best = int(shares.argmax())
        symbols = (np.arange(n_slot) - best) / n_slot / _SYMBOL
        away = np.abs(symbols - np.round(symbols)) * _SYMBOL * n_slot
        others = shares[away > _SAME_PREFIXES * n_prefix]
        second = float(others.max()) if len(others) else 0.0
        whole = abs(complex(product.sum())) / max(float(power.sum()), 1e-30)
        # As many samples of noise as the bins are wide; the largest of some timings is looked for.
        n_free = (upper_bin - lower_bin + 1) / self._framing.n_fft * len(product)
        of_noise = sqrt(log(_SYMBOL * n_slot / n_prefix) * _SYMBOL / _PREFIX / n_free)
        longer = _SYMBOL / _PREFIX
        return (
            _above(float(shares[best]), of_noise),
            _above(second, of_noise),
            longer * _above(whole, 2.0 / sqrt(n_free)),
        )

    def _repeated(
        self, lower_bin: int, upper_bin: int, lag: int
    ) -> tuple[NDArray[np.complex64], FloatArray]:
        """Return ``y[n] conj(y[n + lag])`` and the mean power of both, y of some bins alone."""
        n, n_fft = len(self._samples), self._framing.n_fft
        spectrum, freqs = fft.fft(self._samples), fft.fftfreq(n)
        spectrum[freqs < (lower_bin - 0.5) / n_fft - 0.5] = 0.0
        spectrum[freqs > (upper_bin + 0.5) / n_fft - 0.5] = 0.0
        y = fft.ifft(spectrum, overwrite_x=True)
        size = y.real**2 + y.imag**2
        return y[:-lag] * np.conj(y[lag:]), 0.5 * (size[:-lag] + size[lag:])


def _above(share: float, of_noise: float) -> float:
    return max(share - of_noise, 0.0)


def _comb(folded: NDArray[np.complex128], n_prefix: int) -> NDArray[np.complex128]:
    """Return the sum over the prefixes of a slot for every timing of it."""
    n_slot = len(folded)
    sums = np.cumsum(np.concatenate([[0.0], folded, folded[:n_prefix]]))
    boxes = sums[n_prefix : n_prefix + n_slot] - sums[:n_slot]
    starts = np.round(_STARTS * n_slot).astype(np.intp)
    places = (np.arange(n_slot)[:, None] + starts) % n_slot
    combed: NDArray[np.complex128] = boxes[places].sum(axis=1)
    return combed
