"""A waveform cut into numbered blocks, each made on its own: any stretch, in any order."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["in_blocks"]

ComplexArray = NDArray[np.complex64]


def in_blocks(
    block: Callable[[int], ComplexArray], n_block: int
) -> Callable[[int, int], ComplexArray]:
    """Return ``(start, n) -> samples`` of the blocks ``block(0), block(1), ...``, end to end.

    The last block asked for is kept, so a stream makes each one once.
    """
    cache: dict[int, ComplexArray] = {}

    def samples(start: int, n: int) -> ComplexArray:
        out = np.empty(n, np.complex64)
        done = 0
        while done < n:
            index, first = divmod(start + done, n_block)
            if index not in cache:
                made = block(index)
                cache.clear()
                cache[index] = made
            take = min(n - done, n_block - first)
            out[done : done + take] = cache[index][first : first + take]
            done += take
        return out

    return samples
