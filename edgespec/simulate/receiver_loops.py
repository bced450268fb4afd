"""The receiver of :mod:`edgespec.simulate.receiver` in compiled loops, bit for bit."""

import numpy as np

from edgespec.jit import exact, kernel

__all__ = ["distort", "quantise"]


@exact
def _distort_exactly(parts, level, ratio, leak, dc_i, dc_q):  # type: ignore[no-untyped-def]
    for sample in range(len(parts) // 2):
        # Unsigned: nobody then asks whether it is negative.
        k = np.uint64(2 * sample)
        i, q = parts[k] * level, parts[k + np.uint64(1)] * level
        parts[k] = i + dc_i
        parts[k + np.uint64(1)] = q * ratio + leak * i + dc_q


@kernel
def distort(parts, level, ratio, leak, dc_i, dc_q):  # type: ignore[no-untyped-def]
    """Scale I and Q, float32 ``(2n,)``; Q by ``ratio``, with ``leak`` of I in it; add DC."""
    _distort_exactly(parts, level, ratio, leak, dc_i, dc_q)


@exact
def _quantise_exactly(parts, scale, offset, low, high, step, out):  # type: ignore[no-untyped-def]
    for k in range(len(parts)):
        code = np.rint(parts[k] * scale + offset)
        out[k] = min(max(code, low), high) * step


@kernel
def quantise(parts, scale, offset, low, high, step, out):  # type: ignore[no-untyped-def]
    """Write the codes ``low`` to ``high`` of float32 ``(n,)``, each times ``step``."""
    _quantise_exactly(parts, scale, offset, low, high, step, out)
