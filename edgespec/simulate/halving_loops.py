"""Half of the sample rate in compiled loops: a half-band filter, and every second sample of it."""

import numpy as np

from edgespec.jit import apart, kernel

__all__ = ["N_PAIRS", "halve"]

#: Pairs of taps beside the middle one, each two samples further out.
N_PAIRS = 12
#: Samples that are filtered at once, with all that they need in the first level of a cache.
_N_BLOCK = 256
_HALF = np.float32(0.5)


@apart
def _take_apart(words, even, odd, n_even, n_odd):  # type: ignore[no-untyped-def]
    for k in range(n_even):
        even[k] = words[np.uint64(2 * k + 2 * N_PAIRS - 1)]
    for k in range(n_odd):
        odd[k] = words[np.uint64(2 * k)]


@apart
def _filter_block(odd, even, taps, out):  # type: ignore[no-untyped-def]
    for k in range(2 * _N_BLOCK):
        total = _HALF * even[k]
        for i in range(N_PAIRS):
            total += taps[i] * (odd[k + 2 * (N_PAIRS - 1 - i)] + odd[k + 2 * (N_PAIRS + i)])
        out[k] = total


@kernel
def halve(words, taps, out):  # type: ignore[no-untyped-def]
    """Write ``y[m] = x[c] / 2 + sum_i taps[i] (x[c - 2 i - 1] + x[c + 2 i + 1])``.

    Args:
        words: samples, complex64 that is read as int64, and c is ``2 m + 2 N_PAIRS - 1`` in them.
        taps: float32 ``(N_PAIRS,)``.
        out: float32 ``(2 n,)``, I and Q of each y.
    """
    odd = np.zeros(2 * (_N_BLOCK + 2 * N_PAIRS), np.float32)
    even = np.zeros(2 * _N_BLOCK, np.float32)
    rest = np.empty(2 * _N_BLOCK, np.float32)
    n = len(out) // 2
    for first in range(0, n, _N_BLOCK):
        n_here = min(_N_BLOCK, n - first)
        n_odd = n_here + 2 * N_PAIRS - 1
        _take_apart(words[2 * first :], even.view(np.int64), odd.view(np.int64), n_here, n_odd)
        if n_here == _N_BLOCK:
            _filter_block(odd, even, taps, out[2 * first : 2 * (first + _N_BLOCK)])
        else:
            _filter_block(odd, even, taps, rest)
            out[2 * first :] = rest[: 2 * n_here]
