"""A central unit: looks after its share of the sites, as long as it is connected and beyond."""

import logging
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from edgespec import __version__
from edgespec.config import MqttConfig
from edgespec.errors import BrokerError, EdgespecError
from edgespec.mqtt.backoff import QuietLog
from edgespec.mqtt.keeper import LinkKeeper
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.twin.service.desk import Desk, MakeTwin, Said
from edgespec.twin.service.entrance import check_clock, check_saved
from edgespec.twin.service.members import Members
from edgespec.twin.service.screen import Screen
from edgespec.twin.site import Site
from edgespec.wire.handover import parse_saved, saved_payload
from edgespec.wire.member import member_payload, parse_member
from edgespec.wire.site_event import SiteEvent, site_event_payload
from edgespec.wire.text import PayloadError, encode
from edgespec.wire.topics import TwinTopics
from edgespec.wire.transmitters import parse_transmitters
from edgespec.wire.verdict import encode_verdict

__all__ = ["CentralUnit"]

_LOG = logging.getLogger(__name__)
_TICK_S = 0.1
_NAP_S = 0.005
#: So many reports at once, and there are more: they are read first, for so long at most.
_CROWD, _CROWD_S = 200, 0.2
_HEARTBEAT_S = 5.0
_EXPIRY_S = 3.5 * _HEARTBEAT_S
_STATE_S = 10.0
_MOST_WAITING = 1000
#: An owner that gives no verdict for so long has had its turn.
_PATIENCE_S = 45.0


class CentralUnit:
    """Fuses the reports of its sites; several of them share the sites among themselves.

    Every unit announces itself and the sites whose files it has. For each site the one with the
    highest hash of (unit, site) subscribes to its reports, publishes its verdicts and, every ten
    seconds and with every event, what it has learnt. When a unit joins, leaves or dies, all see it
    at once and the sites that move are taken up from there.

    Args:
        settings: broker and prefix; MQTT 5 whatever they say, for shared subscriptions.
        sites: whose files are known here.
        make_twin: makes the twin of a site.
        screen: told everything.
        central: id of this unit; default: a random one.
        prepare: called now and then for sites that may have to be taken over one day.
        clock_ns: UTC, by which reports are early, in time or stale.

    Raises:
        ConfigError: the broker's URL cannot be used.
    """

    def __init__(
        self,
        settings: MqttConfig,
        sites: Sequence[Site],
        make_twin: MakeTwin,
        screen: Screen,
        central: str | None = None,
        prepare: Callable[[Site], None] = lambda site: None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.central = central or f"central-{uuid.uuid4().hex[:8]}"
        self._sites = {site.name: site for site in sites}
        self._make_twin = make_twin
        self._screen = screen
        self._prepare = prepare
        self._clock_ns = clock_ns
        self._unprepared = list(self._sites.values())
        self._own_mark = f'"central":"{self.central}"'.encode()
        self._topics = TwinTopics(settings.topic_prefix)
        self._members = Members(self.central, _EXPIRY_S)
        self._desks: dict[str, Desk] = {}
        self._by_topic: dict[str, tuple[Desk, str]] = {}
        self._dirty: dict[str, Desk] = {}
        self._n_reports = 0
        self._is_settled = self._is_stopped = self._wants_balance = False
        self._subscribed: set[str] = set()
        self._unconfirmed: dict[int, tuple[SiteEvent, int]] = {}
        self._again: deque[tuple[SiteEvent, int]] = deque(maxlen=_MOST_WAITING)
        self._tick_at_s = 0.0
        self._beat_at_s = 0.0
        self._judged: set[str] = set()
        self._patience_s = {
            site.name: max(_PATIENCE_S, 5.0 * site.detect.interval_s) for site in sites
        }
        self._guarded: set[str] = set()
        self._refused: Counter[str] = Counter()
        self._logs: dict[str, QuietLog] = {}
        link = Link.of(
            replace(settings, protocol="5"),
            f"edgespec-twin-{self.central}",
            self._topics.member(self.central),
        )
        self._keeper = LinkKeeper(link, settings.reconnect_max_s, self._opened, self._lost)

    @property
    def sites(self) -> list[str]:
        """Sites that are looked after here."""
        return sorted(self._desks)

    def wait_connected(self, timeout_s: float) -> None:
        """Connect; a unit that cannot is over.

        Raises:
            BrokerError: the broker refuses, or does not answer in time.
        """
        try:
            self._keeper.wait_connected(timeout_s)
        except BaseException:
            self._keeper.close(self._leave)
            raise

    def stop(self) -> None:
        """Ask ``run`` to end; safe to call from a signal handler."""
        self._is_stopped = True
        self._keeper.waker.wake()

    def run(self, duration_s: float | None = None) -> None:
        """Work until ``stop`` or for a time; then hand the sites over and hang up."""
        until_s = float("inf") if duration_s is None else time.monotonic() + duration_s
        try:
            while not self._is_stopped and time.monotonic() < until_s:
                n_before = self._n_reports
                self._keeper.step(max(min(self._tick_at_s, until_s) - time.monotonic(), 0.0))
                n_reports = self._n_reports - n_before
                if n_reports >= _CROWD and time.monotonic() < self._tick_at_s + _CROWD_S:
                    # What waits grows stale, what was taken does not.
                    continue
                self._keeper.work(self._work)
                if n_reports:
                    # Taking some at a time costs half as much each.
                    time.sleep(_NAP_S)
        finally:
            self._keeper.close(self._leave)

    # The link.

    def _opened(self, session: Session) -> None:
        session.listen(self._hear)
        self._is_settled = False
        self._members.clear()
        session.ask([self._topics.members], qos=1)
        # It comes back behind the retained presence of all others: then everybody is known.
        self._announce(session)

    def _lost(self) -> str:
        self._is_settled = False
        self._again.extend(self._unconfirmed.values())
        self._unconfirmed.clear()
        self._subscribed.clear()
        self._guarded.clear()
        for desk in self._desks.values():
            desk.lose_link()
        return ""

    def _announce(self, session: Session) -> None:
        counts = sum((Counter(desk.counts) for desk in self._desks.values()), +self._refused)
        payload = member_payload(
            self.central,
            sorted(self._sites),
            self._clock_ns(),
            version=__version__,
            n_sites=len(self._desks),
            reports=dict(counts),
            judged=sorted(self._judged),
        )
        self._judged.clear()
        session.publish(self._topics.member(self.central), encode(payload), 1, retain=True)
        self._beat_at_s = time.monotonic() + _HEARTBEAT_S

    def _hear(self, topic: str, data: bytes) -> None:
        """Take any message; none of them ends the unit."""
        try:
            self._take(topic, data)
        except Exception as error:
            what, name = self._topics.part_of(topic)
            if what != "members" and name in self._desks:
                self._desks[name].refuse(what)
            else:
                self._refused[what] += 1
            self._complain(what, f"{topic:.200} is left out: {error}", error)

    def _complain(self, what: str, text: str, error: Exception) -> None:
        log = self._logs.setdefault(what, QuietLog(_LOG))
        log(logging.WARNING, text, exc_info=not isinstance(error, EdgespecError))

    def _take(self, topic: str, data: bytes) -> None:
        found = self._by_topic.get(topic) or self._find(topic)
        if found is not None:
            desk, node = found
            self._n_reports += 1
            desk.take(data, self._clock_ns(), node)
            self._dirty[desk.site.name] = desk
            return
        what, name = self._topics.part_of(topic)
        if what == "members":
            self._hear_member(name, data)
        elif what == "transmitters" and name in self._desks:
            self._hear_transmitters(self._desks[name], data)
        elif what == "state" and name in self._desks:
            self._hear_state(self._desks[name], data)

    def _find(self, topic: str) -> tuple[Desk, str] | None:
        """Return desk and node of a report's topic, and keep them for the next."""
        levels = topic.rsplit("/", 3)
        desk = self._desks.get(levels[-1])
        if desk is None or len(levels) < 4 or levels[-2] != "rss":
            return None
        if levels[-3] in desk.site.nodes:
            # Strangers are not kept: there may be any number of them.
            self._by_topic[topic] = desk, levels[-3]
        return desk, levels[-3]

    def _hear_member(self, member: str, data: bytes) -> None:
        now_s = time.monotonic()
        if member == self.central:
            # What is known here no message changes; it may be a last will of ours that came late.
            self._beat_at_s = self._beat_at_s if data else 0.0
            self._wants_balance |= self._members.hear(member, self._sites, now_s, self._judged)
            if data and not self._is_settled:
                self._is_settled = self._wants_balance = True
        elif not data:
            self._wants_balance |= self._members.remove(member)
        else:
            said = parse_member(data)
            if said.central != member:
                raise PayloadError(f"it is the presence of {said.central!r}")
            self._wants_balance |= self._members.hear(member, said.sites, now_s, said.judged)

    def _hear_state(self, desk: Desk, data: bytes) -> None:
        if desk.has_judged and self._own_mark in data:
            return  # What was published here comes back.
        if not data:
            _LOG.warning("what was learnt of site %s is forgotten", desk.site.name)
            desk.forget()
            return
        saved = parse_saved(data)
        check_saved(saved, desk.site.name, self._clock_ns())
        desk.adopt(saved)

    def _hear_transmitters(self, desk: Desk, data: bytes) -> None:
        if data:
            utc_ns, transmitters = parse_transmitters(data)
            check_clock(utc_ns, self._clock_ns())
            desk.set_transmitters(transmitters, utc_ns)

    # The work.

    def _work(self, session: Session) -> None:
        now_s = time.monotonic()
        dirty, self._dirty = self._dirty, {}
        is_tick = now_s >= self._tick_at_s
        for desk in (self._desks if is_tick else dirty).values():
            self._advance(session, desk)
        if is_tick:
            self._tick_at_s = now_s + _TICK_S
            self._tick(session, now_s)

    def _advance(self, session: Session, desk: Desk) -> None:
        """Say what is new of one site; its trouble must not take the others with it."""
        try:
            for said in desk.advance(self._clock_ns()):
                self._tell(session, desk, said)
        except BrokerError:
            raise
        except Exception as error:
            desk.refuse("failed")
            self._complain("failed", f"site {desk.site.name} cannot be told: {error!r:.200}", error)

    def _tick(self, session: Session, now_s: float) -> None:
        for mid in [mid for mid in self._unconfirmed if mid not in session.unacked]:
            del self._unconfirmed[mid]
        if not self._is_settled:
            return
        for member in self._members.expire(now_s):
            _LOG.warning("central unit %s is silent: its sites are shared out", member)
            session.publish(self._topics.member(member), b"", 1, retain=True)
            self._wants_balance = True
        self._review(now_s)
        if self._wants_balance:
            self._balance(session, now_s)
        while self._again:
            self._publish_event(session, *self._again.popleft(), replayed=True)
        for desk in self._desks.values():
            if desk.is_flooded and desk.site.name not in self._guarded:
                self._guard(session, desk)
            if desk.is_state_due(now_s):
                self._publish_state(session, desk)
        if now_s >= self._beat_at_s:
            self._announce(session)
        elif self._unprepared:
            self._prepare_one(self._unprepared.pop())

    def _review(self, now_s: float) -> None:
        """Look whether those that own sites work for them, and whether strangers flood mine."""
        if now_s < self._beat_at_s:
            return
        self._members.hear(self.central, self._sites, now_s, self._judged)
        for member, site in self._members.review(self._patience_s, now_s):
            _LOG.info("central unit %s gives no verdicts on site %s: it moves on", member, site)
            self._wants_balance = True

    def _guard(self, session: Session, desk: Desk) -> None:
        """Hear only the units of a site whose topic is flooded, until the link is lost."""
        name, topics = desk.site.name, self._topics
        session.ask([topics.shared_reports_of(name, node) for node in desk.site.nodes])
        session.leave([topics.shared_reports(name)])
        self._guarded.add(name)
        _LOG.warning("site %s is flooded by unknown units: only its own are heard", name)

    def _prepare_one(self, site: Site) -> None:
        try:
            self._prepare(site)
        except EdgespecError as error:
            _LOG.warning("site %s cannot be looked after: %s", site.name, error)

    def _balance(self, session: Session, now_s: float) -> None:
        """Take and give sites so that each is with its owner."""
        self._wants_balance = False
        mine = [name for name in self._sites if self._members.owner_of(name) == self.central]
        for name in self._desks.keys() - set(mine):
            self._give(session, name)
        for index, name in enumerate(mine):
            if name not in self._desks:
                self._desks[name] = Desk(self._sites[name], self._make_twin)
            # Spread, so that many sites are not written all at once.
            self._desks[name].plan_state(now_s + _STATE_S * (1.0 + index / len(mine)))
        new = [name for name in mine if name not in self._subscribed]
        # In this order: what is retained then comes before the first report.
        session.ask([self._topics.transmitters(name) for name in new], qos=1)
        session.ask([self._topics.state(name) for name in new], qos=1)
        session.ask([self._topics.shared_reports(name) for name in new])
        self._subscribed.update(new)
        self._screen.members(self._members.ids, self.sites)
        self._announce(session)

    def _give(self, session: Session, name: str) -> None:
        """Let a site go to its new owner."""
        topics = self._topics
        session.leave([topics.shared_reports(name), topics.state(name), topics.transmitters(name)])
        self._subscribed.discard(name)
        desk = self._desks.pop(name)
        if name in self._guarded:
            self._guarded.discard(name)
            session.leave([topics.shared_reports_of(name, node) for node in desk.site.nodes])
        self._by_topic = {
            topic: pair for topic, pair in self._by_topic.items() if pair[0] is not desk
        }
        self._dirty.pop(name, None)
        self._publish_state(session, desk)
        if (owner := self._members.owner_of(name)) != self.central:
            _LOG.info("site %s goes to %s", name, owner or "nobody")

    def _leave(self, session: Session) -> None:
        for name in list(self._desks):
            self._give(session, name)
        session.publish(self._topics.member(self.central), b"", 1, retain=True)

    def _tell(self, session: Session, desk: Desk, said: Said) -> None:
        site, counts = desk.site, desk.counts
        data = encode_verdict(said.verdict, self.central, site.level_unit, counts)
        session.publish(self._topics.verdict(site.name), data, 0, retain=True)
        self._judged.add(site.name)
        if said.event is not None:
            self._publish_event(session, said.event, said.sequence)
            self._publish_state(session, desk)
            self._screen.event(said.event)
        if said.alarm is not None:
            word = b"ON" if said.alarm else b"OFF"
            session.publish(self._topics.alarm(site.name), word, 1, retain=True)
        self._screen.verdict(said.verdict, counts)

    def _publish_event(
        self, session: Session, event: SiteEvent, sequence: int, *, replayed: bool = False
    ) -> None:
        payload = site_event_payload(event, self.central, sequence, replayed=replayed)
        mid = session.publish(self._topics.events(event.site), encode(payload), qos=1)
        self._unconfirmed[mid] = event, sequence

    def _publish_state(self, session: Session, desk: Desk) -> None:
        desk.plan_state(time.monotonic() + _STATE_S)
        saved = desk.saved(self.central)
        if saved is not None:
            topic = self._topics.state(desk.site.name)
            session.publish(topic, saved_payload(saved), 1, retain=True)
