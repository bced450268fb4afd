"""What lies between each user of an uplink and the observer, and what a user modulates with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray
from edgespec.simulate.config import ChannelConfig, UplinkConfig
from edgespec.simulate.fading import Fading
from edgespec.simulate.numerology import (
    N_SUBCARRIERS,
    N_SYMBOLS,
    SAMPLE_RATE_HZ,
    SUBCARRIER_HZ,
    SUBFRAMES_PER_FRAME,
    SYMBOL_START,
)

__all__ = ["DATA", "REFERENCES", "SYMBOL_S", "UserWays"]

ComplexArray = NDArray[np.complex64]

#: Symbols of a subframe that are known, and all others.
REFERENCES = (3, 10)
DATA = np.setdiff1d(np.arange(N_SYMBOLS), REFERENCES)
#: When symbols begin, by subframe, ``(10, 14)``.
SYMBOL_S = (SYMBOL_START / SAMPLE_RATE_HZ).reshape(SUBFRAMES_PER_FRAME, N_SYMBOLS)
_FREQS_HZ = (np.arange(N_SUBCARRIERS) - (N_SUBCARRIERS - 1) / 2) * SUBCARRIER_HZ
_SHARE_OF_QPSK = 0.6


@dataclass(frozen=True, slots=True)
class UserWays:
    """Of each user: amplitude, frequency error, delay, 16QAM or QPSK, and fading.

    ``shift`` complex64 ``(n_users, 300)`` is what the delay does to the subcarriers, ``steering``
    ``(n_taps, 300)`` what those of the taps do.
    """

    amplitude: FloatArray
    cfo_hz: NDArray[np.float64]
    delay_s: NDArray[np.float64]
    shift: ComplexArray
    is_16qam: NDArray[np.bool_]
    fading: tuple[Fading, ...]
    steering: ComplexArray

    @classmethod
    def drawn(cls, config: UplinkConfig, channel: ChannelConfig, seed: int) -> "UserWays":
        """Return those of all users."""
        rng, n = np.random.default_rng(seed), config.n_users
        gain = 10.0 ** (config.gain_sigma_db * rng.standard_normal(n).clip(-2, 2) / 10.0)
        cfo_hz = rng.uniform(-config.cfo_hz, config.cfo_hz, n)
        delay_s = rng.uniform(-config.timing_s, config.timing_s, n)
        is_16qam = np.array([rng.random() >= _SHARE_OF_QPSK for _ in range(n)])
        fading = tuple(Fading(channel, int(s)) for s in rng.integers(2**31, size=n))
        turns = -fading[0].delays_s[:, None] * _FREQS_HZ
        return cls(
            amplitude=np.sqrt(gain / gain.mean()).astype(np.float32),
            cfo_hz=cfo_hz,
            delay_s=delay_s,
            shift=np.exp(-2j * np.pi * delay_s[:, None] * _FREQS_HZ).astype(np.complex64),
            is_16qam=is_16qam,
            fading=fading,
            steering=np.exp(2j * np.pi * turns).astype(np.complex64),
        )
