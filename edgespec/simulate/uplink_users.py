"""Users of an uplink cell: who sends when and where, frame by frame."""

import math
from dataclasses import dataclass

import numpy as np

from edgespec.simulate.config import TddConfig, UplinkConfig
from edgespec.simulate.duplex import special_subframes, uplink_subframes
from edgespec.simulate.numerology import SUBFRAMES_PER_FRAME
from edgespec.simulate.traffic import burst, mean_burst

__all__ = ["N_BLOCKS", "PRACH_BLOCKS", "Grant", "UplinkUsers"]

N_BLOCKS = 25
#: The control channels have the outermost blocks; data have those between.
_FIRST, _STOP = 1, N_BLOCKS - 1
#: Sizes that the DFT of the terminal takes: products of 2, 3 and 5 (TS 36.211, sec. 5.3.3).
_SIZES = [n for n in range(1, _STOP) if 60**9 % n == 0]
#: The largest of them by the blocks that are wanted.
_LARGEST = [max((n for n in _SIZES if n <= wanted), default=0) for wanted in range(_STOP)]
#: Subframes whose last symbol is for sounding, and where random access may come.
_SRS_SUBFRAMES = (0, 5)
_PRACH_SUBFRAME = 1
#: The first one of the users with time division, whatever its configuration.
_PRACH_SUBFRAME_TDD = 2
PRACH_BLOCKS = slice(4, 10)
_MOST_USERS_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Grant:
    """Blocks of one user in one subframe."""

    subframe: int
    user: int
    first_block: int
    n_blocks: int


@dataclass(frozen=True, slots=True)
class UplinkSchedule:
    """One frame: data, ``(subframe, user)`` of control and of sounding, and who comes anew."""

    grants: list[Grant]
    control: list[tuple[int, int]]
    sounding: list[tuple[int, int]]
    newcomer: int | None


class UplinkUsers:
    """Makes one schedule after the other; bursts as in the downlink, counted in blocks.

    ``sounding_subframes`` are those whose last symbol is for sounding, and ``prach_subframe``
    where random access may come.
    """

    def __init__(self, config: UplinkConfig, seed: int, tdd: TddConfig | None = None) -> None:
        self._config = config
        self._subframes = uplink_subframes(tdd)
        self._silent = np.setdiff1d(np.arange(SUBFRAMES_PER_FRAME), self._subframes)
        self.sounding_subframes = _SRS_SUBFRAMES if tdd is None else special_subframes(tdd)
        self.prach_subframe = _PRACH_SUBFRAME if tdd is None else _PRACH_SUBFRAME_TDD
        self._rng = np.random.default_rng(seed)
        # Some dozens of numbers: Python's own lists are quicker with them than arrays.
        self._backlog = [0.0] * config.n_users
        self._frame = 0
        n_blocks = (_STOP - _FIRST) * len(self._subframes)
        self._bursts_per_frame = config.load * n_blocks / mean_burst()

    def next_frame(self) -> UplinkSchedule:
        """Return the schedule of the next 10 ms."""
        rng, n_users = self._rng, self._config.n_users
        for _ in range(rng.poisson(self._bursts_per_frame)):
            user = int(rng.integers(n_users))
            self._backlog[user] += burst(rng.random())
        newcomer = int(rng.integers(n_users)) if rng.random() < self._config.prach_rate else None
        grants: list[Grant] = []
        for subframe in self._subframes:
            grants.extend(self._grant(subframe, newcomer is not None))
        active = rng.random((SUBFRAMES_PER_FRAME, n_users)) < self._config.control_rate
        active[self._silent] = False
        control = list(zip(*(places.tolist() for places in np.nonzero(active)), strict=True))
        schedule = UplinkSchedule(grants, control, self._sounding(), newcomer)
        self._frame += 1
        return schedule

    def _grant(self, subframe: int, has_newcomer: bool) -> list[Grant]:
        """Share out one subframe from the lowest block on, to users in turn."""
        waiting = [user for user, backlog in enumerate(self._backlog) if backlog > 0]
        first = self._frame * SUBFRAMES_PER_FRAME + subframe
        block, out = _FIRST, []
        if has_newcomer and subframe == self.prach_subframe:
            block = PRACH_BLOCKS.stop
        for turn in range(first, first + min(len(waiting), _MOST_USERS_AT_ONCE)):
            user = waiting[turn % len(waiting)]
            wanted = min(math.ceil(self._backlog[user]), _STOP - block)
            if wanted < 1:
                break
            n = _LARGEST[wanted]
            out.append(Grant(subframe, user, block, n))
            self._backlog[user] = max(0.0, self._backlog[user] - n)
            block += n
        return out

    def _sounding(self) -> list[tuple[int, int]]:
        """Return who sounds in which subframe: each user in its own turn."""
        if not self._config.srs_period_s:
            return []
        every = max(1, round(self._config.srs_period_s / 5e-3))
        turns = [2 * self._frame, 2 * self._frame + 1]
        return [
            (self.sounding_subframes[turn % len(self.sounding_subframes)], user)
            for turn in turns
            for user in range(self._config.n_users)
            if (turn - user) % every == 0
        ]
