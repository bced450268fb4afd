"""What was learnt of gains, as it is handed to a successor."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.learning.plain import array_of, integer_of

__all__ = ["FEWEST_UNITS", "MOST_SQUARES", "PLACE_DIGITS", "SavedGains", "Square"]

FloatArray = NDArray[np.float64]

#: So many squares are remembered; a transmitter that fewer units hear tells of none of them.
MOST_SQUARES, FEWEST_UNITS = 60, 3

#: Places are kept in millimetres.
PLACE_DIGITS = 3

#: What is learnt lies within these; anything else is damage, or malice.
_MOST_DB, _MOST_M, _MOST_TIMES = 300.0, 1e6, 1000


@dataclass(frozen=True, slots=True, eq=False)
class Square:
    """Where a transmitter was last heard within a square, and by how much more than the site file
    explains: float64 ``(n_units,)``, the mean over ``n`` times, NaN for units that did not."""

    x_m: float
    y_m: float
    off_db: FloatArray
    n: int


@dataclass(frozen=True, slots=True, eq=False)
class SavedGains:
    """What is believed, and the squares that tell it, the oldest first.

    ``unit_db`` float64 ``(n_units,)``; ``path_gain_db`` of that shape is the mean over all cells of
    the path gains that it was learnt beside: of others it tells nothing.
    """

    unit_db: FloatArray
    gain_error_db: float
    path_gain_db: FloatArray
    squares: tuple[Square, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as what JSON knows, levels to 0.01 dB."""
        return {
            "unit_db": np.round(self.unit_db, 4).tolist(),
            "gain_error_db": round(self.gain_error_db, 4),
            "path_gain_db": np.round(self.path_gain_db, 2).tolist(),
            "squares": [
                {
                    "place_m": [one.x_m, one.y_m],
                    "n": one.n,
                    "off_db": [
                        None if np.isnan(off) else round(off, 2) for off in one.off_db.tolist()
                    ],
                }
                for one in self.squares
            ],
        }

    @classmethod
    def of_plain(cls, plain: dict[str, Any], n_units: int) -> "SavedGains":
        """Return what :meth:`plain` wrote.

        Raises:
            ValueError, KeyError, TypeError: it did not.
        """
        squares = plain["squares"]
        if not isinstance(squares, list) or len(squares) > MOST_SQUARES:
            raise ValueError(f"squares are not a list of {MOST_SQUARES} at most")
        return cls(
            array_of(plain, "unit_db", (n_units,), -_MOST_DB, _MOST_DB),
            float(array_of(plain, "gain_error_db", (), 0.0, _MOST_DB)),
            array_of(plain, "path_gain_db", (n_units,), -2.0 * _MOST_DB, _MOST_DB),
            tuple(_square(one, n_units) for one in squares),
        )


def _square(plain: dict[str, Any], n_units: int) -> Square:
    x_m, y_m = array_of(plain, "place_m", (2,), -_MOST_M, _MOST_M).tolist()
    known = [off is not None for off in plain["off_db"]]
    if sum(known) < FEWEST_UNITS:
        raise ValueError(f"off_db has {sum(known)} numbers, of {FEWEST_UNITS} units at least")
    filled = {"off_db": [0.0 if off is None else off for off in plain["off_db"]]}
    off_db = array_of(filled, "off_db", (n_units,), -_MOST_DB, _MOST_DB)
    n = integer_of(plain, "n", 1, _MOST_TIMES)
    return Square(x_m, y_m, np.where(known, off_db, np.nan), n)
