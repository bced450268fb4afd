"""The fast way to cancel a cell: memory and tables for the compiled loop."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cancel_loops import cancel_kernel, padded
from edgespec.dsp.prefix.delay import N_TAPS
from edgespec.dsp.prefix.recipe import Recipe, Rows
from edgespec.dsp.prefix.tracker import Tracker
from edgespec.memory import aligned_floats

__all__ = ["CompiledCancelling"]


class CompiledCancelling:
    """Slots in one compiled pass; see :class:`edgespec.dsp.prefix.cancelling.Cancelling`."""

    def __init__(self, recipe: Recipe, tracker: Tracker, rows: Rows) -> None:
        plan, run = recipe.plan, recipe.run
        self._tracker, self._rows = tracker, rows
        self._kernel = cancel_kernel(
            recipe.sample_format,
            plan.n_window,
            plan.bins_per_subband,
            run.n_samples,
            recipe.taps is None,
        )
        self._component = recipe.sample_format.dtype.type(0).real.dtype
        self._ends = plan.prefix_ends
        limits = recipe.limits
        self._limits = np.array([recipe.sample_format.zero, limits.low, limits.high])
        self._limits[1:] -= recipe.sample_format.zero
        max_clipped = limits.max_clipped(recipe.n_components)
        self._sizes = np.array([recipe.lag, recipe.back, max_clipped], np.int64)
        self._steers = recipe.steers
        n_window, n_wide = plan.n_window, padded(plan.n_window)
        waves = np.zeros((2, n_window, n_wide))
        waves[:, :, :n_window] = np.cos(recipe.bins()), np.sin(recipe.bins())
        self._tables = np.zeros(N_TAPS + n_wide + waves.size, np.float32)
        if recipe.taps is not None:
            self._tables[:N_TAPS] = recipe.taps
        self._tables[N_TAPS:][: plan.n_subbands] = recipe.scales
        self._tables[N_TAPS + n_wide :] = waves.ravel()
        n_line = 2 * (run.n_samples + N_TAPS - 1)
        self._work = aligned_floats(3 * n_line + 8 * n_wide)

    def compute(self, samples: NDArray[Any], start: int, n_slots: int, row: int) -> None:
        """Fill ``n_slots`` rows."""
        clock, rows = self._tracker.clock, self._rows
        self._kernel(
            samples.reshape(-1).view(self._component),
            clock.whole - start,
            clock.part,
            clock.step,
            clock.passed,
            clock.number,
            n_slots,
            row,
            clock.whole,
            self._ends,
            self._limits,
            self._sizes,
            self._tables,
            self._tracker.turns,
            self._steers,
            self._tracker.sums,
            self._work,
            rows.residual,
            rows.power,
            rows.slot,
            rows.flags,
            rows.tick_start,
        )
