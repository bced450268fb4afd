"""What is left of a cell at each place of the window: who has a place of his own is no stranger."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock

__all__ = ["LeftByPlace"]

#: Samples beside the window that a shift by a part of a sample takes in.
_MARGIN = 16


class LeftByPlace:
    """Looks at the prefixes of a block sample by sample, where their windows are known by spectra.

    A stranger leaves as much at each place of the window. Another cell whose prefixes end within
    it leaves all of his power behind their end, and none before; so does an echo that outlasts the
    guard at the begin of it, and a timing that is off at either end.

    Args:
        plan: of the prefixes.
    """

    def __init__(self, plan: PrefixPlan) -> None:
        self._n_window = plan.n_window
        self._lag = round(plan.lag_samples)
        # Of a lag that is not whole, the copy lies between samples.
        self._part = plan.lag_samples - self._lag
        self._starts = plan.window_stops - plan.n_window
        self._reach = np.arange(-_MARGIN, plan.n_window + _MARGIN)
        shift = np.exp(2j * np.pi * np.fft.fftfreq(len(self._reach)) * self._part)
        self._shift = shift.astype(np.complex64)

    def of(
        self, samples: NDArray[np.complex64], sample_start: int, clock: SlotClock, phase: float
    ) -> NDArray[np.float64]:
        """Return half the mean power of the difference between prefixes and copies, linear.

        Args:
            samples: ``(n_samples,)`` of a block.
            sample_start: the first of them.
            clock: of the slots, as it is behind the block.
            phase: that a carrier turns from a prefix to its copy, in radians.

        Returns:
            float64 ``(n_window,)``, the first place first; NaN where no prefix lies in the block.
        """
        n_slots = math.ceil(len(samples) / clock.step) + 1
        begins = np.array([clock.begin_of(-one) for one in range(n_slots)]) - sample_start
        starts = (begins[:, None] + self._starts).reshape(-1)
        first, last = int(self._reach[0]), int(self._reach[-1])
        is_inside = (starts + first >= 0) & (starts + last + self._lag < len(samples))
        if not is_inside.any():
            return np.full(self._n_window, math.nan)
        at = starts[is_inside][:, None] + self._reach
        near, far = samples[at], samples[at + self._lag]
        if self._part:
            far = np.fft.ifft(np.fft.fft(far, axis=1) * self._shift, axis=1)
        inside = slice(_MARGIN, _MARGIN + self._n_window)
        left = near[:, inside] - np.complex64(np.exp(-1j * phase)) * far[:, inside]
        power = 0.5 * (left.real**2 + left.imag**2)
        mean: NDArray[np.float64] = power.mean(axis=0, dtype=np.float64)
        return mean
