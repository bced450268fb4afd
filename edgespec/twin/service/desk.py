"""The place where one site is looked after: its twin, its event, what was refused."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from edgespec.decode.shown import clipped
from edgespec.errors import ConfigError, EdgespecError
from edgespec.mqtt.backoff import QuietLog
from edgespec.records import RssReport
from edgespec.twin.central import ReportRefused, SiteTwin
from edgespec.twin.service.book import EventBook
from edgespec.twin.service.pace import Pace
from edgespec.twin.site import Site
from edgespec.twin.state import TwinState
from edgespec.units import format_utc
from edgespec.wire.handover import SavedSite
from edgespec.wire.rss import RssPayloadError, parse_rss
from edgespec.wire.rss_binary import is_binary
from edgespec.wire.site_event import SiteEvent
from edgespec.wire.transmitters import Transmitter
from edgespec.wire.verdict import TwinVerdict, VerdictWriter

__all__ = ["Desk", "MakeTwin", "Said"]

_LOG = logging.getLogger(__name__)

#: Reports of unknown units in a second that are read, so that it is said what is wrong with them;
#: and how many are a flood.
_STRANGERS, _FLOOD = 20, 1000
#: What was learnt is told again after so long, even if it is what was told before.
_NEWS_NS = 60_000_000_000

#: Makes the twin of a site from learnt state (bytes, empty for none).
MakeTwin = Callable[[Site, bytes], SiteTwin]


class Said(NamedTuple):
    """A verdict, and what it means for the site's event.

    ``sequence`` counts the messages of events, across owners. ``alarm`` is whether an event is
    open, where that was not said yet.
    """

    verdict: TwinVerdict
    event: SiteEvent | None
    sequence: int
    alarm: bool | None


class Desk:
    """Reports of one site in, verdicts out; nothing that a report contains can stop it.

    The twin is made when the first report comes: a former owner's state arrives before that, and
    so does what the network says of its transmitters. ``due_ns`` is the time from which a snapshot
    waits for no more reports. ``writer`` writes the site's verdicts.

    Args:
        site: the site.
        make_twin: makes its twin.
        pace: the time by which reports are late; default: the clock on the wall.
    """

    def __init__(self, site: Site, make_twin: MakeTwin, pace: Pace | None = None) -> None:
        self.site = site
        self.due_ns = math.inf
        self.writer = VerdictWriter()
        self._pace = pace
        self._interval_ns = round(1e9 * site.detect.interval_s)
        self._book = EventBook(interval_ns=self._interval_ns)
        self._sequence = 0
        self._alarm_said: bool | None = None
        self._basis_ns = 0
        self._last_ns = 0
        self.state_due_s = 0.0
        self._make_twin = make_twin
        self._twin: SiteTwin | None = None
        self._state = b""
        #: What another owner can know.
        self._told_state: TwinState | None = None
        self._notes: tuple[str, ...] = ()
        self._names = site.nodes
        self._nodes = frozenset(self._names)
        #: Reports that wait, with their units and the times at which they came.
        self._pile: list[tuple[int, bytes, int]] = []
        self._second, self._n_strangers = 0, 0
        self._told: tuple[tuple[Transmitter, ...], int] | None = None
        self._unread: Counter[str] = Counter()
        self._logs: dict[str, QuietLog] = {}

    @property
    def counts(self) -> dict[str, int]:
        """Reports by what became of them: ``accepted``, or the reason why not."""
        self._take_pile()
        of_twin = self._twin.counts if self._twin is not None else Counter[str]()
        # Counters are added slowly, and usually there is nothing to add.
        return dict(self._unread + of_twin if self._unread else of_twin)

    @property
    def sequence(self) -> int:
        """Number of the last message of an event, of this owner or a former one."""
        return self._sequence

    @property
    def alarm_said(self) -> bool | None:
        """Whether an event is open, as it was said last; None where nothing was said."""
        return self._alarm_said

    @property
    def is_flooded(self) -> bool:
        """Whether strangers report by the thousand in a second."""
        return self._n_strangers >= _FLOOD

    def _is_flood(self, now_ns: int) -> bool:
        """Count a stranger; whether there were so many that what it says is not even read."""
        second = now_ns // 1_000_000_000
        if second != self._second:
            self._second, self._n_strangers = second, 0
        self._n_strangers += 1
        return self._n_strangers > _STRANGERS

    def refuse(self, reason: str) -> None:
        """Count a message on this site that was left out."""
        self._unread[reason] += 1

    @property
    def has_judged(self) -> bool:
        """Whether there was a verdict yet."""
        return self._last_ns > 0

    def take(self, data: bytes, now_ns: int, node: str) -> int | None:
        """Take one report as it came from the broker, on the topic of ``node``.

        Return the number of the snapshot that it waits for, None where it was left out. The broker
        knows who may publish there; what a payload says of its node is only words.
        """
        if node not in self._nodes and self._is_flood(now_ns):
            self._unread["unknown_unit"] += 1
            return None
        try:
            twin = self._twin or self._open()
            report = parse_rss(data, node, self.site.name)
            if report.node != node:
                raise RssPayloadError(
                    "wrong_topic", f"node {node!r} reports in the name of {report.node!r}"
                )
            at_ns = now_ns if self._pace is None else self._pace_of(self._pace, report, now_ns)
            return twin.accept(report, now_ns, at_ns, data if is_binary(data) else b"")
        except RssPayloadError as error:
            self._unread[error.reason] += 1
            self._say(error.reason, error)
        except ReportRefused as error:
            self._say(error.reason, error)
        except Exception as error:
            # One site's trouble must not take the others with it.
            self._unread["failed"] += 1
            self._say("failed", error, exc_info=not isinstance(error, EdgespecError))
        return None

    def put(self, data: bytes, now_ns: int, unit: int) -> int | None:
        """Take one report of a unit of the site; where there is time, with others by and by.

        ``unit`` is its index. What is returned is as of :meth:`take`, but None of one that waits.
        """
        if self._pace is None and is_binary(data):
            self._pile.append((unit, data, now_ns))
            return None
        self._take_pile()
        return self.take(data, now_ns, self._names[unit])

    def advance(self, now_ns: int) -> list[Said]:
        """Return what the snapshots say that are complete now."""
        self._take_pile()
        if self._twin is None:
            return []
        try:
            if self._pace is not None:
                now_ns = self._pace.now_ns(now_ns, self._twin.due_ns)
            said = [self._said(verdict) for verdict in self._twin.advance(now_ns)]
            # By a pace of its own, any time.
            self.due_ns = self._twin.due_ns if self._pace is None else 0.0
            return said
        except Exception as error:
            self._unread["failed"] += 1
            self._say("failed", error, exc_info=True)
            return []

    def set_transmitters(self, transmitters: tuple[Transmitter, ...], utc_ns: int) -> None:
        """Take what the network says of its transmitters."""
        self._told = transmitters, utc_ns
        if self._twin is not None:
            self._twin.set_transmitters(transmitters, utc_ns)

    def adopt(self, saved: SavedSite) -> None:
        """Go on where another owner ended, if that is newer than what is known here."""
        if saved.utc_ns <= self._basis_ns:
            return
        self._basis_ns = saved.utc_ns
        self._sequence = max(self._sequence, saved.sequence)
        if saved.event is not None or not self._book.is_open:
            self._book = EventBook(saved.event, self._interval_ns)
        self._alarm_said = None
        self._begin_with(saved.twin)
        self._notes = (
            f"goes on with what {saved.central} learnt until {format_utc(saved.utc_ns)}; "
            f"`edgespec twin forget {self.site.name}` begins anew",
        )

    def forget(self) -> None:
        """Begin anew, without what was learnt here or by another owner."""
        self._basis_ns = max(self._basis_ns, self._last_ns)
        self._begin_with(b"")
        self._notes = ()

    def lose_link(self) -> None:
        """Say the alarm and what was learnt anew, and adopt only what is newer than the last
        verdict: while the link is down, another owner may go on."""
        self._basis_ns = max(self._basis_ns, self._last_ns)
        self._alarm_said = self._told_state = None

    def plan_state(self, at_s: float) -> None:
        """Let what was learnt be due at a time of the monotonic clock."""
        self.state_due_s = at_s

    @property
    def has_news(self) -> bool:
        """Whether another owner would miss what was learnt since :meth:`saved` told it."""
        told = self._told_state
        if self._twin is None or told is None or self._book.is_open:
            return True
        return self._last_ns - told.utc_ns >= _NEWS_NS or not self._twin.state().is_near(told)

    def saved(self, central: str) -> SavedSite | None:
        """Return what another owner needs; None before the first report."""
        if self._twin is None:
            return None
        utc_ns = self._last_ns or self._basis_ns
        self._told_state = state = self._twin.state()
        event, data = self._book.event, state.to_bytes()
        return SavedSite(self.site.name, central, utc_ns, self._sequence, event, data)

    def _take_pile(self) -> None:
        """Take what was put here: at once what is as it was before, the rest one by one."""
        if not self._pile:
            return
        pile, self._pile = self._pile, []
        at, n_singly = 0, 1
        while at < len(pile):
            n_taken = 0
            if self._twin is not None:
                units, data, times_ns = zip(*pile[at:], strict=True)
                n_taken = self._twin.accept_alike(units, data, times_ns[0])
            at += n_taken
            # Where nothing is as usual, that need not be found anew with each.
            n_singly = 1 if n_taken else 2 * n_singly
            for unit, one, now_ns in pile[at : at + n_singly]:
                self.take(one, now_ns, self._names[unit])
            at += n_singly

    @staticmethod
    def _pace_of(pace: Pace, report: RssReport, now_ns: int) -> int:
        """Return the time by which the snapshot of a report is open.

        Raises:
            RssPayloadError: it is of no use any more.
        """
        if pace.is_too_old(report.utc_ns, now_ns):
            age_s = (now_ns - report.utc_ns) / 1e9
            raise RssPayloadError("too_old", f"{report.node} reports for {age_s:.0f} s ago")
        if pace.is_repeated(report.utc_ns):
            raise RssPayloadError("repeated", f"{report.node} reports what was judged before")
        return pace.hear(report.node, report.utc_ns, now_ns)

    def _begin_with(self, state: bytes) -> None:
        self._state, self._told_state = state, None
        if self._twin is not None:
            self._unread += self._twin.counts
            self._twin = None

    def _said(self, verdict: TwinVerdict) -> Said:
        event = self._book.follow(verdict)
        self._last_ns = verdict.utc_ns
        self._sequence += event is not None
        is_news = self._book.is_open is not self._alarm_said
        self._alarm_said = self._book.is_open
        notes = (*self._notes, *verdict.notes)
        if notes != verdict.notes:
            verdict = replace(verdict, notes=notes)
        return Said(verdict, event, self._sequence, self._alarm_said if is_news else None)

    def _open(self) -> SiteTwin:
        begun_s = time.monotonic()
        try:
            self._twin = self._make_twin(self.site, self._state)
        except ConfigError as error:
            if not self._state:
                raise
            note = f"the state of site {self.site.name} is of no use and left out: {error}"
            _LOG.warning("%s", note)
            self._notes = (clipped(note, 900),)
            self._state = b""
            self._twin = self._make_twin(self.site, b"")
        if self._told is not None:
            self._twin.set_transmitters(*self._told)
        took_s = time.monotonic() - begun_s
        _LOG.debug("the twin of site %s is ready after %.3f s", self.site.name, took_s)
        return self._twin

    def _say(self, reason: str, error: Exception, *, exc_info: bool = False) -> None:
        log = self._logs.setdefault(reason, QuietLog(_LOG))
        log(
            logging.WARNING,
            f"site {self.site.name}: a report is left out ({reason}): {error}",
            exc_info=exc_info,
        )
