"""A jump of a cell's timing, seen in the samples of one block: some were lost, nobody said so."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock

__all__ = ["PrefixEdges"]

#: Blocks that the usual edges are learnt from.
_N_LEARN = 16
#: A jump of less is what the tracker's filter follows, and leaves little.
_LEAST_SAMPLES = 2
#: The edges are as they were, but moved: their correlation with the usual ones, there and so much
#: more than where they were, and the least share of their height.
_ALIKE, _MORE_ALIKE, _STILL_SHARE = 0.85, 0.08, 0.7
#: Where they were, no more than this share of that height is left beside them.
_LEFT_SHARE = 0.25


class PrefixEdges:
    """Where prefixes are coherent with their copies, sample by sample.

    Of every prefix in a block the lag product ``conj(x[n]) x[n + lag]`` is averaged about where it
    should end, over its power. It rises where echoes of the last symbol are over, stays, and falls
    behind the end. An interferer lowers it, wherever that is; lost samples move it. One that moved
    has the usual shape at another place; where the shape is another, someone else is heard.

    Args:
        plan: of the prefixes.
    """

    def __init__(self, plan: PrefixPlan) -> None:
        self._ends, self._lag = plan.prefix_ends, round(plan.lag_samples)
        self._n_prefix = math.floor(self._ends[1] - self._ends[0] - plan.lag_samples + 0.5)
        # A prefix before the one and one behind, as room for jumps to either side.
        self._usual = np.zeros(3 * self._n_prefix)
        self._n_learnt = 0
        self._has_jumped = False

    @property
    def is_ready(self) -> bool:
        """Whether the usual edges are learnt, and were as usual since the last jump."""
        return self._n_learnt == _N_LEARN and not self._has_jumped

    def learn(
        self, samples: NDArray[np.complex64], sample_start: int, clock: SlotClock, phase: float
    ) -> None:
        """Take a usual block; see :meth:`jump`."""
        self._has_jumped = False
        if self._n_learnt == _N_LEARN:
            return
        found = self._coherence(samples, sample_start, clock, phase)
        if found is not None:
            n_prefix = self._n_prefix
            self._usual += found[n_prefix : 4 * n_prefix] / _N_LEARN
            self._n_learnt += 1

    def jump(
        self, samples: NDArray[np.complex64], sample_start: int, clock: SlotClock, phase: float
    ) -> int:
        """Return how many samples later prefixes end than they should, 0 where they do not.

        Args:
            samples: ``(n_samples,)`` of the block.
            sample_start: the first of them.
            clock: of the slots, as it is behind the block.
            phase: that a carrier turns from a prefix to its copy, in radians.
        """
        if not self.is_ready:
            return 0
        found = self._coherence(samples, sample_start, clock, phase)
        if found is None:
            return 0
        n_prefix = self._n_prefix
        parts = np.lib.stride_tricks.sliding_window_view(found, 3 * n_prefix)
        usual = self._usual - self._usual.mean()
        parts = parts - parts.mean(axis=1, keepdims=True)
        height = parts @ usual / (usual @ usual)
        alike = height * np.sqrt((usual @ usual) / np.maximum((parts**2).sum(axis=1), 1e-30))
        best = int(alike.argmax())
        jump = best - n_prefix
        if abs(jump) < _LEAST_SAMPLES or height[best] < _STILL_SHARE:
            return 0
        if alike[best] < max(_ALIKE, float(alike[n_prefix]) + _MORE_ALIKE):
            return 0
        moved = height[best] * self._usual
        beside = found[best : best + 3 * n_prefix] - moved
        # What only the old place has: before the new begin, or behind the new end.
        old = beside[n_prefix - jump : n_prefix] if jump > 0 else beside[2 * n_prefix :][:-jump]
        self._has_jumped = float(old.mean()) <= _LEFT_SHARE * float(moved.max())
        return jump if self._has_jumped else 0

    def _coherence(
        self, samples: NDArray[np.complex64], sample_start: int, clock: SlotClock, phase: float
    ) -> NDArray[np.float64] | None:
        """Return that of the samples from 3 prefixes before the end of one to 2 behind it."""
        n_prefix = self._n_prefix
        n_slots = math.ceil(len(samples) / clock.step)
        begins = clock.whole + clock.part + (clock.passed - 1 - np.arange(n_slots)) * clock.step
        at = np.floor(begins[:, None] + self._ends).astype(np.int64).reshape(-1) - sample_start
        at = at[(at >= 3 * n_prefix) & (at + 2 * n_prefix + self._lag <= len(samples))]
        if not len(at):
            return None
        place = at[:, None] + np.arange(-3 * n_prefix, 2 * n_prefix)
        near, far = samples[place], samples[place + self._lag]
        # Without moduli, whose roots would be squared again.
        power = 0.5 * (near.real**2 + near.imag**2 + far.real**2 + far.imag**2)
        near *= np.complex64(np.exp(1j * phase))
        product = near.real * far.real + near.imag * far.imag
        # No burst outweighs all others.
        weight = 1.0 / np.maximum(power.sum(axis=1), 1e-30)
        found: NDArray[np.float64] = (weight @ product) / np.maximum(weight @ power, 1e-30)
        return found
