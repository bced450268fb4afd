"""Broadcast FM: stations with speech-like loudness, constant in envelope."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from edgespec.simulate.numerology import FRAME_SAMPLES, SAMPLE_RATE_HZ
from edgespec.simulate.rotate import rotate
from edgespec.simulate.services.service import ComplexArray, amplitudes

__all__ = ["Fm"]

_SPACING_HZ, _MOST_CHANNEL, _DEVIATION_HZ = 400e3, 4, 45e3
#: Samples between two values of the audio, 15 kHz wide or so, and frames of one loudness.
_KNOT, _LOUD_FRAMES = 256, 20


class Fm:
    """Two to four stations, up to 20 dB apart."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 5))
        channels = np.arange(-_MOST_CHANNEL, _MOST_CHANNEL + 1)
        self._offset_hz = _SPACING_HZ * rng.choice(channels, n, replace=False)
        self._amplitude = amplitudes(rng, n, 20.0)
        self._phase = rng.random(n)
        self._seed = seed

    def add_to(self, out: ComplexArray, number: int) -> None:
        """Add a frame of 10 ms."""
        n_knots = FRAME_SAMPLES // _KNOT
        for station, offset_hz in enumerate(self._offset_hz.tolist()):
            rng = np.random.default_rng((self._seed, station, number))
            loud = np.random.default_rng((self._seed, station, 1 << 40, number // _LOUD_FRAMES))
            audio = rng.standard_normal(n_knots + 1) * loud.uniform(0.1, 1.0)
            audio = np.repeat(audio, _KNOT)[:FRAME_SAMPLES]
            audio = uniform_filter1d(audio, _KNOT, mode="nearest")
            turns = np.cumsum((offset_hz + _DEVIATION_HZ * audio) / SAMPLE_RATE_HZ)
            wave = rotate(turns + self._phase[station])
            self._phase[station] = (self._phase[station] + turns[-1]) % 1.0
            out += np.float32(self._amplitude[station]) * wave
