"""Sweeps that follow each other: the level at each frequency, sweep by sweep."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import SourceError

__all__ = ["SweepTable"]


@dataclass(frozen=True, slots=True, eq=False)
class SweepTable:
    """Sweeps of one span, oldest first; what was not measured is not a number.

    ``utc_s`` float64 ``(n_sweeps,)`` is when each sweep began, in seconds since 1970 in UTC, and
    rises; ``freqs_hz`` float64 ``(n_points,)`` are the centres of the points, rising, evenly spaced
    or not. ``levels_db`` float32 ``(n_sweeps, n_points)`` has the levels in ``unit``: ``dBm``,
    ``dBFS``, or ``dB`` where the instrument's reference is unknown. ``sweep_s`` is how long one
    sweep takes and ``rbw_hz`` the resolution bandwidth.

    Raises:
        SourceError: shapes do not fit, times or frequencies do not rise, or a length is not
            positive.
    """

    name: str
    utc_s: NDArray[np.float64]
    freqs_hz: NDArray[np.float64]
    levels_db: NDArray[np.float32]
    sweep_s: float
    rbw_hz: float
    unit: str = "dB"

    def __post_init__(self) -> None:
        shape = (len(self.utc_s), len(self.freqs_hz))
        if self.levels_db.shape != shape:
            raise SourceError(
                f"{self.name}: levels have the shape {self.levels_db.shape}, but {shape[0]} times "
                f"and {shape[1]} frequencies ask for {shape}"
            )
        for what, values in (("times", self.utc_s), ("frequencies", self.freqs_hz)):
            if not np.isfinite(values).all() or np.any(np.diff(values) <= 0):
                raise SourceError(f"{self.name}: the {what} of sweeps must be finite, and rise")
        for key, value in (("sweep_s", self.sweep_s), ("rbw_hz", self.rbw_hz)):
            if not 0 < value < float("inf"):
                raise SourceError(f"{self.name}: {key} is {value:g}; it must be positive")

    @property
    def n_sweeps(self) -> int:
        """How many sweeps there are."""
        return len(self.utc_s)

    @property
    def n_points(self) -> int:
        """Points of a sweep."""
        return len(self.freqs_hz)
