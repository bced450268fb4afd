"""The scheduler of :mod:`edgespec.simulate.scheduling` in compiled loops, choice for choice."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import exact, kernel
from edgespec.simulate.config import CellConfig
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

__all__ = ["LoopScheduler"]

#: A frame draws once for paging, and once for each block of a user that is sent.
_MOST_DRAWS = 1 + SUBFRAMES_PER_FRAME * N_RBG
#: Blocks that wait for their repetition: of 8 subframes, and while it is not the cell's turn.
_MOST_WAITING = 2 * SUBFRAMES_PER_FRAME * N_RBG


class LoopScheduler:
    """See :class:`edgespec.simulate.scheduling.Scheduler`."""

    def __init__(self, cell: CellConfig, amplitude: NDArray[np.float64], turns: Turns) -> None:
        self._settings = np.array(
            [
                turns.paging_subframe,
                cell.n_control,
                cell.user_groups,
                cell.scheduler == "round-robin",
            ],
            np.int64,
        )
        self._turns = np.array([turns.is_downlink, turns.control_most], np.int64)
        self._amplitude = amplitude.astype(np.float32)
        self._backlog = np.zeros(cell.n_users)
        self._served = np.full(cell.n_users, 0.1)
        self._is_waiting = np.zeros(cell.n_users, np.bool_)
        # Subframe, user and groups of repetitions in a ring, in order of time.
        self._again = np.zeros((_MOST_WAITING, 3), np.int64)
        # Subframes so far, begin and end of the ring.
        self._counts = np.zeros(3, np.int64)

    def offer(self, user: int, n_groups: float) -> None:
        """See :class:`edgespec.simulate.scheduling.Scheduler`."""
        self._backlog[user] += n_groups

    def serve(
        self, quality: NDArray[np.float64], home: NDArray[np.int64], rng: np.random.Generator
    ) -> FrameSchedule:
        """See :class:`edgespec.simulate.scheduling.Scheduler`."""
        frame = FrameSchedule.empty()
        # As many draws as there may be; those that were not used come again.
        before = rng.bit_generator.state
        draws = rng.random(_MOST_DRAWS)
        n_used = _serve(
            *(self._settings, self._turns, draws, quality, home, self._amplitude),
            *(self._backlog, self._served, self._is_waiting, self._again, self._counts),
            *(frame.modulation, frame.amplitude, frame.n_control, frame.control_load),
        )
        rng.bit_generator.state = before
        rng.random(n_used)
        return frame


@exact
def _send(modulation, amplitude, level, of_user, home, most, n_groups):  # type: ignore[no-untyped-def]
    """Fill free groups of a subframe from ``home`` on; return how many."""
    n = 0
    kind = 1 + (level > 6) + (level > 10)
    for step in range(N_RBG):
        if n >= min(n_groups, most):
            break
        group = home + step
        if group >= N_RBG:
            group -= N_RBG
        if modulation[group] == 0:
            modulation[group] = kind
            amplitude[group] = of_user
            n += 1
    return n


@exact
def _next_user(quality, backlog, served, is_waiting, first):  # type: ignore[no-untyped-def]
    """Return who of those that wait comes next, -1 where there is nobody.

    ``first`` is the one after whom others come in turn, or -1 for the best share.
    """
    best, best_share = -1, -np.inf
    n_users = len(backlog)
    for step in range(n_users):
        user = step
        if first >= 0:
            user = (first + step) % n_users
        if is_waiting[user]:
            if first >= 0:
                return user
            share = quality[user] / served[user]
            if share > best_share:
                best, best_share = user, share
    return best


@exact
def _serve_subframe(  # type: ignore[no-untyped-def]
    i, settings, turns, draws, used, quality, home, of_users, backlog, served, is_waiting, again,
    counts, modulation, amplitude, n_control, control_load,
):  # fmt: skip
    subframe = counts[0]
    most = settings[2] if settings[2] else N_RBG
    if subframe % 20 == 5:
        for group in SIB1_RBGS:
            modulation[i, group] = 1
    if i == settings[0]:
        if draws[used] < PAGING_RATE:
            modulation[i, PAGING_RBG] = 1
        used += 1
    n_waiting = 0
    for user in range(len(backlog)):
        is_waiting[user] = backlog[user] > 0
        n_waiting += is_waiting[user]
    n_served = 0
    while counts[1] < counts[2] and again[counts[1] % len(again), 0] <= subframe:
        due = again[counts[1] % len(again)]
        user, n_groups = due[1], due[2]
        _send(
            modulation[i], amplitude[i], quality[user], of_users[user],
            home[user] if settings[2] else 0, most, n_groups,
        )  # fmt: skip
        if settings[2]:
            is_waiting[user] = False
        n_served += 1
        counts[1] += 1
    first = -1
    if settings[3]:
        # The turn counts all that have something to get, also those that are passed over.
        nth = subframe % max(1, n_waiting)
        for user in range(len(backlog)):
            if backlog[user] > 0:
                if nth == 0:
                    first = user
                    break
                nth -= 1
        first = max(first, 0)
    while True:
        user = _next_user(quality, backlog, served, is_waiting, first)
        if user < 0:
            break
        n = _send(
            modulation[i], amplitude[i], quality[user], of_users[user],
            home[user] if settings[2] else 0, most, math.ceil(backlog[user]),
        )  # fmt: skip
        if n == 0:
            break
        is_waiting[user] = False
        backlog[user] = max(0.0, backlog[user] - n)
        served[user] += n
        n_served += 1
        if draws[used] < RETRANSMIT:
            failed = again[counts[2] % len(again)]
            failed[0], failed[1], failed[2] = subframe + HARQ_SUBFRAMES, user, n
            counts[2] += 1
            backlog[user] = max(0.0, backlog[user] - n)
        used += 1
    for user in range(len(served)):
        served[user] *= 0.99
    control = settings[1] if settings[1] else 1 + n_served // 2
    n_control[i] = min(control, turns[1, i])
    control_load[i] = min(1.0, 0.1 + 0.2 * n_served)
    return used


@kernel
def _serve(  # type: ignore[no-untyped-def]
    settings, turns, draws, quality, home, of_users, backlog, served, is_waiting, again, counts,
    modulation, amplitude, n_control, control_load,
):  # fmt: skip
    """Fill the four arrays of a frame; return how many draws it took."""
    used = 0
    for i in range(turns.shape[1]):
        if turns[0, i]:
            used = _serve_subframe(
                i, settings, turns, draws, used, quality, home, of_users, backlog, served,
                is_waiting, again, counts, modulation, amplitude, n_control, control_load,
            )  # fmt: skip
        counts[0] += 1
    return used
