"""What a model is given for hours that nobody knows: the mean of the context."""

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray

__all__ = ["StandIn", "fill_in"]

_NEPERS_PER_DB = np.float32(np.log(10.0) / 10.0)
_DB_PER_NEPER = np.float32(10.0 / np.log(10.0))


class StandIn:
    """Means of the power of each bin over a context; nothing is allocated but here.

    Args:
        n_context: frames of a context.
        n_bins: bins of a frame.
    """

    def __init__(self, n_context: int, n_bins: int) -> None:
        self._power: FloatArray = np.empty((n_context, n_bins), np.float32)
        self._mean_db: FloatArray = np.empty(n_bins, np.float32)

    def mean_db(self, context_db: FloatArray) -> FloatArray:
        """Return the means in dB, float32 ``(n_bins,)`` in a buffer that the next call overwrites.

        ``context_db`` is float32 ``(n_context, n_bins)`` and finite. Powers are those over the
        highest of it, so that none of them runs over.
        """
        highest_db = context_db.max()
        np.subtract(context_db, highest_db, out=self._power)
        np.multiply(self._power, _NEPERS_PER_DB, out=self._power)
        np.exp(self._power, out=self._power)
        np.mean(self._power, axis=0, out=self._mean_db)
        np.maximum(self._mean_db, np.float32(1e-30), out=self._mean_db)
        np.log(self._mean_db, out=self._mean_db)
        np.multiply(self._mean_db, _DB_PER_NEPER, out=self._mean_db)
        np.add(self._mean_db, highest_db, out=self._mean_db)
        return self._mean_db


def fill_in(
    rows_db: FloatArray, is_known: NDArray[np.bool_], mean_db: FloatArray, out: FloatArray
) -> None:
    """Write rows ``(n_rows, n_bins)`` to ``out``, and the mean ``(n_bins,)`` elsewhere."""
    np.copyto(out, mean_db)
    np.copyto(out, rows_db, where=is_known)
