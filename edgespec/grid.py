"""The axes of a plane: where its bins lie in frequency, its clock, and what it shows."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ModelError

__all__ = ["NO_SPAN", "Grid", "Quantity", "Span"]


class Quantity(StrEnum):
    """What a plane shows.

    ``power``: averaged FFTs, or one sweep over many centres. ``residual``: what is left when the
    cell is cancelled. ``reference``: a cell's always-on level in each resource block.
    """

    POWER = "power"
    RESIDUAL = "residual"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where the bins of a plane lie in frequency, and how its clock counts frames.

    ``freqs_hz`` float64 ``(n_bins,)`` are the centres of the bins, rising, evenly spaced or not:
    absolute, or, where the source does not know its centre frequency, offsets from it (around 0).
    ``rbw_hz`` is the resolution bandwidth. The clock counts ``tick_hz`` ticks a second, and a
    frame lasts ``frame_ticks``: the tick of a front end is a sample; a sweep has a clock of its
    own, whatever the radio did meanwhile.

    A plane keeps one grid, the same object, for as long as nothing changes: who works on frames
    asks ``is``. A retune is another grid.
    """

    freqs_hz: NDArray[np.float64]
    rbw_hz: float
    frame_ticks: int
    tick_hz: float

    def __post_init__(self) -> None:
        if self.freqs_hz.ndim != 1 or not len(self.freqs_hz) or np.any(np.diff(self.freqs_hz) <= 0):
            raise ModelError("freqs_hz of a grid must be one row of rising frequencies")
        for name in ("rbw_hz", "frame_ticks", "tick_hz"):
            if not getattr(self, name) > 0:
                raise ModelError(f"{name} of a grid is {getattr(self, name)}; it must be positive")

    @property
    def n_bins(self) -> int:
        """Bins of a frame."""
        return len(self.freqs_hz)

    @property
    def frame_s(self) -> float:
        """Length of one frame in seconds."""
        return self.frame_ticks / self.tick_hz

    @property
    def bin_hz(self) -> float:
        """The usual distance of two bins: their median."""
        return float(np.median(np.diff(self.freqs_hz))) if self.n_bins > 1 else self.rbw_hz

    @property
    def range_hz(self) -> tuple[float, float]:
        """From the first bin to the end of the last; an FFT's goes to half of the sample rate."""
        return float(self.freqs_hz[0]), float(self.freqs_hz[-1]) + self.bin_hz

    @property
    def enbw_bins(self) -> float:
        """Equivalent noise bandwidth in bins: bins add up to the total power times this."""
        return self.rbw_hz / self.bin_hz

    def edges_hz(self, lower_bin: int, upper_bin: int) -> tuple[float, float]:
        """Return the edges of the bins from ``lower_bin`` to ``upper_bin``, both included.

        A bin reaches half-way to its nearer neighbour, so a hole in the axis belongs to no bin.
        """
        lower_hz = self.freqs_hz[lower_bin] - 0.5 * self._width_hz(lower_bin)
        upper_hz = self.freqs_hz[upper_bin] + 0.5 * self._width_hz(upper_bin)
        return float(lower_hz), float(upper_hz)

    def _width_hz(self, number: int) -> float:
        near_hz = np.diff(self.freqs_hz[max(number - 1, 0) : number + 2])
        return float(near_hz.min()) if len(near_hz) else self.rbw_hz


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of input that completed some frames: ``n_ticks`` from ``tick_start`` on.

    ``utc_ns`` is UTC at its beginning, ``received_ns`` the monotonic clock when its end arrived.
    """

    tick_start: int = 0
    n_ticks: int = 0
    utc_ns: int = 0
    received_ns: int = 0


#: Of frames whose time nobody keeps, such as those of a data set.
NO_SPAN = Span()
