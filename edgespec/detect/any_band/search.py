"""Which channels of a band have a carrier of constant envelope that is on nearly all the time."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.any_band.arithmetic import Arithmetic
from edgespec.detect.any_band.channels import Channel, ChannelFilter, channels_of

__all__ = ["MOST_CHANNELS", "ChannelSearch"]

#: Of all that have one, so many are watched: the strongest, and none that is weaker by so much.
MOST_CHANNELS, _REACH_DB = 6, 20.0
#: What is left of the power where the envelope is constant. Of noise nearly all is.
_CONSTANT_DB = -8.0
#: A block is busy within so many dB of the strong ones; fewer busy ones say nothing. A carrier is
#: on nearly all the time: where bursts of several devices meet, no envelope is constant, either.
_BUSY_DB, _LOUD_QUANTILE, _LEAST_BUSY, _BUSY_SHARE = 6.0, 0.95, 16, 0.8
#: How often a channel is listened to, and how many blocks of it are kept each time.
_MOST_ROUNDS, _KEPT_BLOCKS = 16, 16


class ChannelSearch:
    """Listens to some channels in each hop, in turn, and says which ones are to be watched.

    Args:
        n_samples: of a hop.
        n_hops: that it takes.
        arithmetic: how blocks are measured.
    """

    def __init__(self, n_samples: int, n_hops: int, arithmetic: Arithmetic) -> None:
        self._channels = channels_of(n_samples)
        self._filters = [ChannelFilter(channel, n_samples) for channel in self._channels]
        self._n_hops, self._n_heard, self._at = n_hops, 0, 0
        n_rounds = min(_MOST_ROUNDS, n_hops)
        self._n_at_once = -(-len(self._channels) * n_rounds // n_hops)
        shape = (len(self._channels), n_rounds * _KEPT_BLOCKS)
        self._power, self._left = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._n_kept = np.zeros(len(self._channels), np.int64)
        self._blocks = arithmetic.blocks
        most = max((one.n_blocks for one in self._filters), default=0)
        self._own, self._rest = np.zeros((2, most), np.float32)

    @property
    def is_over(self) -> bool:
        """Whether every channel was listened to."""
        return self._n_heard >= self._n_hops

    def take(self, spectrum: NDArray[np.complex64]) -> None:
        """Take the spectrum of a hop, as :meth:`ChannelFilter.take`."""
        self._n_heard += 1
        for _ in range(self._n_at_once):
            number = self._at % len(self._channels) if self._channels else 0
            self._at += 1
            if number < len(self._channels):
                self._listen(number, spectrum)

    def _listen(self, number: int, spectrum: NDArray[np.complex64]) -> None:
        one, n_kept = self._filters[number], int(self._n_kept[number])
        room = self._power.shape[1] - n_kept
        n = min(_KEPT_BLOCKS, one.n_blocks, room)
        if not n:
            return
        one.take(spectrum)
        power, left = self._own[: one.n_blocks], self._rest[: one.n_blocks]
        self._blocks(one.wave, power, left)
        step = one.n_blocks // n
        self._power[number, n_kept : n_kept + n] = power[: n * step : step]
        self._left[number, n_kept : n_kept + n] = left[: n * step : step]
        self._n_kept[number] = n_kept + n

    def found(self) -> list[Channel]:
        """Return the channels to be watched, the strongest first."""
        found: list[tuple[float, Channel]] = []
        for number, channel in enumerate(self._channels):
            n = int(self._n_kept[number])
            power_db = 10.0 * np.log10(self._power[number, :n])
            left_db = 10.0 * np.log10(self._left[number, :n])
            if n < _LEAST_BUSY:
                continue
            loud_db = float(np.quantile(power_db, _LOUD_QUANTILE))
            is_busy = power_db > loud_db - _BUSY_DB
            if np.count_nonzero(is_busy) < max(_LEAST_BUSY, _BUSY_SHARE * n):
                continue
            if float(np.median((left_db - power_db)[is_busy])) < _CONSTANT_DB:
                found.append((loud_db, channel))
        strongest_db = max((loud_db for loud_db, _ in found), default=0.0)
        near = [one for one in found if one[0] > strongest_db - _REACH_DB]
        return [channel for _, channel in sorted(near, key=lambda one: -one[0])[:MOST_CHANNELS]]
