"""Which slots of a block are complete, and which samples wait for the next: compiled.

The readable twin is :class:`edgespec.dsp.prefix.staged.Staged`.
"""

import math

import numpy as np

from edgespec.jit import scalar

__all__ = ["bring_early", "keep_rest", "slots_until"]


@scalar
def slots_until(sample, whole, part, step, passed):  # type: ignore[no-untyped-def]
    """Return :meth:`edgespec.dsp.prefix.slot_clock.SlotClock.n_until`."""
    n = max(np.int64(math.ceil((sample - whole + 1 - part) / step)) - passed, 0)
    while n and math.floor(part + (passed + n - 1) * step) > sample - whole:
        n -= 1
    while math.floor(part + (passed + n) * step) <= sample - whole:
        n += 1
    return n


@scalar
def bring_early(staged, n_staged, items, n_taken, n_wanted):  # type: ignore[no-untyped-def]
    """Stage samples of a block up to ``n_wanted``; return how many are staged then."""
    for i in range(2 * (n_wanted - n_taken)):
        staged[2 * n_staged + i] = items[2 * n_taken + i]
    return n_staged + n_wanted - n_taken


@scalar
def keep_rest(staged, n_staged, n_gone, items, first, n_samples):  # type: ignore[no-untyped-def]
    """Drop what is gone of what is staged, add the block from ``first`` on; return how many."""
    n_kept = n_staged - n_gone
    for i in range(2 * n_kept):
        staged[i] = staged[2 * n_gone + i]
    for i in range(2 * (n_samples - first)):
        staged[2 * n_kept + i] = items[2 * first + i]
    return n_kept + n_samples - first
