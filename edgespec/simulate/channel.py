"""Multipath fading, applied to the grid: one gain for every OFDM symbol and subcarrier.

All delays are shorter than the cyclic prefix, so a channel that stands still for a symbol is a
product per subcarrier. Fading is a sum of sinusoids (Jakes; Pop and Beaulieu 2001), a function
of time alone, so any stretch can be asked for at any time.
"""

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.simulate.config import ChannelConfig
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SUBCARRIERS,
    SAMPLE_RATE_HZ,
    SUBCARRIERS_HZ,
    SYMBOL_START,
)

__all__ = ["PROFILES", "Channel"]

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
_SYMBOL_S = SYMBOL_START / SAMPLE_RATE_HZ


class Channel:
    """Gain of the way from the cell to the observer; its mean power over fading is 1."""

    def __init__(self, config: ChannelConfig, seed: int) -> None:
        if config.profile not in PROFILES:
            raise UsageError(
                f"the channel profile is {config.profile!r}; known are {', '.join(PROFILES)}"
            )
        rng = np.random.default_rng(seed)
        delays_ns, powers_db = PROFILES[config.profile]
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
        turns = -1e-9 * np.array(delays_ns, float)[:, None] * SUBCARRIERS_HZ
        self._steering = np.exp(2j * np.pi * turns).astype(np.complex64)

    def frame_gains(self, frame: int) -> NDArray[np.complex64]:
        """Return the gains during frame ``frame``, complex64 ``(140, 300)``."""
        time_s = frame * FRAME_SAMPLES / SAMPLE_RATE_HZ + _SYMBOL_S
        if not self._doppler_hz.any():
            time_s = time_s[:1]
        angle = 2 * np.pi * self._doppler_hz * time_s[:, None, None] + self._phase
        taps = np.exp(1j * angle).sum(axis=2) * self._amplitude
        taps[:, 0] += self._direct * np.exp(2j * np.pi * self._direct_hz * time_s)
        gains: NDArray[np.complex64] = taps.astype(np.complex64) @ self._steering
        return np.broadcast_to(gains, (len(_SYMBOL_S), N_SUBCARRIERS))
