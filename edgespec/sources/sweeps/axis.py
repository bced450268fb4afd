"""Whether sweeps lie at the same frequencies, and what to do with one that does not."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgespec.sources.sweeps.stitch import Sweep

__all__ = ["Axis", "usual_axis"]

#: Frequencies are written to a hertz or so; this share of a step is the same place.
_SAME = 0.1
#: A sweep with fewer points than this share is none of the axis.
_LEAST_SHARE = 0.5
#: As many sweeps as a warm-up has: a point that is in none of them is of the band no more.
_LONGEST_UNHEARD = 60

Doubles = NDArray[np.float64]


def usual_axis(sweeps: Sequence[Sweep]) -> Doubles:
    """Return the frequencies of most sweeps, of as many the longer ones: the first may be cut."""
    kinds = Counter(_kind(sweep.freqs_hz) for sweep in sweeps)
    best = max(kinds, key=lambda kind: (kinds[kind], kind[0]))
    return next(sweep.freqs_hz for sweep in sweeps if _kind(sweep.freqs_hz) == best)


def _kind(freqs_hz: Doubles) -> tuple[int, int, int]:
    return len(freqs_hz), round(float(freqs_hz[0])), round(float(freqs_hz[-1]))


class Axis:
    """The frequencies of a band; a sweep at others is one of another axis where the next is, too.

    A sweep that lacks up to half of its points has none there. One that lies elsewhere alone is
    left out: a program that was ended in the middle, or two that write into one file, are no reason
    to learn anew. Points that sixty sweeps one after the other lack are left out of the axis, which
    is another one then: a band must not seem quiet where nobody hears it. Once two sweeps have them
    again, it has them, too.

    Args:
        freqs_hz: float64 ``(n_points,)``, rising.
        keeps_points: points that are lacking stay, as whoever reads all of a table wants.

    Attributes:
        n_left_out: sweeps at other frequencies, so far.
    """

    def __init__(self, freqs_hz: Doubles, *, keeps_points: bool = False) -> None:
        self.n_left_out = 0
        self._keeps_points = keeps_points
        self._begin(freqs_hz)

    def _begin(self, freqs_hz: Doubles) -> None:
        self.freqs_hz = freqs_hz
        self._other_hz: Doubles | None = None
        self._n_unheard = np.zeros(len(freqs_hz), np.int64)

    def fit(self, sweep: Sweep) -> NDArray[np.float32] | None:
        """Return the levels of a sweep at the frequencies of the axis, or None.

        None where it is left out. Where it begins another axis, ``freqs_hz`` is another array.
        """
        levels_db = _at(self.freqs_hz, sweep)
        if levels_db is not None:
            self._other_hz = None
            return levels_db if self._keeps_points else self._without_lost(levels_db)
        if self._other_hz is not None and _kind(self._other_hz) == _kind(sweep.freqs_hz):
            self._begin(sweep.freqs_hz)
            return sweep.levels_db
        self._other_hz = sweep.freqs_hz
        self.n_left_out += 1
        return None

    def _without_lost(self, levels_db: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return levels at the points that were heard lately, and keep the axis to these."""
        self._n_unheard += 1
        self._n_unheard[np.isfinite(levels_db)] = 0
        is_kept = self._n_unheard < _LONGEST_UNHEARD
        # Where there is nothing at all, the receiver is in trouble, which is said elsewhere.
        if is_kept.all() or not is_kept.any():
            return levels_db
        n_unheard = self._n_unheard[is_kept]
        self._begin(self.freqs_hz[is_kept])
        self._n_unheard = n_unheard
        return levels_db[is_kept]


def _at(freqs_hz: Doubles, sweep: Sweep) -> NDArray[np.float32] | None:
    """Return levels at some frequencies, NaN where there is none; None where too few are there."""
    step_hz = float(np.diff(freqs_hz).min()) if len(freqs_hz) > 1 else 1.0
    if _kind(freqs_hz) == _kind(sweep.freqs_hz):
        return sweep.levels_db
    place = np.searchsorted(freqs_hz, sweep.freqs_hz - _SAME * step_hz)
    place = np.minimum(place, len(freqs_hz) - 1)
    is_there = np.abs(freqs_hz[place] - sweep.freqs_hz) <= _SAME * step_hz
    is_new = ~is_there & np.isfinite(sweep.levels_db)
    if is_new.any() or np.count_nonzero(is_there) < _LEAST_SHARE * len(freqs_hz):
        return None
    levels_db = np.full(len(freqs_hz), np.nan, np.float32)
    levels_db[place[is_there]] = sweep.levels_db[is_there]
    return levels_db
