"""What units that report by exception said last: it holds until they say otherwise."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgespec.records import RssReport
from edgespec.twin.detectors.grid_kernels import MISSING

__all__ = ["HeldLevels"]

#: The next summary may be late by this share of the time between two, and by two snapshots.
_MARGIN = 0.1
_LATE_SNAPSHOTS = 2
#: While a snapshot waits for late units, the reports of the next ones come.
_KEPT = 4


class _Told(NamedTuple):
    utc_ns: int
    until_ns: int
    levels_db: tuple[float, ...]
    kind: int


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
        self._told: list[tuple[_Told, ...]] = [()] * n_units
        #: Nothing holds behind this time, in ns since 1970.
        self.until_ns = 0

    def hear(self, unit: int, report: RssReport, kind: int) -> None:
        """Take a report that was accepted, with the kind that its levels are of."""
        told = self._told[unit]
        if report.hold_s <= 0.0 and not told:
            return
        hold_ns = round((1.0 + _MARGIN) * report.hold_s * 1e9)
        until_ns = report.utc_ns + hold_ns + _LATE_SNAPSHOTS * self._interval_ns
        if report.hold_s <= 0.0:
            until_ns = report.utc_ns
        one = _Told(report.utc_ns, until_ns, report.levels_db, kind)
        self._told[unit] = tuple(sorted((*told, one)))[-_KEPT:]
        self.until_ns = max(self.until_ns, until_ns)

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
