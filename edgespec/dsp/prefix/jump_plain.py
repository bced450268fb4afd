"""The readable way to tell a jump of timing: NumPy, all prefixes and all moves at once."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock
from edgespec.records import SampleFormat

__all__ = ["ALIKE", "LEAST_SAMPLES", "LEFT_SHARE", "MORE_ALIKE", "STILL_SHARE", "PlainEdges"]

#: A jump of less is what the tracker's filter follows, and leaves little.
LEAST_SAMPLES = 2
#: The edges are as they were, but moved: their correlation with the usual ones, there and so much
#: more than where they were, and the least share of their height.
ALIKE, MORE_ALIKE, STILL_SHARE = 0.85, 0.08, 0.7
#: Where they were, no more than this share of that height is left beside them.
LEFT_SHARE = 0.25


class PlainEdges:
    """Edges by NumPy; see :class:`edgespec.dsp.prefix.jump.Edges`."""

    def __init__(self, plan: PrefixPlan, n_prefix: int, sample_format: SampleFormat) -> None:
        self._ends, self._lag = plan.prefix_ends, round(plan.lag_samples)
        self._n_prefix, self._format = n_prefix, sample_format

    def coherence(
        self,
        samples: NDArray[Any],
        sample_start: int,
        clock: SlotClock,
        phase: float,
        out: NDArray[np.float64],
    ) -> bool:
        """Write the mean over the prefixes of a block."""
        n_prefix, values = self._n_prefix, self._format.to_complex(samples)
        n_slots = math.ceil(len(values) / clock.step)
        offsets = clock.part + (clock.passed - 1 - np.arange(n_slots)) * clock.step
        whole = np.floor(offsets)
        ends = np.floor((offsets - whole)[:, None] + self._ends)
        at = (whole[:, None] + ends).astype(np.int64).reshape(-1) + clock.whole - sample_start
        at = at[(at >= 3 * n_prefix) & (at + 2 * n_prefix + self._lag <= len(values))]
        place = at[:, None] + np.arange(-3 * n_prefix, 2 * n_prefix)
        near, far = values[place], values[place + self._lag]
        with np.errstate(invalid="ignore", over="ignore"):
            # Without moduli, whose roots would be squared again.
            power = 0.5 * (near.real**2 + near.imag**2 + far.real**2 + far.imag**2)
            near *= np.complex64(np.exp(1j * phase))
            product = near.real * far.real + near.imag * far.imag
            total = power.sum(axis=1, dtype=np.float64)
        is_heard = (total > 0.0) & (total < math.inf)
        if not is_heard.any():
            return False
        # No burst outweighs all others.
        weight = 1.0 / total[is_heard]
        out[:] = (weight @ product[is_heard]) / np.maximum(weight @ power[is_heard], 1e-30)
        return True

    def jump(self, found: NDArray[np.float64], usual: NDArray[np.float64]) -> int:
        """Return by how much the edges of a block are the usual ones, but moved."""
        n_prefix = self._n_prefix
        parts = np.lib.stride_tricks.sliding_window_view(found, 3 * n_prefix)
        shape = usual - usual.mean()
        parts = parts - parts.mean(axis=1, keepdims=True)
        energy = max(float(shape @ shape), 1e-30)
        height = parts @ shape / energy
        alike = height * np.sqrt(energy / np.maximum((parts**2).sum(axis=1), 1e-30))
        best = int(alike.argmax())
        jump = best - n_prefix
        if abs(jump) < LEAST_SAMPLES or height[best] < STILL_SHARE:
            return 0
        if alike[best] < max(ALIKE, float(alike[n_prefix]) + MORE_ALIKE):
            return 0
        moved = height[best] * usual
        beside = found[best : best + 3 * n_prefix] - moved
        # What only the old place has: before the new begin, or behind the new end.
        old = beside[n_prefix - jump : n_prefix] if jump > 0 else beside[2 * n_prefix :][:-jump]
        return jump if float(old.mean()) <= LEFT_SHARE * float(moved.max()) else 0
