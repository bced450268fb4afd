"""The fast way to cancel a cell: memory and tables for the compiled loop."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cancel_loops import cancel_kernel, padded
from edgespec.dsp.prefix.delay import N_TAPS
from edgespec.dsp.prefix.recipe import Recipe, Rows
from edgespec.dsp.prefix.staged import N_TAKEN, Staged
from edgespec.dsp.prefix.tracker import Tracker
from edgespec.memory import aligned_floats

__all__ = ["CompiledCancelling", "kernel_for"]


def kernel_for(recipe: Recipe) -> Callable[..., None]:
    """Return the compiled loop of a recipe: compiled now, or loaded."""
    plan = recipe.plan
    return cancel_kernel(
        recipe.sample_format,
        plan.n_window,
        plan.bins_per_subband,
        recipe.run.n_samples,
        recipe.taps is None,
    )


class CompiledCancelling:
    """Slots in one compiled pass; see :class:`edgespec.dsp.prefix.cancelling.Cancelling`."""

    def __init__(self, recipe: Recipe, tracker: Tracker, rows: Rows, staged: Staged) -> None:
        plan, run = recipe.plan, recipe.run
        self._tracker, self._counts = tracker, staged.counts
        self._kernel = kernel_for(recipe)
        self._component = recipe.sample_format.dtype.type(0).real.dtype
        self._early = self._items(staged.samples)
        limits = np.array([recipe.sample_format.zero, recipe.limits.low, recipe.limits.high])
        limits[1:] -= recipe.sample_format.zero
        max_clipped = recipe.limits.max_clipped(recipe.n_components)
        sizes = np.array([recipe.lag, recipe.back, max_clipped, *recipe.reach], np.int64)
        n_window, n_wide = plan.n_window, padded(plan.n_window)
        waves = np.zeros((2, n_window, n_wide))
        waves[:, :, :n_window] = np.cos(recipe.bins()), np.sin(recipe.bins())
        tables = np.zeros(N_TAPS + n_wide + waves.size, np.float32)
        if recipe.taps is not None:
            tables[:N_TAPS] = recipe.taps
        tables[N_TAPS:][: plan.n_subbands] = recipe.scales
        tables[N_TAPS + n_wide :] = waves.ravel()
        n_line = 2 * (run.n_samples + recipe.n_more)
        n_taken = plan.n_symbols * 2 * (2 * n_window + recipe.n_more)
        self._arrays = (
            plan.prefix_ends,
            limits,
            sizes,
            tables,
            tracker.turns,
            recipe.steers,
            tracker.sums,
            aligned_floats(3 * n_line + 8 * n_wide + n_taken),
            rows.residual,
            rows.power,
            rows.slot,
            rows.flags,
            rows.tick_start,
            staged.counts,
            rows.total,
        )

    def compute(self, samples: NDArray[Any], start: int, row: int) -> None:
        """Fill the rows of complete slots."""
        tracker = self._tracker
        clock = tracker.clock
        self._kernel(
            self._early,
            self._early,
            self._items(samples),
            start,
            len(samples),
            self._counts[N_TAKEN],
            clock.whole,
            clock.part,
            clock.step,
            clock.passed,
            clock.number,
            tracker.n_left,
            row,
            *self._arrays,
        )

    def _items(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return I and Q in turns."""
        return samples.reshape(-1) if samples.ndim > 1 else samples.view(self._component)
