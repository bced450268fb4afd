"""Who uses the cell and when: bursts of users, shared out by the scheduler, one frame at a time.

Bursts arrive as a Poisson process and their sizes follow a truncated Pareto law: a wide one gives
the load long quiet and long busy times. Sizes are counted in resource-block groups, so that the
mean share of used resources is the ``load`` of the cell.
"""

import numpy as np

from edgespec.errors import UsageError
from edgespec.simulate.config import BURST_GROUPS, CellConfig, TddConfig
from edgespec.simulate.numerology import N_RBG, SUBFRAMES_PER_FRAME
from edgespec.simulate.schedule import FrameSchedule, Turns
from edgespec.simulate.scheduling import open_scheduler

__all__ = ["Traffic", "burst", "mean_burst"]

#: Shape of the Pareto law of burst sizes.
_PARETO_SHAPE = 1.3
#: Share of the users that move to another place in the band each frame.
_MOVE_RATE = 0.03
_DAY_S = 86_400.0
_SCHEDULERS = ("proportional-fair", "round-robin")


class Traffic:
    """Makes one schedule after the other."""

    def __init__(self, cell: CellConfig, seed: int, tdd: TddConfig | None = None) -> None:
        if cell.scheduler not in _SCHEDULERS:
            raise UsageError(
                f"the scheduler is {cell.scheduler!r}; known are {', '.join(_SCHEDULERS)}"
            )
        self._cell = cell
        self._rng = np.random.default_rng(seed)
        self._quality = self._rng.uniform(1, 15, cell.n_users)
        spread = cell.user_spread_db * self._rng.standard_normal(cell.n_users)
        amplitude = 10.0 ** (np.clip(spread, -6.0, 3.0) / 20.0)
        self._scheduler = open_scheduler(cell, amplitude, tdd)
        self._subframe = 0
        offered = cell.load * N_RBG * sum(Turns.of(tdd).is_downlink)
        self._bursts_per_frame = offered / mean_burst(cell.burst_groups)
        # Draws of its own, so that the places of users change nothing else.
        self._places = np.random.default_rng((seed, 5))
        self._home = self._places.integers(0, N_RBG, cell.n_users)

    def next_frame(self) -> FrameSchedule:
        """Return the schedule of the next 10 ms."""
        self._arrive()
        self._subframe += SUBFRAMES_PER_FRAME
        return self._scheduler.serve(self._quality, self._home, self._rng)

    def _arrive(self) -> None:
        """Add the bursts that arrive during one frame and let the link qualities wander."""
        curve, per_frame = self._cell.load_curve, self._bursts_per_frame
        if curve:
            clock_s = self._cell.clock_s + self._subframe * 1e-3
            per_frame *= curve[int(clock_s % _DAY_S / _DAY_S * len(curve))]
        for _ in range(self._rng.poisson(per_frame)):
            user = int(self._rng.integers(self._cell.n_users))
            self._scheduler.offer(user, burst(self._rng.random(), self._cell.burst_groups))
        quality = self._quality
        quality += 0.3 * self._rng.standard_normal(len(quality))
        np.minimum(np.maximum(quality, 1.0, out=quality), 15.0, out=quality)
        moved = self._places.random(len(quality)) < _MOVE_RATE
        if n_moved := np.count_nonzero(moved):
            self._home[moved] = self._places.integers(0, N_RBG, n_moved)


def burst(u: float, ends: tuple[float, float] = BURST_GROUPS) -> float:
    """Return the size of a burst in groups: the Pareto law between ``ends`` at quantile ``u``."""
    least, most = ends
    beyond = (least / most) ** _PARETO_SHAPE
    return float(least * (1.0 - u * (1.0 - beyond)) ** (-1.0 / _PARETO_SHAPE))


def mean_burst(ends: tuple[float, float] = BURST_GROUPS) -> float:
    """Return the mean of the Pareto law between ``ends``, in groups."""
    a, (least, most) = _PARETO_SHAPE, ends
    if least == most:
        return least
    scale = a * least**a / (1.0 - (least / most) ** a)
    return float(scale * (least ** (1 - a) - most ** (1 - a)) / (a - 1))
