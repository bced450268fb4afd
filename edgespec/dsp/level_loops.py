"""Sum of linear power over frames, in one compiled pass."""

import math

import numpy as np

from edgespec.jit import exp2, kernel

__all__ = ["add_rows", "load"]

_OCTAVES_PER_DB = np.float32(math.log2(10.0) / 10.0)


def load() -> None:
    """Compile the loop, or fetch it from the cache, before the first sample waits for it."""
    rows = np.zeros((2, 2), np.float32)
    add_rows(rows, np.zeros(2, np.uint8), 1, rows.copy(), np.zeros(2))


@kernel
def add_rows(power_dbfs, flags, unusable, linear, sums):  # type: ignore[no-untyped-def]
    """Add ``10^(x / 10)`` of each row without a flag of ``unusable``.

    ``linear`` is scratch for whoever computes it without a compiler.
    """
    n_frames, n_bins = power_dbfs.shape
    for t in range(n_frames):
        if flags[t] & unusable:
            continue
        for b in range(n_bins):
            sums[b] += exp2(power_dbfs[t, b] * _OCTAVES_PER_DB)
