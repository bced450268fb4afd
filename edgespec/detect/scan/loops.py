"""The steps of a scan as compiled loops.

What each does is said in :class:`edgespec.detect.scan.arithmetic.Arithmetic`, the law in
:mod:`edgespec.detect.scan.terms`.
"""

import math

import numpy as np

from edgespec.detect.scan.terms import (
    BORNE_OUT,
    LANE_TERMS,
    LEAK_SPREAD,
    LEAST_SKEW,
    MISFIT,
    N_BEST,
    N_TERMS,
    RUN_TERMS,
    UNHEARD,
)
from edgespec.detect.scan.windows import BLOCKS, LONG, MOST_NEW, NEWEST_BLOCKS, SHORT, STRIDES
from edgespec.jit import apart, kernel, scalar

__all__ = ["load", "scan", "scan_residual"]

_SHORT, _STRIDES = np.array(SHORT), np.array(STRIDES)
_N_SHORT, _N_LONG, _TENTH = len(SHORT), len(LONG), 10
_KNOWN_LEAK = 1.0 / LEAK_SPREAD**2
_UNHEARD = np.uint8(UNHEARD)


def load() -> None:
    """Compile every loop, or fetch it from the cache, before the first slot waits for it."""
    rows, place, flags = np.ones((1, 1), np.float32), np.zeros(1, np.int64), np.zeros(1, np.uint8)
    terms, tables = np.zeros((1, N_TERMS, 1)), np.ones((4, 20, 1))
    counts, runs = np.zeros(1 + 2 * _N_LONG, np.int64), np.array([[0], [1]])
    sums, bands = np.zeros((N_TERMS, 1, SHORT[-1] + 2)), np.zeros((RUN_TERMS, 2))
    lanes = np.zeros((2, LANE_TERMS, MOST_NEW))
    spreads, best = np.ones((2, _N_SHORT + _N_LONG, 1)), np.zeros((N_BEST, 1 + _N_LONG))
    blocks, open_ = np.zeros((_N_LONG, BLOCKS, N_TERMS, 1)), np.zeros((_N_LONG, N_TERMS, 1))
    ratio, heard = np.ones((2, 1), np.float32), np.zeros(1)
    scan(terms, 1, counts, sums, blocks, open_, spreads, 0.4, runs, bands, lanes, best)
    scan_residual(
        rows, rows, place, flags, tables, 1.0, terms, ratio, heard, counts, sums, blocks, open_,
        spreads, 0.4, runs, bands, lanes, best,
    )  # fmt: skip


@kernel
def _residual_terms(  # type: ignore[no-untyped-def]
    residual, power, place, flags, tables, unit, terms, ratio
):
    """Write the terms of every slot that can be heard."""
    n_slots, n_bands = residual.shape
    n_recent, n_new = len(ratio), 0
    for t in range(n_slots):
        n_new += _is_heard(residual[t], power[t], flags[t])
    for row in range(n_recent - n_new):
        for b in range(n_bands):
            ratio[row, b] = ratio[row + n_new, b]
    row = 0
    for t in range(n_slots):
        if not _is_heard(residual[t], power[t], flags[t]):
            continue
        mean = np.float64(0.0)
        for b in range(n_bands):
            mean += power[t, b]
        mean /= n_bands
        for b in range(n_bands):
            loud = min(0.5 * (power[t, b] + mean), tables[3, place[t], b])
            left = tables[1, place[t], b] * loud
            inverse = 1.0 / (tables[0, place[t], b] + left)
            sharpness = tables[2, place[t], b]
            measured = residual[t, b] * inverse
            x = (measured - 1.0) * sharpness
            a = unit * inverse * sharpness
            d = left * inverse * sharpness
            ratio[n_recent - n_new + row, b] = measured
            terms[row, 0, b] = x * a
            terms[row, 1, b] = x * d
            terms[row, 2, b] = a * a
            terms[row, 3, b] = a * d
            terms[row, 4, b] = d * d
            terms[row, 5, b] = a * a * a
        row += 1
    return n_new


@scalar
def _is_heard(residual, power, flag):  # type: ignore[no-untyped-def]
    total = 0.0
    for b in range(len(residual)):
        total += residual[b] + power[b]
    return not flag & _UNHEARD and math.isfinite(total)


@kernel
def scan_residual(  # type: ignore[no-untyped-def]
    residual, power, place, flags, tables, unit, terms, ratio, heard, counts, sums, blocks, open_,
    spreads, skew, runs, bands, lanes, best,
):  # fmt: skip
    """Write the terms of slots and scan them: one call, as each costs as much as a third of it."""
    n_new = _residual_terms(residual, power, place, flags, tables, unit, terms, ratio)
    for row in range(len(ratio) - n_new, len(ratio)):
        for b in range(len(heard)):
            heard[b] += ratio[row, b]
    if n_new:
        scan(terms, n_new, counts, sums, blocks, open_, spreads, skew, runs, bands, lanes, best)
    return n_new


@kernel
def scan(  # type: ignore[no-untyped-def]
    terms, n_new, counts, sums, blocks, open_, spreads, skew, runs, bands, lanes, best
):
    """Take the slots in, and look at the windows that end with them."""
    _add(terms, n_new, counts, sums)
    _scan_long(terms, n_new, counts, blocks, open_, spreads, skew, runs, bands, best)
    _scan_short(sums, n_new, counts, spreads, skew, runs, lanes, best[:, 0])


@kernel
def _add(terms, n_new, counts, sums):  # type: ignore[no-untyped-def]
    n_terms, n_bands, n_rows = sums.shape
    newest = counts[0]
    if newest + n_new >= n_rows:
        # The first entry keeps what is taken away from the others, until it is zero again.
        first = newest - SHORT[-1]
        for k in range(n_terms):
            for b in range(n_bands):
                row, base = sums[k, b], sums[k, b, first]
                for t in range(SHORT[-1] + 1):
                    row[t] = row[first + t] - base
        newest = np.int64(SHORT[-1])
    for k in range(n_terms):
        for b in range(n_bands):
            total = sums[k, b, newest]
            for t in range(n_new):
                total += terms[t, k, b]
                sums[k, b, newest + 1 + t] = total
    counts[0] = newest + n_new


@kernel
def _scan_short(  # type: ignore[no-untyped-def]
    sums, n_new, counts, spreads, skew, runs, lanes, best
):
    best[0] = -np.inf
    newest = counts[0]
    for number in range(_N_SHORT):
        length, stride = _SHORT[number], _STRIDES[number]
        # Windows end in the newest slot, a stride before it, and so on, all in new slots.
        room = min(n_new, newest - length + 1)
        if room <= 0:
            continue
        if stride == 1 and newest >= length + MOST_NEW - 1:
            # So many at once are whole vectors; those that are not new are only computed.
            _fill_lanes(MOST_NEW, 1, sums, newest - (MOST_NEW - 1), length, lanes)
            _look_at_lanes(MOST_NEW, MOST_NEW - room, lanes, spreads, skew, runs, number, best)
        else:
            n = (room + stride - 1) // stride
            _fill_lanes(n, stride, sums, newest - stride * (n - 1), length, lanes)
            _look_at_lanes(n, 0, lanes, spreads, skew, runs, number, best)


@scalar
def _fill_lanes(n, stride, sums, oldest, length, lanes):  # type: ignore[no-untyped-def]
    """Write what windows side by side hold of the bands, summed up from the first band on."""
    start = oldest - length
    for b in range(sums.shape[1]):
        # One by one: of an array cut in two directions the compiler gathers the elements.
        _fill_band(
            n, stride,
            sums[0, b, oldest:], sums[1, b, oldest:], sums[2, b, oldest:], sums[3, b, oldest:],
            sums[4, b, oldest:], sums[5, b, oldest:],
            sums[0, b, start:], sums[1, b, start:], sums[2, b, start:], sums[3, b, start:],
            sums[4, b, start:], sums[5, b, start:],
            lanes[b], lanes[b + 1],
        )  # fmt: skip


@apart
def _fill_band(  # type: ignore[no-untyped-def]
    n, stride, last_xa, last_xd, last_aa, last_ad, last_dd, last_aaa,
    first_xa, first_xd, first_aa, first_ad, first_dd, first_aaa, below, lane,
):  # fmt: skip
    for j in range(n):
        t = j * stride
        h = last_ad[t] - first_ad[t]
        g = h / (last_dd[t] - first_dd[t] + _KNOWN_LEAK)
        aa = last_aa[t] - first_aa[t]
        lane[0, j] = below[0, j] + (last_xa[t] - first_xa[t] - g * (last_xd[t] - first_xd[t]))
        lane[1, j] = below[1, j] + (aa - g * h)
        lane[2, j] = below[2, j] + h
        lane[3, j] = below[3, j] + (last_aaa[t] - first_aaa[t])
        lane[4, j] = below[4, j] + aa


@scalar
def _look_at_lanes(  # type: ignore[no-untyped-def]
    n, first, lanes, spreads, skew, runs, number, best
):
    """Keep the largest deviation of windows side by side, of those from ``first`` on."""
    # A cube root adds a third of the skew at most, so most runs need neither it nor a square root.
    least = max(best[0] - skew / 3.0, 0.0) ** 2
    is_any = best[0] < skew / 3.0
    for run in range(runs.shape[1]):
        above, below = lanes[runs[1, run]], lanes[runs[0, run]]
        c, f = spreads[0, number, run], spreads[1, number, run]
        if not is_any and not _may_be_more(n, above, below, c, f, least):
            continue
        for j in range(first, n):
            u, i = above[0, j] - below[0, j], above[1, j] - below[1, j]
            misfit, drift = MISFIT * (above[2, j] - below[2, j]), f * i
            square = c * (i + misfit * misfit) + drift * drift
            if is_any or u * abs(u) > least * square:
                k, a = above[3, j] - below[3, j], above[4, j] - below[4, j]
                z = _deviation(u, i, k, a, square, skew)
                if z > best[0]:
                    best[0], best[1], best[2], best[3] = z, number, run, u / i
                    least = max(z - skew / 3.0, 0.0) ** 2
                    is_any = z < skew / 3.0


@apart
def _may_be_more(n, above, below, c, f, least):  # type: ignore[no-untyped-def]
    """Whether one of the windows may deviate by more than the largest so far, by a hair."""
    n_more = np.int64(0)
    for j in range(n):
        u, i = above[0, j] - below[0, j], above[1, j] - below[1, j]
        misfit, drift = MISFIT * (above[2, j] - below[2, j]), f * i
        square = c * (i + misfit * misfit) + drift * drift
        n_more += np.int64(u * abs(u) > (1.0 - 1e-12) * least * square)
    return n_more > 0


@kernel
def _scan_long(  # type: ignore[no-untyped-def]
    terms, n_new, counts, blocks, open_, spreads, skew, runs, bands, best
):
    _, n_terms, n_bands = terms.shape
    for row in range(n_new):
        for k in range(n_terms):
            for b in range(n_bands):
                open_[0, k, b] += terms[row, k, b]
        counts[1] += 1
        for number in range(_N_LONG):
            if counts[1 + number] < _TENTH:
                break
            n_blocks = counts[1 + _N_LONG + number]
            blocks[number, n_blocks % BLOCKS] = open_[number]
            if number + 1 < _N_LONG:
                open_[number + 1] += open_[number]
                counts[2 + number] += 1
            open_[number] = 0.0
            counts[1 + number] = 0
            counts[1 + _N_LONG + number] = n_blocks + 1
            if n_blocks + 1 >= BLOCKS:
                _scan_blocks(
                    blocks[number],
                    n_blocks,
                    spreads,
                    skew,
                    runs,
                    number,
                    bands,
                    best[:, 1 + number],
                )


@kernel
def _scan_blocks(  # type: ignore[no-untyped-def]
    blocks, newest, spreads, skew, runs, number, bands, best
):
    n_bands = blocks.shape[2]
    for b in range(n_bands):
        xa, xd, aa, ad, dd, aaa = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for block in range(BLOCKS):
            xa += blocks[block, 0, b]
            xd += blocks[block, 1, b]
            aa += blocks[block, 2, b]
            ad += blocks[block, 3, b]
            dd += blocks[block, 4, b]
            aaa += blocks[block, 5, b]
        g = ad / (dd + _KNOWN_LEAK)
        u, i = 0.0, 0.0
        for age in range(NEWEST_BLOCKS):
            block = (newest - age) % BLOCKS
            u += blocks[block, 0, b] - g * blocks[block, 1, b]
            i += blocks[block, 2, b] - g * blocks[block, 3, b]
        bands[0, b + 1], bands[1, b + 1] = xa - g * xd, aa - g * ad
        bands[2, b + 1], bands[3, b + 1] = ad, aaa
        bands[4, b + 1], bands[5, b + 1], bands[6, b + 1] = aa, u, i
    _add_up(bands)
    best[0] = -np.inf
    at = _N_SHORT + number
    for run in range(runs.shape[1]):
        lower, stop = runs[0, run], runs[1, run]
        u, i = bands[0, stop] - bands[0, lower], bands[1, stop] - bands[1, lower]
        newest_u, newest_i = bands[5, stop] - bands[5, lower], bands[6, stop] - bands[6, lower]
        if newest_u * i >= BORNE_OUT * u * newest_i:
            _look(bands, spreads, skew, runs, at, run, best)


@scalar
def _add_up(bands):  # type: ignore[no-untyped-def]
    for k in range(RUN_TERMS):
        for b in range(1, bands.shape[1]):
            bands[k, b] += bands[k, b - 1]


@scalar
def _look(bands, spreads, skew, runs, number, run, best):  # type: ignore[no-untyped-def]
    """Keep the deviation of a window over one run if it is the largest so far."""
    lower, stop = runs[0, run], runs[1, run]
    u, i = bands[0, stop] - bands[0, lower], bands[1, stop] - bands[1, lower]
    misfit = MISFIT * (bands[2, stop] - bands[2, lower])
    drift = spreads[1, number, run] * i
    square = spreads[0, number, run] * (i + misfit * misfit) + drift * drift
    # As for windows side by side: most need neither a cube root nor a square root.
    least = max(best[0] - skew / 3.0, 0.0) ** 2
    if best[0] < skew / 3.0 or u * abs(u) > least * square:
        k, a = bands[3, stop] - bands[3, lower], bands[4, stop] - bands[4, lower]
        z = _deviation(u, i, k, a, square, skew)
        if z > best[0]:
            best[0], best[1], best[2], best[3] = z, number, run, u / i


@scalar
def _deviation(u, i, k, a, square, skew):  # type: ignore[no-untyped-def]
    if not i > 0.0:
        return -np.inf
    z = u / math.sqrt(square)
    r = min(skew * k / (a * math.sqrt(a)), skew)
    if r < LEAST_SKEW:
        return z
    return 3.0 * (max(1.0 + r * z, 0.0) ** (1.0 / 3.0) - 1.0 + r * r / 9.0) / r
