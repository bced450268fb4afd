"""Samples of a simulated source."""

import numpy as np
from numpy.typing import NDArray

from edgespec.sources import open_source

__all__ = ["simulated"]


def simulated(uri: str, n: int) -> NDArray[np.int16]:
    """Return the first samples of a source, int16 ``(n, 2)``; fewer where it ends before."""
    source = open_source(uri)
    samples = source.info.sample_format.empty(n)
    filled = 0
    while filled < n and (block := source.read(samples[filled:])) is not None:
        filled += block.n_samples
    source.close()
    return samples[:filled]
