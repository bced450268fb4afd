"""Fading of the taps of a multipath profile: a sum of sinusoids, a function of time alone."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import loops_are_quick
from edgespec.errors import UsageError
from edgespec.simulate.config import ChannelConfig

__all__ = ["PROFILES", "Fading", "Waves"]

#: Delays in ns and powers in dB (3GPP TS 36.101, annex B.2.1).
PROFILES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "flat": ((0,), (0,)),
    "epa": ((0, 30, 70, 90, 110, 190, 410), (0, -1, -2, -3, -8, -17.2, -20.8)),
    "eva": (
        (0, 30, 150, 310, 370, 710, 1090, 1730, 2510),
        (0, -1.5, -1.4, -3.6, -0.6, -9.1, -7, -12, -16.9),
    ),
}
_N_WAVES = 16


class Waves(NamedTuple):
    """Waves that the gains of the taps are sums of, at some times after a start.

    ``angular`` rad/s and ``phase`` rad, ``(n_taps, n_waves)``; ``amplitude`` ``(n_taps,)``;
    ``turned``, how each turns from the start to the times, complex128 ``(n_taps, n_waves,
    n_times)``; the direct path, which the first tap has: ``direct_angular`` rad/s, and ``direct``,
    its gain at the times if the start is 0, complex128 ``(n_times,)``.
    """

    angular: NDArray[np.float64]
    phase: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    turned: NDArray[np.complex128]
    direct_angular: float
    direct: NDArray[np.complex128]

    def taps(self, start_s: float) -> NDArray[np.complex64]:
        """Return the gains at the times after a start, complex64 ``(n_times, n_taps)``."""
        angle = self.angular * start_s + self.phase
        wave = np.exp(1j * angle) * self.amplitude[:, None]
        gains = (wave[:, None, :] @ self.turned)[:, 0].T
        gains[:, 0] += self.direct * np.exp(1j * self.direct_angular * start_s)
        out: NDArray[np.complex64] = gains.astype(np.complex64)
        return out


class Fading:
    """Complex gains of the taps over time (Jakes; Pop and Beaulieu 2001); total mean power 1.

    ``delays_s`` are the delays of the taps and ``moves`` says whether their gains change.

    Raises:
        UsageError: the profile is unknown.
    """

    def __init__(self, config: ChannelConfig, seed: int) -> None:
        if config.profile not in PROFILES:
            raise UsageError(
                f"the channel profile is {config.profile!r}; known are {', '.join(PROFILES)}"
            )
        rng = np.random.default_rng(seed)
        delays_ns, powers_db = PROFILES[config.profile]
        self.delays_s = 1e-9 * np.array(delays_ns, float)
        power = 10.0 ** (np.array(powers_db, float) / 10.0)
        power /= power.sum()
        n_taps = len(power)
        self._doppler_hz = config.doppler_hz * np.cos(rng.uniform(0, 2 * np.pi, (n_taps, _N_WAVES)))
        self._phase = rng.uniform(0, 2 * np.pi, (n_taps, _N_WAVES))
        direct = 0.0
        if config.rician_k_db is not None:
            k = 10.0 ** (config.rician_k_db / 10.0)
            direct = power[0] * k / (k + 1.0)
        self._direct = np.sqrt(direct) * np.exp(2j * np.pi * rng.random())
        self._direct_hz = config.doppler_hz * np.cos(rng.uniform(0, 2 * np.pi))
        power[0] -= direct
        self._amplitude = np.sqrt(power / _N_WAVES)
        self.moves = bool(self._doppler_hz.any())

    def taps(self, time_s: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Return the gains at some times, complex64 ``(n_times, n_taps)``."""
        angle = 2 * np.pi * self._doppler_hz * time_s[:, None, None] + self._phase
        taps = np.exp(1j * angle).sum(axis=2) * self._amplitude
        taps[:, 0] += self._direct * np.exp(2j * np.pi * self._direct_hz * time_s)
        out: NDArray[np.complex64] = taps.astype(np.complex64)
        return out

    def waves(self, offsets_s: NDArray[np.float64]) -> Waves:
        """Return the waves that the gains are sums of, at times ``start_s + offsets_s``."""
        turn = np.exp(2j * np.pi * self._doppler_hz[..., None] * offsets_s)
        direct = self._direct * np.exp(2j * np.pi * self._direct_hz * offsets_s)
        angular, direct_angular = 2 * np.pi * self._doppler_hz, 2 * np.pi * self._direct_hz
        return Waves(angular, self._phase, self._amplitude, turn, direct_angular, direct)

    def recurring(self, offsets_s: NDArray[np.float64]) -> Callable[[float], NDArray[np.complex64]]:
        """Return ``taps(start_s + offsets_s)`` as a function of ``start_s``.

        How far each wave turns within the offsets is worked out once; only its phase at the start
        is left for every call.
        """
        waves = self.waves(offsets_s)
        if not loops_are_quick():
            return waves.taps

        def taps(start_s: float) -> NDArray[np.complex64]:
            from edgespec.simulate.fading_loops import taps_at

            out = np.empty((len(offsets_s), len(self.delays_s)), np.complex64)
            taps_at(*waves, start_s, out)
            return out

        return taps
