"""Slow fading behind houses and hills: log-normal, a function of time alone."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shadowing"]

_N_WAVES = 48
#: Faster wanderings than this are multipath, not shadows.
_MOST_HZ = 5.0


class Shadowing:
    """A gain whose decibels are Gaussian with correlation ``exp(-t / decorrelation_s)``.

    Gudmundson 1991's law over distance, at constant speed, as a sum of sinusoids: frequencies
    follow the Cauchy law, which is the spectrum of that correlation.
    """

    def __init__(self, sigma_db: float, decorrelation_s: float, seed: int) -> None:
        rng = np.random.default_rng((seed, 10))
        freqs = rng.standard_cauchy(_N_WAVES) / (2 * np.pi * decorrelation_s)
        self._angular = 2 * np.pi * np.clip(freqs, -_MOST_HZ, _MOST_HZ)
        self._phase = rng.uniform(0, 2 * np.pi, _N_WAVES)
        self._scale_db = sigma_db * np.sqrt(2.0 / _N_WAVES)

    def gain_db(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gain at some times, dB, float64 ``(n,)``."""
        waves = np.cos(self._angular * time_s[:, None] + self._phase)
        out: NDArray[np.float64] = self._scale_db * waves.sum(axis=1)
        return out

    def recurring(self, offsets_s: NDArray[np.float64]) -> Callable[[float], NDArray[np.float64]]:
        """Return ``gain_db(start_s + offsets_s)`` as a function of ``start_s``.

        How far each wave turns within the offsets is worked out once.
        """
        turned = self._scale_db * np.exp(1j * self._angular * offsets_s[:, None])

        def gain_db(start_s: float) -> NDArray[np.float64]:
            out: NDArray[np.float64] = (
                turned @ np.exp(1j * (self._angular * start_s + self._phase))
            ).real
            return out

        return gain_db
