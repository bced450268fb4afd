"""What breaks a constant envelope: a stranger in the channel of a carrier such as GSM's or FM's.

Of a carrier with a constant envelope, filtered alone, ``|y|`` is the same all along. A stranger of
a tenth of its power, in the very same channel, makes it vary, where the power rises by .4 dB.
"""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.any_band import plain
from edgespec.detect.any_band.arithmetic import Arithmetic
from edgespec.detect.any_band.channels import BLOCK_SAMPLES, RANKS, Channel, ChannelFilter
from edgespec.detect.any_band.search import MOST_CHANNELS, ChannelSearch
from edgespec.detect.any_band.tails import Tails
from edgespec.detect.any_band.waiting import Waiting
from edgespec.records import FloatArray, Geometry
from edgespec.reference import Reference

__all__ = ["Envelope"]

#: Quantiles are taken over the blocks of one hop, and of so many together.
_LONG_HOPS = 4
#: Samples of a hop that are looked at, its first ones.
_MOST_SAMPLES = 4096
#: Of the least time of the learning, in which channels are looked for, and hops at the least.
_SEARCH_SHARE, _LEAST_SEARCHED = 1 / 8, 2
#: Hops of each stage that are too few to know a channel by.
_LEAST_LEARNT = 4
_SHAPE = (2, len(RANKS))


class _Watched:
    """A channel that is watched: its filter, and the blocks of the last hops."""

    def __init__(self, channel: Channel, n_samples: int) -> None:
        self.channel, self.filter = channel, ChannelFilter(channel, n_samples)
        n_blocks = self.filter.n_blocks
        self.power = np.zeros(n_blocks, np.float32)
        self.ring = np.zeros((_LONG_HOPS, n_blocks), np.float32)
        self.sorted = np.zeros(_LONG_HOPS * n_blocks, np.float32)


class Envelope:
    """How far what is not constant in a channel lies above the most that there was, in dB.

    Some quantiles of what is left in blocks of a few microseconds are compared with the highest
    of the normal hops, channel by channel; each channel has a tail of its own. Where no channel
    of the band has a constant envelope it has nothing to say, and costs nothing.

    Args:
        geometry: of the segments.
        hop_samples: of a hop.
        least_hops: of the learning.
        delay_hops: hops that wait for an alarm before they are learnt.
        arithmetic: how blocks are measured.

    Attributes:
        channels: that are watched, the strongest first.
        map_db: float32 ``(n_horizon, n_bins)``: how far the farthest channel lies above what is
            known of it, where it is in the band, and 0 beside it; a buffer.
    """

    def __init__(
        self,
        geometry: Geometry,
        hop_samples: int,
        least_hops: int,
        delay_hops: int = 0,
        arithmetic: Arithmetic = plain,
    ) -> None:
        self._n_samples = min(hop_samples, _MOST_SAMPLES)
        self._n_searched = max(round(_SEARCH_SHARE * least_hops), _LEAST_SEARCHED)
        self._delay_hops, self._arithmetic = delay_hops, arithmetic
        self._samples = np.zeros(self._n_samples, np.complex64)
        self._parts = self._samples.view(np.float32).reshape(-1, 2)
        self._spectrum = np.zeros(self._n_samples, np.complex64)
        self.map_db: FloatArray = np.zeros((geometry.n_horizon, geometry.n_bins), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget the band."""
        self._search: ChannelSearch | None = None
        self._is_searched = self._is_fresh = False
        self._watch([])

    def _watch(self, channels: list[Channel]) -> None:
        self.channels = tuple(channels)
        self._watched = [_Watched(channel, self._n_samples) for channel in channels]
        n = len(channels)
        self._levels_db = np.zeros((n, *_SHAPE), np.float32)
        self._highest_db = np.full((n, *_SHAPE), -np.inf, np.float32)
        self._above_db, self._scores = np.zeros(n), np.zeros(n)
        self._difference_db = np.zeros((n, *_SHAPE), np.float32)
        self._tails = Tails(n)
        self._waiting = Waiting(self._delay_hops, (n, *_SHAPE), 0)
        self._n_known = self._n_tail = self._at = self._n_ring = 0

    @property
    def is_deaf(self) -> bool:
        """Whether it has nothing to hear any more: no channel has a constant envelope."""
        return self._is_searched and not self._watched

    def hear(self, samples: NDArray[np.generic]) -> None:
        """Take the samples of the next hop, complex64 ``(n,)`` or integers ``(n, 2)``.

        Of fewer than it looks at nothing is heard.
        """
        if self.is_deaf or len(samples) < self._n_samples:
            return
        first = samples[: self._n_samples]
        if samples.ndim == 1:
            self._samples[:] = first
        else:
            # Offset binary has its zero between two numbers.
            zero = np.float32(127.5 if samples.dtype == np.uint8 else 0.0)
            np.subtract(first, zero, out=self._parts)
        self._is_fresh = True

    def take(self) -> None:
        """Measure what was heard; to be called once a hop, before all that follows."""
        if self._is_fresh and not self.is_deaf:
            out = self._spectrum
            with np.errstate(all="ignore"):
                np.fft.fft(self._samples, norm="forward", out=out)  # type: ignore[arg-type]
            # Their energy: it is no number where one of them is none.
            self._is_fresh = bool(np.isfinite(np.vdot(out, out)))
        if not self._is_fresh:
            self._n_ring = 0
            return
        at = self._at = (self._at + 1) % _LONG_HOPS
        self._n_ring = min(self._n_ring + 1, _LONG_HOPS)
        for number, one in enumerate(self._watched):
            one.filter.take(self._spectrum)
            self._arithmetic.blocks(one.filter.wave, one.power, one.ring[at])
            self._arithmetic.ranks(one.ring, at, self._n_ring, one.sorted, self._levels_db[number])

    def pause(self) -> None:
        """Learn nothing of the hops that wait: they were about an alarm, or of another stage."""
        self._waiting.clear()
        self._is_fresh = False

    def learn(self, *, is_known: bool) -> None:
        """Take a hop of normal signal.

        Args:
            is_known: it teaches how it varies; else what there is.
        """
        is_fresh, self._is_fresh = self._is_fresh, False
        if not is_fresh or self.is_deaf:
            return
        if not self._is_searched:
            self._look_for_channels()
            return
        old = self._waiting.swap(self._levels_db, None)
        if old is None:
            return
        levels_db, _ = old
        if not is_known:
            np.maximum(self._highest_db, levels_db, out=self._highest_db)
            self._n_known += 1
        elif self._n_known >= _LEAST_LEARNT:
            self._write_above(levels_db)
            self._tails.learn(self._above_db)
            self._n_tail += 1

    def _look_for_channels(self) -> None:
        if self._search is None:
            self._search = ChannelSearch(self._n_samples, self._n_searched, self._arithmetic)
        self._search.take(self._spectrum)
        if self._search.is_over:
            self._watch(self._search.found())
            self._is_searched, self._search = True, None

    def settle(self) -> None:
        """Keep what was learnt; channels of which it was too little are left alone."""
        if not self._is_searched or min(self._n_known, self._n_tail) < _LEAST_LEARNT:
            self._watch([])
        self._is_searched, self._search = True, None
        self._tails.settle()

    def score(self) -> float:
        """Return how far the farthest channel is out, in mean excesses over its tail's begin.

        -inf without a channel, and where a hop was not heard.
        """
        is_fresh, self._is_fresh = self._is_fresh, False
        if not is_fresh or not self._watched:
            return -np.inf
        self._write_above(self._levels_db)
        self._tails.write_scores(self._above_db, self._scores)
        number = int(self._scores.argmax())
        self.map_db[:] = 0.0
        bins = self._watched[number].channel.bins(self.map_db.shape[1])
        self.map_db[:, bins] = max(self._above_db[number], 0.0)
        return float(self._scores[number])

    def _write_above(self, levels_db: FloatArray) -> None:
        np.subtract(levels_db, self._highest_db, out=self._difference_db)
        np.max(self._difference_db, axis=(1, 2), out=self._above_db)

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is known."""
        self._highest_db += np.float32(step_db)
        self._waiting.follow(step_db)
        # The blocks of hops before it are of another gain.
        self._n_ring = 0

    def reference(self) -> Reference:
        """Return what was learnt; empty where no channel is watched."""
        if not self._watched:
            return {}
        channels = np.array([(one.middle, one.width) for one in self.channels], np.float64)
        return {
            "channels": channels,
            "highest_db": self._highest_db.copy(),
            **self._tails.reference(),
        }

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt; by nothing where that watched no channel.

        Raises:
            LookupError: something is missing.
            ValueError: something is of another shape, not finite, or no channel of the band.
        """
        self.reset()
        self._is_searched = True
        if not reference:
            return
        channels = reference["channels"]
        if channels.ndim != 2 or channels.shape[1] != 2 or not len(channels) <= MOST_CHANNELS:
            raise ValueError("its channels are no channels")
        self._watch([_channel(mid, width, self._n_samples) for mid, width in channels.tolist()])
        highest_db = reference["highest_db"]
        if highest_db.shape != self._highest_db.shape or not np.isfinite(highest_db).all():
            raise ValueError("what was known of its channels is of another shape, or not finite")
        self._highest_db[:] = highest_db
        self._tails.take_reference(reference)


def _channel(middle: float, width: float, n_samples: int) -> Channel:
    """Return a channel that was written down.

    Raises:
        ValueError: it is none that fits so many samples.
    """
    channel = Channel(middle, width)
    is_inside = 0.0 < width <= 1.0 and abs(middle) + width / 2 <= 0.5 + 1e-9
    if not is_inside or channel.n_out(n_samples) < BLOCK_SAMPLES:
        raise ValueError(f"a channel of {width:g} of the band at {middle:g} is none")
    return channel
