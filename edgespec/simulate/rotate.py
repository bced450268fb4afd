"""A phase as a complex exponential."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["rotate"]


def rotate(turns: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Return ``exp(2j pi turns)`` as complex64; whole turns are taken off in float64."""
    angle = (2 * np.pi * (turns - np.floor(turns))).astype(np.float32)
    out = np.empty(len(turns), np.complex64)
    np.cos(angle, out=out.real)
    np.sin(angle, out=out.imag)
    return out
