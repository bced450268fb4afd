"""A jump of timing as compiled loops; :mod:`edgespec.dsp.prefix.jump_plain` says what."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from edgespec.dsp.prefix.cancel_loops import ITEMS
from edgespec.dsp.prefix.jump_plain import (
    ALIKE,
    LEAST_SAMPLES,
    LEFT_SHARE,
    MORE_ALIKE,
    STILL_SHARE,
)
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock
from edgespec.jit import ahead, apart, exact
from edgespec.records import SampleFormat

__all__ = ["CompiledEdges", "coherence_kernel", "jump_kernel"]


class CompiledEdges:
    """Edges in two compiled passes; see :class:`edgespec.dsp.prefix.jump.Edges`."""

    def __init__(self, plan: PrefixPlan, n_prefix: int, sample_format: SampleFormat) -> None:
        self._ends, self._lag, self._n_prefix = plan.prefix_ends, round(plan.lag_samples), n_prefix
        self._zero = sample_format.zero
        self._component = sample_format.dtype.type(0).real.dtype
        self._coherence, self._jump = coherence_kernel(sample_format), jump_kernel()
        # Of one prefix: its samples and those of its copy, then power and product of each.
        self._work = np.zeros(30 * n_prefix, np.float32)
        self._sums = np.zeros((2, 5 * n_prefix))
        self._height, self._alike = np.zeros((2, 2 * n_prefix + 1))

    def coherence(
        self,
        samples: NDArray[Any],
        sample_start: int,
        clock: SlotClock,
        phase: float,
        out: NDArray[np.float64],
    ) -> bool:
        """Write the mean over the prefixes of a block."""
        items = samples.reshape(-1) if samples.ndim > 1 else samples.view(self._component)
        n_heard = self._coherence(
            items, len(samples), clock.whole - sample_start, clock.part, clock.step, clock.passed,
            self._ends, self._lag, self._n_prefix, self._zero, math.cos(phase), math.sin(phase),
            self._work, self._sums, out,
        )  # fmt: skip
        return bool(n_heard)

    def jump(self, found: NDArray[np.float64], usual: NDArray[np.float64]) -> int:
        """Return by how much the edges of a block are the usual ones, but moved."""
        return int(self._jump(found, usual, self._n_prefix, self._height, self._alike))


@exact
def _end_of(part, n_passed, step, end):  # type: ignore[no-untyped-def]
    """Return the sample behind the anchor's in which a prefix ends: no rounding of a sum moves it.

    As :class:`~edgespec.dsp.prefix.slot_clock.SlotClock` and the canceller have it.
    """
    offset = part + n_passed * step
    whole = math.floor(offset)
    return np.int64(whole) + np.int64(math.floor(offset - whole + end))


@apart
def _take(n_items, items, start, zero, out):  # type: ignore[no-untyped-def]
    for i in range(n_items):
        out[i] = np.float32(items[start + i]) - zero


@apart
def _multiply(n, near, far, cosine, sine, power, product):  # type: ignore[no-untyped-def]
    """Write power and product of samples and their copies; return all the power."""
    half = np.float32(0.5)
    total = np.float64(0.0)
    for i in range(n):
        x, y, u, v = near[2 * i], near[2 * i + 1], far[2 * i], far[2 * i + 1]
        power[i] = half * (x * x + y * y + u * u + v * v)
        product[i] = cosine * (x * u + y * v) + sine * (x * v - y * u)
        total += np.float64(power[i])
    return total


@apart
def _add(n, weight, power, product, powers, products):  # type: ignore[no-untyped-def]
    for i in range(n):
        powers[i] += weight * np.float64(power[i])
        products[i] += weight * np.float64(product[i])


@functools.cache
def coherence_kernel(sample_format: SampleFormat) -> Callable[..., int]:
    """Return the compiled loop over the prefixes of a block in one format."""

    @ahead(
        types.int64(
            types.Array(ITEMS[sample_format], 1, "C", readonly=True, aligned=False),
            types.int64, types.int64, types.float64, types.float64, types.int64,
            types.float64[::1], types.int64, types.int64, types.float64, types.float64,
            types.float64, types.float32[::1], types.float64[:, ::1], types.float64[::1],
        )
    )  # fmt: skip
    def coherence(  # type: ignore[no-untyped-def]
        items, n_samples, origin, part, step, passed, ends, lag, n_prefix, zero, cosine, sine,
        work, sums, out,
    ):  # fmt: skip
        n = 5 * n_prefix
        near, far = work[: 2 * n], work[2 * n : 4 * n]
        power, product = work[4 * n : 5 * n], work[5 * n :]
        sums[:] = 0.0
        n_heard = 0
        for n_earlier in range(1, np.int64(math.ceil(n_samples / step)) + 1):
            for symbol in range(len(ends)):
                at = origin + _end_of(part, passed - n_earlier, step, ends[symbol])
                if at < 3 * n_prefix or at + 2 * n_prefix + lag > n_samples:
                    continue
                first = at - 3 * n_prefix
                _take(2 * n, items, 2 * first, np.float32(zero), near)
                _take(2 * n, items, 2 * (first + lag), np.float32(zero), far)
                total = _multiply(
                    n, near, far, np.float32(cosine), np.float32(sine), power, product
                )
                if 0.0 < total < math.inf:
                    n_heard += 1
                    _add(n, 1.0 / total, power, product, sums[0], sums[1])
        for i in range(n):
            out[i] = sums[1, i] / max(sums[0, i], 1e-30)
        return n_heard

    return coherence


@functools.cache
def jump_kernel() -> Callable[..., int]:
    """Return the compiled loop over the moves of the edges."""

    @ahead(
        types.int64(
            types.float64[::1], types.float64[::1], types.int64, types.float64[::1],
            types.float64[::1],
        )
    )  # fmt: skip
    def jump_of(found, usual, n_prefix, height, alike):  # type: ignore[no-untyped-def]
        n = 3 * n_prefix
        level, highest = 0.0, usual[0]
        for i in range(n):
            level += usual[i]
            highest = max(highest, usual[i])
        level /= n
        energy = 0.0
        for i in range(n):
            energy += (usual[i] - level) ** 2
        energy = max(energy, 1e-30)
        best = 0
        for first in range(2 * n_prefix + 1):
            height[first], alike[first] = _compare(n, found[first:], usual, level, energy)
            if alike[first] > alike[best]:
                best = first
        jump = best - n_prefix
        if abs(jump) < LEAST_SAMPLES or height[best] < STILL_SHARE:
            return 0
        if alike[best] < max(ALIKE, alike[n_prefix] + MORE_ALIKE):
            return 0
        # What only the old place has: before the new begin, or behind the new end.
        start = n_prefix - jump if jump > 0 else 2 * n_prefix
        old = 0.0
        for i in range(start, start + abs(jump)):
            old += found[best + i] - height[best] * usual[i]
        return jump if old / abs(jump) <= LEFT_SHARE * height[best] * highest else 0

    return jump_of


@apart
def _compare(n, found, usual, level, energy):  # type: ignore[no-untyped-def]
    """Return the height of edges over that of the usual ones, and how alike they are."""
    mean = 0.0
    for i in range(n):
        mean += found[i]
    mean /= n
    height, spread = 0.0, 0.0
    for i in range(n):
        moved = found[i] - mean
        height += moved * (usual[i] - level)
        spread += moved * moved
    height /= energy
    return height, height * math.sqrt(energy / max(spread, 1e-30))
