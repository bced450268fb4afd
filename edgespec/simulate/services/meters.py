"""Meters and sensors of an ISM band: short bursts of a few devices, each on its channel."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgespec.simulate.numerology import FRAME_SAMPLES, SAMPLE_RATE_HZ
from edgespec.simulate.rotate import rotate
from edgespec.simulate.services.service import ComplexArray, amplitudes, keyed_turns

__all__ = ["Meters"]

#: Bursts are drawn for so many frames at once; none is longer than that.
_BLOCK_FRAMES = 10
_BURSTS, _LONG_S = (1.0, 5.0), (2e-3, 4e-2)
_BIT_HZ, _KEYED_HZ = (2e3, 4e4), 25e3


@dataclass(frozen=True, slots=True)
class _Burst:
    """Samples since the start of its block, and what is needed to make them."""

    start: int
    n: int
    device: int
    seed: tuple[int, int, int]


class Meters:
    """Four devices with on-off or frequency keying, up to 15 dB apart; 10 to 50 bursts a second."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._offset_hz = rng.uniform(-2e6, 2e6, 4)
        self._amplitude = amplitudes(rng, 4, 15.0)
        self._is_on_off = rng.random(4) < 0.5
        self._bit_hz = _BIT_HZ[0] * (_BIT_HZ[1] / _BIT_HZ[0]) ** rng.random(4)
        self._mean = float(rng.uniform(*_BURSTS))
        self._seed = seed
        self._made: dict[tuple[int, int, int], ComplexArray] = {}

    def add_to(self, out: ComplexArray, number: int) -> None:
        """Add a frame of 10 ms."""
        block = number // _BLOCK_FRAMES
        first = number * FRAME_SAMPLES
        used = {}
        for where in (block - 1, block):
            for burst in self._bursts(where):
                start = where * _BLOCK_FRAMES * FRAME_SAMPLES + burst.start - first
                low, high = max(start, 0), min(start + burst.n, FRAME_SAMPLES)
                if low < high:
                    made = self._made.get(burst.seed)
                    used[burst.seed] = made = self._wave(burst) if made is None else made
                    out[low:high] += made[low - start : high - start]
        self._made = used

    def _bursts(self, block: int) -> Iterator[_Burst]:
        if block < 0:
            return
        rng = np.random.default_rng((self._seed, block))
        for count in range(int(rng.poisson(self._mean))):
            long_s = _LONG_S[0] * (_LONG_S[1] / _LONG_S[0]) ** float(rng.random())
            n = round(long_s * SAMPLE_RATE_HZ)
            start = int(rng.integers(_BLOCK_FRAMES * FRAME_SAMPLES))
            yield _Burst(start, n, int(rng.integers(4)), (self._seed, block, count + 1))

    def _wave(self, burst: _Burst) -> ComplexArray:
        rng, device = np.random.default_rng(burst.seed), burst.device
        bit_hz = float(self._bit_hz[device])
        turns = (
            float(self._offset_hz[device]) / SAMPLE_RATE_HZ * np.arange(burst.n, dtype=np.float64)
        )
        if not self._is_on_off[device]:
            turns += keyed_turns(burst.n, bit_hz, 2.0 * _KEYED_HZ / bit_hz, rng)
        wave = rotate(turns + rng.random())
        if self._is_on_off[device]:
            bit = (np.arange(burst.n) * (bit_hz / SAMPLE_RATE_HZ)).astype(np.int64)
            wave[rng.random(int(bit[-1]) + 1)[bit] < 0.5] = 0
        wave *= np.float32(self._amplitude[device])
        return wave
