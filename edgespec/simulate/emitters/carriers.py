"""Carriers: constant, swept and hopping."""

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.emitters.kind import Baseband
from edgespec.simulate.rotate import rotate

__all__ = ["carrier", "chirp", "hop"]

#: Frequencies that a hopper knows, drawn once; it begins again after them.
_N_HOPS = 4096


def carrier(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """A constant: the tone, and with a gate the pulse."""

    def baseband(start: int, n: int) -> NDArray[np.complex64]:
        return np.ones(n, np.complex64)

    return baseband


def chirp(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """A linear sweep over the bandwidth that starts again every period."""
    period = config.period_s * sample_rate_hz
    width = config.bandwidth_hz / sample_rate_hz

    def baseband(start: int, n: int) -> NDArray[np.complex64]:
        k = np.arange(start, start + n) % period
        return rotate(width * (0.5 * k * k / period - 0.5 * k))

    return baseband


def hop(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """A carrier that takes another frequency of its bandwidth every period."""
    period = config.period_s * sample_rate_hz
    rng = np.random.default_rng(seed)
    width = config.bandwidth_hz / sample_rate_hz
    frequency = width * (rng.random(_N_HOPS) - 0.5)

    def baseband(start: int, n: int) -> NDArray[np.complex64]:
        k = np.arange(start, start + n)
        number = (k // period).astype(np.intp)
        return rotate(frequency[number % _N_HOPS] * (k - number * period))

    return baseband
