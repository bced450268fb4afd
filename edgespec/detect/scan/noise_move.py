"""By how many dB the receiver's noise beside a cell has moved, by the slots of a hop or more."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan.site import Site, mixed_power
from edgespec.detect.scan.terms import LEAK_SPREAD, MISFIT
from edgespec.records import FloatArray

__all__ = ["NoiseMove", "noise_move"]

_TO_DB = 10.0 / math.log(10.0)
#: Noise that is gone counts as a thousandth.
_LEAST_LEFT = 1e-3
#: Rounds in which the weights of the slots and the ratio that they depend on are found.
_N_ROUNDS = 3
#: A subband says something if it knows its ratio to so much of it, or to so much of its move,
_UNSURE_SHARE, _UNSURE_MOVE = 0.45, 0.3
#: and so many of them must.
_LEAST_SURE = 0.75
#: Subbands agree within so many dB, and this share of the move: a converter's own noise stays.
_APART_DB, _APART_SHARE = 0.6, 0.1
#: ... and with what chance may add.
_SIGMAS = 4.0
#: Most variance of the slots, where 1 is usual.
_MOST_SCATTER = 2.0


@dataclass(frozen=True, slots=True)
class NoiseMove:
    """``move_db`` with its deviation ``sigma_db``, and how many deviations it is from none.

    ``is_alike`` is whether all subbands moved so; false, too, where too few of them know.
    """

    move_db: float
    sigma_db: float
    sigmas: float
    is_alike: bool


_UNKNOWN = NoiseMove(0.0, math.inf, 0.0, is_alike=False)


def noise_move(
    residual: FloatArray, power: FloatArray, place: NDArray[np.int64], site: Site
) -> NoiseMove:
    """Return how the noise of some slots stands to that of a site.

    What is left of a slot is ``g noise + leak power``, and the leak goes by the power that is there
    now, at whatever gain. So ``residual - leak power = g noise + v leak power``, where ``v``, by
    how much the leak is wrong, is thought to be 0 with a spread of ``LEAK_SPREAD`` beforehand
    (:mod:`edgespec.detect.scan.terms`). In each subband ``g`` is found by least squares, each slot
    by what it varies: slots in which the cell is loud count little, and where it always is nobody
    knows.

    Args:
        residual: ``(n_slots, n_subbands)`` linear, as ``power`` is.
        power: of the same samples.
        place: ``(n_slots,)`` of each slot in the frame, 0 to 19.
        site: what is normal.
    """
    noise, spread = site.noise[place], site.spread[place]
    leaked = site.leak[place] * mixed_power(power)
    beyond = residual - leaked
    misfit, squares = (MISFIT * leaked) ** 2, np.stack((noise**2, leaked**2))
    terms = np.empty((5, *residual.shape))
    ratio = known = np.ones(residual.shape[1])
    for number in range(_N_ROUNDS + 1):
        if number == _N_ROUNDS:
            # At last each subband is asked whether it moved as those that know best.
            ratio = np.full_like(ratio, _median(ratio[known >= _median(known)]))
        expected = ratio * noise + leaked
        weight = 1.0 / ((spread * expected) ** 2 + misfit)
        of_noise, of_leaked = weight * noise, weight * leaked
        np.multiply(weight, squares, out=terms[:2])
        np.multiply(of_noise, leaked, out=terms[2])
        np.multiply(of_leaked, beyond, out=terms[3])
        np.multiply(of_noise, beyond, out=terms[4])
        known, of_leak, both, of_beyond, found = np.add.reduce(terms, axis=1)
        of_leak += LEAK_SPREAD**-2.0
        known -= both**2 / of_leak
        of_beyond /= of_leak
        found = (found - both * of_beyond) / known
        common, ratio = float(ratio[0]), np.maximum(found, _LEAST_LEFT)
    # What the leak is wrong by otherwise than the line says does not average out.
    chance, wrong = 1.0 / np.sqrt(known), MISFIT * both / known
    sigma = np.hypot(chance, wrong)
    is_sure = sigma < max(_UNSURE_SHARE * common, _UNSURE_MOVE * abs(common - 1.0))
    if np.count_nonzero(is_sure) < _LEAST_SURE * len(is_sure):
        return _UNKNOWN
    found, sigma = found[is_sure], sigma[is_sure]
    share = sigma**-2.0 / (sigma**-2.0).sum()
    # ... nor over the subbands: it is wrong in all of them at once.
    pooled = math.hypot(float(np.hypot.reduce(share * chance[is_sure])),
                        float(share @ wrong[is_sure]))  # fmt: skip
    mean = max(float(share @ found), _LEAST_LEFT)
    move_db = _TO_DB * math.log(mean)
    apart = mean * (10.0 ** ((_APART_DB + _APART_SHARE * abs(move_db)) / 10.0) - 1.0)
    is_alike = bool(np.all(np.abs(found - mean) <= apart + _SIGMAS * sigma))
    # Noise varies from slot to slot as it did; who sweeps or hops is in a few of them.
    distance = (residual / (mean * noise + leaked) - 1.0) / spread
    is_alike = is_alike and float((distance**2).mean()) <= _MOST_SCATTER
    return NoiseMove(move_db, _TO_DB * pooled / mean, abs(mean - 1.0) / pooled, is_alike)


def _median(values: NDArray[np.float64]) -> float:
    """Return the median of a few values: NumPy's takes longer to begin than to find it."""
    ordered = np.sort(values)
    half, n = len(values) // 2, len(values)
    return float(ordered[half] if n % 2 else 0.5 * (ordered[half - 1] + ordered[half]))
