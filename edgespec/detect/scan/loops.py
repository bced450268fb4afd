"""The steps of a scan as compiled loops.

What each does is said in :class:`edgespec.detect.scan.arithmetic.Arithmetic`, the law in
:mod:`edgespec.detect.scan.terms`.
"""

import math

import numpy as np

from edgespec.detect.scan.terms import (
    BORNE_OUT,
    LEAK_SPREAD,
    LEAST_SKEW,
    MISFIT,
    N_BEST,
    N_TERMS,
    RUN_TERMS,
    UNHEARD,
)
from edgespec.detect.scan.windows import BLOCKS, LONG, NEWEST_BLOCKS, SHORT, STRIDES
from edgespec.jit import kernel, scalar

__all__ = ["load", "residual_terms", "scan"]

_SHORT, _STRIDES = np.array(SHORT), np.array(STRIDES)
_N_SHORT, _N_LONG, _TENTH = len(SHORT), len(LONG), 10
_KNOWN_LEAK = 1.0 / LEAK_SPREAD**2
_UNHEARD = np.uint8(UNHEARD)


def load() -> None:
    """Compile every loop, or fetch it from the cache, before the first slot waits for it."""
    rows, place, flags = np.ones((1, 1), np.float32), np.zeros(1, np.int64), np.zeros(1, np.uint8)
    terms, tables = np.zeros((1, N_TERMS, 1)), np.ones((4, 20, 1))
    counts, runs = np.zeros(1 + 2 * _N_LONG, np.int64), np.array([[0], [1]])
    sums, bands = np.zeros((SHORT[-1] + 2, N_TERMS, 1)), np.zeros((RUN_TERMS, 2))
    spreads, best = np.ones((2, _N_SHORT + _N_LONG, 1)), np.zeros((N_BEST, 1 + _N_LONG))
    blocks, open_ = np.zeros((_N_LONG, BLOCKS, N_TERMS, 1)), np.zeros((_N_LONG, N_TERMS, 1))
    residual_terms(rows, rows, place, flags, tables, 1.0, terms, np.ones((2, 1), np.float32))
    scan(terms, 1, counts, sums, blocks, open_, spreads, 0.4, runs, bands, best)


@kernel
def residual_terms(  # type: ignore[no-untyped-def]
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
def scan(  # type: ignore[no-untyped-def]
    terms, n_new, counts, sums, blocks, open_, spreads, skew, runs, bands, best
):
    """Take the slots in, and look at the windows that end with them."""
    _add(terms, n_new, counts, sums)
    _scan_long(terms, n_new, counts, blocks, open_, spreads, skew, runs, bands, best)
    _scan_short(sums, n_new, counts, spreads, skew, runs, bands, best[:, 0])


@kernel
def _add(terms, n_new, counts, sums):  # type: ignore[no-untyped-def]
    n_terms, n_bands = sums.shape[1:]
    if counts[0] + n_new >= len(sums):
        # The first row keeps what is taken away from the others, until it is zero again.
        first = counts[0] - SHORT[-1]
        sums[0] = sums[first]
        for row in range(1, SHORT[-1] + 1):
            for k in range(n_terms):
                for b in range(n_bands):
                    sums[row, k, b] = sums[row + first, k, b] - sums[0, k, b]
        sums[0] = 0.0
        counts[0] = SHORT[-1]
    for row in range(counts[0], counts[0] + n_new):
        for k in range(n_terms):
            for b in range(n_bands):
                sums[row + 1, k, b] = sums[row, k, b] + terms[row - counts[0], k, b]
    counts[0] += n_new


@kernel
def _scan_short(  # type: ignore[no-untyped-def]
    sums, n_new, counts, spreads, skew, runs, bands, best
):
    n_bands = sums.shape[2]
    best[0] = -np.inf
    for number in range(_N_SHORT):
        for stop in range(counts[0], max(counts[0] - n_new, _SHORT[number] - 1), -_STRIDES[number]):
            last, first = sums[stop], sums[stop - _SHORT[number]]
            for b in range(n_bands):
                h = last[3, b] - first[3, b]
                g = h / (last[4, b] - first[4, b] + _KNOWN_LEAK)
                bands[0, b + 1] = last[0, b] - first[0, b] - g * (last[1, b] - first[1, b])
                bands[1, b + 1] = last[2, b] - first[2, b] - g * h
                bands[2, b + 1] = h
                bands[3, b + 1] = last[5, b] - first[5, b]
                bands[4, b + 1] = last[2, b] - first[2, b]
            _add_up(bands, 5)
            _look(bands, spreads, skew, runs, number, 0, runs.shape[1], best)


@kernel
def _scan_long(  # type: ignore[no-untyped-def]
    terms, n_new, counts, blocks, open_, spreads, skew, runs, bands, best
):
    for row in range(n_new):
        open_[0] += terms[row]
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
    _add_up(bands, 7)
    best[0] = -np.inf
    at = _N_SHORT + number
    for run in range(runs.shape[1]):
        lower, stop = runs[0, run], runs[1, run]
        u, i = bands[0, stop] - bands[0, lower], bands[1, stop] - bands[1, lower]
        newest_u, newest_i = bands[5, stop] - bands[5, lower], bands[6, stop] - bands[6, lower]
        if newest_u * i >= BORNE_OUT * u * newest_i:
            _look(bands, spreads, skew, runs, at, run, run + 1, best)


@scalar
def _add_up(bands, n_terms):  # type: ignore[no-untyped-def]
    for k in range(n_terms):
        for b in range(1, bands.shape[1]):
            bands[k, b] += bands[k, b - 1]


@scalar
def _look(  # type: ignore[no-untyped-def]
    bands, spreads, skew, runs, number, first_run, stop_run, best
):
    """Keep the largest deviation of one window of time."""
    # A cube root adds a third of the skew at most, so most runs need neither it nor a square root.
    least = max(best[0] - skew / 3.0, 0.0) ** 2
    is_any = best[0] < skew / 3.0
    for run in range(first_run, stop_run):
        lower, stop = runs[0, run], runs[1, run]
        u = bands[0, stop] - bands[0, lower]
        i = bands[1, stop] - bands[1, lower]
        h = bands[2, stop] - bands[2, lower]
        misfit, drift = MISFIT * h, spreads[1, number, run] * i
        square = spreads[0, number, run] * (i + misfit * misfit) + drift * drift
        if is_any or u * abs(u) > least * square:
            k = bands[3, stop] - bands[3, lower]
            z = _deviation(u, i, k, bands[4, stop] - bands[4, lower], square, skew)
            if z > best[0]:
                best[0], best[1], best[2], best[3] = z, number, run, u / i
                least = max(z - skew / 3.0, 0.0) ** 2
                is_any = z < skew / 3.0


@scalar
def _deviation(u, i, k, a, square, skew):  # type: ignore[no-untyped-def]
    if not i > 0.0:
        return -np.inf
    z = u / math.sqrt(square)
    r = min(skew * k / (a * math.sqrt(a)), skew)
    if r < LEAST_SKEW:
        return z
    return 3.0 * (max(1.0 + r * z, 0.0) ** (1.0 / 3.0) - 1.0 + r * r / 9.0) / r
