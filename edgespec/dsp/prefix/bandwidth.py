"""How wide a cell is: as far from its carrier as its reference signals are heard."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.pilots import coherence_of, received_pilots, reference_of, sure_slots
from edgespec.lte.numerology import SLOTS_PER_FRAME, SUBCARRIER_HZ

__all__ = ["Bandwidth", "measure_bandwidth"]

#: Resource blocks of 180 kHz of the bandwidths of 1.4 to 20 MHz (TS 36.104, table 5.6-1).
_SIZES = (6, 15, 25, 50, 75, 100)
#: Share of the sampled band that a receiver's filter leaves.
_SEEN = 0.94
#: What is looked at: ten radio frames, or what there is.
_N_SLOTS_MOST = 40
#: A ring of blocks is part of the cell with this coherence of its pilots, in standard deviations of
#: noise, and in that of the middle.
_SURE_DEVIATIONS = 4.0
_SHARE_LEAST = 0.25


class Bandwidth(NamedTuple):
    """Resource blocks of a cell; ``is_least``: it may be wider than what was received."""

    n_blocks: int
    is_least: bool


def measure_bandwidth(samples: NDArray[np.complex64], cell: Cell) -> Bandwidth:
    """Return the smallest bandwidth of LTE that holds all blocks whose reference signals are heard.

    These lie in the same places whatever the bandwidth, so the pilots of each ring of blocks
    between two bandwidths are tried.

    Args:
        samples: complex64 at the rate of the cell, whose ``frame_start`` counts from the first.
        cell: as a search found it.
    """
    seen_hz = _SEEN * cell.sample_rate_hz / 2 - abs(cell.cfo_hz)
    n_seen = min(max(int(seen_hz / SUBCARRIER_HZ / 6), _SIZES[0]), _SIZES[-1])
    slots = sure_slots(cell, len(samples))[:_N_SLOTS_MOST]
    if not len(slots):
        return Bandwidth(_SIZES[0], n_seen < _SIZES[-1])
    received = received_pilots(samples, cell, slots, n_seen)
    sequence = reference_of(cell.identity, n_seen, cell.prefix)
    channel = received * sequence[slots % SLOTS_PER_FRAME].conj()
    inside, _ = _coherence(channel, n_seen, 0, _SIZES[0])
    for inner, outer in pairwise(_SIZES):
        if inner >= n_seen:
            return Bandwidth(inner, True)
        coherence, n_products = _coherence(channel, n_seen, inner, min(outer, n_seen))
        if coherence * np.sqrt(n_products) < _SURE_DEVIATIONS or coherence < _SHARE_LEAST * inside:
            return Bandwidth(inner, False)
    return Bandwidth(_SIZES[-1], False)


def _coherence(
    channel: NDArray[np.complex64], n_blocks: int, inner: int, outer: int
) -> tuple[float, int]:
    """Return the coherence of the pilots between two bandwidths, and of how many products.

    A block more is a pilot more on either side; the last one inside belongs to the first product.
    """
    first = max(inner - 1, 0)
    lower, upper = (
        slice(n_blocks - outer, n_blocks - first),
        slice(n_blocks + first, n_blocks + outer),
    )
    sides = channel[..., lower], channel[..., upper]
    n = sum(side[..., 1:].size for side in sides)
    return abs(sum(coherence_of(side) for side in sides)) / len(sides), n
