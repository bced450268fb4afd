"""What breaks the constant envelope of channels that have one, such as those of GSM and FM."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["Channel", "Modulus", "channels", "choose_channels"]

ComplexArray = NDArray[np.complex64]
Float = NDArray[np.float64]

#: Widths of channels as shares of the band; neighbours overlap by half.
_SHARES = (1.0, 0.5, 0.25, 0.1, 0.05)
#: Samples of a block at twice the width of its channel, and what is left of the power where the
#: envelope is constant, in dB.
_BLOCK, _CONSTANT_DB = 24, -8.0
#: Channels that are kept, blocks that must be busy, and how far below the strongest one may lie.
_MOST, _LEAST_BUSY, _REACH_DB = 6, 16, 20.0
#: Quantiles of what is left, over one horizon and over four.
_QUANTILES, _HORIZONS = (0.25, 0.5, 0.75, 0.95), (1, 4)


@dataclass(frozen=True, slots=True)
class Channel:
    """Middle and width in shares of the band, the former from -0.5 to 0.5."""

    middle: float
    width: float

    def heard(self, spectrum: ComplexArray) -> ComplexArray:
        """Return what a hop holds of the channel, at twice its width.

        Args:
            spectrum: FFT of the samples of the hop, complex64 ``(n,)``.
        """
        n = len(spectrum)
        n_out = min(max(round(2 * self.width * n), 2), n)
        n_pass = min(round(self.width * n), n_out)
        first = round(self.middle * n) - n_pass // 2
        inside = np.zeros(n_out, np.complex64)
        at = np.arange(n_pass)
        inside[(at - n_pass // 2) % n_out] = spectrum[(first + at) % n]
        wave: ComplexArray = fft.ifft(inside, overwrite_x=True)
        wave *= np.float32(n_out / n)
        return wave


def channels() -> list[Channel]:
    """Return all channels that are looked at."""
    out = []
    for share in _SHARES:
        n = round(2 / share) - 1
        out += [Channel((k + 1) * share / 2 - 0.5, share) for k in range(n)]
    return out


def powers_db(wave: ComplexArray) -> tuple[Float, Float]:
    """Return, of each block, the mean power and what is not constant in it, in dB.

    ``P = mean |y|^2`` and ``R = 2 var |y|``, which is P of white noise, or nearly.
    """
    size = np.abs(wave[: len(wave) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)).astype(np.float64)
    power = np.maximum((size**2).mean(axis=1), 1e-15)
    left = np.maximum(2.0 * size.var(axis=1), 1e-15)
    return 10.0 * np.log10(power), 10.0 * np.log10(left)


def choose_channels(hops: list[ComplexArray]) -> list[Channel]:
    """Return the channels whose envelope is constant while they are busy, the strongest first.

    Args:
        hops: samples of some hops of the warm-up.
    """
    found: list[tuple[float, Channel]] = []
    spectra = [fft.fft(hop) for hop in hops]
    for channel in channels():
        blocks = [powers_db(channel.heard(spectrum)) for spectrum in spectra]
        power, left = (np.concatenate(part) for part in zip(*blocks, strict=True))
        loud = float(np.quantile(power, 0.95))
        busy = power > loud - 6.0
        if np.count_nonzero(busy) >= _LEAST_BUSY:
            constant = float(np.median((left - power)[busy]))
            if constant < _CONSTANT_DB:
                found.append((loud, channel))
    if not found:
        return []
    strongest = max(loud for loud, _ in found)
    found = [item for item in found if item[0] > strongest - _REACH_DB]
    return [channel for _, channel in sorted(found, key=lambda item: -item[0])[:_MOST]]


class Modulus:
    """Quantiles of what is not constant in some channels, above the highest of the warm-up."""

    def __init__(self, chosen: list[Channel]) -> None:
        self._channels = chosen
        self._highest = np.full((len(chosen), len(_HORIZONS), len(_QUANTILES)), -np.inf, np.float64)
        self._last: list[list[Float]] = [[] for _ in chosen]

    def learn(self, samples: ComplexArray) -> None:
        """Take a hop of normal signal."""
        self._highest = np.maximum(self._highest, self._levels_db(samples))

    def above_db(self, samples: ComplexArray) -> float:
        """Return how far the highest lies above that of the warm-up; -inf without a channel."""
        if not self._channels:
            return -np.inf
        return float((self._levels_db(samples) - self._highest).max())

    def _levels_db(self, samples: ComplexArray) -> Float:
        out = np.empty_like(self._highest)
        spectrum = fft.fft(samples)
        for number, channel in enumerate(self._channels):
            last = [
                *self._last[number][1 - max(_HORIZONS) :],
                powers_db(channel.heard(spectrum))[1],
            ]
            self._last[number] = last
            for row, n in enumerate(_HORIZONS):
                out[number, row] = np.quantile(np.concatenate(last[-n:]), _QUANTILES)
        return out
