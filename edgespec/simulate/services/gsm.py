"""GSM: a beacon that is always on, and carriers whose time slots come and go."""

import numpy as np

from edgespec.simulate.numerology import FRAME_SAMPLES, SAMPLE_RATE_HZ
from edgespec.simulate.rotate import rotate
from edgespec.simulate.services.service import ComplexArray, amplitudes, keyed_turns, times_s

__all__ = ["Gsm"]

#: Bits a second, bits of a time slot, of which the last are silent, and slots of a TDMA frame.
_BIT_HZ, _SLOT_BITS, _SILENT_BITS, _N_SLOTS = 270_833.3, 156.25, 8.25, 8
_CHANNEL_HZ, _MOST_CHANNEL = 200e3, 9
#: A call holds its time slot for so long at least, and a slot has one with this probability.
_CALL_S, _BUSY = 1.5, 0.5


class Gsm:
    """One beacon and two or three carriers of traffic, up to 12 dB weaker, 200 kHz apart or more.

    TDMA frames of 8 slots of 0.577 ms (3GPP TS 45.002); what is modulated is constant in envelope.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 5))
        channels = np.arange(-_MOST_CHANNEL, _MOST_CHANNEL + 1, 2)
        self._offset_hz = _CHANNEL_HZ * rng.choice(channels, n, replace=False)
        self._amplitude = amplitudes(rng, n, 12.0)
        self._phase = rng.random(n)
        self._first_s = float(rng.random())
        self._seed = seed

    def add_to(self, out: ComplexArray, number: int) -> None:
        """Add a frame of 10 ms."""
        time_s = times_s(number)
        bits = (time_s + self._first_s) * _BIT_HZ
        slot = np.floor(bits / _SLOT_BITS).astype(np.int64)
        is_inside = bits - slot * _SLOT_BITS < _SLOT_BITS - _SILENT_BITS
        call = (time_s / _CALL_S).astype(np.int64)
        for carrier, offset_hz in enumerate(self._offset_hz.tolist()):
            rng = np.random.default_rng((self._seed, carrier, number))
            turns = keyed_turns(FRAME_SAMPLES, _BIT_HZ, 0.5, rng)
            turns += offset_hz / SAMPLE_RATE_HZ * np.arange(1, FRAME_SAMPLES + 1)
            wave = rotate(turns + self._phase[carrier])
            self._phase[carrier] = (self._phase[carrier] + turns[-1]) % 1.0
            if carrier:
                busy = self._busy(carrier, int(call[0]), int(call[-1]))
                wave[~(is_inside & busy[call - call[0], slot % _N_SLOTS])] = 0
            out += np.float32(self._amplitude[carrier]) * wave

    def _busy(self, carrier: int, first: int, last: int) -> np.ndarray:
        """Return which slots of a TDMA frame are in use, bool ``(n_calls, 8)``."""
        return np.stack(
            [
                np.random.default_rng((self._seed, carrier, 1 << 40, call)).random(_N_SLOTS) < _BUSY
                for call in range(first, last + 1)
            ]
        )
