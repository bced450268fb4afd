"""A cell that sends nothing but its reference signals, in samples at any rate and place."""

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.lte.sequences import cell_reference, reference_subcarriers

SLOT_S = 5e-4
#: Seconds from the start of a slot to the useful parts of its two symbols with references.
USEFUL_S = {
    "normal": ((160) / 30.72e6, (160 + 4 * 144 + 4 * 2048) / 30.72e6),
    "extended": (512 / 30.72e6, (4 * 512 + 3 * 2048) / 30.72e6),
}


def cell_of(
    rate_hz: float = 1.92e6,
    identity: int = 123,
    duplex: str = "fdd",
    prefix: str = "normal",
    frame_start: float = 0.0,
    cfo_hz: float = 0.0,
    ppm: float = 0.0,
) -> Cell:
    """Return a cell as a search would have found it."""
    return Cell("lte", identity, duplex, prefix, rate_hz, frame_start, cfo_hz, ppm, 30.0, 1.0, 2.0)


def pilot_signal(
    cell: Cell, n_samples: int, n_blocks: int = 6, amplitude: float = 0.01, late_s: float = 0.0
) -> NDArray[np.complex64]:
    """Return samples in which every reference element of port 0 has an amplitude.

    Each symbol is a sum of exponentials that begins with its prefix, 4 us before its useful part.
    """
    out = np.zeros(n_samples, np.complex128)
    rate_hz = cell.sample_rate_hz * (1.0 + cell.ppm * 1e-6)
    time_s = (np.arange(n_samples) - cell.frame_start) / rate_hz - late_s
    places = reference_subcarriers(cell.identity, n_blocks) * 15e3
    values = cell_reference(cell.identity, n_blocks, cell.prefix)
    first, last = int(time_s[0] // SLOT_S) - 1, int(time_s[-1] // SLOT_S) + 1
    for slot in range(first, last + 1):
        for symbol in range(2):
            useful_s = slot * SLOT_S + USEFUL_S[cell.prefix][symbol]
            here = (time_s >= useful_s - 4e-6) & (time_s < useful_s + 1 / 15e3)
            angle = 2j * np.pi * np.outer(time_s[here] - useful_s, places[symbol])
            out[here] += amplitude * (np.exp(angle) @ values[slot % 20, symbol])
    turns = cell.cfo_hz / cell.sample_rate_hz * np.arange(n_samples)
    return (out * np.exp(2j * np.pi * turns)).astype(np.complex64)
