"""Frequency hoppers after Bluetooth: a slot of 0.625 ms, a channel of 1 MHz, and the next."""

import numpy as np

from edgespec.simulate.numerology import FRAME_SAMPLES, SAMPLE_RATE_HZ
from edgespec.simulate.rotate import rotate
from edgespec.simulate.services.service import ComplexArray, amplitudes, keyed_turns

__all__ = ["Hoppers"]

_SLOTS, _BIT_HZ, _INDEX = 16, 1e6, 0.32
_CHANNELS_HZ = (-1.5e6, -0.5e6, 0.5e6, 1.5e6)
#: Channels of the whole band, of which those above are heard; and how long a slot is filled.
_N_CHANNELS, _FILLED_S = 79, 366e-6


class Hoppers:
    """Six networks, of which few slots fall into the band; up to 20 dB apart."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._amplitude = amplitudes(rng, 6, 20.0)
        self._busy = rng.uniform(0.3, 1.0, 6)
        self._first = rng.integers(0, FRAME_SAMPLES // _SLOTS, 6)
        self._seed = seed

    def add_to(self, out: ComplexArray, number: int) -> None:
        """Add a frame of 10 ms."""
        n_slot = FRAME_SAMPLES // _SLOTS
        n_filled = round(_FILLED_S * SAMPLE_RATE_HZ)
        for network, amplitude in enumerate(self._amplitude.tolist()):
            rng = np.random.default_rng((self._seed, network, number))
            channel = rng.integers(0, _N_CHANNELS, _SLOTS)
            is_on = (rng.random(_SLOTS) < self._busy[network]) & (channel < len(_CHANNELS_HZ))
            for slot in np.flatnonzero(is_on).tolist():
                begin = slot * n_slot + int(self._first[network])
                n = min(n_filled, FRAME_SAMPLES - begin)
                turns = keyed_turns(n, _BIT_HZ, _INDEX, rng)
                turns += _CHANNELS_HZ[int(channel[slot])] / SAMPLE_RATE_HZ * np.arange(n)
                out[begin : begin + n] += np.float32(amplitude) * rotate(turns + rng.random())
