"""How strong a swept band is, sweep by sweep, where a model looks at many of them at once."""

from edgespec.dsp.minute import MinuteMeter
from edgespec.grid import Grid
from edgespec.observer.meter import BandMeter
from edgespec.records import FloatArray, Geometry

__all__ = ["SweepMeter", "minutes_of_sweeps"]

_NS = 1_000_000_000
_MINUTE_S = 60.0


def minutes_of_sweeps(band: str, grid: Grid) -> MinuteMeter:
    """Return what makes minutes of single sweeps; of slower ones each is a minute of its own."""
    return MinuteMeter(band, grid, 1, minute_s=max(_MINUTE_S, grid.frame_s))


class SweepMeter(BandMeter):
    """Tells minutes of single sweeps, each of them once, however targets overlap.

    So the history of a band, and the hours that a model is given, are the same whatever the model's
    horizon is. Where a model takes hours, a target is heard when the next one has come: an hour
    that begins within it is none of those that it may know.

    Args:
        geometry: of the segments.
        grid: of the sweeps.
    """

    def __init__(self, geometry: Geometry, grid: Grid) -> None:
        super().__init__(geometry)
        self._grid = grid
        self._begin, self._utc_ns, self._is_good = 0, 0, False
        self._heard_until = 0

    def hear(self, target_dbfs: FloatArray, tick_start: int, utc_ns: int, *, is_good: bool) -> None:
        """Take a target; of one that is not good, minutes do not hear."""
        if self.memory is not None:
            self._tell_minutes(tick_start)
        minutes, self.minutes = self.minutes, None
        super().hear(target_dbfs, tick_start, utc_ns, is_good=is_good)
        self.minutes = minutes
        self._begin, self._utc_ns, self._is_good = tick_start, utc_ns, is_good
        if self.memory is None:
            self._tell_minutes(None)

    def retune(self, grid: Grid) -> None:
        """Begin another minute, on another grid."""
        self._tell_minutes(None)
        self._grid = grid
        super().retune(grid)

    def finish(self) -> None:
        """End the minute that goes on, and what the mask says."""
        self._tell_minutes(None)
        super().finish()

    def _tell_minutes(self, before_tick: int | None) -> None:
        """Let minutes hear the sweeps of the last target, but those that the next one has, too."""
        minutes: MinuteMeter | None = self.minutes
        if minutes is None or not self._is_good:
            return
        frame_ticks, frame_ns = self._grid.frame_ticks, self._grid.frame_s * _NS
        for row in range(len(self._last_dbfs)):
            tick = self._begin + row * frame_ticks
            if tick < self._heard_until or (before_tick is not None and tick >= before_tick):
                continue
            utc_ns = self._utc_ns + round(row * frame_ns)
            self._end(minutes.add(self._last_dbfs[row : row + 1], tick, utc_ns))
            self._heard_until = tick + frame_ticks
