"""Whichever cell is there: LTE first, then NR."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.search import find_cell
from edgespec.dsp.ssb.search import find_nr_cell

__all__ = ["find_named_cell"]


def find_named_cell(
    samples: NDArray[np.complex64],
    sample_rate_hz: float,
    sample_start: int = 0,
    between: Callable[[], None] = lambda: None,
) -> Cell | None:
    """Return the LTE cell of a band, or else the NR cell, each proven by its reference symbols.

    NR is looked for only where there is no LTE, and from 2.4 MS/s on. What is known by its cyclic
    prefixes alone (:func:`edgespec.dsp.prefix.folded.find_prefix`) is not returned: an interferer
    that sends OFDM would be taken for the cell, and cancelled.

    Args:
        samples: complex64 ``(n_samples,)``, at least 25 ms of them.
        sample_rate_hz: of the samples, 1.92 MS/s or more.
        sample_start: number of the first sample in its stream.
        between: called between steps of a fraction of a second; what it raises ends the search.

    Raises:
        UsageError: the sample rate is below 1.92 MS/s.
    """
    cell = find_cell(samples, sample_rate_hz, sample_start, between=between)
    return cell or find_nr_cell(samples, sample_rate_hz, sample_start, between)
