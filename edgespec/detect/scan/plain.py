"""The steps of a scan in NumPy: the readable ones, and those without a compiler.

What each does is said in :class:`edgespec.detect.scan.arithmetic.Arithmetic`, the law in
:mod:`edgespec.detect.scan.terms`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan.terms import BORNE_OUT, LEAK_SPREAD, LEAST_SKEW, MISFIT, UNHEARD
from edgespec.detect.scan.windows import BLOCKS, LONG, NEWEST_BLOCKS, SHORT, STRIDES
from edgespec.records import FloatArray

__all__ = ["deviation", "residual_terms", "run_sums", "scan", "scan_residual"]

_Doubles = NDArray[Any]
_Integers = NDArray[Any]

_N_LONG = len(LONG)
_KNOWN_LEAK = 1.0 / LEAK_SPREAD**2


def residual_terms(
    residual: FloatArray,
    power: FloatArray,
    place: _Integers,
    flags: _Integers,
    tables: _Doubles,
    unit: float,
    terms: _Doubles,
    ratio: FloatArray,
) -> int:
    """Write the terms of every slot that can be heard, and return how many those are.

    Args as of :meth:`edgespec.detect.scan.arithmetic.Arithmetic.scan_residual`.
    """
    is_finite = np.isfinite(residual.sum(axis=1) + power.sum(axis=1))
    heard = np.flatnonzero(is_finite & (flags & UNHEARD == 0))
    if not len(heard):
        return 0
    wide = power[heard].astype(np.float64)
    noise, leak, sharpness, most = tables[:, place[heard]]
    left = leak * np.minimum(0.5 * (wide + wide.mean(axis=1, keepdims=True)), most)
    inverse = 1.0 / (noise + left)
    measured = residual[heard] * inverse
    x, a, d = (measured - 1.0) * sharpness, unit * inverse * sharpness, left * inverse * sharpness
    for number, term in enumerate((x * a, x * d, a * a, a * d, d * d, a * a * a)):
        terms[: len(heard), number] = term
    ratio[: -len(heard)] = ratio[len(heard) :].copy()
    ratio[-len(heard) :] = measured
    return len(heard)


def scan_residual(
    residual: FloatArray,
    power: FloatArray,
    place: _Integers,
    flags: _Integers,
    tables: _Doubles,
    unit: float,
    terms: _Doubles,
    ratio: FloatArray,
    heard: _Doubles,
    counts: _Integers,
    sums: _Doubles,
    blocks: _Doubles,
    open_: _Doubles,
    spreads: _Doubles,
    skew: float,
    runs: _Integers,
    bands: _Doubles,
    lanes: _Doubles,
    best: _Doubles,
) -> int:
    """Write the terms of slots and scan them."""
    n_new = residual_terms(residual, power, place, flags, tables, unit, terms, ratio)
    if n_new:
        heard += ratio[len(ratio) - n_new :].sum(axis=0, dtype=np.float64)
        scan(terms, n_new, counts, sums, blocks, open_, spreads, skew, runs, bands, lanes, best)
    return n_new


def scan(
    terms: _Doubles,
    n_new: int,
    counts: _Integers,
    sums: _Doubles,
    blocks: _Doubles,
    open_: _Doubles,
    spreads: _Doubles,
    skew: float,
    runs: _Integers,
    bands: _Doubles,
    lanes: _Doubles,
    best: _Doubles,
) -> None:
    """Take the slots in, and look at the windows that end with them."""
    _add(terms[:n_new], counts, sums)
    _scan_long(terms[:n_new], counts, blocks, open_, spreads, skew, runs, best)
    best[0, 0], n_slots = -np.inf, int(counts[0])
    for number, (length, stride) in enumerate(zip(SHORT, STRIDES, strict=True)):
        stops = np.arange(n_slots, max(n_slots - n_new, length - 1), -stride)
        if len(stops):
            windows = np.moveaxis(sums[..., stops] - sums[..., stops - length], -1, 0)
            u, i, h, k, a = run_sums(windows, runs)
            z = deviation(u, i, h, k, a, spreads[:, number], skew)
            _keep_largest(z, u, i, number, best[:, 0])


def _add(terms: _Doubles, counts: _Integers, sums: _Doubles) -> None:
    n_kept, n_new = int(counts[0]), len(terms)
    if n_kept + n_new >= sums.shape[2]:
        first, n_kept = n_kept - SHORT[-1], SHORT[-1]
        kept = sums[..., first : first + n_kept + 1] - sums[..., first : first + 1]
        sums[..., : n_kept + 1] = kept
    new = np.moveaxis(sums[..., n_kept + 1 : n_kept + n_new + 1], -1, 0)
    np.cumsum(terms, axis=0, out=new)
    new += sums[..., n_kept]
    counts[0] = n_kept + n_new


def _scan_long(
    terms: _Doubles,
    counts: _Integers,
    blocks: _Doubles,
    open_: _Doubles,
    spreads: _Doubles,
    skew: float,
    runs: _Integers,
    best: _Doubles,
) -> None:
    n_open, n_blocks = counts[1 : 1 + _N_LONG], counts[1 + _N_LONG :]
    for slot in terms:
        open_[0] += slot
        n_open[0] += 1
        for number in range(_N_LONG):
            if n_open[number] < BLOCKS // NEWEST_BLOCKS:
                break
            newest = int(n_blocks[number])
            blocks[number, newest % BLOCKS] = open_[number]
            if number + 1 < _N_LONG:
                open_[number + 1] += open_[number]
                n_open[number + 1] += 1
            open_[number] = 0.0
            n_open[number] = 0
            n_blocks[number] += 1
            if n_blocks[number] >= BLOCKS:
                _scan_blocks(
                    blocks[number], newest, spreads, skew, runs, number, best[:, 1 + number]
                )


def _scan_blocks(
    blocks: _Doubles,
    newest: int,
    spreads: _Doubles,
    skew: float,
    runs: _Integers,
    number: int,
    best: _Doubles,
) -> None:
    at = len(SHORT) + number
    part = blocks[[(newest - age) % BLOCKS for age in range(NEWEST_BLOCKS)]].sum(axis=0)
    whole = blocks.sum(axis=0)
    u, i, h, k, a, newest_u, newest_i = run_sums(whole, runs, part)
    z = deviation(u, i, h, k, a, spreads[:, at], skew)
    z[newest_u * i < BORNE_OUT * u * newest_i] = -np.inf
    best[0] = -np.inf
    _keep_largest(z[None], u[None], i[None], at, best)


def run_sums(window: _Doubles, runs: _Integers, part: _Doubles | None = None) -> list[_Doubles]:
    """Return ``u, i, h, k, S(a a)`` over every run, and ``u, i`` of a part of the windows.

    Args:
        window: ``(..., N_TERMS, n_bands)`` sums over windows.
        runs: ``(2, n_runs)``.
        part: of the shape of ``window``.
    """
    xa, xd, aa, ad, dd, aaa = np.moveaxis(window, -2, 0)
    g = ad / (dd + _KNOWN_LEAK)
    found = [xa - g * xd, aa - g * ad, ad, aaa, aa]
    if part is not None:
        xa, xd, aa, ad, _, _ = np.moveaxis(part, -2, 0)
        found += [xa - g * xd, aa - g * ad]
    lower, stop = runs
    over_bands = []
    for values in found:
        total = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
        np.cumsum(values, axis=-1, out=total[..., 1:])
        over_bands.append(total[..., stop] - total[..., lower])
    return over_bands


def deviation(
    u: _Doubles,
    i: _Doubles,
    h: _Doubles,
    k: _Doubles,
    a: _Doubles,
    spreads: _Doubles,
    skew: float,
) -> _Doubles:
    """Return the deviations ``(..., n_runs)``; ``spreads`` is ``(2, n_runs)``."""
    c, f = spreads
    is_known = i > 0.0
    i = np.where(is_known, i, 1.0)
    z = u / np.sqrt(c * (i + (MISFIT * h) ** 2) + (f * i) ** 2)
    r = np.minimum(skew * k / np.where(is_known, a, 1.0) ** 1.5, skew)
    root = np.cbrt(np.maximum(1.0 + r * z, 0.0))
    is_skew = r >= LEAST_SKEW
    normal = 3.0 * (root - 1.0 + r * r / 9.0) / np.where(is_skew, r, 1.0)
    found: _Doubles = np.where(is_known, np.where(is_skew, normal, z), -np.inf)
    return found


def _keep_largest(z: _Doubles, u: _Doubles, i: _Doubles, number: int, best: _Doubles) -> None:
    at, run = np.unravel_index(int(np.argmax(z)), z.shape)
    if z[at, run] > best[0]:
        best[:] = z[at, run], number, run, u[at, run] / i[at, run]
