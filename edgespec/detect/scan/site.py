"""What is left of a cell at this site: noise, and the share of the cell that does not cancel."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan.lines import Lines, fit_lines
from edgespec.lte.numerology import SLOTS_PER_FRAME
from edgespec.records import FloatArray
from edgespec.reference import Reference, filled

__all__ = ["MOST_RISE", "Site", "learn_site", "mixed_power"]

_Doubles = NDArray[Any]

#: A residual counts up to so many times what was expected where spreads are learnt.
_MOST_RATIO = 3.0
#: Worth in slots of what the places have in common: of their spread, and least of their lines.
_PRIOR_SLOTS, _LEAST_WORTH = 20.0, 2.0
#: Least share of the cell that is thought to be left where none was seen.
_LEAST_LEAK = 1e-3
_MOST_WORTH = 1e6
#: A cell may get so many times stronger than its loud slots were in the warm-up.
MOST_RISE, _LOUD = 10.0, 0.95


@dataclass(frozen=True, slots=True)
class Site:
    """``noise + leak * power`` a place in the frame and subband, float64 ``(20, n_subbands)``.

    ``power`` is that of :func:`mixed_power`, up to ``most_power`` ``(n_subbands,)``, 10 dB over
    what the warm-up showed: what leaks of more nobody knows, and it is hardly the cell's.
    ``spread``, of the same shape, is the standard deviation of ``residual / expected``; ``unit``
    the usual noise, the power that excess is counted in. ``usual_power`` ``(n_subbands,)`` is the
    median power of a slot. ``left_share`` is the share of the received power that was left in the
    warm-up, 0 to 1: near 1 nothing cancels.
    """

    noise: _Doubles
    leak: _Doubles
    spread: _Doubles
    most_power: _Doubles
    unit: float
    usual_power: _Doubles
    left_share: float

    def reference(self) -> Reference:
        """Return it as arrays."""
        return {
            "places": np.stack([self.noise, self.leak, self.spread]),
            "subbands": np.stack([self.most_power, self.usual_power]),
            "whole": np.array([self.unit, self.left_share]),
        }

    @classmethod
    def of_reference(cls, reference: Reference, n_subbands: int) -> "Site":
        """Return the site that another one was.

        Raises:
            LookupError: something is missing.
            ValueError: something is of another shape, or no power.
        """
        places, subbands = np.empty((3, SLOTS_PER_FRAME, n_subbands)), np.empty((2, n_subbands))
        whole = np.empty(2)
        for name, out in (("places", places), ("subbands", subbands), ("whole", whole)):
            filled(out, reference[name])
        if min(places[::2].min(), whole[0]) <= 0.0 or min(places.min(), subbands.min()) < 0.0:
            raise ValueError("a power or a spread is not positive")
        noise, leak, spread = places
        unit, left_share = whole.tolist()
        return cls(noise, leak, spread, subbands[0], unit, subbands[1], left_share)

    def expected(self, power: FloatArray, place: NDArray[np.int64]) -> _Doubles:
        """Return what is left of the cell where nobody else is, float64, of ``power``'s shape."""
        expected: _Doubles = self.noise[place] + self.leak[place] * mixed_power(power)
        return expected

    def scaled(self, ratio: float) -> "Site":
        """Return the site at another gain of the receiver, by its ratio of powers."""
        return replace(
            self,
            noise=self.noise * ratio,
            most_power=self.most_power * ratio,
            unit=self.unit * ratio,
            usual_power=self.usual_power * ratio,
        )

    def of_no_cell(self) -> "Site":
        """Return what is usual here whoever the cell is: its power, of which nothing is left.

        For a cell of which nothing was learnt yet: so whoever is beside it counts as a stranger.
        """
        nothing = np.zeros_like(self.noise)
        return replace(self, noise=nothing, leak=nothing)

    def lowered(self, ratio: _Doubles) -> "Site":
        """Return the site with other noise, by its ratio of powers in each subband."""
        noise = self.noise * ratio
        return replace(self, noise=noise, unit=float(np.exp(np.log(noise).mean())))


def mixed_power(power: FloatArray) -> _Doubles:
    """Return half of each subband's power and half of their mean, float64.

    What leaks into a subband comes from it and, by echoes that outlast the prefix and by the short
    window, from the others.
    """
    wide = power.astype(np.float64)
    mixed: _Doubles = 0.5 * (wide + wide.mean(axis=1, keepdims=True))
    return mixed


def learn_site(residual: FloatArray, power: FloatArray, place: NDArray[np.int64]) -> Site:
    """Return what a warm-up showed.

    A line is fitted to all slots of a subband. The lines of the 20 places are drawn to it, by as
    many slots as their means differ less than their spread explains (empirical Bayes): downlink
    frames are alike, uplink and downlink are not.

    Args:
        residual: ``(n_slots, n_subbands)`` linear, as ``power`` is.
        power: of the same samples.
        place: ``(n_slots,)`` of each slot in the frame, 0 to 19.
    """
    wide, mixed = residual.astype(np.float64), mixed_power(power)
    n_slots, n_subbands = wide.shape
    common = fit_lines(wide, mixed, np.ones_like(wide))
    by_place, count = _by_place(place)
    has_slot = (by_place >= 0)[..., None] & np.ones(n_subbands, bool)
    ratio = np.minimum(wide / common.at(mixed), _MOST_RATIO)
    n_each = max(n_slots / max((count > 0).sum(), 1), 1.0)
    chance = ratio.var(axis=0) / n_each
    means = _mean_of(ratio[by_place], has_slot, 1.0)
    beyond = np.maximum(means.var(axis=0) - chance, 1e-9)
    worth = np.clip(n_each * chance / beyond, _LEAST_WORTH, _MOST_WORTH)
    prior = Lines(common.noise, np.maximum(common.leak, _LEAST_LEAK))
    shape = len(by_place), SLOTS_PER_FRAME * n_subbands
    lines = fit_lines(
        wide[by_place].reshape(shape),
        mixed[by_place].reshape(shape),
        has_slot.reshape(shape).astype(np.float64),
        Lines(np.tile(prior.noise, SLOTS_PER_FRAME), np.tile(prior.leak, SLOTS_PER_FRAME)),
        np.tile(worth, SLOTS_PER_FRAME),
    )
    noise, leak = (x.reshape(SLOTS_PER_FRAME, n_subbands) for x in (lines.noise, lines.leak))
    expected = noise[place] + leak[place] * mixed
    ratio = np.minimum(wide / expected, _MOST_RATIO)
    usual = ratio.std(axis=0)
    own = np.sqrt(
        _mean_of((ratio[by_place] - _mean_of(ratio[by_place], has_slot, 1.0)) ** 2, has_slot, 0.0)
    )
    n_known = np.maximum(count - 1, 0)[:, None]
    variance = (n_known * own**2 + _PRIOR_SLOTS * usual**2) / (n_known + _PRIOR_SLOTS)
    return Site(
        noise,
        leak,
        np.maximum(np.sqrt(variance), 1e-3),
        MOST_RISE * np.quantile(mixed, _LOUD, axis=0),
        float(np.exp(np.log(noise).mean())),
        np.median(power, axis=0).astype(np.float64),
        float(min(1.0, expected.sum() / max(power.sum(dtype=np.float64), 1e-300))),
    )


def _by_place(place: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the slots of every place, ``(n_most, 20)`` with -1 for none, and their numbers."""
    count = np.bincount(place, minlength=SLOTS_PER_FRAME)
    found = np.full((count.max(), SLOTS_PER_FRAME), -1, np.int64)
    for number in range(SLOTS_PER_FRAME):
        found[: count[number], number] = np.flatnonzero(place == number)
    return found, count


def _mean_of(values: _Doubles, has_slot: NDArray[np.bool_], empty: float) -> _Doubles:
    total = np.where(has_slot, values, 0.0).sum(axis=0)
    count = has_slot.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), empty)
