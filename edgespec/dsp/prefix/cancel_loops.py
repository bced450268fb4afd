"""The compiled loops that cancel a cell; :mod:`edgespec.dsp.prefix.cancel_plain` says what they do.

Whatever is read is first copied into memory of the kernel's own, so that every slot meets the same
vector instructions wherever its samples lie: its bits do not depend on how the stream is cut.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
from numba import types

from edgespec.dsp.prefix import steering
from edgespec.dsp.prefix.delay import N_TAPS
from edgespec.dsp.prefix.staged import N_EARLY, N_SLOTS, N_STAGED, N_TAKEN, STAGED_START
from edgespec.dsp.prefix.staging_loops import bring_early, keep_rest, slots_until
from edgespec.dsp.prefix.steering import LEAKED, LOUD, N_SUMS, POWER_STEP
from edgespec.jit import ahead, apart, scalar
from edgespec.lte.numerology import SLOTS_PER_FRAME
from edgespec.records import FrameFlag, SampleFormat

__all__ = ["ITEMS", "cancel_kernel", "padded"]

_CLIPPED = np.uint8(FrameFlag.CLIPPED)
_NONFINITE = np.uint8(FrameFlag.NONFINITE)
_CONSTANT = np.uint8(FrameFlag.CONSTANT)
_ZERO = np.float32(0.0)
#: The exponent of a float32 that is infinite or no number. Comparing is not enough: a compiler that
#: may reassociate makes zero of ``x - x``.
_INFINITE = np.int32(0x7F800000)
_USUAL, _N_JUDGED, _N_ABOVE = steering.USUAL, steering.N_JUDGED, steering.N_ABOVE
_LEFT, _USUAL_POWER = steering.LEFT, steering.USUAL_POWER
_N_WINDOWS, _PARTS = steering.N_WINDOWS, steering.PARTS
_N_QUIET, _QUIET, _QUIET_OUTSIDE = steering.N_QUIET, steering.QUIET, steering.QUIET_OUTSIDE
_LANES = 8

#: What the components of samples are, by their format.
ITEMS = {
    SampleFormat.CF32: types.float32,
    SampleFormat.CI16: types.int16,
    SampleFormat.CI8: types.int8,
    SampleFormat.CU8: types.uint8,
}


def padded(n_bins: int) -> int:
    """Return for how many bins there is room in the tables: whole vectors."""
    return -(-n_bins // _LANES) * _LANES


@apart
def _take(n_items, items, start, zero, out):  # type: ignore[no-untyped-def]
    """Copy components, as they are but for their zero."""
    for i in range(n_items):
        out[i] = np.float32(items[start + i]) - zero


@apart
def _count_clipped(n_items, values, low, high):  # type: ignore[no-untyped-def]
    n_clipped = np.int32(0)
    for i in range(n_items):
        n_clipped += np.int32((values[i] <= low) | (values[i] >= high))
    return n_clipped


@scalar
def _is_constant(n_items, values):  # type: ignore[no-untyped-def]
    i = 2
    while i < n_items and values[i] == values[i - 2]:
        i += 1
    return i >= n_items


@apart
def _delay(n_items, taps, line, out):  # type: ignore[no-untyped-def]
    """Filter complex samples; four taps at a time, so that sums are fetched a fourth as often."""
    for i in range(n_items):
        out[i] = _ZERO
    for t in range(0, N_TAPS, 4):
        a, b, c, d = taps[t], taps[t + 1], taps[t + 2], taps[t + 3]
        for i in range(n_items):
            k = 2 * t + i
            out[i] += a * line[k] + b * line[k + 2] + c * line[k + 4] + d * line[k + 6]


@apart
def _add_bins(n_window, n_wide, near, far, cosines, sines, turn_r, turn_i, bins, left, there):  # type: ignore[no-untyped-def]
    """Add what is left in each bin of a window, and what there was."""
    for k in range(4 * n_wide):
        bins[k] = _ZERO
    for n in range(n_window):
        near_r, near_i, far_r, far_i = near[2 * n], near[2 * n + 1], far[2 * n], far[2 * n + 1]
        for k in range(n_wide):
            c, s = cosines[n * n_wide + k], sines[n * n_wide + k]
            bins[k] += near_r * c + near_i * s
            bins[n_wide + k] += near_i * c - near_r * s
            bins[2 * n_wide + k] += far_r * c + far_i * s
            bins[3 * n_wide + k] += far_i * c - far_r * s
    for k in range(n_wide):
        a_r, a_i, b_r, b_i = bins[k], bins[n_wide + k], bins[2 * n_wide + k], bins[3 * n_wide + k]
        d_r = a_r - (b_r * turn_r[k] - b_i * turn_i[k])
        d_i = a_i - (b_r * turn_i[k] + b_i * turn_r[k])
        left[k] += d_r * d_r + d_i * d_i
        there[k] += a_r * a_r + a_i * a_i + b_r * b_r + b_i * b_i


@apart
def _energy(n_items, near, far):  # type: ignore[no-untyped-def]
    """Return the mean over both of the energy of some components."""
    energy = _ZERO
    for i in range(n_items):
        energy += near[i] * near[i] + far[i] * far[i]
    return 0.5 * np.float64(energy)


@apart
def _add_products(n_samples, near, far, weight, sums):  # type: ignore[no-untyped-def]
    """Add weighted power and product of each sample."""
    for n in range(n_samples):
        x, y, u, v = near[2 * n], near[2 * n + 1], far[2 * n], far[2 * n + 1]
        sums[3 * n] += 0.5 * weight * np.float64(x * x + y * y + u * u + v * v)
        sums[3 * n + 1] += weight * np.float64(x * u + y * v)
        sums[3 * n + 2] += weight * np.float64(x * v - y * u)


@apart
def _add_up(n_samples, near, far, weight, sums):  # type: ignore[no-untyped-def]
    """Add weighted power and product of some samples, summed up."""
    power, real, imag = 0.0, 0.0, 0.0
    for n in range(n_samples):
        x, y, u, v = near[2 * n], near[2 * n + 1], far[2 * n], far[2 * n + 1]
        power += 0.5 * weight * np.float64(x * x + y * y + u * u + v * v)
        real += weight * np.float64(x * u + y * v)
        imag += weight * np.float64(x * v - y * u)
    sums[0] += power
    sums[1] += real
    sums[2] += imag


@functools.cache
def cancel_kernel(
    sample_format: SampleFormat, n_window: int, n_together: int, n_run: int, is_whole: bool
) -> Callable[..., None]:
    """Return the compiled loop over slots for one format and window.

    ``n_together`` bins are a subband; ``n_run`` samples are what steers; ``is_whole``: the lag is.
    """
    n_wide, n_subbands = padded(n_window), n_window // n_together
    n_more = 0 if is_whole else 2 * (N_TAPS - 1)
    n_line = 2 * n_run + n_more
    n_near, n_far = 2 * n_window, 2 * n_window + n_more
    before = 0 if is_whole else N_TAPS // 2 - 1
    items_in = types.Array(ITEMS[sample_format], 1, "C", readonly=True, aligned=False)
    items_kept = types.Array(ITEMS[sample_format], 1, "C")

    @ahead(
        types.void(
            items_kept, items_in, items_in, types.int64, types.int64, types.int64, types.int64,
            types.float64, types.float64, types.int64, types.int64, types.int64, types.int64,
            types.float64[::1], types.float64[::1], types.int64[::1], types.float32[::1],
            types.float32[:, ::1], types.uint8[:, ::1], types.float64[::1], types.float32[::1],
            types.float32[:, ::1], types.float32[:, ::1], types.int64[::1], types.uint8[::1],
            types.int64[::1], types.int64[::1], types.float64[::1],
        )
    )  # fmt: skip
    def cancel(  # type: ignore[no-untyped-def]
        staged, early, later, start, n_samples, n_taken, tick, part, step, first, number, n_left,
        row, ends, limits, sizes, tables, turns, steers, sums, work, residual, power, slot, flags,
        tick_start, counts, totals,
    ):  # fmt: skip
        reach_first, reach_stop = sizes[3], sizes[4]
        n_staged, staged_start, n_early = counts[N_STAGED], counts[STAGED_START], np.int64(0)
        n_complete = slots_until(start + n_samples - reach_stop, tick, part, step, first)
        n_slots = min(n_complete, n_left)
        if n_staged:
            n_early = slots_until(start - reach_first - 1, tick, part, step, first)
            n_early = min(n_early, n_slots)
        if n_early:
            last = tick + np.int64(math.floor(part + (first + n_early - 1) * step))
            n_wanted = last + reach_stop - start
            if n_wanted > n_taken:
                n_staged = bring_early(staged, n_staged, later, n_taken, n_wanted)
                n_taken = n_wanted
        zero, low, high = np.float32(limits[0]), np.float32(limits[1]), np.float32(limits[2])
        lag, back, max_clipped = sizes[0], sizes[1], sizes[2]
        n_symbols = len(ends)
        taps, scales = tables[:N_TAPS], tables[N_TAPS : N_TAPS + n_subbands]
        cosines = tables[N_TAPS + n_wide : N_TAPS + n_wide + n_window * n_wide]
        sines = tables[N_TAPS + n_wide + n_window * n_wide :]
        near, line = work[:n_line], work[n_line : 2 * n_line]
        far = work[2 * n_line : 3 * n_line]
        bins = work[3 * n_line : 3 * n_line + 4 * n_wide]
        left = work[3 * n_line + 4 * n_wide : 3 * n_line + 5 * n_wide]
        there = work[3 * n_line + 5 * n_wide : 3 * n_line + 6 * n_wide]
        turn_r = work[3 * n_line + 6 * n_wide : 3 * n_line + 7 * n_wide]
        turn_i = work[3 * n_line + 7 * n_wide : 3 * n_line + 8 * n_wide]
        nears = work[3 * n_line + 8 * n_wide : 3 * n_line + 8 * n_wide + n_symbols * n_near]
        lines = work[3 * n_line + 8 * n_wide + n_symbols * n_near :]
        bits_left, bits_there = residual.view(np.int32), power.view(np.int32)
        for k in range(n_window):
            turn_r[k], turn_i[k] = turns[0, k], turns[1, k]
        for s in range(n_slots):
            offset = part + (first + s) * step
            whole = math.floor(offset)
            rest = offset - whole
            items, origin = later, tick - start
            if s < n_early:
                items, origin = early, tick - staged_start
            begin = origin + np.int64(whole)
            place = (number + s) % SLOTS_PER_FRAME
            for k in range(n_wide):
                left[k] = _ZERO
                there[k] = _ZERO
            # All of them before any is used: what was just written is read slowly.
            for symbol in range(n_symbols):
                at = begin + np.int64(math.floor(rest + ends[symbol])) - back
                _take(n_near, items, 2 * at, zero, nears[symbol * n_near :])
                _take(n_far, items, 2 * (at + lag - before), zero, lines[symbol * n_far :])
            n_clipped = _count_clipped(n_symbols * n_near, nears, low, high)
            n_clipped += _count_clipped(n_symbols * n_far, lines, low, high)
            is_constant = _is_constant(n_symbols * n_near, nears)
            for symbol in range(n_symbols):
                one, other = nears[symbol * n_near :], lines[symbol * n_far :]
                if is_whole:
                    _add_bins(
                        n_window, n_wide, one, other, cosines, sines, turn_r, turn_i, bins, left,
                        there,
                    )  # fmt: skip
                else:
                    _delay(n_near, taps, other, far)
                    _add_bins(
                        n_window, n_wide, one, far, cosines, sines, turn_r, turn_i, bins, left,
                        there,
                    )  # fmt: skip
            all_left, all_there = 0.0, 0.0
            for b in range(n_subbands):
                some_left, some_there = _ZERO, _ZERO
                for k in range(b * n_together, (b + 1) * n_together):
                    some_left += left[k]
                    some_there += there[k]
                residual[row + s, b] = some_left * scales[b]
                power[row + s, b] = some_there * scales[b]
                all_left += np.float64(residual[row + s, b])
                all_there += np.float64(power[row + s, b])
            flag = np.uint8(0)
            if n_clipped > max_clipped:
                flag |= _CLIPPED
            if is_constant:
                flag |= _CONSTANT
            found = False
            for b in range(n_subbands):
                found |= (bits_left[row + s, b] & _INFINITE) == _INFINITE
                found |= (bits_there[row + s, b] & _INFINITE) == _INFINITE
            if found:
                flag |= _NONFINITE
                for b in range(n_subbands):
                    residual[row + s, b] = _ZERO
                    power[row + s, b] = _ZERO
            slot[row + s] = place
            flags[row + s] = flag
            tick_start[row + s] = tick + np.int64(whole)
            if not found:
                totals[0] += all_left
            if flag or not steers[place, n_symbols]:
                continue
            sums[_N_JUDGED] += 1.0
            sums[_LEFT] += all_left
            if all_left > sums[_USUAL]:
                sums[_N_ABOVE] += 1.0
            is_loud = all_left > LOUD * sums[_USUAL] and all_left > LEAKED * all_there
            is_quiet = sums[_USUAL] == 0.0 or not is_loud
            for symbol in range(n_symbols):
                if not steers[place, symbol]:
                    continue
                end = rest + ends[symbol]
                at = begin + np.int64(math.floor(end)) - back
                _take(2 * n_run, items, 2 * at, zero, near)
                _take(2 * n_run + n_more, items, 2 * (at + lag - before), zero, line)
                if is_whole:
                    for i in range(2 * n_run):
                        far[i] = line[i]
                else:
                    _delay(2 * n_run, taps, line, far)
                whole_run = _energy(2 * n_run, near, far)
                if not (0.0 < whole_run < math.inf):
                    continue
                if sums[_USUAL_POWER] == 0.0:
                    sums[_USUAL_POWER] = whole_run
                elif whole_run > sums[_USUAL_POWER]:
                    sums[_USUAL_POWER] *= POWER_STEP
                else:
                    sums[_USUAL_POWER] /= POWER_STEP
                weight = 1.0 / max(whole_run, sums[_USUAL_POWER])
                sums[_N_WINDOWS] += 1.0
                sums[_PARTS] += end - math.floor(end)
                if is_quiet:
                    sums[_N_QUIET] += 1.0
                _add_products(n_run, near, far, weight, sums[N_SUMS:])
                if is_quiet:
                    # The window at one end of the run, and what is outside at the other.
                    last = 2 * (n_run - n_window)
                    _add_up(n_window, near, far, weight, sums[_QUIET:])
                    _add_up(n_window, near[last:], far[last:], weight, sums[_QUIET_OUTSIDE:])
        if n_slots < n_left:
            # The tracker does not look now, so it is known where the next slot begins.
            needed = tick + np.int64(math.floor(part + (first + n_slots) * step)) + reach_first
            if needed < start:
                n_gone = needed - staged_start
                n_staged = keep_rest(staged, n_staged, n_gone, later, n_taken, n_samples)
            else:
                n_staged = keep_rest(staged, 0, 0, later, min(needed - start, n_samples), n_samples)
            staged_start = needed
        counts[N_STAGED], counts[STAGED_START] = n_staged, staged_start
        counts[N_TAKEN], counts[N_SLOTS], counts[N_EARLY] = n_taken, n_slots, n_early

    return cancel
