"""What units that report by exception said last: it holds until they say otherwise."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgespec.records import RssReport
from edgespec.twin.learning.plain import array_of, integer_of
from edgespec.twin.level_kind import LOWER_BOUND, MEASURED, MISSING
from edgespec.wire.rss_binary import MAX_HOLD_S

__all__ = ["HeldLevels", "Told"]

#: The next summary may be late by this share of the time between two, and by two snapshots.
_MARGIN = 0.1
_LATE_SNAPSHOTS = 2
#: While a snapshot waits for late units, the reports of the next ones come.
_KEPT = 4


#: Nobody's word holds for longer than this behind it, margin and snapshots of a minute included.
_MOST_NS = round(2.0 * MAX_HOLD_S * 1e9)
#: Levels that a successor is told lie within these; anything else is damage, or malice.
_MOST_DB = 300.0


class Told(NamedTuple):
    """What a unit said of the interval that ended at ``utc_ns``, and how long that holds."""

    utc_ns: int
    until_ns: int
    levels_db: tuple[float, ...]
    kind: int

    def plain(self) -> dict[str, Any]:
        """Return it as what JSON knows, levels to 0.01 dB."""
        return {**self._asdict(), "levels_db": np.round(self.levels_db, 2).tolist()}

    @classmethod
    def of_plain(cls, plain: dict[str, Any], n_subbands: int) -> "Told":
        """Return what :meth:`plain` wrote.

        Raises:
            ValueError, KeyError, TypeError: it did not.
        """
        utc_ns = integer_of(plain, "utc_ns", 0, 2**62)
        until_ns = integer_of(plain, "until_ns", utc_ns, utc_ns + _MOST_NS)
        levels_db = array_of(plain, "levels_db", (n_subbands,), -_MOST_DB, _MOST_DB)
        kind = integer_of(plain, "kind", MEASURED, LOWER_BOUND)
        return cls(utc_ns, until_ns, tuple(levels_db.tolist()), kind)


class HeldLevels:
    """Fills the snapshots of which a unit says nothing, for it has nothing new to say.

    A report holds for its ``hold_s`` and a margin; then its unit is missing, as one that says every
    second would be at once. A report that holds for no time ends what held before.

    Args:
        n_units: of the site.
        interval_ns: length of a snapshot.
    """

    def __init__(self, n_units: int, interval_ns: int) -> None:
        self._interval_ns = interval_ns
        self._told: list[tuple[Told, ...]] = [()] * n_units
        #: Nothing holds behind this time, in ns since 1970.
        self.until_ns = 0

    def is_said(self, unit: int) -> bool:
        """Whether a unit ever said anything that holds."""
        return bool(self._told[unit])

    def hear(self, unit: int, report: RssReport, kind: int) -> None:
        """Take a report that was accepted, with the kind that its levels are of."""
        told = self._told[unit]
        if report.hold_s <= 0.0 and not told:
            return
        hold_ns = round((1.0 + _MARGIN) * report.hold_s * 1e9)
        until_ns = report.utc_ns + hold_ns + _LATE_SNAPSHOTS * self._interval_ns
        if report.hold_s <= 0.0:
            until_ns = report.utc_ns
        one = Told(report.utc_ns, until_ns, report.levels_db, kind)
        self._told[unit] = tuple(sorted((*told, one)))[-_KEPT:]
        self.until_ns = max(self.until_ns, until_ns)

    def told(self, utc_ns: int) -> tuple[Told | None, ...]:
        """Return for each unit what it said last, if that holds behind ``utc_ns``; () if none."""
        last = [told[-1] if told else None for told in self._told]
        holding = tuple(one if one and one.until_ns > utc_ns else None for one in last)
        return holding if any(holding) else ()

    def take_on(self, told: Sequence[Told | None]) -> None:
        """Go on with what units told a former owner, as :meth:`told` gives it."""
        for unit, one in enumerate(told):
            if one is not None:
                self._told[unit] = (one,)
                self.until_ns = max(self.until_ns, one.until_ns)

    def fill(
        self,
        utc_ns: int,
        level_db: NDArray[np.float64],
        kind: NDArray[np.uint8],
        is_held: NDArray[np.bool_],
    ) -> None:
        """Fill in a snapshot that ends at ``utc_ns`` what holds of the units that are missing."""
        if utc_ns > self.until_ns + self._interval_ns:
            return
        # A unit's intervals end up to half of one behind those of the site.
        at_ns = utc_ns + self._interval_ns // 2
        for unit in np.flatnonzero(kind == MISSING):
            told = next((one for one in reversed(self._told[unit]) if one.utc_ns <= at_ns), None)
            if told is not None and utc_ns <= told.until_ns:
                level_db[unit], kind[unit], is_held[unit] = told.levels_db, told.kind, True
