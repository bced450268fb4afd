"""The filter of a channel as a compiled loop; :mod:`edgespec.dsp.channel_plain` says what it is."""

import numpy as np

from edgespec.jit import kernel

__all__ = ["filter_samples", "load"]


def load() -> None:
    """Compile the loop, or fetch it from the cache, before the first sample waits for it."""
    floats, turns = np.zeros(4, np.float32), np.ones(1, np.complex64)
    filter_samples(floats, 0, 1, 1, floats, floats, turns, turns, 0, turns.copy())


@kernel
def filter_samples(items, start, n_out, factor, real, imag, coarse, fine, number, out):  # type: ignore[no-untyped-def]
    """Write ``n_out`` outputs; two plain sums over I and Q as they alternate."""
    n_items, n_fine = len(real), len(fine)
    first_coarse = number // n_fine
    for m in range(n_out):
        begin = 2 * (start + m * factor)
        window = items[begin : begin + n_items]
        i = np.float32(0.0)
        q = np.float32(0.0)
        for k in range(n_items):
            i += window[k] * real[k]
            q += window[k] * imag[k]
        turn = coarse[(number + m) // n_fine - first_coarse] * fine[(number + m) % n_fine]
        out[m] = np.complex64(complex(i, q)) * turn
