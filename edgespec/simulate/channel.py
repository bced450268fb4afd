"""Multipath fading, applied to the grid: one gain for every OFDM symbol and subcarrier.

All delays are shorter than the cyclic prefix, so a channel that stands still for a symbol is a
product per subcarrier, and any stretch of it can be asked for at any time.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.config import ChannelConfig
from edgespec.simulate.fading import PROFILES, Fading
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SYMBOLS,
    SAMPLE_RATE_HZ,
    SUBCARRIERS_HZ,
    SYMBOL_START,
)
from edgespec.simulate.shadowing import Shadowing

__all__ = ["PROFILES", "Channel"]

_SYMBOL_S = SYMBOL_START / SAMPLE_RATE_HZ


class Channel:
    """Gain of the way from the cell to the observer; its mean power over fading is 1.

    ``subcarriers_hz`` are LTE's, if not given.

    Raises:
        UsageError: the profile is unknown.
    """

    def __init__(
        self,
        config: ChannelConfig,
        seed: int,
        subcarriers_hz: NDArray[np.float64] = SUBCARRIERS_HZ,
    ) -> None:
        self._fading = Fading(config, seed)
        turns = -self._fading.delays_s[:, None] * subcarriers_hz
        #: How each tap turns over the subcarriers, complex64 ``(n_taps, n_subcarriers)``.
        self.steering = np.exp(2j * np.pi * turns).astype(np.complex64)
        changes = self._fading.moves or config.shadow_db
        self._offsets_s = _SYMBOL_S if changes else _SYMBOL_S[:1]
        self._taps = self._fading.recurring(self._offsets_s)
        self._still: NDArray[np.complex64] | None = None
        self._still_taps: NDArray[np.complex64] | None = None
        self._shadow_db: Callable[[float], NDArray[np.float64]] | None = None
        if config.shadow_db:
            shadow = Shadowing(config.shadow_db, config.shadow_s, seed)
            self._shadow_db = shadow.recurring(self._offsets_s)

    def frame_taps(self, frame: int) -> NDArray[np.complex64]:
        """Return the gains of the taps during frame ``frame``, complex64 ``(140, n_taps)``.

        Those of a channel that never changes are computed once, ``(1, n_taps)``.
        """
        if self._still_taps is not None:
            return self._still_taps
        start_s = frame * FRAME_SAMPLES / SAMPLE_RATE_HZ
        taps = self._taps(start_s)
        if self._shadow_db is not None:
            amplitude = 10.0 ** (self._shadow_db(start_s) / 20.0)
            taps *= amplitude.astype(np.float32)[:, None]
        if len(taps) == 1:
            self._still_taps = taps
        return taps

    def frame_gains(self, frame: int) -> NDArray[np.complex64]:
        """Return the gains during frame ``frame``, complex64 ``(140, n_subcarriers)``.

        A channel that never changes is computed once.
        """
        if self._still is not None:
            return self._still
        taps = self.frame_taps(frame)
        # Pieces of one subframe: for a whole frame BLAS wakes threads, which cost more than they
        # bring and fight those of other processes.
        n_taps = taps.shape[1]
        n_rows = N_SYMBOLS if len(taps) > 1 else 1
        gains = taps.reshape(-1, n_rows, n_taps) @ self.steering
        n = self.steering.shape[1]
        rows = np.broadcast_to(gains.reshape(-1, n), (len(_SYMBOL_S), n))
        if len(taps) == 1:
            self._still = rows
        return rows
