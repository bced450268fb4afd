"""The products of pilots as compiled loops; :mod:`edgespec.dsp.prefix.pilot_plain` says what."""

import math

import numpy as np

from edgespec.dsp.prefix.active import JOIN_SHARE, LEAST_COHERENCE, LEAVE_SHARE
from edgespec.jit import apart, kernel
from edgespec.records import FrameFlag

__all__ = ["learn_active", "measure_slots", "note_slots", "sum_active"]

_ZERO = np.float32(0.0)
_TURNS = 2.0 * math.pi
#: What is larger is infinite; what is not a number is not below it either. Numba's isfinite takes a
#: number from itself, which may be reassociated to 0.
_LARGEST = np.float32(np.finfo(np.float32).max)
_CLIPPED, _NONFINITE, _CONSTANT = (
    np.uint8(flag) for flag in (FrameFlag.CLIPPED, FrameFlag.NONFINITE, FrameFlag.CONSTANT)
)


@kernel
def measure_slots(  # type: ignore[no-untyped-def]
    items, place, limits, steps, first_slot, first_pilot, turn, cosines, sines,
    sequence, active, work, product, power, totals, clipped,
):  # fmt: skip
    """Fill rows of ``product``, ``power``, ``totals`` and ``clipped``, one a slot."""
    n_slots, n_samples = len(product), turn.shape[1]
    n_pairs, n_half = cosines.shape
    n_pilots, all_pilots = power.shape[1], 2 * n_pairs
    halves, pilots = work[: 4 * n_half], work[4 * n_half :]
    zero, scale = np.float32(limits[0]), np.float32(limits[1])
    low, high = limits[2], limits[3]
    frame_start, slot_samples, early = place[0], place[1], place[2]
    for row in range(n_slots):
        product[row] = 0.0
        power[row] = _ZERO
        clipped[row] = 0
        slot = first_slot + row
        for symbol in range(2):
            begin = frame_start + slot * slot_samples + place[3 + symbol]
            first = math.floor(begin)
            clipped[row] += _fold(items, first, zero, scale, low, high, turn[symbol], halves)
            _transform(halves, cosines, sines, pilots)
            late = (first - begin + 0.5 * (n_samples - 1) - early) * steps[0]
            usual = np.complex64(complex(math.cos(_TURNS * late), math.sin(_TURNS * late)))
            late *= steps[1]
            middle = np.complex64(complex(math.cos(_TURNS * late), math.sin(_TURNS * late)))
            code, use = sequence[slot, symbol], np.float32(active[slot, symbol])
            all_product, all_power = np.complex64(0.0), _ZERO
            for k in range(n_pilots):
                re, im = pilots[first_pilot + k], pilots[all_pilots + first_pilot + k]
                squared = re * re + im * im
                all_power += squared
                power[row, k] += use * squared
            for k in range(n_pilots - 1):
                at = first_pilot + k
                a = np.complex64(complex(pilots[at], pilots[all_pilots + at]))
                b = np.complex64(complex(pilots[at + 1], -pilots[all_pilots + at + 1]))
                turned = a * b * code[k] * (middle if at == n_pairs - 1 else usual)
                all_product += turned
                product[row, k] += use * turned
            totals[row, symbol, 0] = all_product.real
            totals[row, symbol, 1] = all_product.imag
            totals[row, symbol, 2] = all_power


@kernel
def note_slots(  # type: ignore[no-untyped-def]
    row, n_slots, first_slot, place, first_sample, block_flags, most_clipped, active,
    totals, clipped, flags, count, numbers, ticks, frame_totals,
):  # fmt: skip
    """Write what is wrong with slots, and where they lie."""
    for t in range(n_slots):
        at, slot = row + t, first_slot + t
        power = totals[at, 0, 2] + totals[at, 1, 2]
        flag = np.uint8(block_flags)
        if clipped[at] > most_clipped:
            flag |= _CLIPPED
        if not abs(power) <= _LARGEST:
            flag |= _NONFINITE
        if power == _ZERO:
            flag |= _CONSTANT
        flags[at] = flag
        count[at] = np.uint8(active[slot, 0]) + np.uint8(active[slot, 1])
        numbers[at] = slot
        ticks[at] = np.int64(np.rint(first_sample + place[0] + slot * place[1]))
        frame_totals[slot] = totals[at]


@kernel
def sum_active(frame_totals, active):  # type: ignore[no-untyped-def]
    """Return the sums over the active symbols of a frame."""
    re, im, power = 0.0, 0.0, 0.0
    for slot in range(active.shape[0]):
        for symbol in range(active.shape[1]):
            if active[slot, symbol]:
                re += np.float64(frame_totals[slot, symbol, 0])
                im += np.float64(frame_totals[slot, symbol, 1])
                power += np.float64(frame_totals[slot, symbol, 2])
    return re, im, power


@kernel
def learn_active(  # type: ignore[no-untyped-def]
    frame_totals, kept_share, is_believed, sums, coherence, active
):
    """Take a frame into the means, and its pattern into the active symbols."""
    n_slots, n_symbols, n_sums = sums.shape
    for slot in range(n_slots):
        for symbol in range(n_symbols):
            for k in range(n_sums):
                if not abs(frame_totals[slot, symbol, k]) <= _LARGEST:
                    return False
    for slot in range(n_slots):
        for symbol in range(n_symbols):
            for k in range(n_sums):
                kept = kept_share * sums[slot, symbol, k]
                sums[slot, symbol, k] = kept + frame_totals[slot, symbol, k]
    if not is_believed:
        return True
    best = 0.0
    for slot in range(n_slots):
        for symbol in range(n_symbols):
            re, im, power = sums[slot, symbol]
            coherence[slot, symbol] = math.hypot(re, im) / max(power, 1e-30)
            best = max(best, coherence[slot, symbol])
    if best >= LEAST_COHERENCE:
        for slot in range(n_slots):
            for symbol in range(n_symbols):
                now = coherence[slot, symbol]
                joins = active[slot, symbol] or now > JOIN_SHARE * best
                active[slot, symbol] = joins and now > LEAVE_SHARE * best
    return True


@apart
def _fold(items, first, zero, scale, low, high, turn, halves):  # type: ignore[no-untyped-def]
    """Turn a symbol to its middle and fold it there; return how many components clip."""
    n_samples, n_half = len(turn), len(halves) // 4
    n_clipped = 0
    for k in range(2 * first, 2 * (first + n_samples)):
        n_clipped += (items[k] <= low) | (items[k] >= high)
    even = 1 - n_samples % 2
    for i in range(n_samples // 2 + 1 - even):
        up, down = (n_samples + 1) // 2 - 1 + even + i, (n_samples + 1) // 2 - 1 - i
        a, b = 2 * (first + up), 2 * (first + down)
        ar, ai = (np.float32(items[a]) - zero) * scale, (np.float32(items[a + 1]) - zero) * scale
        br, bi = (np.float32(items[b]) - zero) * scale, (np.float32(items[b + 1]) - zero) * scale
        u, d = turn[up], turn[down]
        ur, ui = ar * u.real - ai * u.imag, ar * u.imag + ai * u.real
        dr, di = br * d.real - bi * d.imag, br * d.imag + bi * d.real
        if up == down:
            dr, di = _ZERO, _ZERO
        halves[i] = ur + dr
        halves[n_half + i] = ui + di
        halves[2 * n_half + i] = ur - dr
        halves[3 * n_half + i] = ui - di
    return n_clipped


@apart
def _transform(halves, cosines, sines, pilots):  # type: ignore[no-untyped-def]
    """Write the pilots: real parts, then imaginary ones, from the lowest frequency up."""
    n_pairs, n_half = cosines.shape
    n_pilots = 2 * n_pairs
    cr, ci = halves[:n_half], halves[n_half : 2 * n_half]
    sr, si = halves[2 * n_half : 3 * n_half], halves[3 * n_half :]
    for j in range(n_pairs):
        cosine, sine = cosines[j], sines[j]
        a = b = c = d = _ZERO
        for i in range(n_half):
            a += cr[i] * cosine[i]
            b += ci[i] * cosine[i]
            c += sr[i] * sine[i]
            d += si[i] * sine[i]
        up, down = n_pairs + j, n_pairs - 1 - j
        pilots[up], pilots[n_pilots + up] = a + d, b - c
        pilots[down], pilots[n_pilots + down] = a - d, b + c
