"""What training and conversion take segments from: recordings of samples, or tables of sweeps."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray, Geometry

__all__ = ["SegmentSet"]


class SegmentSet(Protocol):
    """Segments, standardised when they are gathered.

    ``n_noise_only`` is how many were left out as nothing but noise.
    """

    n_noise_only: int

    @property
    def geometry(self) -> Geometry:
        """How frames become these segments."""
        ...

    def __len__(self) -> int: ...

    def gather(self, numbers: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Return float32 ``(n, n_context, n_bins)`` and ``(n, n_horizon, n_bins)`` of some."""
        ...

    def sides(self, numbers: NDArray[np.int64]) -> tuple[FloatArray, ...]:
        """Return the side inputs of some, each float32 ``(n, n_rows, n_bins)``."""
        ...
