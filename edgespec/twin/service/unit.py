"""A central unit: looks after its share of the sites, as long as it is connected and beyond."""

import logging
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial

from edgespec import __version__
from edgespec.config import MqttConfig
from edgespec.errors import BrokerError, EdgespecError
from edgespec.mqtt.backoff import QuietLog
from edgespec.twin.service.bounds import check_clock, check_saved
from edgespec.twin.service.desk import Desk, MakeTwin, Said
from edgespec.twin.service.entrance.broker import BrokerEntrance
from edgespec.twin.service.entrance.entrance import Enter
from edgespec.twin.service.screen import Screen
from edgespec.twin.site import Site
from edgespec.wire.handover import parse_saved, saved_payload
from edgespec.wire.member import member_payload
from edgespec.wire.site_event import SiteEvent, site_event_payload
from edgespec.wire.text import encode
from edgespec.wire.topics import TwinTopics
from edgespec.wire.transmitters import parse_transmitters

__all__ = ["CentralUnit"]

_LOG = logging.getLogger(__name__)
_TICK_S = 0.1
#: All sites are looked at so often.
_ROUND_S = 1.0
_NAP_S = 0.005
#: So many reports at once, and there are more: they are read first, for so long at most.
_CROWD, _CROWD_S = 200, 0.2
_HEARTBEAT_S = 5.0
_STATE_S = 10.0
_MOST_WAITING = 1000


class CentralUnit:
    """Fuses the reports of its sites; several of them share the sites among themselves.

    Every unit announces itself and the sites whose files it has. For each site one takes its
    reports, publishes its verdicts and, every ten seconds and with every event, what it has
    learnt. When a unit joins, leaves or dies, the sites that move are taken up from there. Which
    unit it is and how reports come is the matter of its entrance.

    Args:
        settings: broker and prefix.
        sites: whose files are known here.
        make_twin: makes the twin of a site.
        screen: told everything.
        central: id of this unit; default: a random one.
        prepare: called now and then for sites that may have to be taken over one day.
        clock_ns: UTC, by which reports are early, in time or stale.
        enter: makes the entrance; default: that of one broker.

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
        enter: Enter | None = None,
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
        self._desks: dict[str, Desk] = {}
        #: Desk and index of the unit.
        self._by_topic: dict[str, tuple[Desk, int]] = {}
        #: In the order in which they were heard.
        self._dirty: dict[Desk, None] = {}
        self._n_reports = 0
        self._is_stopped = False
        self._unconfirmed: dict[int, tuple[SiteEvent, int]] = {}
        self._again: deque[tuple[SiteEvent, int]] = deque(maxlen=_MOST_WAITING)
        self._tick_at_s = 0.0
        self._beat_at_s = 0.0
        self._round_at_s = 0.0
        self._judged: set[str] = set()
        self._refused: Counter[str] = Counter()
        self._logs: dict[str, QuietLog] = {}
        enter = enter or partial(BrokerEntrance, settings)
        self._entrance = enter(self.central, sites, self)

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
            self._entrance.wait_connected(timeout_s)
        except BaseException:
            self._entrance.close(self._leave)
            raise

    def stop(self) -> None:
        """Ask ``run`` to end; safe to call from a signal handler."""
        self._is_stopped = True
        self._entrance.wake()

    def run(self, duration_s: float | None = None) -> None:
        """Work until ``stop`` or for a time; then hand the sites over and hang up."""
        until_s = float("inf") if duration_s is None else time.monotonic() + duration_s
        try:
            while not self._is_stopped and time.monotonic() < until_s:
                n_before = self._n_reports
                self._entrance.step(max(min(self._tick_at_s, until_s) - time.monotonic(), 0.0))
                n_reports = self._n_reports - n_before
                if n_reports >= _CROWD and time.monotonic() < self._tick_at_s + _CROWD_S:
                    # What waits grows stale, what was taken does not.
                    continue
                self._entrance.work(self._work)
                if n_reports:
                    # Taking some at a time costs half as much each.
                    time.sleep(_NAP_S)
        finally:
            self._entrance.close(self._leave)

    # The tenant of its entrance.

    def enter(self) -> None:
        """Say that this unit is there."""
        self._announce()

    def lose(self) -> None:
        """Keep what could not be confirmed, to say it again."""
        self._again.extend(self._unconfirmed.values())
        self._unconfirmed.clear()
        for desk in self._desks.values():
            desk.lose_link()

    def now_ns(self) -> int:
        """Return the time by which reports are judged."""
        return self._clock_ns()

    def leave_out(self, site: str, reason: str) -> None:
        """Count a report that is not even read."""
        if site in self._desks:
            self._desks[site].refuse(reason)
        else:
            self._refused[reason] += 1

    def hear(self, topic: str, data: bytes) -> int | None:
        """Take any message; none of them ends the unit."""
        # Nearly all are reports of units that were heard before.
        found = self._by_topic.get(topic)
        try:
            if found is None:
                return self._take(topic, data)
            desk, unit = found
            self._n_reports += 1
            self._dirty[desk] = None
            return desk.put(data, self._clock_ns(), unit)
        except Exception as error:
            what, name = self._topics.part_of(topic)
            if what != "members" and name in self._desks:
                self._desks[name].refuse(what)
            else:
                self._refused[what] += 1
            self._complain(what, f"{topic:.200} is left out: {error}", error)
            return None

    def _announce(self) -> None:
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
        self._entrance.publish(self._topics.member(self.central), encode(payload), 1, retain=True)
        self._beat_at_s = time.monotonic() + _HEARTBEAT_S

    def _complain(self, what: str, text: str, error: Exception) -> None:
        log = self._logs.setdefault(what, QuietLog(_LOG))
        log(logging.WARNING, text, exc_info=not isinstance(error, EdgespecError))

    def _take(self, topic: str, data: bytes) -> int | None:
        found = self._find(topic)
        if found is not None:
            desk, node = found
            self._n_reports += 1
            self._dirty[desk] = None
            snapshot = desk.take(data, self._clock_ns(), node)
            if desk.is_flooded:
                self._round_at_s = 0.0
            return snapshot
        what, name = self._topics.part_of(topic)
        if what == "members":
            if self._entrance.hear_member(name, data, self._judged):
                self._beat_at_s = 0.0
        elif what == "transmitters" and name in self._desks:
            self._hear_transmitters(self._desks[name], data)
        elif what == "state" and name in self._desks:
            self._hear_state(self._desks[name], data)
        return None

    def _find(self, topic: str) -> tuple[Desk, str] | None:
        """Return desk and node of a report's topic; the next on it finds them at once."""
        levels = topic.rsplit("/", 3)
        desk = self._desks.get(levels[-1])
        if desk is None or len(levels) < 4 or levels[-2] != "rss":
            return None
        if levels[-3] in desk.site.nodes:
            # Strangers are not kept: there may be any number of them.
            self._by_topic[topic] = desk, desk.site.nodes.index(levels[-3])
        return desk, levels[-3]

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

    def _work(self) -> None:
        now_s = time.monotonic()
        dirty, self._dirty = self._dirty, {}
        is_tick = now_s >= self._tick_at_s
        now_ns = self._clock_ns()
        if is_tick:
            dirty |= dict.fromkeys(desk for desk in self._desks.values() if desk.due_ns <= now_ns)
        for desk in dirty:
            self._advance(desk)
        if is_tick:
            self._tick_at_s = now_s + _TICK_S
            self._tick(now_s)

    def _advance(self, desk: Desk) -> None:
        """Say what is new of one site; its trouble must not take the others with it."""
        try:
            for said in desk.advance(self._clock_ns()):
                self._tell(desk, said)
        except BrokerError:
            raise
        except Exception as error:
            desk.refuse("failed")
            self._complain("failed", f"site {desk.site.name} cannot be told: {error!r:.200}", error)

    def _tick(self, now_s: float) -> None:
        for mid in [mid for mid in self._unconfirmed if mid not in self._entrance.unacked]:
            del self._unconfirmed[mid]
        if not self._entrance.is_settled:
            return
        is_beat = now_s >= self._beat_at_s
        if self._entrance.tick(now_s, self._judged, is_beat=is_beat):
            self._balance(now_s)
        while self._again:
            self._publish_event(*self._again.popleft(), replayed=True)
        if now_s >= self._round_at_s:
            self._round_at_s = now_s + _ROUND_S
            self._go_round(now_s)
        if now_s >= self._beat_at_s:
            self._announce()
        elif self._unprepared:
            self._prepare_one(self._unprepared.pop())

    def _go_round(self, now_s: float) -> None:
        """Look whether a site is flooded, and say for a successor what was learnt."""
        for desk in self._desks.values():
            if desk.is_flooded and self._entrance.guard(name := desk.site.name):
                _LOG.warning("site %s is flooded by unknown units: only its own are heard", name)
            if desk.state_due_s > now_s:
                continue
            desk.plan_state(now_s + _STATE_S)
            if desk.has_news:
                self._publish_state(desk)
            if desk.alarm_said is not None and not self._entrance.keeps_last:
                self._publish_alarm(desk.site.name, desk.alarm_said)

    def _prepare_one(self, site: Site) -> None:
        try:
            self._prepare(site)
        except EdgespecError as error:
            _LOG.warning("site %s cannot be looked after: %s", site.name, error)

    def _balance(self, now_s: float) -> None:
        """Take and give sites so that each is with its owner."""
        mine = self._entrance.mine()
        for name in self._desks.keys() - set(mine):
            self._give(name)
        for index, name in enumerate(mine):
            if name not in self._desks:
                site, pace = self._sites[name], self._entrance.pace(name)
                self._desks[name] = Desk(site, self._make_twin, pace)
            # Spread, so that many sites are not written all at once.
            self._desks[name].plan_state(now_s + _STATE_S * (1.0 + index / len(mine)))
        self._entrance.take(mine)
        self._screen.members(self._entrance.members, self.sites)
        self._announce()

    def _give(self, name: str) -> None:
        """Let a site go to its new owner."""
        self._entrance.give(name)
        desk = self._desks.pop(name)
        self._by_topic = {
            topic: pair for topic, pair in self._by_topic.items() if pair[0] is not desk
        }
        self._dirty.pop(desk, None)
        self._publish_state(desk)

    def _leave(self) -> None:
        for name in list(self._desks):
            self._give(name)
        self._entrance.leave()

    def _tell(self, desk: Desk, said: Said) -> None:
        site, counts, verdict = desk.site, desk.counts, said.verdict
        data = desk.writer.write(verdict, self.central, site.level_unit, counts)
        mids = [self._entrance.publish(self._topics.verdict(site.name), data, 0, retain=True)]
        self._judged.add(site.name)
        if said.event is not None:
            mids.append(self._publish_event(said.event, said.sequence))
            self._publish_state(desk)
            self._screen.event(said.event)
        if said.alarm is not None:
            mids.append(self._publish_alarm(site.name, said.alarm))
        self._entrance.told(site.name, verdict.snapshot, verdict.utc_ns, mids)
        self._screen.verdict(verdict, counts)

    def _publish_event(self, event: SiteEvent, sequence: int, *, replayed: bool = False) -> int:
        payload = site_event_payload(event, self.central, sequence, replayed=replayed)
        mid = self._entrance.publish(self._topics.events(event.site), encode(payload), qos=1)
        self._unconfirmed[mid] = event, sequence
        return mid

    def _publish_alarm(self, name: str, is_on: bool) -> int:
        word = b"ON" if is_on else b"OFF"
        return self._entrance.publish(self._topics.alarm(name), word, 1, retain=True)

    def _publish_state(self, desk: Desk) -> None:
        desk.plan_state(time.monotonic() + _STATE_S)
        saved = desk.saved(self.central)
        if saved is not None:
            self._entrance.keep(desk.site.name, saved_payload(saved))
