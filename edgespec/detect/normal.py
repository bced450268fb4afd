"""What a map is like on normal signal: a power map in dBFS, or a model's error map in dB."""

from dataclasses import dataclass

import numpy as np

from edgespec.detect.reference import SMALLEST_SPREAD_DB, shrunk_spread
from edgespec.records import FloatArray
from edgespec.reference import Reference, filled

__all__ = ["NormalMap", "Standing", "take_rows"]

#: Rows that are kept.
N_ROWS = 128
#: In a longer warm-up one of so many segments takes the place of the oldest row.
EVERY = 8
#: Rows after which what was learnt here replaces the spread that was given.
TRUSTED_ROWS = 20
#: Spread assumed of a bin's mean before enough normal segments were seen.
PRIOR_SPREAD_DB = 1.0
#: What a bin must stand out by to be more than normal signal: so many spreads, so many dB, and so
#: many times as far as normal signal does.
OWN_SIGMAS, OWN_DB, OWN_SHARE = 6.0, 3.0, 1.3
#: How far out of its normal range the common level must be to count: parts of its spread, or dB.
COMMON_MARGIN, COMMON_MARGIN_DB = 0.5, 0.3
#: ... and how large it must be beside the largest excess: what is strong leaks everywhere.
COMMON_SHARE = 1.0 / 3.0
#: A shape is usual up to so many times as far out as that of nine in ten normal horizons; what is
#: less than so many dB is not looked at: a step of 3 dB moves a quantised floor a little less.
USUAL_SHAPE, USUAL_DB = 1.5, 0.5


@dataclass(frozen=True, slots=True)
class Standing:
    """One horizon against normal.

    ``excess_db`` and ``spread_db`` float32 ``(n_bins,)``: how much more than normal a bin has on
    average over the horizon, and how much that varies on normal signal. ``level_db`` is how far
    most of the band has moved together, where that is out of its normal range: it is then a part
    of the excess; 0 where it is not, and what is common to the bins, ``common_db``, is taken out.
    ``highest`` is the largest excess, in spreads, of nine in ten normal horizons.
    """

    excess_db: FloatArray
    spread_db: FloatArray
    level_db: float
    highest: float
    common_db: float = 0.0

    def is_clear(self, bin_: int) -> bool:
        """Return whether a bin has more, or less, than it ever has on normal signal.

        It is so both with and without what is common: where the rest has more, nothing is lost.
        """
        excess_db = float(self.excess_db[bin_])
        sigmas = max(OWN_SIGMAS, OWN_SHARE * self.highest)
        if abs(excess_db) < max(OWN_DB, sigmas * float(self.spread_db[bin_])):
            return False
        whole_db = excess_db + self.common_db
        return abs(whole_db) >= OWN_DB and whole_db * excess_db > 0


def take_rows(rows: FloatArray, reference: Reference) -> int:
    """Put the rows of a reference at the begin of others; return how many there are.

    Raises:
        ValueError: they are too many, or of another length.
    """
    if "rows" not in reference:
        return 0
    found = reference["rows"]
    n_rows = len(found) if found.ndim else 0
    filled(rows[:n_rows], found)
    return n_rows


class NormalMap:
    """Mean rows of normal segments; what follows from them is computed when something alarms.

    A segment to learn from costs the mean over its horizon, into a row that is already there. The
    common level of a row is the median of its bins: of an interferer in less than half of the band
    it knows nothing, so its other bins are no loss.

    Args:
        n_bins: width of the map.
        spread_db: ``(n_bins,)`` spread of the bins' means, used until enough rows were learnt.
        is_relative: the map is already the difference from what was expected, so that zero is
            normal where nothing was learnt.
        has_level: what all bins have in common counts; not so in a map of shapes.
    """

    def __init__(
        self,
        n_bins: int,
        spread_db: FloatArray | None = None,
        *,
        is_relative: bool = False,
        has_level: bool = True,
    ) -> None:
        self._rows = np.zeros((N_ROWS, n_bins), np.float32)
        self._count = 0
        self._n_seen = 0
        self._is_relative, self._has_level = is_relative, has_level
        self._prior_db: FloatArray = (
            np.full(n_bins, PRIOR_SPREAD_DB, np.float32) if spread_db is None else spread_db
        )
        self._settled_for = -1
        self.mean_db = np.zeros(n_bins, np.float32)
        self.spread_db = self.own_spread_db = self._prior_db
        self._shape_spread_db = self._prior_db
        self._lowest_db = self._highest_db = self._common_spread_db = 0.0
        self._highest = 0.0

    @property
    def is_known(self) -> bool:
        """Whether enough rows were learnt to say what is normal."""
        return self._count >= TRUSTED_ROWS

    def clear(self) -> None:
        """Forget every row."""
        self._count = self._n_seen = 0
        self._settled_for = -1

    @property
    def is_full(self) -> bool:
        """Whether there are as many rows as are ever kept."""
        return self._count == N_ROWS

    def add(self, map_db: FloatArray) -> None:
        """Learn the mean row of ``(n_horizon, n_bins)``."""
        self._n_seen += 1
        if self._count < N_ROWS:
            row = self._rows[self._count]
            self._count += 1
        elif self._n_seen % EVERY:
            return
        else:
            row = self._rows[self._n_seen // EVERY % N_ROWS]
        np.add.reduce(map_db, axis=0, out=row)
        np.multiply(row, np.float32(1.0 / len(map_db)), out=row)

    def shift(self, step_db: float) -> None:
        """Take a step of the level into what is normal."""
        self._rows += np.float32(step_db)
        self._settled_for = -1

    def reference(self) -> Reference:
        """Return the rows that were learnt."""
        return {"rows": self._rows[: self._count].copy()} if self._count else {}

    def take_reference(self, reference: Reference) -> None:
        """Go by rows that another one learnt."""
        self._count = self._n_seen = take_rows(self._rows, reference)
        self._settled_for = -1

    def standing(self, map_db: FloatArray) -> Standing:
        """Return how the mean row of ``(n_horizon, n_bins)`` stands to normal."""
        self.settle()
        excess_db = map_db.mean(axis=0) - self.mean_db
        level_db = float(np.median(excess_db))
        margin_db = max(COMMON_MARGIN_DB, COMMON_MARGIN * self._common_spread_db)
        is_usual = self._lowest_db - margin_db <= level_db <= self._highest_db + margin_db
        if (
            not self._has_level
            or is_usual
            or abs(level_db) < COMMON_SHARE * np.abs(excess_db).max()
        ):
            return Standing(
                excess_db - np.float32(level_db),
                self._shape_spread_db,
                0.0,
                self._highest,
                level_db if self._has_level else 0.0,
            )
        return Standing(excess_db, self.spread_db, level_db, self._highest)

    def limit_db(self) -> FloatArray:
        """Return what a bin's mean over a horizon must exceed to be clear of normal signal."""
        self.settle()
        sigmas = max(OWN_SIGMAS, OWN_SHARE * self._highest)
        limit_db: FloatArray = self.mean_db + np.maximum(
            np.float32(OWN_DB), np.float32(sigmas) * self.spread_db
        )
        return limit_db

    def has_usual_shape(self, row_db: FloatArray) -> bool:
        """Return whether the bins of a mean row lie to each other as they do on normal signal.

        ``row_db`` is its difference from ``mean_db``; what all bins have in common is left out. A
        burst of traffic spreads every bin by 10 dB but moves them together, so an interferer that
        hides within the spread of its bins does not hide here.
        """
        self.settle()
        shape_db = row_db - np.median(row_db)
        distance = np.abs(shape_db) / self._shape_spread_db
        distance[np.abs(shape_db) < USUAL_DB] = 0.0
        return bool(distance.max() <= USUAL_SHAPE * self._highest)

    def settle(self) -> None:
        """Compute mean and spreads from the rows, unless nothing was learnt since."""
        if self._settled_for == self._n_seen:
            return
        self._settled_for = self._n_seen
        if not self.is_known:
            self.mean_db = np.zeros_like(self.mean_db)
            if self._count and not self._is_relative:
                self.mean_db = self._rows[: self._count].mean(axis=0)
            self.spread_db = self.own_spread_db = self._shape_spread_db = self._prior_db
            self._common_spread_db = self._highest = 0.0
            self._highest_db = 2.0 * float(np.median(self._prior_db))
            self._lowest_db = -self._highest_db
            return
        rows = self._rows[: self._count]
        self.mean_db = rows.mean(axis=0)
        rows = rows - self.mean_db
        common_db = np.median(rows, axis=1)
        shapes_db = rows - common_db[:, None]
        self._lowest_db, self._highest_db = float(common_db.min()), float(common_db.max())
        self._common_spread_db = float(common_db.std())
        self.own_spread_db = np.maximum(rows.std(axis=0), SMALLEST_SPREAD_DB)
        self.spread_db = self._spread_of(rows)
        self._shape_spread_db = self._spread_of(shapes_db)
        farthest = np.abs(shapes_db / self._shape_spread_db).max(axis=1)
        self._highest = float(np.quantile(farthest, 0.9))

    def _spread_of(self, rows: FloatArray) -> FloatArray:
        spread_db = np.maximum(rows.std(axis=0), SMALLEST_SPREAD_DB)
        shrunk: FloatArray = shrunk_spread(spread_db[None], len(rows))[0]
        return shrunk
