"""Compares the minutes of a band with its mask: what is too strong for its entry, or not there."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgespec.band_minute import BandMinute
from edgespec.clock import ClockQuality
from edgespec.config.mask import Mask, MaskRow
from edgespec.kinds import MISSING, OVER_MASK
from edgespec.records import Change, Event, EventType

__all__ = ["DETECTOR", "MaskWatch"]

_NS = 1_000_000_000
#: What these events name in place of a detector.
DETECTOR = "mask"
#: What is not there for so long is missing; what is within its level for so long is no more over
#: it; what goes on is said again as often.
_LONG_S = 600.0
#: A carrier beside an entry reaches so many bins into it.
_LEAK_BINS = 2


@dataclass(slots=True)
class _Case:
    """An entry that is ``kind``, or on its way: ``lasts_s`` of minutes in a row said so."""

    kind: str
    row: MaskRow
    start_ns: int
    tick_start: int
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    is_told: bool = False
    lasts_s: float = 0.0
    quiet_s: float = 0.0
    said_s: float = 0.0
    end_ns: int = 0
    tick_end: int = 0
    peak_hz: float = 0.0
    peak_dbfs: float = 0.0


class MaskWatch:
    """Looks at the largest means of a minute, once a minute; nothing is heard beside that.

    An entry is ``over-mask`` where a mean over a horizon lay above its largest level, in a bin that
    no neighbour reaches into. It is ``missing`` where for ten minutes none reached its least level,
    in any of its bins. What the band does not show whole is not missing.

    Args:
        mask: what should be in the band.
        band: its id.
        model_sha256: of the bundle that it is judged by.
        utc: how good UTC is.
    """

    def __init__(
        self,
        mask: Mask,
        band: str,
        model_sha256: str | None = None,
        utc: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
    ) -> None:
        self._mask = mask
        self._band = band
        self._model_sha256 = model_sha256
        self._utc = utc
        self._cases: dict[tuple[str, MaskRow], _Case] = {}

    @property
    def is_open(self) -> bool:
        """Whether there is something that is not as the mask has it."""
        return any(case.is_told for case in self._cases.values())

    def take(self, minute: BandMinute) -> list[Event]:
        """Take a minute; return what there is to say of it."""
        said: list[Event] = []
        listed = self._mask.at(minute.utc_ns)
        for row in listed:
            said += self._over(row, minute)
            said += self._missing(row, minute)
        # What is not listed at this hour is nobody's business any more.
        for key, case in [*self._cases.items()]:
            if case.row not in listed:
                said += self._end(key)
        return said

    def finish(self) -> list[Event]:
        """Return the ends of what is going on: the stream is over."""
        return [event for key in [*self._cases] for event in self._end(key)]

    def _over(self, row: MaskRow, minute: BandMinute) -> list[Event]:
        if row.max_dbfs is None:
            return []
        bins = _inner_bins(row, minute.freqs_hz)
        key = OVER_MASK, row
        is_over = len(bins) > 0 and bool(minute.max_dbfs[bins].max() > row.max_dbfs)
        case = self._cases.get(key)
        if is_over:
            return self._go_on(key, minute, bins, wait_s=0.0)
        if case is None:
            return []
        case.quiet_s += minute.duration_s
        return self._end(key) if not len(bins) or case.quiet_s >= _LONG_S else []

    def _missing(self, row: MaskRow, minute: BandMinute) -> list[Event]:
        if row.min_dbfs is None:
            return []
        bins = _all_bins(row, minute.freqs_hz)
        if len(bins) and minute.max_dbfs[bins].max() < row.min_dbfs:
            return self._go_on((MISSING, row), minute, bins, wait_s=_LONG_S)
        return self._end((MISSING, row))

    def _go_on(
        self,
        key: tuple[str, MaskRow],
        minute: BandMinute,
        bins: NDArray[np.intp],
        wait_s: float,
    ) -> list[Event]:
        """Take that an entry is so for another minute; return what there is to say."""
        case = self._cases.get(key)
        if case is None:
            case = self._cases[key] = _Case(*key, minute.utc_ns, minute.tick_start)
        case.lasts_s += minute.duration_s
        case.quiet_s = 0.0
        # UTC may have been set back meanwhile.
        case.end_ns = max(minute.utc_ns + round(minute.duration_s * _NS), case.start_ns)
        case.tick_end = minute.tick_end
        peak = bins[int(minute.max_dbfs[bins].argmax())]
        case.peak_hz = float(minute.freqs_hz[peak])
        case.peak_dbfs = float(minute.max_dbfs[peak])
        if case.lasts_s < wait_s:
            return []
        if not case.is_told:
            case.is_told, case.said_s = True, case.lasts_s
            return [self._message(case, EventType.NEW)]
        if case.lasts_s - case.said_s < _LONG_S:
            return []
        case.said_s = case.lasts_s
        return [self._message(case, EventType.UPDATE)]

    def _end(self, key: tuple[str, MaskRow]) -> list[Event]:
        case = self._cases.pop(key, None)
        if case is None or not case.is_told:
            return []
        return [self._message(case, EventType.END)]

    def _message(self, case: _Case, event_type: EventType) -> Event:
        row, is_over = case.row, case.kind == OVER_MASK
        limit_dbfs = row.max_dbfs if is_over else row.min_dbfs
        excess_db = case.peak_dbfs - (limit_dbfs or 0.0)
        return Event(
            event_id=case.event_id,
            event_type=event_type,
            band=self._band,
            start_ns=case.start_ns,
            end_ns=case.end_ns,
            sample_start=case.tick_start,
            n_samples=case.tick_end - case.tick_start,
            freq_lower_hz=row.lower_hz,
            freq_upper_hz=row.upper_hz,
            peak_freq_hz=case.peak_hz,
            peak_dbfs=case.peak_dbfs,
            change=Change.GAIN if is_over else Change.LOSS,
            excess_db=excess_db,
            severity_db=abs(excess_db),
            detector=DETECTOR,
            score=abs(excess_db),
            threshold=0.0,
            sureness=1.0,
            kind=case.kind,
            clock=self._utc(),
            model_sha256=self._model_sha256,
        )


def _all_bins(row: MaskRow, freqs_hz: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the bins that an entry reaches into; none where the band does not show it whole."""
    bin_hz = _bin_hz(freqs_hz)
    half_hz = bin_hz / 2.0
    if row.lower_hz < freqs_hz[0] - half_hz or row.upper_hz > freqs_hz[-1] + half_hz:
        return np.empty(0, np.intp)
    return np.flatnonzero(row.reached_by(freqs_hz, bin_hz))


def _inner_bins(row: MaskRow, freqs_hz: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the bins that carriers beside an entry do not reach; of a narrow one its middle."""
    bin_hz = _bin_hz(freqs_hz)
    margin_hz = (_LEAK_BINS + 0.5) * bin_hz
    inner = (freqs_hz >= row.lower_hz + margin_hz) & (freqs_hz <= row.upper_hz - margin_hz)
    if inner.any():
        return np.flatnonzero(inner)
    middle_hz = (row.lower_hz + row.upper_hz) / 2.0
    nearest = int(np.abs(freqs_hz - middle_hz).argmin())
    is_near = abs(freqs_hz[nearest] - middle_hz) <= bin_hz / 2.0
    is_narrow = row.upper_hz - row.lower_hz < 2.0 * margin_hz + bin_hz
    return np.flatnonzero([False] * nearest + [is_near and is_narrow])


def _bin_hz(freqs_hz: NDArray[np.float64]) -> float:
    return float(np.median(np.diff(freqs_hz)))
