"""What a band was like in the last hours and days, as its model is given it."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgespec.band_minute import BandMinute
from edgespec.clock import ClockQuality
from edgespec.dsp.hour_means import HourMeans
from edgespec.dsp.stand_in import StandIn, fill_in
from edgespec.dsp.transforms import Transform
from edgespec.records import FloatArray, Geometry, Scaling
from edgespec.side_input import HOUR_NS, SideInput

__all__ = ["BandMemory"]

_GOOD = (ClockQuality.SYNCHRONISED, ClockQuality.RECORDED)
#: A clock that nobody vouches for, and that is behind what was heard, is believed after so many
#: minutes: a board that has just begun in 1970 is set sooner than that.
_MOST_DOUBTFUL = 120


def _recorded() -> ClockQuality:
    return ClockQuality.RECORDED


class BandMemory:
    """The side inputs of a model, from the minutes of its band.

    They are computed anew when a minute ends and when an hour begins; a segment only has them
    standardised, and nothing is allocated for it. Where an hour is not known, the mean of the
    context stands in: ``lack`` says where.

    Args:
        sides: what the model takes.
        geometry: of the segments.
        quality: how good UTC is.
    """

    def __init__(
        self,
        sides: Sequence[SideInput],
        geometry: Geometry,
        quality: Callable[[], ClockQuality] = _recorded,
    ) -> None:
        self._sides = tuple(sides)
        self._n_bins = geometry.n_bins
        self.n_hours = max((side.n_hours for side in sides), default=0)
        self._quality = quality
        self._stand_in = StandIn(geometry.n_context, geometry.n_bins)
        shapes = [(side.n_rows, geometry.n_bins) for side in sides]
        self._rows: list[FloatArray] = [np.full(shape, np.nan, np.float32) for shape in shapes]
        self._known: list[NDArray[np.bool_]] = [np.zeros(shape, np.bool_) for shape in shapes]
        self._given: tuple[FloatArray, ...] = tuple(np.empty(s, np.float32) for s in shapes)
        self._is_whole = False
        self._hour = -1
        self.forget()

    def forget(self) -> None:
        """Begin anew, as on another grid."""
        self._means = HourMeans(self._n_bins, self.n_hours)
        self._n_doubtful = 0
        self._renew()

    def remember(self, minutes: Iterable[tuple[BandMinute, ClockQuality]]) -> None:
        """Take minutes of earlier runs, in the order in which they were heard."""
        for minute, quality in minutes:
            self._add(minute, quality)
        self._renew()

    def take(self, minute: BandMinute) -> None:
        """Take a minute that has just ended."""
        self._add(minute, self._quality())
        self._renew()

    def at(self, utc_ns: int) -> None:
        """Go on to when a target begins; cheap but where an hour begins."""
        hour = utc_ns // HOUR_NS
        if hour != self._hour:
            self._hour = hour
            self._renew()

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        self._means.follow(step_db)
        self._renew()

    def given(
        self, context_db: FloatArray, scaling: Scaling, transform: Transform
    ) -> tuple[FloatArray, ...]:
        """Return what the model is given beside a context, standardised as that is.

        Each is float32 ``(n_rows, n_bins)`` in a buffer that the next call overwrites.
        """
        if self._is_whole:
            for rows, out in zip(self._rows, self._given, strict=True):
                transform.apply(rows, scaling, out)
            return self._given
        mean_db = self._stand_in.mean_db(context_db)
        for rows, known, out in zip(self._rows, self._known, self._given, strict=True):
            fill_in(rows, known, mean_db, out)
            transform.apply(out, scaling, out)
        return self._given

    @property
    def lack(self) -> str:
        """What is not known yet, as ``days 1 of 3``; '' where all is."""
        counts = [(side, int(known.all(axis=1).sum())) for side, known in self._pairs()]
        return ", ".join(
            f"{side.name} {n} of {side.n_rows}" for side, n in counts if n < side.n_rows
        )

    def _pairs(self) -> Iterable[tuple[SideInput, NDArray[np.bool_]]]:
        return zip(self._sides, self._known, strict=True)

    def _add(self, minute: BandMinute, quality: ClockQuality) -> None:
        if quality not in _GOOD and minute.utc_ns // HOUR_NS < self._means.newest_hour:
            self._n_doubtful += 1
            if self._n_doubtful < _MOST_DOUBTFUL:
                return
        self._n_doubtful = 0
        self._means.add(minute.utc_ns, minute.mean_dbfs)

    def _renew(self) -> None:
        for side, rows, known in zip(self._sides, self._rows, self._known, strict=True):
            rows[:] = self._means.rows(side, max(self._hour, 0) * HOUR_NS)
            np.isfinite(rows, out=known)
        self._is_whole = all(known.all() for known in self._known)
