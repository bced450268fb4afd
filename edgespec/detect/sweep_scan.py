"""The scan of sweeps: what is not as usual for one, three or ten of them, in few bins or many."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect import plain
from edgespec.detect.arithmetic import Arithmetic
from edgespec.detect.reference import SMALLEST_SPREAD_DB, shrunk_spread
from edgespec.records import FloatArray, Forecast, Geometry, Score, Segment
from edgespec.reference import Reference, filled

__all__ = ["LENGTHS", "WIDTHS", "SweepScan"]

#: Sweeps, and bins, that are looked at together.
LENGTHS, WIDTHS = (1, 3, 10), (1, 3, 9, 27)
#: In windows of several sweeps none counts more: one alone would ring in them for ten.
MOST_ALONE = 6.0
#: The largest deviation of a window in the warm-up counts as so much.
_LARGEST = 3.5
#: A length is learnt where the warm-up has so many windows of it side by side.
_LEAST_WINDOWS = 4
#: The usual level follows what is normal within so many sweeps; what is off by more spreads than
#: this is no part of it, so that what stays is seen for as long as it stays.
FOLLOWS_WITHIN, FOLLOWS_BELOW = 200.0, 4.0
#: The level of a whole sweep moves with the receiver's temperature: it is followed sooner, and its
#: spread is never believed to be smaller.
LEVEL_WITHIN, LEAST_LEVEL_DB = 30.0, 0.5
#: The newest third of a window must bear this share of what it says.
BORNE_OUT = 1.0 / 3.0


class SweepScan:
    """The largest deviation of a band's shape over 1, 3 and 10 sweeps and 1 to 27 bins.

    The shape is a sweep in dB less its median over the bins: a receiver whose level drifts says
    nothing, and a carrier moves no other bin. Each bin has a median ``m`` and a spread ``s`` from
    the first ``n_warmup`` sweeps, and ``x = (shape - m) / s`` is summed up over windows of ``L``
    sweeps, the newest last, and ``W`` bins: ``z = sum x / sqrt(c L W)``, where ``c`` is what the
    warm-up varied by in such a window beside chance, and its largest counts as 3.5. Lengths that
    the warm-up is too short for are thought to vary as slowly as the longest that it is long enough
    for. In as many sweeps again, a window whose ``|z|`` is larger than 3.5 is proven to vary by
    more, and ``c`` grows until it is not: a point that comes and goes must not set what is normal
    for all. How large windows were before is what scores are at the site: the rate of news.
    The score is the largest ``|z|``: what goes silent counts like what comes.

    In windows of several sweeps ``x`` counts up to 6, and the newest third of them must bear a
    third of its part: nothing rings when it is gone. ``m`` follows what is near it by
    ``x s (1 - (x / 4)^2)^2 / 200`` a sweep (Tukey's biweight), which a day's slow changes are, and
    what came to stay is not. The level of a sweep, the median itself, is looked at in the same way
    as if it were a bin, of at least 0.5 dB spread, and followed within 30 sweeps.

    Args:
        geometry: of the segments.
        n_warmup: sweeps to learn from.
        arithmetic: unused; sweeps come once a second at most.
    """

    name = "scan"
    needs_forecast = False

    def __init__(self, geometry: Geometry, n_warmup: int, arithmetic: Arithmetic = plain) -> None:
        n_bins = geometry.n_bins
        self._n_new = min(geometry.n_horizon, geometry.hop_frames)
        self._learnt_db = np.empty((max(n_warmup * self._n_new, 2), n_bins), np.float32)
        self._n_heard = 0
        self._usual_db = np.zeros(n_bins, np.float32)
        self._spread_db = np.ones(n_bins, np.float32)
        self._widths = tuple(width for width in WIDTHS if width <= n_bins)
        self._excess = [
            np.ones((len(LENGTHS), n_bins - width + 1), np.float32) for width in self._widths
        ]
        self._x = np.zeros((max(LENGTHS), n_bins), np.float32)
        self._learnt_level_db = np.empty((len(self._learnt_db), 1), np.float32)
        self._usual_level_db, self._level_spread_db = 0.0, LEAST_LEVEL_DB
        self._level_excess = np.ones((len(LENGTHS), 1), np.float32)
        self._level_x = np.zeros((max(LENGTHS), 1), np.float32)
        self._map_db = np.empty((geometry.n_horizon, n_bins), np.float32)
        self._is_settled = False
        self._n_proofs = self._n_left = max(n_warmup, 1) * self._n_new

    def reset(self) -> None:
        """Forget the reference and warm up again."""
        self._n_heard, self._is_settled, self._n_left = 0, False, self._n_proofs
        self._x[:] = self._level_x[:] = 0.0

    def follow(self, step_db: float) -> None:
        """Move the usual level; the shape is what is left without it."""
        self._usual_level_db += step_db
        self._level_x[:] = 0.0

    def settle(self) -> None:
        """Keep what was learnt as the reference from now on; called again, no more is proven."""
        if self._is_settled and self._n_left < self._n_proofs:
            self._n_left = 0
        if self._is_settled or self._n_heard < 2:
            return
        rows_db = self._learnt_db[: self._n_heard]
        self._usual_db[:] = np.median(rows_db, axis=0)
        deviation_db = rows_db - self._usual_db
        spread_db = np.sqrt(np.mean(deviation_db**2, axis=0, keepdims=True))
        self._spread_db[:] = np.maximum(
            shrunk_spread(spread_db, self._n_heard), SMALLEST_SPREAD_DB
        )[0]
        x = deviation_db / self._spread_db
        for number, width in enumerate(self._widths):
            self._excess[number] = _learn_excess(x, width)
        levels_db = self._learnt_level_db[: self._n_heard]
        self._usual_level_db = float(np.median(levels_db))
        level_x = levels_db - np.float32(self._usual_level_db)
        self._level_spread_db = max(float(np.sqrt(np.mean(level_x**2))), LEAST_LEVEL_DB)
        self._level_excess[:] = _learn_excess(level_x / np.float32(self._level_spread_db), 1)
        self._x[:] = self._level_x[:] = 0.0
        self._is_settled = True

    def reference(self) -> Reference:
        """Return what was learnt, once it is settled."""
        if not self._is_settled:
            return {}
        found = {
            "bins": np.stack([self._usual_db, self._spread_db]),
            "level": np.array([self._usual_level_db, self._level_spread_db]),
            "level_excess": self._level_excess.copy(),
            "n_left": np.array([float(self._n_left)]),
        }
        return found | {f"excess{number}": one for number, one in enumerate(self._excess)}

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt, in place of a warm-up."""
        both = np.empty((2, len(self._usual_db)), np.float32)
        filled(both, reference["bins"])
        for number, one in enumerate(self._excess):
            filled(one, reference[f"excess{number}"])
        level, n_left = np.empty(2), np.empty(1)
        filled(level, reference["level"])
        filled(n_left, reference["n_left"])
        filled(self._level_excess, reference["level_excess"])
        self._usual_db[:], self._spread_db[:] = both
        self._usual_level_db, self._level_spread_db = level.tolist()
        self._x[:] = self._level_x[:] = 0.0
        self._is_settled, self._n_left = True, int(n_left[0])

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the largest deviation and the map of the shape against the usual one, in dB."""
        target_db = segment.target
        levels_db = np.median(target_db, axis=1, keepdims=True)
        shape_db = target_db - levels_db
        first = len(shape_db) - self._n_new
        new_db, new_levels_db = shape_db[first:], levels_db[first:]
        if not self._is_settled:
            room = min(len(new_db), len(self._learnt_db) - self._n_heard)
            at = slice(self._n_heard, self._n_heard + room)
            self._learnt_db[at], self._learnt_level_db[at] = new_db[:room], new_levels_db[:room]
            self._n_heard += room
            if self._n_heard == len(self._learnt_db):
                self.settle()
            return None
        np.subtract(shape_db, self._usual_db, out=self._map_db)
        most = 0.0
        for row_db, level_db in zip(new_db, new_levels_db, strict=True):
            x = (row_db - self._usual_db) / self._spread_db
            level_x = (level_db - np.float32(self._usual_level_db)) / self._level_spread_db
            for rows, new in ((self._x, x), (self._level_x, level_x)):
                rows[:-1] = rows[1:]
                rows[-1] = new
            proves, self._n_left = self._n_left > 0, max(self._n_left - 1, 0)
            most = max(
                most,
                _largest(self._x, self._widths, self._excess, proves=proves),
                _largest(self._level_x, (1,), [self._level_excess], proves=proves),
            )
            self._usual_db += _followed(x) * self._spread_db / np.float32(FOLLOWS_WITHIN)
            step_db = float(_followed(level_x)[0]) * self._level_spread_db
            self._usual_level_db += step_db / LEVEL_WITHIN
        return Score(self.name, most, self._map_db)


def _followed(x: FloatArray) -> FloatArray:
    """Return the part of a deviation that is followed: less of what is far, nothing of more."""
    followed: FloatArray = x * np.maximum(1.0 - (x / np.float32(FOLLOWS_BELOW)) ** 2, 0.0) ** 2
    return followed


def _largest(
    x: FloatArray, widths: Sequence[int], excess: Sequence[FloatArray], *, proves: bool = False
) -> float:
    """Return the largest deviation of the windows that end with the last row.

    Where it ``proves``, what windows vary by grows then until none is larger than what counts as
    such; returned is how large they were: how often a window is so for the first time.
    """
    most = 0.0
    for place, length in enumerate(LENGTHS):
        rows = x[-length:]
        if length > 1:
            rows = np.clip(rows, -MOST_ALONE, MOST_ALONE)
        n_newest = -(-length // 3)
        row, newest = rows.sum(axis=0), rows[-n_newest:].sum(axis=0)
        for number, width in enumerate(widths):
            total, part = _run_sums(row, width), _run_sums(newest, width)
            z = np.abs(total) / np.sqrt(excess[number][place] * (length * width))
            if length > 1:
                z[part * np.sign(total) < BORNE_OUT * np.abs(total) * n_newest / length] = 0.0
            most = max(most, float(z.max()))
            if proves:
                over = np.maximum(z / _LARGEST, 1.0).astype(np.float32)
                excess[number][place] *= over**2
    return most


def _run_sums(row: NDArray[Any], width: int) -> NDArray[np.float64]:
    """Return the sums of every run of so many bins."""
    sums = np.zeros(len(row) + 1)
    np.cumsum(row, out=sums[1:])
    return sums[width:] - sums[:-width]


def _learn_excess(x: FloatArray, width: int) -> FloatArray:
    """Return what windows of so many bins vary by beside chance, ``(n_lengths, n_runs)``."""
    n_sweeps, n_bins = x.shape
    excess = np.ones((len(LENGTHS), n_bins - width + 1), np.float32)
    last = 0
    for number, length in enumerate(LENGTHS):
        if length > 1 and length * _LEAST_WINDOWS > n_sweeps:
            excess[number] = excess[last] * (length / LENGTHS[last])
            continue
        last = number
        rows = x if length == 1 else np.clip(x, -MOST_ALONE, MOST_ALONE)
        sums = np.zeros((n_sweeps + 1, n_bins))
        np.cumsum(rows, axis=0, out=sums[1:])
        over_time = sums[length:] - sums[:-length]
        z = np.stack([_run_sums(row, width) for row in over_time]) / np.sqrt(length * width)
        largest = np.abs(z).max(axis=0) / _LARGEST
        excess[number] = np.maximum(np.maximum((z**2).mean(axis=0), largest**2), 1.0)
    return excess
