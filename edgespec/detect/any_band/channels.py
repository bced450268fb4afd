"""The channels of a band in which a constant envelope is looked for, and what is heard of one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK_SAMPLES", "LEAST_POWER", "RANKS", "Channel", "ChannelFilter", "channels_of"]

#: Widths of channels as shares of the band; neighbours overlap by half. Not all of it: where noise
#: is less than a step of the converter, the numbers themselves have a constant modulus.
WIDTHS = (0.5, 0.25, 0.1, 0.05)
#: Samples of a block at twice the width of its channel, and the fewest blocks that say something.
BLOCK_SAMPLES, _LEAST_BLOCKS = 24, 8
#: What a block has at least: of nothing there is no logarithm.
LEAST_POWER = 1e-15
#: Quantiles of what is not constant in the blocks of a channel.
RANKS = (0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Channel:
    """Middle and width in shares of the band, the former from -0.5 to 0.5."""

    middle: float
    width: float

    def n_out(self, n_samples: int) -> int:
        """Return how many samples at twice its width there are in some of the band."""
        return min(round(2.0 * self.width * n_samples), n_samples)

    def bins(self, n_bins: int) -> slice:
        """Return the bins that it covers, of those of a frame."""
        lower = round((self.middle - self.width / 2 + 0.5) * n_bins)
        upper = round((self.middle + self.width / 2 + 0.5) * n_bins)
        return slice(min(lower, n_bins - 1), max(upper, lower + 1))


def channels_of(n_samples: int) -> tuple[Channel, ...]:
    """Return the channels that so many samples tell something of, the widest first."""
    out = []
    for width in WIDTHS:
        n = round(2 / width) - 1
        out += [Channel((k + 1) * width / 2 - 0.5, width) for k in range(n)]
    return tuple(one for one in out if one.n_out(n_samples) >= _LEAST_BLOCKS * BLOCK_SAMPLES)


class ChannelFilter:
    """Cuts a channel out of a spectrum: all of it, and nothing beside it.

    Args:
        channel: which.
        n_samples: of the band, as many as the spectrum has bins.

    Attributes:
        wave: what is heard of the channel, complex64 ``(n_out,)``; a buffer.
        n_blocks: whole blocks in it.
    """

    def __init__(self, channel: Channel, n_samples: int) -> None:
        n_out = channel.n_out(n_samples)
        n_pass = min(round(channel.width * n_samples), n_out)
        first = round(channel.middle * n_samples) - n_pass // 2
        at = np.arange(n_pass)
        places = np.stack([(at - n_pass // 2) % n_out, (first + at) % n_samples])
        # Runs of bins, of which neighbours stay neighbours; NumPy copies these one by one.
        ends = np.flatnonzero((np.diff(places, axis=1) != 1).any(axis=0)) + 1
        self._runs = [
            (slice(int(to[0]), int(to[-1]) + 1), slice(int(of[0]), int(of[-1]) + 1))
            for to, of in np.split(places, ends, axis=1)
        ]
        self._inside = np.zeros(n_out, np.complex64)
        self.wave = np.zeros(n_out, np.complex64)
        self._scale = np.float32(n_out)
        self.n_blocks = n_out // BLOCK_SAMPLES

    def take(self, spectrum: NDArray[np.complex64]) -> None:
        """Take a spectrum, over its length, complex64 ``(n_samples,)``."""
        for to, of in self._runs:
            self._inside[to] = spectrum[of]
        # Scaled, since NumPy would compute without a scale in double precision, of which the types
        # of its functions know alone.
        np.fft.ifft(self._inside, out=self.wave)  # type: ignore[arg-type]
        np.multiply(self.wave, self._scale, out=self.wave)
