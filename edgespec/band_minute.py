"""What a band was like for a minute."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXCEEDED_SHARES", "BandMinute"]

#: Of the frames of a minute, for which the power that so many exceed is kept.
EXCEEDED_SHARES = (0.99, 0.9, 0.5, 0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True, eq=False)
class BandMinute:
    """Statistics of the mean power over one horizon after the other, for each bin.

    ``max_dbfs``, ``mean_dbfs`` (of the power) and ``median_dbfs`` float32 ``(n_bins,)`` are of
    ``n_means`` such means, ``occupancy`` float32 ``(n_bins,)`` the share of them that lay more than
    :data:`edgespec.dsp.minute.OCCUPIED_DB` over ``floor_dbfs``, the median of quiet bins.
    ``level_dbfs`` is the mean power of the band. ``freqs_hz`` float64 ``(n_bins,)`` and ``rbw_hz``
    are those of its grid. ``exceeded_dbfs`` float32 is the amplitude distribution of the band: the
    power in a frame that each of :data:`EXCEEDED_SHARES` of the frames exceeded; empty where it was
    not kept. It began at ``utc_ns`` and took ``duration_s`` by the clock of the
    samples, lost ones included: from ``tick_start`` to ``tick_end``, 0 of one that was kept.
    """

    band: str
    utc_ns: int
    duration_s: float
    n_means: int
    freqs_hz: NDArray[np.float64]
    rbw_hz: float
    level_dbfs: float
    floor_dbfs: float
    max_dbfs: NDArray[np.float32]
    mean_dbfs: NDArray[np.float32]
    median_dbfs: NDArray[np.float32]
    occupancy: NDArray[np.float32]
    tick_start: int = 0
    tick_end: int = 0
    exceeded_dbfs: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))

    @property
    def occupied(self) -> float:
        """The share of the band, in time and frequency, that was occupied."""
        return float(np.mean(self.occupancy))
