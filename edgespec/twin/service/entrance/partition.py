"""One partition of an engine: who has its deed, what is kept with it, which reports are open."""

import json
import logging
import time
import uuid
from collections import deque
from collections.abc import Collection, Mapping
from typing import NamedTuple

from edgespec.engine.line import Line, Tap
from edgespec.errors import BrokerError
from edgespec.twin.service.entrance.backlog import Backlog, SitePace
from edgespec.twin.service.entrance.entrance import Tenant
from edgespec.wire.rss import parse_rss
from edgespec.wire.text import PayloadError
from edgespec.wire.topics import TwinTopics

__all__ = ["Partition"]

_LOG = logging.getLogger(__name__)

_KNOCK, _MARK, _DEED, _STATE, _TRANSMITTERS = "knock", "mark", "deed", "state", "transmitters"
#: What is held longer is said anew: RabbitMQ hangs up on who holds a message for half an hour,
#: and keeps on its disk all that came behind it.
_HOLD_S = 30.0
_MARK_S = 1.0
#: What is not confirmed for so long is said again over another link.
_CONFIRM_S = 60.0
#: Longer messages are handed on and not kept: a good state has some 10 kB.
_MOST_KEPT_BYTES = 1024 * 1024
#: Messages that are held, besides two for each site.
_ROOM = 500
_FEWEST_OPEN, _MOST_OPEN = 500, 60_000
#: So many reports in a row that were too old, and only each ``_STRIDE`` th is read.
_SURE, _STRIDE = 64, 16


class _Held(NamedTuple):
    tag: int
    data: bytes
    since_s: float


class _Judged(NamedTuple):
    """A snapshot of a site, and the messages that must be confirmed before it is done with."""

    site: str
    snapshot: int
    utc_ns: int
    said: Collection[int]
    since_s: float


class Partition:
    """A queue of reports and one of deeds, both with one active consumer.

    **The queue of deeds** holds the last value of all that a successor needs: what was learnt of
    each site, its transmitters, and the deed, which says until when each site was judged. Whoever
    is active there holds these messages without acknowledging them, and acknowledges each when
    the next of its kind has come back to it. So they are never away: when the owner dies, RabbitMQ
    gives them to the next in line. It puts in a mark of its own; when that comes back, all before
    it is known and the partition is its own. Then it takes reports.

    **A report** is acknowledged in two steps: when the verdict on its snapshot is confirmed, the
    deed says so, and when the deed is confirmed, the report is let go. In this order, for whoever
    is next leaves out what the deed says was judged. What was not let go comes again to the next
    owner: a verdict may be given twice, but never by nobody.

    Args:
        number: of the partition.
        queues: names of the queues of reports and of deeds.
        sites: names of its sites that are known here, with the reports a second of each.
        topics: below the prefix.
        tenant: who is told.
        catch_up_s: age above which reports that waited are left out.
    """

    def __init__(
        self, number: int, queues: tuple[str, str], sites: Mapping[str, float],
        topics: TwinTopics, tenant: Tenant, catch_up_s: float,
    ) -> None:  # fmt: skip
        self.number = number
        self.sites = sites
        self.is_owner = False
        self.is_leaving = False
        self.n_heard = 0
        self.backlog = Backlog(catch_up_s)
        self._reports, self._deeds = queues
        self._topics = topics
        self._tenant = tenant
        self._judged: dict[str, int] = {}
        #: Until when the sites had been judged when this unit took them over.
        self._before: dict[str, int] = {}
        rate = sum(sites.values())
        self._prefetch = round(min(max(_FEWEST_OPEN, 8.0 * rate), _MOST_OPEN))
        self._line: Line | None = None
        self._reset()

    def _reset(self) -> None:
        self.is_owner = self.is_leaving = self._is_active = False
        self._taps: list[Tap] = []
        self._report_tap: Tap | None = None
        self._nonce = ""
        #: The last words of an owner that lets it go, as long as they are not confirmed.
        self._last: set[int] = set()
        self._held: dict[tuple[str, str], _Held] = {}
        self._open: dict[str, list[tuple[int, int]]] = {}
        self._done: set[int] = set()
        self._next_tag = 1
        self._n_open = 0
        self._n_old = 0
        self._unread: list[tuple[int, str, bytes]] = []
        #: Snapshots whose verdicts are not confirmed, and those of which the deed is not.
        self._told: deque[_Judged] = deque()
        self._written: deque[_Judged] = deque()
        self._mark_at_s = self._heard_s = 0.0
        self.backlog.begin()

    @property
    def is_waiting(self) -> bool:
        """Whether it is this unit's, and its reports are not heard yet."""
        return self.is_owner and not self.is_leaving and self._report_tap is None

    @property
    def _is_full(self) -> bool:
        """Whether the engine gives no more reports, and no confirmation will make room."""
        return self._n_open >= self._prefetch and not (self._told or self._written)

    def pace(self, site: str) -> SitePace:
        """Return the pace of one of its sites."""
        return SitePace(self.backlog, self._before, site)

    # Who has it.

    def open(self, line: Line) -> None:
        """Stand in line for the deed."""
        self._reset()
        self._line = line
        prefetch = min(4 * len(self.sites) + _ROOM, _MOST_OPEN)
        self._taps = [Tap(line, self._deeds, prefetch, self._hear_deed)]
        # Where there is no deed yet, this is what the first in line hears.
        line.send(self._deeds, _KNOCK, "", b"")

    def lose(self) -> None:
        """The link is lost, and all that was held with it."""
        self._line = None
        self._reset()

    def take(self) -> None:
        """Hand on what was kept of the sites, and hear their reports from now on."""
        if not self.is_owner or self._report_tap is not None or self._line is None:
            return
        self._before.update(self._judged)
        for what in (_TRANSMITTERS, _STATE):
            for (kind, site), held in list(self._held.items()):
                if kind == what:
                    self._tenant.hear(self._topic(what, site), held.data)
        self._report_tap = Tap(self._line, self._reports, self._prefetch, self._hear_report)
        self._taps.append(self._report_tap)
        self._heard_s = time.monotonic()

    def release(self) -> None:
        """Let the next in line have it, as soon as the last words are confirmed."""
        self._last = {self._say_deed()}
        self.is_leaving = True

    def keep(self, site: str, state: bytes) -> None:
        """Keep what was learnt of a site."""
        if self.is_owner and self._line is not None:
            number = self._line.send(self._deeds, _STATE, site, state)
            if self.is_leaving:
                self._last.add(number)

    def told(self, site: str, snapshot: int, utc_ns: int, said: Collection[int]) -> None:
        """Note what was said of a snapshot: once all is confirmed, the deed knows of it."""
        self._told.append(_Judged(site, snapshot, utc_ns, said, time.monotonic()))

    def tick(self, now_s: float, unacked: Collection[int]) -> None:
        """Do what is due, several times a second.

        Raises:
            BrokerError: the link is lost, or what is said over it is not confirmed.
        """
        if self._line is None or not self.is_owner:
            return
        self._write(unacked)
        for one in _confirmed(self._written, unacked):
            self._let_go(one.site, one.snapshot)
        oldest = next(iter(self._written or self._told), None)
        if oldest is not None and now_s - oldest.since_s > _CONFIRM_S:
            # RabbitMQ can lose what came while a queue changed its leader, and waits for it.
            raise BrokerError(
                f"the engine has not confirmed a verdict on site {oldest.site} for "
                f"{_CONFIRM_S:.0f} s: is there a queue bound to its topic that takes nothing?"
            )
        self._acknowledge()
        if self.is_leaving:
            self._last.intersection_update(unacked)
            if not (self._told or self._written or self._last):
                self.close()
            return
        is_due = now_s >= self._mark_at_s or self.backlog.is_asked
        if self._report_tap is not None and is_due:
            self._mark_at_s = now_s + _MARK_S
            name = f"{self._nonce}:{self.backlog.mark(self._tenant.now_ns())}"
            self._line.send(self._reports, _MARK, name, b"")
        if self._is_full and now_s - self._heard_s > _MARK_S:
            self.backlog.hurry(self._tenant.now_ns())
        for (kind, site), held in list(self._held.items()):
            if now_s - held.since_s > _HOLD_S:
                self._say_again(kind, site, held, now_s)

    def _write(self, unacked: Collection[int]) -> None:
        """Write into the deed what was told and is confirmed."""
        told = _confirmed(self._told, unacked)
        for one in told:
            self._judged[one.site] = max(one.utc_ns, self._judged.get(one.site, 0))
        if told:
            said = (self._say_deed(),)
            self._written.extend(one._replace(said=said) for one in told)

    def close(self) -> None:
        """Give everything back."""
        for tap in reversed(self._taps):
            tap.close()
        self.lose()

    def _say_again(self, kind: str, site: str, held: _Held, now_s: float) -> None:
        assert self._line is not None
        self._held[kind, site] = held._replace(since_s=now_s)
        if kind == _DEED:
            self._say_deed()
        else:
            self._line.send(self._deeds, kind, site, held.data)

    def _say_deed(self) -> int:
        assert self._line is not None
        deed = json.dumps({"judged": self._judged}, separators=(",", ":")).encode()
        return self._line.send(self._deeds, _DEED, self._nonce, deed)

    def _hear_deed(self, tag: int, topic: str, kind: str, name: str, data: bytes) -> None:
        if not self._is_active:
            self._is_active = True
            self._claim()
        if topic:
            kind, name = self._topics.part_of(topic)
        if kind == _DEED:
            self._read_deed(data)
            self._hold(kind, "", tag, data)
            if self.is_owner and name != self._nonce:
                _LOG.warning("partition %d had another owner meanwhile", self.number)
                self._reclaim()
        elif kind in (_STATE, _TRANSMITTERS) and data and len(data) <= _MOST_KEPT_BYTES:
            self._hold(kind, name, tag, data)
            if self._report_tap is not None:
                self._tenant.hear(self._topic(kind, name), data)
        else:
            if kind == _MARK and name == self._nonce and not self.is_owner:
                self._own()
            elif kind in (_STATE, _TRANSMITTERS):
                self._drop(kind, name, data)
            self._taps[0].ack(tag)

    def _drop(self, kind: str, name: str, data: bytes) -> None:
        """Hand on what is not kept: too long, or empty, which forgets what was."""
        self._tenant.hear(self._topic(kind, name), data)
        held = self._held.pop((kind, name), None) if not data else None
        if held is not None:
            self._taps[0].ack(held.tag)

    def _hold(self, kind: str, name: str, tag: int, data: bytes) -> None:
        before = self._held.get((kind, name))
        self._held[kind, name] = _Held(tag, data, time.monotonic())
        if before is not None:
            self._taps[0].ack(before.tag)

    def _claim(self) -> None:
        assert self._line is not None
        self._nonce = uuid.uuid4().hex[:12]
        self._line.send(self._deeds, _MARK, self._nonce, b"")

    def _own(self) -> None:
        self.is_owner = True
        self._say_deed()

    def _reclaim(self) -> None:
        """Begin anew as if it had just come here."""
        self.is_owner = False
        if self._report_tap is not None:
            self._report_tap.close()
            self._taps.remove(self._report_tap)
            self._report_tap = None
        self._open.clear()
        self._done.clear()
        self._unread.clear()
        self._told.clear()
        self._written.clear()
        self._next_tag, self._n_open = 1, 0
        self.backlog.begin()
        self._claim()

    def _read_deed(self, data: bytes) -> None:
        """Take the times until which sites were judged; what is none is left out."""
        try:
            judged = json.loads(data)["judged"]
            times = [(site, utc_ns) for site, utc_ns in judged.items() if type(utc_ns) is int]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            _LOG.warning("the deed of partition %d is left out: %r", self.number, error)
            return
        most_ns = self._tenant.now_ns() + 60 * 1_000_000_000
        for site, utc_ns in times:
            if utc_ns <= most_ns:
                self._judged[site] = max(utc_ns, self._judged.get(site, 0))

    def _topic(self, what: str, site: str) -> str:
        topics = self._topics
        return topics.state(site) if what == _STATE else topics.transmitters(site)

    # Its reports.

    def _hear_report(self, tag: int, topic: str, kind: str, name: str, data: bytes) -> None:
        if self.is_leaving:
            return
        self._heard_s = time.monotonic()
        self._n_open += 1
        if not topic:
            nonce, _, number = name.partition(":")
            if kind == _MARK and nonce == self._nonce and number.isdecimal():
                self._read_between(False)
                self._n_old = 0
                self.backlog.came(int(number))
            self._done.add(tag)
            return
        self.n_heard += 1
        if self._n_old >= _SURE and tag % _STRIDE:
            self._unread.append((tag, topic, data))
            return
        if self._unread:
            self._read_between(self._is_too_old(data))
        n_too_old = self.backlog.n_too_old
        self._read_report(tag, topic, data)
        self._n_old = self._n_old + 1 if self.backlog.n_too_old > n_too_old else 0
        if len(self._done) >= self._prefetch // 4:
            self._acknowledge()

    def _read_between(self, is_old: bool) -> None:
        """Take what came between two that were looked at: where both are too old, unread."""
        unread, self._unread = self._unread, []
        for tag, topic, data in unread:
            if is_old:
                self._tenant.leave_out(topic.rsplit("/", 1)[-1], "too_old")
                self._done.add(tag)
            else:
                self._read_report(tag, topic, data)

    def _is_too_old(self, data: bytes) -> bool:
        """Whether a report is too old, before anybody hears of it."""
        try:
            utc_ns = parse_rss(data).utc_ns
        except PayloadError:
            return False
        return self.backlog.is_too_old(utc_ns, self._tenant.now_ns())

    def _read_report(self, tag: int, topic: str, data: bytes) -> None:
        """Hand on a report."""
        snapshot = self._tenant.hear(topic, data)
        if snapshot is None:
            self._done.add(tag)
        else:
            site = topic.rsplit("/", 1)[-1]
            self._open.setdefault(site, []).append((snapshot, tag))

    def _let_go(self, site: str, snapshot: int) -> None:
        waiting = self._open.get(site, [])
        self._done.update(tag for number, tag in waiting if number <= snapshot)
        self._open[site] = [(number, tag) for number, tag in waiting if number > snapshot]

    def _acknowledge(self) -> None:
        """Acknowledge all up to the first that is open."""
        first = self._next_tag
        while self._next_tag in self._done:
            self._done.discard(self._next_tag)
            self._next_tag += 1
        if self._next_tag > first and self._report_tap is not None:
            self._n_open -= self._next_tag - first
            self._report_tap.ack(self._next_tag - 1, multiple=True)


def _confirmed(judged: deque[_Judged], unacked: Collection[int]) -> list[_Judged]:
    """Take out those from the front of which all that was said is confirmed."""
    done = []
    while judged and not any(number in unacked for number in judged[0].said):
        done.append(judged.popleft())
    return done
