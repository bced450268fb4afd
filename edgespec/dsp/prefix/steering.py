"""What slots say about the timing and the phase of their cell, summed up: a layout of numbers.

Some symbols steer: those with reference signals, which are always on. Of each of them the lag
product ``conj(x[n]) x(n + lag)`` is summed for ``n_run`` samples from the begin of the window, past
the end of the prefix, to where nothing is repeated any more. Its weight is one over its power, so
no burst outweighs all others, or over the usual power of a symbol, if that is more. Both loops
write these sums; only :mod:`edgespec.dsp.prefix.tracker` reads them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.lte.numerology import SLOTS_PER_FRAME, SURE_SLOTS

__all__ = [
    "LEAKED",
    "LEFT",
    "LOUD",
    "N_ABOVE",
    "N_JUDGED",
    "N_QUIET",
    "N_SUMS",
    "N_WINDOWS",
    "PARTS",
    "POWER_STEP",
    "QUIET",
    "QUIET_OUTSIDE",
    "USUAL",
    "USUAL_POWER",
    "Run",
    "steering_symbols",
]

#: Places in the sums. The usual residual of a slot, given; slots that were judged by it, those
#: above it, and the sum of their residuals;
USUAL, N_JUDGED, N_ABOVE, LEFT = 0, 1, 2, 3
#: the usual power of a steering symbol, which stays;
USUAL_POWER = 4
#: windows, and the sum of the fractions of a sample that their prefixes end at;
N_WINDOWS, PARTS = 5, 6
#: of quiet slots alone: windows, weighted power and weighted product, complex, within the window
#: and the same outside of the prefix.
N_QUIET, QUIET, QUIET_OUTSIDE = 7, 8, 11
#: From here on for every sample of the run: weighted power, and weighted product, complex.
N_SUMS = 14

#: The usual power is a median: each symbol moves it by so much, up or down, 0.4 dB.
POWER_STEP = 1.1
#: A slot is loud, and its phase does not count, if its residual is so many times the usual one,
LOUD = 2.0
#: and so large a share of its power. Below, it cannot turn the phase by more than that.
LEAKED = 0.01

#: What the edge of a prefix is looked for in, either side of where it should be.
_EDGE_S = 1.6e-6


@dataclass(frozen=True, slots=True)
class Run:
    """The samples of a steering symbol that are looked at, counted from the begin of its window.

    First the window, then the guard, up to ``n_edge`` samples behind the end of the prefix, then
    as many as the window has, which are outside.
    """

    n_window: int
    n_guard: int
    n_edge: int

    @classmethod
    def of(cls, plan: PrefixPlan) -> "Run":
        """Return that of a plan."""
        n_edge = min(round(_EDGE_S * plan.sample_rate_hz), plan.n_window + plan.n_guard)
        return cls(plan.n_window, plan.n_guard, n_edge)

    @property
    def n_samples(self) -> int:
        """Length of the run."""
        return 2 * self.n_window + self.n_guard + self.n_edge

    @property
    def end(self) -> int:
        """Where the prefix should end."""
        return self.n_window + self.n_guard


def late_by(heights: NDArray[np.float64]) -> float:
    """Return how many samples later than in the middle of ``heights`` a prefix ends.

    ``sum_n min(1, max(0, 2 c[n] - 1))``, where c falls from 1 in the prefix to 0 behind it: the
    upper half of the fall, so that echoes, which end later, count for nothing.
    """
    return float(np.clip(2.0 * heights - 1.0, 0.0, 1.0).sum()) - len(heights) // 2


def steering_symbols(plan: PrefixPlan, duplex: str) -> NDArray[np.uint8]:
    """Return which symbols of a frame steer, uint8 ``(20, n_symbols + 1)``; last: any of the slot.

    Where frequencies divide the directions: the first and the fifth symbol (the fourth of those
    with a long prefix) in turns, one a slot. Where time does: both, where both are downlink in
    every configuration, subframes 0 and 5, and the first of 1 and 6 (TS 36.211, table 4.2-2).
    Where nothing is known of it, as with NR, whatever is sent: every symbol but the last, whose run
    would reach beyond the slot's.
    """
    second = plan.n_symbols - 3
    steers = np.zeros((SLOTS_PER_FRAME, plan.n_symbols + 1), np.uint8)
    if not duplex:
        steers[:, : plan.n_symbols - 1] = 1
    elif duplex == "tdd":
        steers[np.ix_(SURE_SLOTS, [0, second])] = 1
        steers[[2, 12], 0] = 1
    else:
        steers[0::2, 0] = 1
        steers[1::2, second] = 1
    steers[:, -1] = steers.any(axis=1)
    return steers
