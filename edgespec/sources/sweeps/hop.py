"""A part of a sweep: what was measured at one setting of the receiver."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief
from edgespec.errors import SourceError
from edgespec.option import MOST_HZ
from edgespec.sweep_file import MOST_POINTS

__all__ = ["Hop", "TornError", "hop_of", "number_of"]


class TornError(SourceError):
    """A row that cannot be read; the next one may."""


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """``levels_db`` float32 ``(n_points,)`` at ``lower_hz``, ``lower_hz + step_hz`` and so on.

    ``utc_s`` is when it was measured, in seconds since 1970 in UTC; ``line`` is where it stands.
    """

    utc_s: float
    lower_hz: float
    step_hz: float
    levels_db: NDArray[np.float32]
    line: int

    @property
    def n_missing(self) -> int:
        """Points without a level."""
        return int(np.count_nonzero(np.isnan(self.levels_db)))

    @property
    def freqs_hz(self) -> NDArray[np.float64]:
        """Where its points lie, float64 ``(n_points,)``."""
        return self.lower_hz + self.step_hz * np.arange(len(self.levels_db), dtype=np.float64)


def number_of(text: str, line: int) -> float:
    """Return what a field of a line says.

    Raises:
        TornError: it is no number.
    """
    try:
        return float(text)
    except ValueError:
        raise TornError(
            f"line {line} has {brief(repr(text.strip()), 40)} where a number stands"
        ) from None


def hop_of(
    utc_s: float, span_hz: tuple[float, float], step_hz: float, levels_db: list[float], line: int
) -> Hop:
    """Return a hop from ``lower`` up to, but not including, ``upper``.

    ``rtl_power`` writes the last point twice, for the eye: what lies at ``upper`` is left out. What
    is missing at the end was not measured.

    Raises:
        TornError: it is none.
    """
    lower_hz, upper_hz = span_hz
    if not 0 < step_hz < MOST_HZ or not -MOST_HZ < lower_hz <= upper_hz < MOST_HZ:
        raise TornError(
            f"line {line} goes from {lower_hz:g} to {upper_hz:g} Hz in steps of {step_hz:g} Hz; "
            f"frequencies rise, and are below {MOST_HZ:g} Hz"
        )
    n_points = max(round((upper_hz - lower_hz) / step_hz), 1)
    if n_points > MOST_POINTS or len(levels_db) > n_points + 1:
        raise TornError(
            f"line {line} has {len(levels_db)} levels, but {lower_hz:g} to {upper_hz:g} Hz in "
            f"steps of {step_hz:g} Hz are {n_points} (at most {MOST_POINTS})"
        )
    values = np.full(n_points, np.nan, np.float32)
    n_given = min(len(levels_db), n_points)
    with np.errstate(over="ignore"):
        values[:n_given] = levels_db[:n_given]
    values[~np.isfinite(values)] = np.nan
    return Hop(utc_s, lower_hz, step_hz, values, line)
