"""Sum of linear power over frames, in one compiled pass."""

import math

import numpy as np

from edgespec.jit import kernel

__all__ = ["add_rows", "load"]

_HALF, _ONE = np.float32(0.5), np.float32(1.0)
_OCTAVES_PER_DB = np.float32(math.log2(10.0) / 10.0)
#: Taylor series of 2^x: on [-1/2, 1/2] the first term left out is 1.2e-7.
_C1, _C2, _C3, _C4, _C5, _C6 = (
    np.float32(math.log(2.0) ** k / math.factorial(k)) for k in range(1, 7)
)
#: Where a float32 keeps its exponent, and what is added to it there (IEEE 754).
_EXPONENT_BITS = np.int32(23)
_BIAS = np.int32(127)


def load() -> None:
    """Compile the loop, or fetch it from the cache, before the first sample waits for it."""
    rows = np.zeros((2, 2), np.float32)
    add_rows(rows, np.zeros(2, np.uint8), 1, rows.copy(), np.zeros(2))


@kernel
def add_rows(power_dbfs, flags, unusable, linear, sums):  # type: ignore[no-untyped-def]
    """Add ``10^(x / 10) = 2^whole 2^part`` of each row without a flag of ``unusable``."""
    n_frames, n_bins = power_dbfs.shape
    row = linear[0]
    bits = row.view(np.int32)
    for t in range(n_frames):
        if flags[t] & unusable:
            continue
        for b in range(n_bins):
            octaves = power_dbfs[t, b] * _OCTAVES_PER_DB
            whole = np.floor(octaves + _HALF)
            x = octaves - whole
            part = _ONE + x * (_C1 + x * (_C2 + x * (_C3 + x * (_C4 + x * (_C5 + x * _C6)))))
            bits[b] = np.int32((np.int32(whole) + _BIAS) << _EXPONENT_BITS)
            sums[b] += part * row[b]
