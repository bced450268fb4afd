"""The readable way to cancel a cell: NumPy, all slots at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix import steering
from edgespec.dsp.prefix.recipe import Recipe, Rows
from edgespec.dsp.prefix.staged import N_EARLY, N_SLOTS, N_STAGED, STAGED_START, Staged
from edgespec.dsp.prefix.steering import LEAKED, LOUD, N_SUMS, POWER_STEP
from edgespec.dsp.prefix.tracker import Tracker
from edgespec.lte.numerology import SLOTS_PER_FRAME
from edgespec.records import FrameFlag

__all__ = ["PlainCancelling"]


class PlainCancelling:
    """Slots by NumPy; see :class:`edgespec.dsp.prefix.cancelling.Cancelling`.

    For the window of every symbol, ``A`` and ``B`` are the spectra of the samples and of what comes
    one lag later. A bin has ``|A - turn B|^2`` left of the ``|A|^2 + |B|^2`` that were there; bins
    and symbols are added up and scaled.
    """

    def __init__(self, recipe: Recipe, tracker: Tracker, rows: Rows, staged: Staged) -> None:
        self._recipe, self._tracker, self._rows, self._staged = recipe, tracker, rows, staged
        self._waves = np.exp(-1j * recipe.bins()).astype(np.complex64)
        self._component = recipe.sample_format.dtype.type(0).real.dtype
        self._max_clipped = recipe.limits.max_clipped(recipe.n_components)

    def compute(self, samples: NDArray[Any], start: int, row: int) -> None:
        """Fill the rows of complete slots."""
        tracker, staged, counts = self._tracker, self._staged, self._staged.counts
        clock, (first, stop) = tracker.clock, self._recipe.reach
        n_slots = min(clock.n_until(start + len(samples) - stop), tracker.n_left)
        n_early = min(clock.n_until(start - first - 1), n_slots) if counts[N_STAGED] else 0
        if n_early:
            staged.bring(samples, clock.begin_of(n_early - 1) + stop - start)
            self._compute(staged.samples, int(counts[STAGED_START]), np.arange(n_early), row)
        if n_slots > n_early:
            self._compute(samples, start, np.arange(n_early, n_slots), row + n_early)
        left = self._rows.residual[row : row + n_slots]
        self._rows.total[0] += left.sum(dtype=np.float64)
        counts[N_SLOTS], counts[N_EARLY] = n_slots, n_early
        if n_slots < tracker.n_left:
            staged.keep(samples, start, clock.begin_of(n_slots) + first)

    def _compute(
        self, samples: NDArray[Any], start: int, slots: NDArray[np.int64], row: int
    ) -> None:
        clock, rows = self._tracker.clock, self._rows
        items = samples.reshape(-1).view(self._component).reshape(-1, 2)
        offsets = clock.part + (clock.passed + slots) * clock.step
        whole = np.floor(offsets)
        ends = (offsets - whole)[:, None] + self._recipe.plan.prefix_ends
        begins = (whole[:, None] + np.floor(ends)).astype(np.int64)
        begins += clock.whole - start - self._recipe.back
        chosen = slice(row, row + len(slots))
        rows.slot[chosen] = (clock.number + slots) % SLOTS_PER_FRAME
        rows.tick_start[chosen] = clock.whole + whole.astype(np.int64)
        with np.errstate(invalid="ignore", over="ignore"):
            self._cancel(items, begins, chosen)
            self._steer(items, begins, ends - np.floor(ends), row)

    def _cancel(self, items: NDArray[Any], begins: NDArray[np.int64], chosen: slice) -> None:
        """Write residual, power and flags of slots."""
        recipe, rows = self._recipe, self._rows
        near, line, far = self._pairs(items, begins, recipe.plan.n_window)
        turns = self._tracker.turns[0] + 1j * self._tracker.turns[1]
        # One small product a slot, so that its bits do not depend on how many there are.
        a, b = near @ self._waves, far @ self._waves
        shape = len(begins), recipe.plan.n_subbands, -1
        left = _squared(a - b * turns).sum(axis=1).reshape(shape).sum(axis=2)
        there = (_squared(a) + _squared(b)).sum(axis=1).reshape(shape).sum(axis=2)
        rows.residual[chosen] = left * recipe.scales
        rows.power[chosen] = there * recipe.scales
        taken = np.concatenate([near, line], axis=2).view(np.float32).reshape(len(begins), -1)
        zero = recipe.sample_format.zero
        low, high = recipe.limits.low - zero, recipe.limits.high - zero
        n_clipped = np.count_nonzero((taken <= low) | (taken >= high), axis=1)
        is_constant = (near == near[:, :1, :1]).all(axis=(1, 2))
        both = np.concatenate([rows.residual[chosen], rows.power[chosen]], axis=1)
        is_finite = np.isfinite(both).all(axis=1)
        flags = np.where(n_clipped > self._max_clipped, np.uint8(FrameFlag.CLIPPED), np.uint8(0))
        flags[is_constant] |= np.uint8(FrameFlag.CONSTANT)
        flags[~is_finite] |= np.uint8(FrameFlag.NONFINITE)
        rows.flags[chosen] = flags
        rows.residual[chosen][~is_finite] = 0.0
        rows.power[chosen][~is_finite] = 0.0

    def _steer(
        self,
        items: NDArray[Any],
        begins: NDArray[np.int64],
        parts: NDArray[np.float64],
        row: int,
    ) -> None:
        """Add what the steering symbols of good slots say to the sums, one after the other."""
        recipe, sums, rows = self._recipe, self._tracker.sums, self._rows
        chosen = slice(row, row + len(begins))
        steers = recipe.steers[rows.slot[chosen]].astype(bool)
        steers[rows.flags[chosen] != 0] = False
        near, _, far = self._pairs(items, begins[steers[:, :-1]][:, None], recipe.run.n_samples)
        windows = zip(near[:, 0], far[:, 0], parts[steers[:, :-1]], strict=True)
        for slot in np.flatnonzero(steers[:, -1]):
            left = float(rows.residual[row + slot].sum(dtype=np.float64))
            there = float(rows.power[row + slot].sum(dtype=np.float64))
            usual = sums[steering.USUAL]
            sums[steering.N_JUDGED] += 1.0
            sums[steering.LEFT] += left
            sums[steering.N_ABOVE] += left > usual
            is_quiet = not usual or not (left > LOUD * usual and left > LEAKED * there)
            for _ in range(np.count_nonzero(steers[slot, :-1])):
                self._add(*next(windows), is_quiet)

    def _add(
        self,
        near: NDArray[np.complex64],
        far: NDArray[np.complex64],
        part: float,
        is_quiet: bool,
    ) -> None:
        """Add one steering symbol."""
        sums, n = self._tracker.sums, self._recipe.plan.n_window
        energies = 0.5 * (_squared(near) + _squared(far))
        whole_run = float(energies.sum(dtype=np.float64))
        if not 0.0 < whole_run < np.inf:
            return
        if not sums[steering.USUAL_POWER]:
            sums[steering.USUAL_POWER] = whole_run
        elif whole_run > sums[steering.USUAL_POWER]:
            sums[steering.USUAL_POWER] *= POWER_STEP
        else:
            sums[steering.USUAL_POWER] /= POWER_STEP
        weight = 1.0 / max(whole_run, sums[steering.USUAL_POWER])
        products = near.conj() * far
        of_run = weight * np.stack([energies, products.real, products.imag], 1, dtype=float)
        sums[steering.N_WINDOWS] += 1.0
        sums[steering.PARTS] += part
        sums[N_SUMS:] += of_run.ravel()
        if is_quiet:
            sums[steering.N_QUIET] += 1.0
            sums[steering.QUIET : steering.QUIET_OUTSIDE] += of_run[:n].sum(axis=0)
            sums[steering.QUIET_OUTSIDE : N_SUMS] += of_run[-n:].sum(axis=0)

    def _pairs(
        self, items: NDArray[Any], begins: NDArray[np.int64], n: int
    ) -> tuple[NDArray[np.complex64], NDArray[np.complex64], NDArray[np.complex64]]:
        """Return ``n`` samples from each begin on, those that give the later ones, and these."""
        recipe = self._recipe
        near = self._taken(items, begins, n)
        line = self._taken(items, begins + recipe.lag - recipe.before, n + recipe.n_more)
        if recipe.taps is None:
            return near, line, line
        far = np.zeros_like(near)
        sums, parts = far.view(np.float32), line.view(np.float32)
        for t, tap in enumerate(recipe.taps.astype(np.float32)):
            sums += tap * parts[..., 2 * t : 2 * (t + n)]
        return near, line, far

    def _taken(
        self, items: NDArray[Any], begins: NDArray[np.int64], n: int
    ) -> NDArray[np.complex64]:
        at = begins[..., None] + np.arange(n)
        zero = np.float32(self._recipe.sample_format.zero)
        pairs = np.subtract(items[at], zero, dtype=np.float32)
        taken: NDArray[np.complex64] = pairs.view(np.complex64)[..., 0]
        return taken


def _squared(z: NDArray[np.complex64]) -> NDArray[np.float32]:
    out: NDArray[np.float32] = z.real**2 + z.imag**2
    return out
