"""How far values lie from where they are on normal segments: what several baselines end with."""

from dataclasses import dataclass

import numpy as np

from edgespec.errors import UsageError
from edgespec.records import FloatArray

__all__ = ["NormalRange"]


@dataclass(frozen=True, slots=True)
class NormalRange:
    """Mean and standard deviation of each of ``n_values`` values over normal segments."""

    mean: FloatArray
    std: FloatArray

    @classmethod
    def of(cls, values: FloatArray, smallest: float) -> "NormalRange":
        """Return the range of ``values`` ``(n, n_values)``, with a spread of at least ``smallest``.

        Raises:
            UsageError: there are no segments.
        """
        if not len(values):
            raise UsageError("a baseline cannot learn from no segments")
        mean = values.mean(axis=0, dtype=np.float64)
        std = np.maximum(values.std(axis=0, dtype=np.float64), smallest)
        return cls(mean.astype(np.float32), std.astype(np.float32))

    def distance(self, values: FloatArray) -> FloatArray:
        """Return ``(values - mean) / std``, signed, of the shape of ``values``."""
        return (values - self.mean) / self.std
