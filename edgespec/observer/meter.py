"""How strong a band is: in the last target, whenever somebody asks, and over minutes."""

import numpy as np

from edgespec.band_minute import BandMinute
from edgespec.dsp.levels import levels_dbfs
from edgespec.dsp.minute import MinuteMeter
from edgespec.grid import Grid
from edgespec.observer.mask_watch import MaskWatch
from edgespec.observer.scoring.band_memory import BandMemory
from edgespec.records import Event, FloatArray, Geometry
from edgespec.units import POWER_FLOOR_DBFS

__all__ = ["BandMeter"]


class BandMeter:
    """Hears every target of a band, scored or not.

    Args:
        geometry: of the segments.

    Attributes:
        minutes: adds them up; None for nothing.
        mask: compares them with what should be here; None for nothing.
        memory: remembers hours and days of them for the model; None for nothing.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.minutes: MinuteMeter | None = None
        self.mask: MaskWatch | None = None
        self.memory: BandMemory | None = None
        self._ended: list[BandMinute] = []
        self._said: list[Event] = []
        # The segmenter overwrites its segments; what is asked for between them is kept apart.
        self._last_dbfs = np.empty((geometry.n_horizon, geometry.n_bins), np.float32)
        self._has_heard = False

    def hear(self, target_dbfs: FloatArray, tick_start: int, utc_ns: int, *, is_good: bool) -> None:
        """Take a target; of one that is not good, minutes do not hear."""
        self._last_dbfs[:] = target_dbfs
        self._has_heard = True
        if self.memory is not None:
            self.memory.at(utc_ns)
        if self.minutes is not None and is_good:
            self._end(self.minutes.add(target_dbfs, tick_start, utc_ns))

    def retune(self, grid: Grid) -> None:
        """Begin another minute, on another grid; hours of the old one say nothing there."""
        if self.minutes is not None:
            self._end(self.minutes.retune(grid))
        if self.memory is not None:
            self.memory.forget()

    def pause(self, n_ticks: int) -> None:
        """Let a time pass in which nobody listened."""
        if self.minutes is not None:
            self.minutes.pause(n_ticks)

    def finish(self) -> None:
        """End the minute that goes on, and what the mask says."""
        if self.minutes is not None:
            self._end(self.minutes.finish())
        if self.mask is not None:
            self._said += self.mask.finish()

    def take_minutes(self) -> list[BandMinute]:
        """Return the minutes that have ended since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def take_events(self) -> list[Event]:
        """Return what the mask has said since the last call."""
        said, self._said = self._said, []
        return said

    @property
    def is_open(self) -> bool:
        """Whether something is not as the mask has it."""
        return self.mask is not None and self.mask.is_open

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is remembered of hours."""
        if self.memory is not None:
            self.memory.follow(step_db)

    @property
    def side_inputs(self) -> str:
        """Which of the model's side inputs are not known yet; '' where all are, or none are."""
        return "" if self.memory is None else self.memory.lack

    def levels_dbfs(self, enbw_bins: float) -> tuple[float, float]:
        """Return total power and noise floor of the last target; see :func:`levels_dbfs`."""
        if not self._has_heard:
            return POWER_FLOOR_DBFS, POWER_FLOOR_DBFS
        return levels_dbfs(self._last_dbfs, enbw_bins)

    def _end(self, minute: BandMinute | None) -> None:
        if minute is not None:
            self._ended.append(minute)
            if self.memory is not None:
                self.memory.take(minute)
            if self.mask is not None:
                self._said += self.mask.take(minute)
