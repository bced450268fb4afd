"""Who uses the cell and when: bursts of users, shared out by the scheduler, one frame at a time.

Bursts arrive as a Poisson process and their sizes follow a truncated Pareto law: a wide one gives
the load long quiet and long busy times. Sizes are counted in resource-block groups, so that the
mean share of used resources is the ``load`` of the cell.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.simulate.config import BURST_GROUPS, CellConfig, TddConfig
from edgespec.simulate.duplex import downlink_symbols
from edgespec.simulate.numerology import N_RBG, SUBFRAMES_PER_FRAME

__all__ = ["FrameSchedule", "Traffic", "burst", "mean_burst"]

#: Shape of the Pareto law of burst sizes.
_PARETO_SHAPE = 1.3
#: Share of transmissions that fail and come again 8 subframes later.
_RETRANSMIT = 0.1
_HARQ_SUBFRAMES = 8
_SIB1_RBGS = (5, 6)
_PAGING_RBG = 2
_PAGING_RATE = 0.3
_PAGING_SUBFRAME = 9
#: With time division: subframe 9 may belong to the users, and the primary synchronisation takes
#: the third symbol of subframes 1 and 6.
_PAGING_SUBFRAME_TDD = 0
_SHORT_CONTROL_TDD = (1, 6)
#: Share of the users that move to another place in the band each frame.
_MOVE_RATE = 0.03
_DAY_S = 86_400.0
_SCHEDULERS = ("proportional-fair", "round-robin")


@dataclass(frozen=True, slots=True)
class FrameSchedule:
    """What the cell sends in the ten subframes of one frame.

    ``modulation`` uint8 ``(10, 13)``: 0 nothing, 1 QPSK, 2 16QAM, 3 64QAM in each group;
    ``amplitude`` float32 ``(10, 13)``; ``n_control`` uint8 ``(10,)`` control symbols and
    ``control_load`` float32 ``(10,)``, the share of them in use.
    """

    modulation: NDArray[np.uint8]
    amplitude: NDArray[np.float32]
    n_control: NDArray[np.uint8]
    control_load: NDArray[np.float32]


class Traffic:
    """Makes one :class:`FrameSchedule` after the other."""

    def __init__(self, cell: CellConfig, seed: int, tdd: TddConfig | None = None) -> None:
        if cell.scheduler not in _SCHEDULERS:
            raise UsageError(
                f"the scheduler is {cell.scheduler!r}; known are {', '.join(_SCHEDULERS)}"
            )
        self._cell = cell
        self._rng = np.random.default_rng(seed)
        # A dozen numbers at a time: Python's own lists are quicker with them than arrays.
        self._backlog = [0.0] * cell.n_users
        self._served = [0.1] * cell.n_users
        self._quality = self._rng.uniform(1, 15, cell.n_users)
        self._modulation: list[int] = []
        spread = cell.user_spread_db * self._rng.standard_normal(cell.n_users)
        self._amplitude = (10.0 ** (np.clip(spread, -6.0, 3.0) / 20.0)).tolist()
        self._again: list[tuple[int, int, int]] = []
        self._subframe = 0
        self._is_downlink: list[bool] = downlink_symbols(tdd)[:, 0].tolist()
        offered = cell.load * N_RBG * sum(self._is_downlink)
        self._bursts_per_frame = offered / mean_burst(cell.burst_groups)
        self._paging_subframe = _PAGING_SUBFRAME if tdd is None else _PAGING_SUBFRAME_TDD
        self._control_most = [3] * SUBFRAMES_PER_FRAME
        for subframe in _SHORT_CONTROL_TDD if tdd is not None else ():
            self._control_most[subframe] = 2
        # Draws of its own, so that the places of users change nothing else.
        self._places = np.random.default_rng((seed, 5))
        self._home = self._places.integers(0, N_RBG, cell.n_users)

    def next_frame(self) -> FrameSchedule:
        """Return the schedule of the next 10 ms."""
        n = SUBFRAMES_PER_FRAME
        frame = FrameSchedule(
            modulation=np.zeros((n, N_RBG), np.uint8),
            amplitude=np.ones((n, N_RBG), np.float32),
            n_control=np.ones(n, np.uint8),
            control_load=np.zeros(n, np.float32),
        )
        self._arrive()
        quality = self._quality.tolist()
        self._modulation = [1 + (level > 6) + (level > 10) for level in quality]
        for i in range(n):
            if self._is_downlink[i]:
                self._schedule(frame, i, quality)
            self._subframe += 1
        return frame

    def _arrive(self) -> None:
        """Add the bursts that arrive during one frame and let the link qualities wander."""
        curve, per_frame = self._cell.load_curve, self._bursts_per_frame
        if curve:
            clock_s = self._cell.clock_s + self._subframe * 1e-3
            per_frame *= curve[int(clock_s % _DAY_S / _DAY_S * len(curve))]
        for _ in range(self._rng.poisson(per_frame)):
            user = self._rng.integers(self._cell.n_users)
            self._backlog[user] += burst(self._rng.random(), self._cell.burst_groups)
        step = 0.3 * self._rng.standard_normal(self._cell.n_users)
        self._quality = np.clip(self._quality + step, 1.0, 15.0)
        moved = self._places.random(self._cell.n_users) < _MOVE_RATE
        self._home[moved] = self._places.integers(0, N_RBG, int(moved.sum()))

    def _schedule(self, frame: FrameSchedule, i: int, quality: list[float]) -> None:
        """Fill subframe ``i``: broadcasts, repeated blocks, then users while groups are free."""
        sent = _Subframe()
        if self._subframe % 20 == 5:
            sent.broadcast(_SIB1_RBGS)
        if i == self._paging_subframe and self._rng.random() < _PAGING_RATE:
            sent.broadcast((_PAGING_RBG,))
        repeated = self._repeat(sent)
        n_served = len(repeated)
        for user in self._order(quality):
            if self._cell.user_groups and user in repeated:
                continue
            n = self._send(sent, user, math.ceil(self._backlog[user]))
            if not n:
                break
            self._backlog[user] = max(0.0, self._backlog[user] - n)
            self._served[user] += n
            n_served += 1
            if self._rng.random() < _RETRANSMIT:
                self._again.append((self._subframe + _HARQ_SUBFRAMES, user, n))
                # The repetition is part of the load the user offered, not on top of it.
                self._backlog[user] = max(0.0, self._backlog[user] - n)
        self._served = [0.99 * served for served in self._served]
        n_control = self._cell.n_control or 1 + n_served // 2
        frame.modulation[i], frame.amplitude[i] = sent.modulation, sent.amplitude
        frame.n_control[i] = min(n_control, self._control_most[i])
        frame.control_load[i] = min(1.0, 0.1 + 0.2 * n_served)

    def _repeat(self, sent: "_Subframe") -> list[int]:
        """Send the blocks whose repetition is due; return the user of each."""
        due = [item for item in self._again if item[0] <= self._subframe]
        if due:
            self._again = [item for item in self._again if item[0] > self._subframe]
        for _, user, n_groups in due:
            self._send(sent, user, n_groups)
        return [user for _, user, _ in due]

    def _order(self, quality: list[float]) -> list[int]:
        """Return the users with something to send, the one to be served first at the front."""
        users = [user for user, backlog in enumerate(self._backlog) if backlog > 0]
        if self._cell.scheduler == "round-robin":
            first = self._subframe % max(1, len(users))
            return users[first:] + users[:first]
        return sorted(users, key=lambda user: -quality[user] / self._served[user])

    def _send(self, sent: "_Subframe", user: int, n_groups: int) -> int:
        """Fill at most ``n_groups`` free groups, the first ones or those near the user's own.

        Return how many there were.
        """
        free, most = sent.free, self._cell.user_groups
        if most:
            home = int(self._home[user])
            near = (*range(home, N_RBG), *range(home))
            groups = [group for group in near if free[group]][: min(n_groups, most)]
        else:
            groups = [group for group in range(N_RBG) if free[group]][:n_groups]
        sent.fill(groups, self._modulation[user], self._amplitude[user])
        return len(groups)


class _Subframe:
    """Groups of one subframe: which are free, and what the others carry."""

    def __init__(self) -> None:
        self.free = [True] * N_RBG
        self.modulation = [0] * N_RBG
        self.amplitude = [1.0] * N_RBG

    def broadcast(self, groups: Iterable[int]) -> None:
        self.fill(groups, 1, 1.0)

    def fill(self, groups: Iterable[int], modulation: int, amplitude: float) -> None:
        for group in groups:
            self.free[group] = False
            self.modulation[group] = modulation
            self.amplitude[group] = amplitude


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
