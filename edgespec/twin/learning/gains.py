"""What the transmitters of normal operation tell of the units' gains, and of the model's error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.detectors import thinned
from edgespec.twin.learning.coverage import LARGEST_DB, error_that_holds
from edgespec.twin.learning.normal import median_of_known
from edgespec.twin.learning.saved_gains import (
    FEWEST_UNITS,
    MOST_SQUARES,
    PLACE_DIGITS,
    SavedGains,
    Square,
)
from edgespec.twin.propagation.path_gain import CellGrid

__all__ = ["FEWEST_SQUARES", "GainLimits", "LearntGains", "unit_gains"]

FloatArray = NDArray[np.float64]

#: Transmitters heard in fewer squares than this teach nothing.
FEWEST_SQUARES = 8

#: Side of a square in cells: shadowing within one is much the same.
_SIDE_CELLS = 3.0

#: What the site file says counts like this many squares.
_PRIOR_SQUARES = 5.0

#: A square is the mean of what was heard from it; the last counts one in so many at least.
_MOST_MEANS = 20

#: Rounds of the median polish; it has settled after two or three.
_ROUNDS = 4

#: The error is sought over so many cells at most.
_MOST_CELLS = 4000

#: Path gains whose means are nearer are the same ones, rounded, in dB.
_SAME_DB = 0.05


@dataclass(frozen=True, slots=True)
class GainLimits:
    """What learnt gains never do: a unit's is never more than ``most_db`` from that of the others,
    and none moves by more than ``db_per_hour`` in an hour."""

    most_db: float
    db_per_hour: float


class LearntGains:
    """Gain of each unit and error of the path gains, from transmitters whose places are known.

    From a square p of the site a unit u hears ``off[p, u]`` dB more than the site file explains:
    what all paths have in common, what is wrong with the transmitter's power, the gain of the unit,
    and the error of the path gain (:func:`unit_gains`). One place tells the last two not apart, so
    a square counts once, however long a transmitter stands there. The error is that of each square
    by gains that the others told, and no less than what it must be so that 90% regions hold 90% of
    the transmitters (:func:`error_that_holds`).

    What is believed moves from the site file's values towards what is told, slowly and within
    limits (:class:`GainLimits`). Medians over units and over squares see to it that a unit that
    lies moves its own gain alone.

    Args:
        grid: where a source may be, with the path gains that are believed.
        gain_error_db: of the site file.
        limits: within which all stays.
        tells_error: whether the error is learnt, too; a walk's map knows its own.

    Attributes:
        unit_db: float64 ``(n_units,)``: by how much more each unit hears of a source, believed.
        gain_error_db: how far a path gain is usually off beyond that, believed.
        squares: what was heard, by column and row, the oldest first.
    """

    def __init__(
        self, grid: CellGrid, gain_error_db: float, limits: GainLimits, tells_error: bool = True
    ) -> None:
        self._usual_db = gain_error_db
        self._path_gain_db = grid.gain_db.mean(axis=0)
        self._side_m = _SIDE_CELLS * grid.cell_m
        self._grid = thinned(grid, _MOST_CELLS)
        self._limits = limits
        self._tells_error = tells_error
        self.squares: dict[tuple[int, int], Square] = {}
        self.unit_db = np.zeros(grid.gain_db.shape[1])
        self.gain_error_db = gain_error_db

    def hear(self, x_m: float, y_m: float, off_db: FloatArray) -> None:
        """Take what units hear of a transmitter at a place above what the site file explains.

        ``off_db`` float64 ``(n_units,)`` is NaN for units that hear something else, or nothing.
        """
        if np.isfinite(off_db).sum() < FEWEST_UNITS:
            return
        # As they are handed on: a successor finds the same squares.
        x_m, y_m = round(x_m, PLACE_DIGITS), round(y_m, PLACE_DIGITS)
        key = self._key(x_m, y_m)
        known = self.squares.pop(key, None)
        if known is None:
            self.squares[key] = Square(x_m, y_m, off_db.copy(), 1)
        else:
            n = min(known.n + 1, _MOST_MEANS)
            moved_db = known.off_db + (off_db - known.off_db) / n
            # Where only one of both is a number, that is it.
            moved_db = np.where(np.isnan(off_db), known.off_db, moved_db)
            moved_db = np.where(np.isnan(known.off_db), off_db, moved_db)
            self.squares[key] = Square(x_m, y_m, moved_db, n)
        if len(self.squares) > MOST_SQUARES:
            del self.squares[next(iter(self.squares))]

    def follow(self, elapsed_s: float) -> None:
        """Move towards what the squares tell by what the time allows."""
        step_db = self._limits.db_per_hour * elapsed_s / 3600.0
        unit_db, gain_error_db = self.told()
        wanted_db = self._within(unit_db)
        self.unit_db += np.clip(wanted_db - self.unit_db, -step_db, step_db)
        more_db = gain_error_db - self.gain_error_db
        self.gain_error_db += float(np.clip(more_db, -step_db, step_db))

    def told(self) -> tuple[FloatArray, float]:
        """Return the gains ``(n_units,)`` and the error that the squares tell, without limits: the
        site file's values if they are few."""
        squares = list(self.squares.values())
        n = len(squares)
        if n < FEWEST_SQUARES:
            return np.zeros(len(self.unit_db)), self._usual_db
        off_db = np.stack([one.off_db for one in squares])
        if not self._tells_error:
            return unit_gains(off_db), self._usual_db
        cells = [self._cell_of(one) for one in squares]
        others_db = np.stack([unit_gains(np.delete(off_db, row, axis=0)) for row in range(n)])
        heard_db = self._grid.gain_db[cells] + off_db - others_db
        error_db = max(
            error_that_holds(heard_db, np.array(cells), self._grid.gain_db),
            _deviation(off_db - others_db),
        )
        weighted = _PRIOR_SQUARES * self._usual_db**2 + n * error_db**2
        error_db = float(np.sqrt(weighted / (_PRIOR_SQUARES + n)))
        return unit_gains(off_db), min(error_db, LARGEST_DB)

    def saved(self) -> SavedGains:
        """Return what a successor goes on with."""
        squares = tuple(self.squares.values())
        return SavedGains(self.unit_db.copy(), self.gain_error_db, self._path_gain_db, squares)

    def take_on(self, saved: SavedGains) -> None:
        """Go on from what a former owner learnt, within the same limits; beside other path gains it
        learnt nothing of these."""
        if np.abs(saved.path_gain_db - self._path_gain_db).max() > _SAME_DB:
            return
        self.unit_db[:] = self._within(saved.unit_db)
        if self._tells_error:
            self.gain_error_db = min(saved.gain_error_db, LARGEST_DB)
        self.squares = {self._key(one.x_m, one.y_m): one for one in saved.squares}

    def _within(self, unit_db: FloatArray) -> FloatArray:
        """Return gains within the limits: of each unit, and of all."""
        common_db = float(np.median(unit_db))
        most_db = self._limits.most_db
        of_units_db = np.clip(unit_db - common_db, -most_db, most_db)
        return np.asarray(of_units_db + np.clip(common_db, -LARGEST_DB, LARGEST_DB))

    def _key(self, x_m: float, y_m: float) -> tuple[int, int]:
        return int(x_m // self._side_m), int(y_m // self._side_m)

    def _cell_of(self, square: Square) -> int:
        off_m = self._grid.xyz_m[:, :2] - (square.x_m, square.y_m)
        return int(np.argmin((off_m * off_m).sum(axis=1)))


def unit_gains(off_db: FloatArray) -> FloatArray:
    """Return by how much more each unit hears than the site file explains, ``(n_units,)``.

    A median polish (Tukey 1977, ch. 11) of ``off_db`` float64 ``(n_squares, n_units)``, NaN where
    not heard: ``off = common + square + unit + rest``. What is common and what is the unit's are
    drawn to 0 as if five more squares had said so; a unit that was not heard has 0.
    """
    n_of_unit = np.isfinite(off_db).sum(axis=0)
    left_db, gain_db = off_db, np.zeros(off_db.shape[1])
    for _ in range(_ROUNDS):
        left_db = left_db - median_of_known(left_db.T)[:, None]
        column_db = np.nan_to_num(median_of_known(left_db))
        left_db = left_db - column_db
        gain_db = gain_db + column_db
    common_db = float(median_of_known(median_of_known((off_db - gain_db).T)[:, None])[0])
    gain_db = gain_db * n_of_unit / (n_of_unit + _PRIOR_SQUARES)
    unit_db = gain_db + common_db * len(off_db) / (len(off_db) + _PRIOR_SQUARES)
    return np.asarray(np.where(n_of_unit > 0, unit_db, 0.0))


def _deviation(rest_db: FloatArray) -> float:
    """Return how far off ``(n_squares, n_units)`` are beyond what a square has in common: RMS of a
    unit, and the median of the units, so that one that lies is one of many."""
    n_of_square = np.isfinite(rest_db).sum(axis=1, keepdims=True)
    free_db = rest_db - median_of_known(rest_db.T)[:, None]
    squares_db2 = free_db**2 * n_of_square / (n_of_square - 1.0)
    known = np.isfinite(squares_db2)
    of_units_db2 = np.where(known, squares_db2, 0.0).sum(axis=0)[known.any(axis=0)]
    return float(np.sqrt(np.median(of_units_db2 / known.sum(axis=0)[known.any(axis=0)])))
