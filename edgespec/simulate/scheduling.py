"""Which users are served in the subframes of a frame, and in which groups of resource blocks."""

import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import loops_are_quick
from edgespec.simulate.config import CellConfig, TddConfig
from edgespec.simulate.numerology import N_RBG, SUBFRAMES_PER_FRAME
from edgespec.simulate.schedule import (
    HARQ_SUBFRAMES,
    PAGING_RATE,
    PAGING_RBG,
    RETRANSMIT,
    SIB1_RBGS,
    FrameSchedule,
    Turns,
)

__all__ = ["PlainScheduler", "Scheduler", "open_scheduler"]


class Scheduler(Protocol):
    """Serves users with what they have left to get."""

    def offer(self, user: int, n_groups: float) -> None:
        """Let a user have more to get."""
        ...

    def serve(
        self, quality: NDArray[np.float64], home: NDArray[np.int64], rng: np.random.Generator
    ) -> FrameSchedule:
        """Return the schedule of the next frame.

        Args:
            quality: of the users' links, ``(n_users,)``: 1 to 15.
            home: the group around which each user is served, where users have places.
            rng: gives the draws of paging and of failures.
        """
        ...


class PlainScheduler:
    """In Python's own lists, which are quicker with a dozen numbers than arrays."""

    def __init__(self, cell: CellConfig, amplitude: NDArray[np.float64], turns: Turns) -> None:
        self._cell, self._turns = cell, turns
        self._amplitude: list[float] = amplitude.tolist()
        self._backlog = [0.0] * cell.n_users
        self._served = [0.1] * cell.n_users
        self._again: list[tuple[int, int, int]] = []
        self._modulation: list[int] = []
        self._home: list[int] = []
        self._subframe = 0

    def offer(self, user: int, n_groups: float) -> None:
        """See :class:`Scheduler`."""
        self._backlog[user] += n_groups

    def serve(
        self, quality: NDArray[np.float64], home: NDArray[np.int64], rng: np.random.Generator
    ) -> FrameSchedule:
        """See :class:`Scheduler`."""
        frame = FrameSchedule.empty()
        levels = quality.tolist()
        self._modulation = [1 + (level > 6) + (level > 10) for level in levels]
        self._home = home.tolist()
        for i in range(SUBFRAMES_PER_FRAME):
            if self._turns.is_downlink[i]:
                self._serve(frame, i, levels, rng)
            self._subframe += 1
        return frame

    def _serve(
        self, frame: FrameSchedule, i: int, quality: list[float], rng: np.random.Generator
    ) -> None:
        """Fill subframe ``i``: broadcasts, repeated blocks, then users while groups are free."""
        sent = _Subframe()
        if self._subframe % 20 == 5:
            sent.broadcast(SIB1_RBGS)
        if i == self._turns.paging_subframe and rng.random() < PAGING_RATE:
            sent.broadcast((PAGING_RBG,))
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
            if rng.random() < RETRANSMIT:
                self._again.append((self._subframe + HARQ_SUBFRAMES, user, n))
                # The repetition is part of the load the user offered, not on top of it.
                self._backlog[user] = max(0.0, self._backlog[user] - n)
        self._served = [0.99 * served for served in self._served]
        n_control = self._cell.n_control or 1 + n_served // 2
        frame.modulation[i], frame.amplitude[i] = sent.modulation, sent.amplitude
        frame.n_control[i] = min(n_control, self._turns.control_most[i])
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
            home = self._home[user]
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


def open_scheduler(
    cell: CellConfig, amplitude: NDArray[np.float64], tdd: TddConfig | None
) -> Scheduler:
    """Return what serves the users of a cell, in compiled loops where there is a compiler.

    ``amplitude`` ``(n_users,)`` are those of the users' blocks.
    """
    turns = Turns.of(tdd)
    if not loops_are_quick():
        return PlainScheduler(cell, amplitude, turns)
    from edgespec.simulate.scheduling_loops import LoopScheduler

    return LoopScheduler(cell, amplitude, turns)
