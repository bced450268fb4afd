"""How sweeps become segments: what a network of a swept band was trained with, and runs with."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ModelError
from edgespec.option import about, check_record
from edgespec.records import Geometry

__all__ = ["SweepRecipe"]

#: Sweeps that come so much sooner or later are of another clock: a daily cycle, a gap and what a
#: network knows of speed are counted in sweeps. Times in whole seconds tell an interval of some
#: seconds no better.
_INTERVAL_SHARE = 0.25
#: A point that lies so many steps elsewhere is another one.
_SAME_STEPS = 0.5
_MAX_POINTS, _MAX_CELLS = 1 << 16, 1 << 22


@dataclass(frozen=True, slots=True)
class SweepRecipe:
    """Sweeps of ``n_points`` from ``start_hz`` to ``stop_hz``, one each ``interval_s``.

    Both are centres of points. A segment is ``n_context`` sweeps and the ``n_horizon`` behind
    them, and the next one begins ``hop_frames`` later; the defaults are those of Peng et al. 2022,
    sec. 4.2.

    Raises:
        ModelError: a number is not positive, or a segment is too large.
    """

    start_hz: float = field(metadata=about("Centre of the first point", unit="Hz"))
    stop_hz: float = field(metadata=about("Centre of the last point", unit="Hz"))
    n_points: int = field(metadata=about("Points of a sweep", minimum=1, maximum=_MAX_POINTS))
    interval_s: float = field(metadata=about("From one sweep to the next", unit="s", above=0))
    n_context: int = field(default=80, metadata=about("Sweeps of a context", minimum=1))
    n_horizon: int = field(default=40, metadata=about("Sweeps of a horizon", minimum=1))
    hop_frames: int = field(default=40, metadata=about("Sweeps to the next segment", minimum=1))

    def __post_init__(self) -> None:
        check_record(self, ModelError)
        if self.stop_hz < self.start_hz or (self.n_points > 1 and self.stop_hz == self.start_hz):
            raise ModelError(
                f"start_hz is {self.start_hz:g} and stop_hz {self.stop_hz:g}; {self.n_points} "
                "points must rise"
            )
        if (self.n_context + self.n_horizon) * self.n_points > _MAX_CELLS:
            raise ModelError(
                f"n_context is {self.n_context} and n_horizon {self.n_horizon}; a segment has at "
                f"most {_MAX_CELLS} cells"
            )

    @property
    def geometry(self) -> Geometry:
        """From sweeps to segments."""
        return Geometry(
            self.n_points, self.interval_s, self.n_context, self.n_horizon, self.hop_frames
        )

    @property
    def range_hz(self) -> tuple[float, float]:
        """From the first point to the end of the last one."""
        step_hz = (self.stop_hz - self.start_hz) / max(self.n_points - 1, 1)
        return self.start_hz, self.stop_hz + step_hz

    @property
    def words(self) -> str:
        """What the sweeps are, for people."""
        return _words(self.start_hz, self.stop_hz, self.n_points, self.interval_s)

    def misfit(self, freqs_hz: NDArray[np.float64], interval_s: float) -> str:
        """Return in words which sweeps others are, where they are not such; '' where they are."""
        first_hz, last_hz = float(freqs_hz[0]), float(freqs_hz[-1])
        step_hz = (self.stop_hz - self.start_hz) / max(self.n_points - 1, 1)
        off_hz = max(abs(first_hz - self.start_hz), abs(last_hz - self.stop_hz))
        is_same = len(freqs_hz) == self.n_points and off_hz <= _SAME_STEPS * step_hz
        if is_same and abs(interval_s / self.interval_s - 1.0) <= _INTERVAL_SHARE:
            return ""
        return _words(first_hz, last_hz, len(freqs_hz), interval_s)


def _words(start_hz: float, stop_hz: float, n_points: int, interval_s: float) -> str:
    return (
        f"sweeps of {n_points} points, {start_hz / 1e6:.9g} to {stop_hz / 1e6:.9g} MHz, one every "
        f"{interval_s:.4g} s"
    )
