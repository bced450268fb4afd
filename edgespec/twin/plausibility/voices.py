"""Units in whose name two speak: somebody forges reports, or two observers have one node id."""

from collections.abc import Iterable

from edgespec.records import RssReport
from edgespec.wire.rss import parse_rss

__all__ = ["Voices"]

#: So many contradicted snapshots more than others are two voices; a restart contradicts once.
_SUSPECT = 3.0
_MOST = 10.0
#: What a snapshot without contradiction takes away, and where the doubt ends.
_FADE, _CLEAR = 0.25, 1.0


class Voices:
    """Follows which units contradict themselves.

    An observer's reports follow each other: each covers the time since the one before. Two that
    overlap by more than half and differ are of two voices, whichever came first, in whatever order
    and however they are stamped. Which one is real cannot be told from here.
    """

    def __init__(self, n_units: int, interval_s: float) -> None:
        self._half_ns = 0.5e9 * interval_s
        #: As they came, where nobody has looked into them.
        self._last: list[RssReport | bytes | None] = [None] * n_units
        self._torn: set[int] = set()
        self._doubt = [0.0] * n_units
        self._doubtful: set[int] = set()

    @property
    def doubtful(self) -> tuple[int, ...]:
        """Units with two voices."""
        return tuple(sorted(self._doubtful))

    def hear(self, unit: int, report: RssReport, *, is_taken: bool) -> bool:
        """Take a report of a unit, taken or refused; return whether it contradicts the last."""
        last = self._last[unit]
        if isinstance(last, bytes):
            last = parse_rss(last)
        if is_taken:
            self._last[unit] = report
        # Nearly always it ends here; a report that says it is longer than a snapshot is not.
        if last is None or abs(apart_ns := report.utc_ns - last.utc_ns) >= self._half_ns:
            return False
        longest_s = max(report.duration_s, last.duration_s)
        is_torn = abs(apart_ns) < 0.5e9 * longest_s and report.levels_db != last.levels_db
        if is_torn:
            self._torn.add(unit)
        return is_torn

    def follow(self, units: Iterable[int], data: Iterable[bytes]) -> None:
        """Note reports, as they came, that were taken and each follow the last of their unit."""
        last = self._last
        for unit, one in zip(units, data, strict=True):
            last[unit] = one

    def close(self) -> None:
        """Let a snapshot be over."""
        if not self._torn and not self._doubtful:
            return
        for unit, doubt in enumerate(self._doubt):
            is_torn = unit in self._torn
            doubt = min(doubt + 1.0, _MOST) if is_torn else max(doubt - _FADE, 0.0)
            self._doubt[unit] = doubt
            if doubt >= _SUSPECT:
                self._doubtful.add(unit)
            elif doubt < _CLEAR:
                self._doubtful.discard(unit)
        self._torn.clear()
