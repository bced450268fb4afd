"""Aircraft transponders after ADS-B: pulses of half a microsecond, 120 us a message."""

import numpy as np

from edgespec.simulate.numerology import FRAME_SAMPLES, SAMPLE_RATE_HZ
from edgespec.simulate.rotate import rotate
from edgespec.simulate.services.service import ComplexArray, amplitudes

__all__ = ["Transponders"]

_N_BITS, _BIT_S = 112, 1e-6
#: Half microseconds of the preamble that have a pulse (ICAO Annex 10, vol. IV, 3.1.2.1.5.1).
_PREAMBLE, _N_PREAMBLE = (0, 2, 7, 9), 16
_RATE_HZ = (50.0, 400.0)


class Transponders:
    """A sky of twelve aircraft, up to 25 dB apart, 50 to 400 messages a second."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._amplitude = amplitudes(rng, 12, 25.0)
        self._offset_hz = rng.uniform(-3e5, 3e5, 12)
        self._mean = float(rng.uniform(*_RATE_HZ)) * FRAME_SAMPLES / SAMPLE_RATE_HZ
        self._seed = seed
        halves = np.arange(_N_PREAMBLE + 2 * _N_BITS)
        n = int(len(halves) * _BIT_S / 2 * SAMPLE_RATE_HZ)
        self._half = np.minimum(
            (np.arange(n) / SAMPLE_RATE_HZ / (_BIT_S / 2)).astype(np.int64), halves[-1]
        )

    def add_to(self, out: ComplexArray, number: int) -> None:
        """Add a frame of 10 ms; messages lie within it."""
        rng = np.random.default_rng((self._seed, number))
        n = len(self._half)
        for _ in range(int(rng.poisson(self._mean))):
            begin, who = int(rng.integers(FRAME_SAMPLES - n)), int(rng.integers(12))
            pulses = np.zeros(_N_PREAMBLE + 2 * _N_BITS, np.float32)
            pulses[list(_PREAMBLE)] = 1.0
            bits = rng.integers(0, 2, _N_BITS)
            pulses[_N_PREAMBLE + 2 * np.arange(_N_BITS) + 1 - bits] = 1.0
            turns = self._offset_hz[who] / SAMPLE_RATE_HZ * np.arange(n) + rng.random()
            out[begin : begin + n] += (
                np.float32(self._amplitude[who]) * pulses[self._half] * rotate(turns)
            )
