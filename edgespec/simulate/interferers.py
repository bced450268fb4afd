"""What does not belong on the band: tone, pulse, chirp, wideband, wideband pulse.

Each is a function of the sample number since it was switched on, with mean power 1 while it
transmits, so any stretch can be asked for in any order.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.errors import UsageError
from edgespec.simulate.config import InterfererConfig

__all__ = ["KINDS", "Interferer", "complete"]

ComplexArray = NDArray[np.complex64]
Baseband = Callable[[int, int], ComplexArray]

#: Spectral width that an annotation gives to a tone.
_TONE_WIDTH_HZ = 1e3
_SPACING_HZ = 15e3
_SYMBOLS_PER_BLOCK = 56


@dataclass(frozen=True, slots=True)
class Kind:
    """The usual shape of a kind; ``bandwidth`` is a share of the sample rate."""

    baseband: Callable[[InterfererConfig, float, int], Baseband]
    bandwidth: float
    period_s: float
    duty: float


def complete(config: InterfererConfig, sample_rate_hz: float) -> InterfererConfig:
    """Return ``config`` with the usual values of its kind where it has none.

    Raises:
        UsageError: the kind is unknown, or it does not fit between the edges of the band.
    """
    if config.kind not in KINDS:
        raise UsageError(f"the interferer is {config.kind!r}; known are {', '.join(KINDS)}")
    kind = KINDS[config.kind]
    period_s, duty = config.period_s or kind.period_s, config.duty or kind.duty
    bandwidth_hz = config.bandwidth_hz or kind.bandwidth * sample_rate_hz
    if not bandwidth_hz and period_s > 0:
        # A carrier is as wide as the main lobe of its pulses.
        bandwidth_hz = _TONE_WIDTH_HZ if duty == 1.0 else 2.0 / (duty * period_s)
    out = replace(config, bandwidth_hz=bandwidth_hz, period_s=period_s, duty=duty)
    if out.bandwidth_hz < 0 or out.period_s * sample_rate_hz < 2:
        raise UsageError(
            f"bandwidth_hz {out.bandwidth_hz:g} and period_s {out.period_s:g} of an interferer "
            "must be positive, and the period longer than two samples"
        )
    if abs(out.offset_hz) + out.bandwidth_hz / 2 > sample_rate_hz / 2:
        raise UsageError(
            f"an interferer of {out.bandwidth_hz:g} Hz at an offset of {out.offset_hz:g} Hz "
            f"reaches over the edge of the band, {sample_rate_hz / 2:g} Hz from its centre"
        )
    return out


class Interferer:
    """One interferer at one sample rate; equal seeds give equal samples.

    Phase, place in the pulse train and data are drawn from the seed.
    """

    def __init__(self, config: InterfererConfig, sample_rate_hz: float, seed: int) -> None:
        self.config = complete(config, sample_rate_hz)
        rng = np.random.default_rng(seed)
        self._rate_hz = sample_rate_hz
        self._phase = rng.random()
        self._period = self.config.period_s * sample_rate_hz
        self._first = int(rng.integers(max(1, int(self._period))))
        kind = KINDS[self.config.kind]
        self._baseband = kind.baseband(self.config, sample_rate_hz, int(rng.integers(2**31)))

    def samples(self, start: int, n: int) -> ComplexArray:
        """Return samples ``start`` to ``start + n`` since it was switched on, complex64 ``(n,)``.

        Silent parts of a pulse train are zero; the mean power of the rest is 1.
        """
        k = np.arange(start, start + n, dtype=np.float64)
        turns = self.config.offset_hz / self._rate_hz * k + self._phase
        out = _rotate(turns)
        out *= self._baseband(start + self._first, n)
        if self.config.duty < 1.0:
            out[(k + self._first) % self._period >= self.config.duty * self._period] = 0
        return out


def _rotate(turns: NDArray[np.float64]) -> ComplexArray:
    """Return ``exp(2j pi turns)`` as complex64; whole turns are taken off in float64."""
    angle = (2 * np.pi * (turns - np.floor(turns))).astype(np.float32)
    out = np.empty(len(turns), np.complex64)
    np.cos(angle, out=out.real)
    np.sin(angle, out=out.imag)
    return out


def _carrier(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """A constant: the tone, and with a gate the pulse."""

    def baseband(start: int, n: int) -> ComplexArray:
        return np.ones(n, np.complex64)

    return baseband


def _chirp(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """A linear sweep over the bandwidth that starts again every period."""
    period = config.period_s * sample_rate_hz
    width = config.bandwidth_hz / sample_rate_hz

    def baseband(start: int, n: int) -> ComplexArray:
        k = np.arange(start, start + n) % period
        return _rotate(width * (0.5 * k * k / period - 0.5 * k))

    return baseband


def _ofdm(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """QPSK on subcarriers 15 kHz apart with a cyclic prefix of 1/14, in blocks of 56 symbols."""
    n_fft = max(8, round(sample_rate_hz / _SPACING_HZ))
    n_prefix = max(1, n_fft // 14)
    half = max(1, round(config.bandwidth_hz / sample_rate_hz * n_fft / 2))
    bins = np.r_[1 : half + 1, n_fft - half : n_fft]
    place = np.arange(-n_prefix, n_fft) % n_fft
    n_block = _SYMBOLS_PER_BLOCK * len(place)
    cache: dict[int, ComplexArray] = {}

    def block(index: int) -> ComplexArray:
        if index not in cache:
            cache.clear()
            rng = np.random.default_rng((seed, index))
            signs = rng.integers(0, 2, (_SYMBOLS_PER_BLOCK, len(bins), 2)) * 2.0 - 1.0
            spectrum = np.zeros((_SYMBOLS_PER_BLOCK, n_fft), np.complex64)
            spectrum[:, bins] = signs[..., 0] + 1j * signs[..., 1]
            symbols = fft.ifft(spectrum, axis=1) * np.float32(n_fft / np.sqrt(2 * len(bins)))
            cache[index] = symbols[:, place].ravel()
        return cache[index]

    def baseband(start: int, n: int) -> ComplexArray:
        out = np.empty(n, np.complex64)
        done = 0
        while done < n:
            index, first = divmod(start + done, n_block)
            take = min(n - done, n_block - first)
            out[done : done + take] = block(index)[first : first + take]
            done += take
        return out

    return baseband


#: Every kind of interferer by its name (Peng et al. 2022, sec. 4; Li et al. 2019, sec. 5.4).
KINDS: dict[str, Kind] = {
    "tone": Kind(_carrier, bandwidth=0.0, period_s=1e-3, duty=1.0),
    "pulse": Kind(_carrier, bandwidth=0.0, period_s=1e-3, duty=0.25),
    "chirp": Kind(_chirp, bandwidth=0.2, period_s=1e-3, duty=1.0),
    "wideband": Kind(_ofdm, bandwidth=0.4, period_s=1e-3, duty=1.0),
    "wideband-pulse": Kind(_ofdm, bandwidth=0.4, period_s=2e-3, duty=0.5),
}
