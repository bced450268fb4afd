"""Reference signals of a cell at places where every cell sends them: the proof of an identity."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.pilot_plan import EARLY_S
from edgespec.dsp.prefix.subcarriers import subcarriers_at
from edgespec.lte.numerology import (
    BASIC_RATE_HZ,
    FRAME_S,
    SLOT_UNITS,
    SLOTS_PER_FRAME,
    SUBCARRIER_HZ,
    SURE_SLOTS,
    SymbolPlace,
    reference_symbols,
    useful_units,
)
from edgespec.lte.sequences import cell_reference, reference_subcarriers

__all__ = [
    "N_MIDDLE_BLOCKS",
    "coherence_of",
    "neighbour_products",
    "received_pilots",
    "reference_of",
    "sure_slots",
]

#: Resource blocks of the smallest cell, which any cell has in its middle.
N_MIDDLE_BLOCKS = 6


@lru_cache(maxsize=16)
def reference_of(identity: int, n_blocks: int, prefix: str) -> NDArray[np.complex64]:
    """Return :func:`edgespec.lte.sequences.cell_reference`, kept for the next time."""
    return cell_reference(identity, n_blocks, prefix)


def received_pilots(
    samples: NDArray[np.complex64], cell: Cell, slots: NDArray[np.int64], n_blocks: int
) -> NDArray[np.complex64]:
    """Return the reference elements of port 0 as received, complex64 ``(n_slots, 2, 2 n_blocks)``.

    Those that the cell did send would be the elements of
    :func:`edgespec.lte.sequences.cell_reference` times the channel; a delay that
    ``cell.frame_start`` leaves out is a phase slope over the third axis, and what ``cell.cfo_hz``
    leaves out turns from slot to slot. ``samples`` are complex64 at the rate of the cell, on whose
    count ``cell.frame_start`` lies; ``slots`` counts from there, and all of them must be held by
    the samples (:func:`sure_slots` are).
    """
    out = np.empty((len(slots), 2, 2 * n_blocks), np.complex64)
    offsets_hz = SUBCARRIER_HZ * reference_subcarriers(cell.identity, n_blocks)
    for row, symbol in enumerate(reference_symbols(cell.prefix)):
        units = slots * SLOT_UNITS + useful_units(cell.prefix, SymbolPlace(0, symbol))
        seconds = (units / BASIC_RATE_HZ) * (1.0 + cell.ppm * 1e-6) - EARLY_S
        begin = cell.frame_start + seconds * cell.sample_rate_hz
        out[:, row] = subcarriers_at(samples, cell, begin, EARLY_S, offsets_hz[row])
    return out


def sure_slots(cell: Cell, n_samples: int) -> NDArray[np.int64]:
    """Return the slots that carry reference signals in any cell, of whole frames, int64 ``(4 n,)``.

    Four of each radio frame of 10 ms that lies whole within ``n_samples`` from the start of the
    count.
    """
    n_frame = FRAME_S * cell.sample_rate_hz * (1.0 + cell.ppm * 1e-6)
    # The first transform begins inside the first frame; the last ends with symbol 4 of slot 11.
    first = int(np.ceil(-cell.frame_start / n_frame))
    last = int(np.floor((n_samples - cell.frame_start) / n_frame))
    frames = np.arange(first, max(first, last))
    slots: NDArray[np.int64] = (SLOTS_PER_FRAME * frames[:, None] + np.array(SURE_SLOTS)).ravel()
    return slots


def neighbour_products(channel: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return ``h[k + 1] h*[k]`` along the last axis, complex64 ``(..., n - 1)``.

    Noise, traffic and other cells have no mean in it, and a phase common to the symbol drops out; a
    delay of ``t`` turns it by ``-2 pi 90 kHz t``.
    """
    return channel[..., 1:] * channel[..., :-1].conj()


def coherence_of(channel: NDArray[np.complex64]) -> complex:
    """Return the sum of the products of neighbours over the most that it can be, modulus 0 to 1."""
    upper = float(np.sum(np.abs(channel[..., 1:]) ** 2, dtype=np.float64))
    lower = float(np.sum(np.abs(channel[..., :-1]) ** 2, dtype=np.float64))
    most = np.sqrt(upper * lower)
    return complex(neighbour_products(channel).sum(dtype=np.complex128)) / max(float(most), 1e-30)
