"""One broker, and central units that agree on their sites: the plain way."""

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import replace

from edgespec.config import MqttConfig
from edgespec.mqtt.keeper import LinkKeeper
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.twin.service.entrance.entrance import Entrance, Tenant
from edgespec.twin.service.members import Members
from edgespec.twin.site import Site
from edgespec.wire.member import parse_member
from edgespec.wire.text import PayloadError
from edgespec.wire.topics import TwinTopics

__all__ = ["BrokerEntrance"]

_LOG = logging.getLogger(__name__)
#: Three and a half times what lies between two presences.
_EXPIRY_S = 17.5
#: An owner that gives no verdict for so long has had its turn.
_PATIENCE_S = 45.0


class BrokerEntrance(Entrance[Session]):
    """Shares sites by the retained presence of all units, and reports by a group for each site.

    Args:
        settings: broker and prefix; MQTT 5 whatever they say, for shared subscriptions.
        central: id of this unit.
        sites: whose files are known here.
        tenant: who is told.

    Raises:
        ConfigError: the broker's URL cannot be used.
    """

    def __init__(
        self, settings: MqttConfig, central: str, sites: Sequence[Site], tenant: Tenant
    ) -> None:
        super().__init__()
        self._central = central
        self._sites = {site.name: site for site in sites}
        self._tenant = tenant
        self._topics = TwinTopics(settings.topic_prefix)
        self._members = Members(central, _EXPIRY_S)
        self._is_settled = self._is_changed = False
        self._subscribed: set[str] = set()
        self._guarded: set[str] = set()
        self._patience_s = {
            site.name: max(_PATIENCE_S, 5.0 * site.detect.interval_s) for site in sites
        }
        link = Link.of(
            replace(settings, protocol="5"),
            f"edgespec-twin-{central}",
            self._topics.member(central),
        )
        self._keeper = LinkKeeper(link, settings.reconnect_max_s, self._opened, self._lost)

    @property
    def is_settled(self) -> bool:
        """Whether all who were there before have been heard of."""
        return self._is_settled

    @property
    def members(self) -> Sequence[str]:
        """Who is there, sorted."""
        return self._members.ids

    def mine(self) -> Sequence[str]:
        """Return the sites of which this unit has the highest hash."""
        return [name for name in self._sites if self._members.owner_of(name) == self._central]

    def tick(self, now_s: float, judged: Collection[str], *, is_beat: bool) -> bool:
        """Look who is silent, and whether those that own sites work for them."""
        for member in self._members.expire(now_s):
            _LOG.warning("central unit %s is silent: its sites are shared out", member)
            self.publish(self._topics.member(member), b"", 1, retain=True)
            self._is_changed = True
        if is_beat:
            self._members.hear(self._central, self._sites, now_s, judged)
            for member, site in self._members.review(self._patience_s, now_s):
                _LOG.info("central unit %s gives no verdicts on site %s: it moves on", member, site)
                self._is_changed = True
        is_changed, self._is_changed = self._is_changed, False
        return is_changed

    def hear_member(self, member: str, data: bytes, judged: Collection[str]) -> bool:
        """Take the presence of a unit."""
        now_s = time.monotonic()
        if member == self._central:
            # What is known here no message changes; it may be a last will of ours that came late.
            self._is_changed |= self._members.hear(member, self._sites, now_s, judged)
            if data and not self._is_settled:
                self._is_settled = self._is_changed = True
            return not data
        if not data:
            self._is_changed |= self._members.remove(member)
        else:
            said = parse_member(data)
            if said.central != member:
                raise PayloadError(f"it is the presence of {said.central!r}")
            self._is_changed |= self._members.hear(member, said.sites, now_s, said.judged)
        return False

    def take(self, names: Sequence[str]) -> None:
        """Subscribe to what is retained of the sites, and then to their reports."""
        session, topics = self._voice, self._topics
        new = [name for name in names if name not in self._subscribed]
        # In this order: what is retained then comes before the first report.
        session.ask([topics.transmitters(name) for name in new], qos=1)
        session.ask([topics.state(name) for name in new], qos=1)
        session.ask([topics.shared_reports(name) for name in new])
        self._subscribed.update(new)

    def give(self, name: str) -> None:
        """Unsubscribe from a site."""
        topics = self._topics
        wanted = [topics.shared_reports(name), topics.state(name), topics.transmitters(name)]
        self._voice.leave(wanted)
        self._subscribed.discard(name)
        if name in self._guarded:
            self._guarded.discard(name)
            self._voice.leave(self._own_reports(name))
        if (owner := self._members.owner_of(name)) != self._central:
            _LOG.info("site %s goes to %s", name, owner or "nobody")

    def keep(self, name: str, state: bytes) -> None:
        """Let the broker keep what was learnt."""
        self.publish(self._topics.state(name), state, 1, retain=True)

    def guard(self, name: str) -> bool:
        """Hear only the units of a site whose topic is flooded, until the link is lost."""
        if name in self._guarded:
            return False
        self._voice.ask(self._own_reports(name))
        self._voice.leave([self._topics.shared_reports(name)])
        self._guarded.add(name)
        return True

    def leave(self) -> None:
        """Empty the presence of this unit."""
        self.publish(self._topics.member(self._central), b"", 1, retain=True)

    def _own_reports(self, name: str) -> list[str]:
        nodes = self._sites[name].nodes
        return [self._topics.shared_reports_of(name, node) for node in nodes]

    def _opened(self, session: Session) -> None:
        self.session = session
        session.gathers = True
        session.listen(self._tenant.hear)
        self._is_settled = False
        self._members.clear()
        session.ask([self._topics.members], qos=1)
        # Its presence comes back behind the retained one of all others: then all are known.
        self._tenant.enter()

    def _lost(self) -> str:
        self.session = None
        self._is_settled = False
        self._subscribed.clear()
        self._guarded.clear()
        self._tenant.lose()
        return ""
