"""What a service does, and the phase keying that several of them share."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from edgespec.simulate.numerology import FRAME_SAMPLES, SAMPLE_RATE_HZ

__all__ = ["ComplexArray", "Service", "amplitudes", "keyed_turns", "times_s"]

ComplexArray = NDArray[np.complex64]


class Service(Protocol):
    """Adds what is sent in frames of 10 ms at 7.68 MS/s, one after another.

    The strongest of it has power 1 while it transmits.
    """

    def add_to(self, out: ComplexArray, number: int) -> None:
        """Add frame ``number`` to ``out``, complex64 ``(76800,)``."""
        ...


def amplitudes(rng: np.random.Generator, n: int, apart_db: float) -> NDArray[np.float64]:
    """Return those of ``n`` transmitters up to so many dB apart; the first is the strongest, 1."""
    out = 10.0 ** (-rng.uniform(0.0, apart_db, n) / 20.0)
    out[0] = 1.0
    return np.asarray(out, np.float64)


def times_s(number: int) -> NDArray[np.float64]:
    """Return the times of the samples of a frame since the start, ``(76800,)``."""
    return (number * FRAME_SAMPLES + np.arange(FRAME_SAMPLES)) / SAMPLE_RATE_HZ


def keyed_turns(
    n: int, bit_hz: float, index: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the phase in turns of random bits, frequency-keyed, after each of ``n`` samples.

    A bit turns the phase by ``index / 2`` turns; the frequency is smoothed over one bit, about as
    the Gaussian filter of GSM does.
    """
    per_bit = SAMPLE_RATE_HZ / bit_hz
    bit = (np.arange(n) / per_bit).astype(np.int64)
    signs = rng.integers(0, 2, int(bit[-1]) + 1) * 2.0 - 1.0
    smooth = uniform_filter1d(signs[bit], max(round(per_bit), 1), mode="nearest")
    return np.asarray(np.cumsum(smooth) * (index / 2.0 / per_bit), np.float64)
