"""Gain steps of a receiver: at given times, and at random ones."""

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.config import ReceiverConfig

__all__ = ["GainSteps"]


class GainSteps:
    """The steps of a receiver's gain, each ``(sample, change in dB)``, and their effect.

    Random steps take the gain to a level drawn anew within the range, whatever it was.
    """

    def __init__(self, config: ReceiverConfig, sample_rate_hz: float, seed: int) -> None:
        self._config = config
        self._rate_hz = sample_rate_hz
        self._rng = np.random.default_rng((seed, 8))
        times = (round(time_s * sample_rate_hz) for time_s in config.gain_times_s)
        self._given = list(zip(times, config.gain_steps_db, strict=True))
        self._random: list[tuple[int, float]] = []
        self._random_s = 0.0
        self._random_db = 0.0
        self._gain_db = 0.0
        self._done = 0
        self._draw()

    def between(self, start: int, stop: int) -> list[tuple[int, float]]:
        """Return the steps from sample ``start`` to before sample ``stop``, in order."""
        while self._random and self._random[-1][0] < stop:
            self._draw()
        return sorted(step for step in self._given + self._random if start <= step[0] < stop)

    def apply(self, samples: NDArray[np.complex64]) -> None:
        """Change the next samples of the stream in place."""
        begin, end = self._done, self._done + len(samples)
        place = begin
        for at, step_db in self.between(begin, end):
            self._scale(samples[place - begin : at - begin])
            place = at
            self._gain_db += step_db
        self._scale(samples[place - begin :])
        self._done = end

    def _scale(self, samples: NDArray[np.complex64]) -> None:
        if self._gain_db:
            samples *= np.float32(10.0 ** (self._gain_db / 20.0))

    def _draw(self) -> None:
        """Draw one more random step, where there are any."""
        if not self._config.agc_every_s:
            return
        reach_db = self._config.agc_range_db
        level_db = float(self._rng.uniform(-reach_db, reach_db))
        self._random_s += float(self._rng.exponential(self._config.agc_every_s))
        at = round(self._random_s * self._rate_hz)
        self._random.append((at, level_db - self._random_db))
        self._random_db = level_db
