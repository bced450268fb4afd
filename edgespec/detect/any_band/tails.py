"""How far normal signal goes above what was known of it, part by part."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.any_band.known import PARTS
from edgespec.reference import Reference, filled

__all__ = ["Tails"]

#: The tail of a part begins at this quantile of its normal values, ...
_TAIL = 0.8
#: ... and its mean excess over that is this much at least: no receiver is steadier.
_LEAST_DB = 0.3
#: Values are counted in such steps, from the lowest on.
_STEP_DB, _LOWEST_DB, _N_STEPS = 0.05, -20.0, 1600


class Tails:
    """Where the tail of each part's normal values begins, and how it falls: exponentially.

    ``low = max(80% quantile, 0)`` and ``fall`` the mean excess over that quantile, both dB; the
    score of a hop is the largest ``(x - low) / fall``. On normal signal like that which was heard
    it is above ``t`` in a fifth of ``exp(-t)`` of the hops, by each part.

    Args:
        n_parts: how many there are.
    """

    def __init__(self, n_parts: int = len(PARTS)) -> None:
        self._counts = np.zeros((n_parts, _N_STEPS), np.int64)
        self.low_db = np.zeros(n_parts)
        self.fall_db = np.ones(n_parts)
        self._scratch = np.zeros(n_parts)

    def clear(self) -> None:
        """Forget every value."""
        self._counts[:] = 0

    def learn(self, parts_db: NDArray[np.float64]) -> None:
        """Take the parts of a normal hop."""
        for part, value_db in enumerate(parts_db.tolist()):
            step = int((value_db - _LOWEST_DB) / _STEP_DB)
            self._counts[part, min(max(step, 0), _N_STEPS - 1)] += 1

    def settle(self) -> None:
        """Keep what was learnt."""
        at_db = _LOWEST_DB + _STEP_DB * (np.arange(_N_STEPS) + 0.5)
        for part, counts in enumerate(self._counts):
            first = int(np.searchsorted(np.cumsum(counts), _TAIL * counts.sum()))
            above = counts[first + 1 :]
            n_above = int(above.sum())
            fall_db = float(above @ (at_db[first + 1 :] - at_db[first])) / n_above if n_above else 0
            self.low_db[part] = max(float(at_db[first]), 0.0)
            self.fall_db[part] = max(fall_db, _LEAST_DB)

    def score(self, parts_db: NDArray[np.float64]) -> float:
        """Return the largest of the parts, in mean excesses over the begin of its tail."""
        self.write_scores(parts_db, self._scratch)
        return float(self._scratch.max())

    def write_scores(self, parts_db: NDArray[np.float64], scores: NDArray[np.float64]) -> None:
        """Write each of the parts, in mean excesses over the begin of its tail."""
        np.subtract(parts_db, self.low_db, out=scores)
        np.divide(scores, self.fall_db, out=scores)

    def margin_db(self, part: str, score: float) -> float:
        """Return from how many dB above what is known a part comes to a score."""
        number = PARTS.index(part)
        return float(self.low_db[number] + score * self.fall_db[number])

    def reference(self) -> Reference:
        """Return what was learnt."""
        return {"tails_db": np.stack([self.low_db, self.fall_db])}

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt.

        Raises:
            LookupError: it is missing.
            ValueError: it is of another shape, or no tail.
        """
        tails_db = np.empty((2, len(self.low_db)))
        filled(tails_db, reference["tails_db"])
        if tails_db[1].min() <= 0.0:
            raise ValueError("a tail does not fall")
        self.low_db[:], self.fall_db[:] = tails_db
