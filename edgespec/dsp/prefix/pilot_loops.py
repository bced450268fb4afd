"""The products of pilots as compiled loops; :mod:`edgespec.dsp.prefix.pilot_plain` says what."""

import math

import numpy as np

from edgespec.jit import apart, kernel

__all__ = ["measure_slots"]

_ZERO = np.float32(0.0)
_TURNS = 2.0 * math.pi


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
