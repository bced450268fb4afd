"""Samples that arithmetic in float32 can take: what is no number, or far beyond one, is silence."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PART", "silence_unbelieved"]

#: I and Q beyond this are no signal. The power of an FFT of 1024 such samples is still a float32.
MOST_PART = 1e15


def silence_unbelieved(samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Write 0 over samples whose I or Q is NaN, infinite or beyond ``MOST_PART``; return them.

    Args:
        samples: complex64 ``(n_samples,)``, next to each other in memory.
    """
    parts = samples.view(np.float32)
    with np.errstate(invalid="ignore"):
        # NaN is within no bounds; most stretches have nothing of it.
        if not len(parts) or (parts.max() <= MOST_PART and parts.min() >= -MOST_PART):
            return samples
        samples[~(np.abs(parts.reshape(-1, 2)) <= MOST_PART).all(axis=1)] = 0.0
    return samples
