"""Search for NR cells in samples, by their block of synchronisation signals."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.ssb.identify import identify
from edgespec.dsp.ssb.primary import primary_peaks
from edgespec.nr.block import BLOCK_PERIOD_S
from edgespec.nr.numerology import SPACINGS_HZ

__all__ = ["find_nr_cell", "holds_block"]

#: A rate holds a PSS of 127 subcarriers and two thirds of the block's reference symbols from so
#: many spacings on.
_LEAST_RATE = 160
#: Stretches of 20 ms that are searched, evenly over the samples, until one holds a cell.
_N_STRETCHES = 3
_N_PEAKS = 8
#: Symbols and drifts that a stretch needs beyond its 20 ms.
_SPARE_S = 1e-3
#: Blocks over so long say the clock.
_LONGEST_S = 0.64


def holds_block(sample_rate_hz: float, spacing_hz: float) -> bool:
    """Whether a block is received whole enough: from 2.4 MS/s on with 15 kHz, 4.8 with 30 kHz."""
    return sample_rate_hz >= _LEAST_RATE * spacing_hz


def find_nr_cell(
    samples: NDArray[np.complex64],
    sample_rate_hz: float,
    sample_start: int = 0,
    between: Callable[[], None] = lambda: None,
) -> Cell | None:
    """Return the NR cell whose block of synchronisation signals is the clearest, or None.

    Blocks are looked for at every frequency at which their PSS is received whole, with subcarriers
    of 15 and of 30 kHz as far as the rate holds them, in three stretches of 20 ms: so often a block
    comes. A cell is what its broadcast reference symbols prove
    (:func:`edgespec.dsp.ssb.identify.identify`).

    Args:
        samples: complex64 ``(n_samples,)``, at least 21 ms of them.
        sample_rate_hz: of the samples.
        sample_start: number of the first sample in its stream.
        between: called between steps of a fraction of a second; what it raises ends the search.
    """
    n_least = round((BLOCK_PERIOD_S + _SPARE_S) * sample_rate_hz)
    if len(samples) < n_least:
        return None
    n_longest = round(_LONGEST_S * sample_rate_hz)
    places = np.linspace(0, len(samples) - n_least, _N_STRETCHES + 1)[:-1].astype(int)
    for first in dict.fromkeys(places.tolist()):
        part = samples[first : first + n_longest]
        peaks = [
            (peak, spacing_hz)
            for spacing_hz in SPACINGS_HZ
            if holds_block(sample_rate_hz, spacing_hz)
            for peak in primary_peaks(part[:n_least], sample_rate_hz, spacing_hz, _N_PEAKS, between)
        ]
        for peak, spacing_hz in sorted(peaks, reverse=True):
            between()
            cell = identify(part, sample_rate_hz, spacing_hz, peak)
            if cell is not None:
                return replace(cell, frame_start=cell.frame_start + sample_start + first)
    return None
