"""Multipath fading, applied to the grid: one gain for every OFDM symbol and subcarrier.

All delays are shorter than the cyclic prefix, so a channel that stands still for a symbol is a
product per subcarrier, and any stretch of it can be asked for at any time.
"""

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.config import ChannelConfig
from edgespec.simulate.fading import PROFILES, Fading
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SUBCARRIERS,
    SAMPLE_RATE_HZ,
    SUBCARRIERS_HZ,
    SYMBOL_START,
)
from edgespec.simulate.shadowing import Shadowing

__all__ = ["PROFILES", "Channel"]

_SYMBOL_S = SYMBOL_START / SAMPLE_RATE_HZ


class Channel:
    """Gain of the way from the cell to the observer; its mean power over fading is 1.

    Raises:
        UsageError: the profile is unknown.
    """

    def __init__(self, config: ChannelConfig, seed: int) -> None:
        self._fading = Fading(config, seed)
        turns = -self._fading.delays_s[:, None] * SUBCARRIERS_HZ
        self._steering = np.exp(2j * np.pi * turns).astype(np.complex64)
        self._shadow: Shadowing | None = None
        if config.shadow_db:
            self._shadow = Shadowing(config.shadow_db, config.shadow_s, seed)

    def frame_gains(self, frame: int) -> NDArray[np.complex64]:
        """Return the gains during frame ``frame``, complex64 ``(140, 300)``."""
        time_s = frame * FRAME_SAMPLES / SAMPLE_RATE_HZ + _SYMBOL_S
        if not (self._fading.moves or self._shadow):
            time_s = time_s[:1]
        gains: NDArray[np.complex64] = self._fading.taps(time_s) @ self._steering
        if self._shadow is not None:
            amplitude = 10.0 ** (self._shadow.gain_db(time_s) / 20.0)
            gains *= amplitude.astype(np.float32)[:, None]
        return np.broadcast_to(gains, (len(_SYMBOL_S), N_SUBCARRIERS))
