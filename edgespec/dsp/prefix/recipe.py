"""What both ways of cancelling a cell are given: tables, limits and the rows they write to."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.delay import N_TAPS, delay_taps, passed_power
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.steering import Run, steering_symbols
from edgespec.dsp.quality import ClipLimits
from edgespec.records import FloatArray, SampleFormat

__all__ = ["Recipe", "Rows"]

#: A lag this near to a whole number of samples needs no filter: -70 dB at half of the rate.
_WHOLE = 1e-4


class Rows:
    """The arrays of :class:`~edgespec.dsp.prefix.slots.PrefixSlots`, with room for ``n_rows``.

    ``total`` float64 ``(1,)`` is the sum of what is left in those of a block.
    """

    def __init__(self, n_rows: int, n_subbands: int) -> None:
        self.residual: FloatArray = np.zeros((n_rows, n_subbands), np.float32)
        self.power: FloatArray = np.zeros((n_rows, n_subbands), np.float32)
        self.slot = np.zeros(n_rows, np.int64)
        self.flags = np.zeros(n_rows, np.uint8)
        self.tick_start = np.zeros(n_rows, np.int64)
        self.total = np.zeros(1)


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How slots of one format are cancelled.

    ``lag`` is the whole part of the plan's and ``taps`` float64 are the filter for the rest, None
    where there is none. ``scales`` float32 ``(n_subbands,)`` make power of sums of ``|X|^2`` over
    prefixes and copies of a slot, so that white noise has the same in every subband although the
    filter weakens the edges. ``steers`` is what
    :func:`~edgespec.dsp.prefix.steering.steering_symbols` returns.
    """

    plan: PrefixPlan
    sample_format: SampleFormat
    limits: ClipLimits
    run: Run
    lag: int
    taps: NDArray[np.float64] | None
    scales: FloatArray
    steers: NDArray[np.uint8]

    @classmethod
    def of(
        cls, plan: PrefixPlan, sample_format: SampleFormat, limits: ClipLimits, duplex: str
    ) -> "Recipe":
        """Return the recipe for a plan, a format and a cell's way of sharing the band."""
        lag = round(plan.lag_samples)
        taps = None
        passed = np.ones(plan.n_window)
        if abs(plan.lag_samples - lag) > _WHOLE:
            lag = math.floor(plan.lag_samples)
            taps = delay_taps(plan.lag_samples - lag)
            passed = np.fft.fftshift(passed_power(taps, plan.n_window))
        passed = passed.reshape(plan.n_subbands, -1).mean(axis=1)
        one = sample_format.full_scale * plan.n_window
        scales = 1.0 / ((1.0 + passed) * plan.n_symbols * one**2)
        steers = steering_symbols(plan, duplex)
        run = Run.of(plan)
        return cls(plan, sample_format, limits, run, lag, taps, scales.astype(np.float32), steers)

    @property
    def back(self) -> int:
        """From the begin of a window to the end of its prefix, in samples."""
        return self.run.end

    @property
    def before(self) -> int:
        """Samples before the lag that the filter needs."""
        return 0 if self.taps is None else N_TAPS // 2 - 1

    @property
    def n_more(self) -> int:
        """Samples that the filter needs beside those it gives."""
        return 0 if self.taps is None else N_TAPS - 1

    @property
    def reach(self) -> tuple[int, int]:
        """Samples of a slot that are looked at, from and up to, counted from where it begins."""
        ends = self.plan.prefix_ends
        first = math.floor(ends[0]) - self.back
        last = math.floor(ends[-1]) + 1 - self.run.n_guard + self.lag - self.before + self.n_more
        return first, last

    @property
    def n_components(self) -> int:
        """Components of a slot's windows and copies, of which some may be clipped."""
        return 2 * self.plan.n_symbols * (2 * self.plan.n_window + self.n_more)

    def bins(self) -> NDArray[np.float64]:
        """Return the turn of each sample of a window in each bin, ``(n_window, n_window)``."""
        n = np.arange(self.plan.n_window)
        return 2.0 * np.pi * np.outer(n, n - len(n) // 2) / len(n)
