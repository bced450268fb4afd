"""From single reports to snapshots: who said what about which interval."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import EdgespecError
from edgespec.records import RssReport
from edgespec.twin.alike import Alike, paced
from edgespec.twin.held import HeldLevels, Told
from edgespec.twin.learning.history import History
from edgespec.twin.level_kind import LOWER_BOUND, MEASURED, MISSING
from edgespec.twin.plausibility.voices import Voices
from edgespec.twin.site import Site
from edgespec.units import format_utc

__all__ = ["Collector", "ReportRefused", "Snapshot", "history_of"]

#: Levels outside of this are no levels, in dBm or dBFS.
_LOWEST_DB, _HIGHEST_DB = -250.0, 100.0

#: Edges may be off by this share of a subband: observers round differently.
_EDGE_SHARE = 0.01

#: After a pause no more than this many empty snapshots are told one by one.
_MOST_EMPTY = 10


class ReportRefused(EdgespecError):  # noqa: N818
    """A report that is left out; ``reason`` is one word for counting."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What all units of a site said of one interval.

    ``level_db`` float64 ``(n_units, n_subbands)``, NaN where missing; ``kind`` uint8
    ``(n_units,)``: missing, measured, or saturated, so that the level is a bound from below;
    ``is_held`` bool ``(n_units,)``: nothing was said of this interval, and what was said before
    holds.
    """

    index: int
    utc_ns: int
    level_db: NDArray[np.float64]
    kind: NDArray[np.uint8]
    is_held: NDArray[np.bool_]


class _Slot:
    """A snapshot that is still open."""

    __slots__ = ("index", "is_held", "kind", "level_db", "n_units")

    def __init__(self, index: int, empty: Snapshot) -> None:
        self.index = index
        self.level_db = empty.level_db.copy()
        self.kind = empty.kind.copy()
        self.is_held = empty.is_held.copy()
        self.n_units = 0


class Collector:
    """Sorts reports into intervals and closes them in order.

    Units are not in step with each other: a report goes to the interval in which it ended, but a
    unit that reports about once an interval keeps its pace, so that jitter around the boundary
    neither doubles a report nor leaves a hole.
    """

    def __init__(self, site: Site) -> None:
        self.counts: Counter[str] = Counter()
        self._site = site
        self._interval_ns = round(site.detect.interval_s * 1e9)
        self._grace_ns = round(site.detect.grace_s * 1e9)
        self._future_ns = round(site.detect.max_future_s * 1e9)
        self._index = {node: index for index, node in enumerate(site.nodes)}
        self._most_clipped = site.detect.clipped_share
        self._edges_hz = self._last_edges_hz = site.edges_hz
        self._known_edges: set[tuple[float, ...]] = {site.edges_hz}
        shape = (len(site.unit), site.n_subbands)
        self._empty = Snapshot(
            0,
            0,
            np.full(shape, np.nan),
            np.full(shape[0], MISSING, np.uint8),
            np.zeros(shape[0], np.bool_),
        )
        self._slots: dict[int, _Slot] = {}
        self._alike = Alike(*shape, self._interval_ns, _LOWEST_DB, _HIGHEST_DB)
        self._first_open: int | None = None
        self._voices = Voices(len(site.unit), site.detect.interval_s)
        self._held = HeldLevels(len(site.unit), self._interval_ns)

    @property
    def doubtful(self) -> tuple[int, ...]:
        """Units in whose name two speak."""
        return self._voices.doubtful

    def told(self, utc_ns: int) -> tuple[Told | None, ...]:
        """What units said that holds behind a time, one for each unit; () where nothing does."""
        return self._held.told(utc_ns)

    def take_on(self, told: Sequence[Told | None]) -> None:
        """Let what units told a former owner hold on."""
        self._held.take_on(told)

    def accept(
        self, report: RssReport, now_ns: int, at_ns: int | None = None, data: bytes = b""
    ) -> int:
        """Take a report and return the number of its snapshot; it counts as ``accepted``.

        ``at_ns`` is the time by which snapshots are closed, where that lies behind ``now_ns``;
        ``data`` a binary report as it came: the next of its unit may come by many.

        Raises:
            ReportRefused: and why; the reason is counted, and nothing else happens.
        """
        kind = LOWER_BOUND if report.clipped_share > self._most_clipped else MEASURED
        unit = None
        try:
            unit = self._check(report, now_ns)
            slot = self._slot(report, unit, now_ns if at_ns is None else at_ns)
        except ReportRefused as refusal:
            self.counts[refusal.reason] += 1
            if unit is not None and refusal.reason == "stale":
                # Too late for its own snapshot, but it may hold for those that come.
                self._held.hear(unit, report, kind)
            raise
        if slot.kind[unit] == MISSING:
            slot.n_units += 1
        slot.level_db[unit] = report.levels_db
        slot.kind[unit] = kind
        self.counts["accepted"] += 1
        self._held.hear(unit, report, kind)
        if data and kind == MEASURED and not report.hold_s and not self._held.is_said(unit):
            self._alike.know(unit, data)
        else:
            self._alike.doubt(unit)
        if self._voices.hear(unit, report, is_taken=True):
            self.counts["two_voices"] += 1
        return slot.index

    def accept_alike(self, units: Sequence[int], data: Sequence[bytes], now_ns: int) -> int:
        """Take the first reports of many, up to one that is not as its unit's last was.

        They are what :meth:`accept` would take, too, and count so.

        Args:
            units: index of the unit of each.
            data: each as it came.
            now_ns: time at which the first came.

        Returns:
            How many were taken.
        """
        joined = self._alike.joined(data)
        if joined is None or self._first_open is None:
            return 0
        unit_of = np.array(units, np.int64)
        index, slot, n_taken = None, None, 0
        while True:
            here = slot or self._empty
            begin = n_taken
            n_taken, other = self._alike.take(
                unit_of, joined, begin, now_ns + self._future_ns, index, here.level_db, here.kind
            )
            if slot is not None:
                slot.n_units += n_taken - begin
            is_over = self._over_ns(other) < now_ns
            if n_taken == len(units) or other < self._first_open or is_over:
                break
            index = other
            slot = self._slots.get(index) or self._open_slot(index)
        self.counts["accepted"] += n_taken
        self._voices.follow(units[:n_taken], data[:n_taken])
        return n_taken

    @property
    def due_ns(self) -> float:
        """Time from which the next snapshot waits for nobody; infinite before the first report."""
        if self._first_open is None:
            return math.inf
        return self._over_ns(self._first_open)

    def _over_ns(self, index: int) -> int:
        """Return until when a snapshot waits for late units."""
        return (index + 1) * self._interval_ns + self._grace_ns

    def closed(self, now_ns: int) -> list[Snapshot]:
        """Return the snapshots that are complete or whose grace is over, in order.

        Of a unit that said nothing, what it told before counts for as long as that holds. An
        interval of which nobody reported and nothing holds gives an empty snapshot; after a long
        pause only the last few are given, and the others count as ``skipped_snapshots``.
        """
        if self._first_open is None:
            return []
        over = (now_ns - self._grace_ns) // self._interval_ns - 1
        n_empty = min(min(self._slots, default=over + 1), over + 1) - self._first_open
        # Where levels hold, they are not empty.
        n_held = (self._held.until_ns // self._interval_ns) - self._first_open
        most = max(_MOST_EMPTY, n_held)
        if n_empty > most:
            self.counts["skipped_snapshots"] += n_empty - most
            self._first_open += n_empty - most
        snapshots: list[Snapshot] = []
        while True:
            index = self._first_open
            slot = self._slots.get(index)
            if index > over and (slot is None or slot.n_units < len(self._index)):
                return snapshots
            slot = self._slots.pop(index, None) or _Slot(index, self._empty)
            utc_ns = (index + 1) * self._interval_ns
            self._held.fill(utc_ns, slot.level_db, slot.kind, slot.is_held)
            snapshots.append(Snapshot(index, utc_ns, slot.level_db, slot.kind, slot.is_held))
            self._first_open = index + 1
            self._voices.close()

    def _check(self, report: RssReport, now_ns: int) -> int:
        """Return the index of a report's unit if all but its time is in order."""
        unit = self._index.get(report.node)
        site = self._site
        if report.site != site.name:
            raise ReportRefused("site", f"a report for site {report.site!r} came to {site.name!r}")
        if unit is None:
            raise ReportRefused(
                "unknown_unit",
                f"node {report.node!r} is no unit of site {site.name!r}; add it to the site file",
            )
        if report.band != site.band:
            raise ReportRefused(
                "band", f"{report.node} reports band {report.band!r}; the site's is {site.band!r}"
            )
        if report.level_unit != site.level_unit:
            raise ReportRefused(
                "level_unit",
                f"{report.node} reports in {report.level_unit}; the site file says "
                f"{site.level_unit}: calibrate the unit or change level_unit",
            )
        # Units that are configured alike have the same.
        if report.edges_hz is not self._last_edges_hz:
            if report.edges_hz not in self._known_edges:
                self._check_edges(report)
            self._last_edges_hz = report.edges_hz
        levels_db = report.levels_db
        if len(levels_db) != site.n_subbands:
            raise ReportRefused(
                "subbands",
                f"{report.node} reports {len(levels_db)} levels; the site has {site.n_subbands} "
                "subbands",
            )
        # One NaN or infinity makes the sum one.
        if not math.isfinite(sum(levels_db)) or not math.isfinite(report.clipped_share):
            raise ReportRefused(
                "not_finite", f"{report.node} reports a level that is no finite number"
            )
        if min(levels_db) < _LOWEST_DB or max(levels_db) > _HIGHEST_DB:
            raise ReportRefused(
                "out_of_range",
                f"{report.node} reports levels from {min(levels_db):g} to {max(levels_db):g} "
                f"{report.level_unit}; they must lie between {_LOWEST_DB:g} and {_HIGHEST_DB:g}",
            )
        if report.utc_ns > now_ns + self._future_ns:
            raise ReportRefused(
                "future",
                f"{report.node} reports for {format_utc(report.utc_ns)}, "
                f"{(report.utc_ns - now_ns) / 1e9:.3g} s from now; set its clock",
            )
        return unit

    def _check_edges(self, report: RssReport) -> None:
        """Remember edges that are the site's within rounding."""
        width_hz = self._edges_hz[1] - self._edges_hz[0]
        if len(report.edges_hz) != len(self._edges_hz) or any(
            not abs(edge - own) <= _EDGE_SHARE * width_hz
            for edge, own in zip(report.edges_hz, self._edges_hz, strict=True)
        ):
            raise ReportRefused(
                "subbands",
                f"{report.node} reports {len(report.edges_hz) - 1} subbands from "
                f"{report.edges_hz[0] if report.edges_hz else math.nan:.10g} to "
                f"{report.edges_hz[-1] if report.edges_hz else math.nan:.10g} Hz; the site has "
                f"{len(self._edges_hz) - 1} from {self._edges_hz[0]:.10g} to "
                f"{self._edges_hz[-1]:.10g} Hz: configure all units alike",
            )
        if len(self._known_edges) <= len(self._index):
            self._known_edges.add(report.edges_hz)

    def _slot(self, report: RssReport, unit: int, now_ns: int) -> _Slot:
        """Return the open snapshot that a report belongs to."""
        utc_ns = report.utc_ns
        pace = self._pace(unit)
        index = self._interval_of(utc_ns, pace)
        is_over = self._over_ns(index) < now_ns
        if self._first_open is None:
            if is_over:
                raise self._stale(report, now_ns)
            self._first_open = index
        if is_over:
            raise self._stale(report, now_ns)
        if index < self._first_open:
            # In time, but the snapshot was complete before: with what?
            raise self._torn(report, unit) or self._stale(report, now_ns)
        slot = self._slots.get(index) or self._open_slot(index)
        if pace is not None and utc_ns <= pace[0] and slot.kind[unit] != MISSING:
            raise self._torn(report, unit) or ReportRefused(
                "duplicate", f"{report.node} reported for {format_utc(utc_ns)} before"
            )
        if pace is None or utc_ns > pace[0]:
            self._alike.paces[unit] = utc_ns, index
        return slot

    def _open_slot(self, index: int) -> _Slot:
        slot = self._slots[index] = _Slot(index, self._empty)
        return slot

    def _pace(self, unit: int) -> tuple[int, int] | None:
        """Return end and snapshot of a unit's newest report."""
        utc_ns, index = self._alike.paces[unit].tolist()
        return None if utc_ns < 0 else (utc_ns, index)

    def _interval_of(self, utc_ns: int, pace: tuple[int, int] | None) -> int:
        """Return the interval of a report: by its unit's pace, else by its end."""
        if pace is None:
            return (utc_ns - 1) // self._interval_ns
        return paced(utc_ns, *pace, self._interval_ns)

    def _torn(self, report: RssReport, unit: int) -> ReportRefused | None:
        """Return the refusal of a report that contradicts one of the same time."""
        if not self._voices.hear(unit, report, is_taken=False):
            return None
        return ReportRefused(
            "two_voices",
            f"{report.node} reports for {format_utc(report.utc_ns)} what differs from what was "
            "reported in its name before: somebody forges it, or two observers have its node id; "
            "let the broker allow each user its own topics only",
        )

    def _stale(self, report: RssReport, now_ns: int) -> ReportRefused:
        return ReportRefused(
            "stale",
            f"{report.node} reports for {format_utc(report.utc_ns)}, "
            f"{(now_ns - report.utc_ns) / 1e9:.3g} s ago; that snapshot is closed: set its clock "
            "or look at the network",
        )


def history_of(pending: list[tuple[Snapshot, NDArray[np.float64], NDArray[np.bool_]]]) -> History:
    """Return snapshots with what was expected of each as a history."""
    return History(
        np.stack([snapshot.level_db for snapshot, _, _ in pending]),
        np.stack([expected_dbm for _, expected_dbm, _ in pending]),
        np.stack([is_occupied for _, _, is_occupied in pending]),
        np.stack([snapshot.kind for snapshot, _, _ in pending]),
        np.stack([snapshot.is_held for snapshot, _, _ in pending]),
    )
