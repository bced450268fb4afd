"""The readable way to cancel a cell: NumPy, slot by slot."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix import steering
from edgespec.dsp.prefix.delay import N_TAPS
from edgespec.dsp.prefix.plan import SLOTS_PER_FRAME
from edgespec.dsp.prefix.recipe import Recipe, Rows
from edgespec.dsp.prefix.steering import LEAKED, LOUD, N_SUMS, POWER_STEP
from edgespec.dsp.prefix.tracker import Tracker
from edgespec.records import FrameFlag

__all__ = ["PlainCancelling"]


class PlainCancelling:
    """Slots by NumPy; see :class:`edgespec.dsp.prefix.cancelling.Cancelling`.

    For the window of every symbol, ``A`` and ``B`` are the spectra of the samples and of what comes
    one lag later. A bin has ``|A - turn B|^2`` left of the ``|A|^2 + |B|^2`` that were there; bins
    and symbols are added up and scaled.
    """

    def __init__(self, recipe: Recipe, tracker: Tracker, rows: Rows) -> None:
        self._recipe, self._tracker, self._rows = recipe, tracker, rows
        self._waves = np.exp(-1j * recipe.bins()).astype(np.complex64)
        self._component = recipe.sample_format.dtype.type(0).real.dtype
        self._max_clipped = recipe.limits.max_clipped(recipe.n_components)

    def compute(self, samples: NDArray[Any], start: int, n_slots: int, row: int) -> None:
        """Fill ``n_slots`` rows."""
        clock, plan = self._tracker.clock, self._recipe.plan
        items = samples.reshape(-1).view(self._component).reshape(-1, 2)
        for s in range(n_slots):
            offset = clock.part + (clock.passed + s) * clock.step
            whole = int(np.floor(offset))
            ends = (offset - whole) + plan.prefix_ends
            begins = clock.whole - start + whole + np.floor(ends).astype(int) - self._recipe.back
            place = (clock.number + s) % SLOTS_PER_FRAME
            with np.errstate(invalid="ignore", over="ignore"):
                flag = self._slot(items, begins, row + s)
                if not flag and self._recipe.steers[place, -1]:
                    self._steer(items, begins, ends - np.floor(ends), place, row + s)
            self._rows.slot[row + s] = place
            self._rows.flags[row + s] = flag
            self._rows.tick_start[row + s] = clock.whole + whole

    def _slot(self, items: NDArray[Any], begins: NDArray[Any], row: int) -> FrameFlag:
        """Write residual and power of a slot, and return its flags."""
        recipe, rows = self._recipe, self._rows
        near, line, far = self._pairs(items, begins, recipe.plan.n_window)
        turns = self._tracker.turns[0] + 1j * self._tracker.turns[1]
        a, b = near @ self._waves, far @ self._waves
        left = np.sum(_squared(a - b * turns), axis=0)
        there = np.sum(_squared(a) + _squared(b), axis=0)
        shape = recipe.plan.n_subbands, -1
        rows.residual[row] = left.reshape(shape).sum(axis=1) * recipe.scales
        rows.power[row] = there.reshape(shape).sum(axis=1) * recipe.scales
        flag = FrameFlag.VALID
        taken = np.concatenate([near.ravel(), line.ravel()]).view(np.float32)
        low, high = recipe.limits.low, recipe.limits.high
        zero = recipe.sample_format.zero
        if np.count_nonzero((taken <= low - zero) | (taken >= high - zero)) > self._max_clipped:
            flag |= FrameFlag.CLIPPED
        if (near == near[0, 0]).all():
            flag |= FrameFlag.CONSTANT
        if not np.isfinite(rows.residual[row]).all() or not np.isfinite(rows.power[row]).all():
            flag |= FrameFlag.NONFINITE
            rows.residual[row] = rows.power[row] = 0.0
        return flag

    def _steer(
        self,
        items: NDArray[Any],
        begins: NDArray[Any],
        parts: NDArray[np.float64],
        place: int,
        row: int,
    ) -> None:
        """Add what the steering symbols of a slot say to the sums."""
        recipe, sums, n = self._recipe, self._tracker.sums, self._recipe.plan.n_window
        left = float(self._rows.residual[row].sum(dtype=np.float64))
        there = float(self._rows.power[row].sum(dtype=np.float64))
        usual = sums[steering.USUAL]
        sums[steering.N_JUDGED] += 1.0
        sums[steering.LEFT] += left
        sums[steering.N_ABOVE] += left > usual
        is_quiet = not usual or not (left > LOUD * usual and left > LEAKED * there)
        chosen = np.flatnonzero(recipe.steers[place, :-1])
        near, _, far = self._pairs(items, begins[chosen], recipe.run.n_samples)
        for of_near, of_far, part in zip(near, far, parts[chosen], strict=True):
            energies = 0.5 * (_squared(of_near) + _squared(of_far))
            whole_run = float(energies.sum(dtype=np.float64))
            if not 0.0 < whole_run < np.inf:
                continue
            if not sums[steering.USUAL_POWER]:
                sums[steering.USUAL_POWER] = whole_run
            elif whole_run > sums[steering.USUAL_POWER]:
                sums[steering.USUAL_POWER] *= POWER_STEP
            else:
                sums[steering.USUAL_POWER] /= POWER_STEP
            weight = 1.0 / max(whole_run, sums[steering.USUAL_POWER])
            products = of_near.conj() * of_far
            of_run = weight * np.stack([energies, products.real, products.imag], 1, dtype=float)
            sums[steering.N_WINDOWS] += 1.0
            sums[steering.PARTS] += part
            sums[N_SUMS:] += of_run.ravel()
            if is_quiet:
                sums[steering.N_QUIET] += 1.0
                sums[steering.QUIET : steering.QUIET_OUTSIDE] += of_run[:n].sum(axis=0)
                sums[steering.QUIET_OUTSIDE : N_SUMS] += of_run[-n:].sum(axis=0)

    def _pairs(
        self, items: NDArray[Any], begins: NDArray[Any], n: int
    ) -> tuple[NDArray[np.complex64], NDArray[np.complex64], NDArray[np.complex64]]:
        """Return ``n`` samples from each begin on, those that give the later ones, and these."""
        recipe = self._recipe
        near = self._taken(items, begins, n)
        line = self._taken(items, begins + recipe.lag - recipe.before, n + recipe.n_more)
        if recipe.taps is None:
            return near, line, line
        taps = recipe.taps.astype(np.float32)
        far = np.zeros_like(near)
        for t in range(N_TAPS):
            far += taps[t] * line[:, t : t + n]
        return near, line, far

    def _taken(self, items: NDArray[Any], begins: NDArray[Any], n: int) -> NDArray[np.complex64]:
        at = begins[:, None] + np.arange(n)
        zero = np.float32(self._recipe.sample_format.zero)
        pairs = np.subtract(items[at], zero, dtype=np.float32)
        taken: NDArray[np.complex64] = pairs.view(np.complex64)[..., 0]
        return taken


def _squared(z: NDArray[np.complex64]) -> NDArray[np.float32]:
    out: NDArray[np.float32] = z.real**2 + z.imag**2
    return out
