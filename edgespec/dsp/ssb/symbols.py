"""Where the blocks of an NR cell lie in a stream, and the subcarriers of their symbols."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.subcarriers import subcarriers_at
from edgespec.lte.numerology import BASIC_RATE_HZ
from edgespec.nr.block import BLOCK_PERIOD_S
from edgespec.nr.numerology import useful_start

__all__ = ["BlockPlace", "block_starts", "symbols_at"]

#: A subcarrier with more power than this times the median of its symbol is brought down to it.
_LOUD = 4.0
#: Begin this much inside of the prefix, so that no late path cuts the symbol.
EARLY_S = 0.4e-6


class BlockPlace(NamedTuple):
    """Where the blocks of a cell lie in a stream.

    The useful part of the PSS of block ``k`` begins at sample
    ``at + k * 0.02 * sample_rate_hz * (1 + ppm * 1e-6)``.
    """

    sample_rate_hz: float
    spacing_hz: float
    at: float
    cfo_hz: float
    ppm: float

    @property
    def period(self) -> float:
        """Samples from block to block."""
        return BLOCK_PERIOD_S * self.sample_rate_hz * (1.0 + self.ppm * 1e-6)


def block_starts(place: BlockPlace, n_samples: int) -> NDArray[np.float64]:
    """Return where the PSS of every block begins that lies whole in the samples."""
    n_useful = place.sample_rate_hz / place.spacing_hz
    spare = 4 * EARLY_S * place.sample_rate_hz
    # The block is four symbols with prefixes of 7%; a prefix before, another symbol for safety.
    n_blocks = int((n_samples - place.at - 5 * n_useful - spare) / place.period) + 1
    starts = np.arange(max(n_blocks, 0), dtype=np.float64)
    starts *= place.period
    starts += place.at
    return starts[starts > spare]


def symbols_at(
    samples: NDArray[np.complex64],
    place: BlockPlace,
    starts: NDArray[np.float64],
    symbol: int,
    subcarriers: NDArray[np.int64],
) -> NDArray[np.complex64]:
    """Return subcarriers of one symbol of blocks, complex64 ``(n_blocks, n_subcarriers)``.

    As :func:`edgespec.dsp.prefix.subcarriers.subcarriers_at`, but what is much louder than the
    rest, such as a receiver's own spike, is brought down.

    Args:
        samples: complex64 at the rate of ``place``.
        place: spacing and carrier.
        starts: where the useful parts of the PSS begin.
        symbol: 0 to 3, of the block.
        subcarriers: from its middle.
    """
    rate_hz, spacing_hz = place.sample_rate_hz, place.spacing_hz
    # No block holds the first symbol of 0.5 ms behind its PSS: all its prefixes are short.
    units = useful_start(spacing_hz, 2 + symbol) - useful_start(spacing_hz, 2)
    begin = starts + (units / BASIC_RATE_HZ * (1.0 + place.ppm * 1e-6) - EARLY_S) * rate_hz
    values = subcarriers_at(samples, place, begin, EARLY_S, subcarriers * spacing_hz)
    power = values.real**2 + values.imag**2
    most = _LOUD * np.median(power, axis=1, keepdims=True) + 1e-30
    return np.asarray(values * np.sqrt(most / np.maximum(power, most)), np.complex64)
