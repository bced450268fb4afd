"""When the next target is due, and how many have not come."""

from math import isclose

from edgespec.dsp.stream import RATE_TOLERANCE
from edgespec.errors import ModelError
from edgespec.grid import Grid
from edgespec.records import Geometry

__all__ = ["TargetClock"]

#: No target is waited for: the next one begins whenever it comes.
_NEVER = 1 << 62


class TargetClock:
    """Counts targets that should have begun and did not: the stream has lost them.

    Args:
        geometry: of the segments.
        grid: of the frames.

    Attributes:
        target_ticks: length of a target.

    Raises:
        ModelError: the frames are not those that the segments are made of.
    """

    def __init__(self, geometry: Geometry, grid: Grid) -> None:
        if grid.n_bins != geometry.n_bins or not isclose(
            grid.frame_s, geometry.frame_s, rel_tol=RATE_TOLERANCE
        ):
            raise ModelError(
                f"the frames have {grid.n_bins} bins and last {grid.frame_s:.6g} s, but the model "
                f"was made for {geometry.n_bins} bins and {geometry.frame_s:.6g} s: take a front "
                "end, or a bundle, made for the other"
            )
        self._geometry = geometry
        self.tune(grid)

    def tune(self, grid: Grid) -> None:
        """Begin anew with frames on a grid."""
        self.target_ticks = self._geometry.n_horizon * grid.frame_ticks
        self._hop_ticks = self._geometry.hop_frames * grid.frame_ticks
        self.pause()

    def pause(self) -> None:
        """Wait for none: time has passed in which nobody listened."""
        self._next = _NEVER

    def begin(self, tick_start: int) -> int:
        """Take a target that is there, and return how many are missing before it."""
        n_missed = max(-((self._next - tick_start) // self._hop_ticks), 0)
        self._next = tick_start + self._hop_ticks
        return n_missed

    def overdue(self, newest_tick: int) -> int:
        """Return how many should be there when the newest frame has come, and are not.

        A target is complete a horizon after it began, and the next one a hop later.
        """
        late = newest_tick - self.target_ticks - self._hop_ticks
        if late <= self._next:
            return 0
        n_missed = -((self._next - late) // self._hop_ticks)
        self._next += n_missed * self._hop_ticks
        return n_missed
