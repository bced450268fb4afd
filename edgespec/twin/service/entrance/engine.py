"""A RabbitMQ cluster that keeps reports, deals out partitions and hands them over."""

import logging
import time
from collections import deque
from collections.abc import Collection, Sequence
from hashlib import blake2b

from edgespec.config import MqttConfig
from edgespec.engine.line import Line
from edgespec.engine.link import Arguments, EngineLink, Plan
from edgespec.errors import ConfigError
from edgespec.mqtt.keeper import Keeper
from edgespec.twin.service.entrance.entrance import Entrance, Tenant
from edgespec.twin.service.entrance.partition import Partition
from edgespec.twin.service.members import Members
from edgespec.twin.service.pace import Pace
from edgespec.twin.site import Site
from edgespec.wire.member import parse_member
from edgespec.wire.text import PayloadError
from edgespec.wire.topics import TwinTopics

__all__ = ["EngineEntrance", "partition_of"]

_LOG = logging.getLogger(__name__)
_EXPIRY_S = 17.5
#: Where a link was lost and came back, whoever had a partition before may have it still.
_DOUBT_S = 5.0
_BALANCE_S = 5.0
#: A partition that was let go is stood in line for again after so long.
_AWAY_S = 1.0
#: Nothing for so long, and it is said what may be the matter.
_SILENCE_S = 60.0
#: What a queue of reports holds at most: the oldest go first.
_MOST_BYTES = 1_000_000_000
_QUORUM: Arguments = {"x-queue-type": "quorum"}
_SINGLE: Arguments = _QUORUM | {
    "x-single-active-consumer": True,
    "x-queue-leader-locator": "balanced",
}


def partition_of(site: str, n_partitions: int) -> int:
    """Return the partition of a site: the same for everybody, for ever."""
    digest = blake2b(site.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % n_partitions


class EngineEntrance(Entrance[Line]):
    """Takes reports from the partitions that the engine gives to this unit.

    Who has a partition, to whom it goes when that unit dies, what comes again and how much is on
    its way at most is the engine's to say (:class:`Partition`). Units hear of each other only to
    know how many partitions are a fair share: who has more lets some go to the next in line.

    Args:
        url: ``amqp://`` and the nodes of the cluster.
        n_partitions: the same for all units.
        catch_up_s: age above which reports that waited are left out.
        settings: topic prefix, certificates, and credentials where the URL has none.
        central: id of this unit.
        sites: whose files are known here.
        tenant: who is told.

    Raises:
        ConfigError: the URL or the prefix cannot be used.
    """

    keeps_last = False

    def __init__(
        self, url: str, n_partitions: int, catch_up_s: float,
        settings: MqttConfig, central: str, sites: Sequence[Site], tenant: Tenant,
    ) -> None:  # fmt: skip
        super().__init__()
        prefix = settings.topic_prefix
        if "." in prefix:
            raise ConfigError(
                f"mqtt.topic_prefix is {prefix!r}; with an engine it has no dots, which RabbitMQ "
                "takes for the / of topics"
            )
        self._central = central
        self._tenant = tenant
        self._topics = TwinTopics(prefix)
        self._members = Members(central, _EXPIRY_S)
        #: The number of its partition, by the name of each site.
        self._sites = {site.name: partition_of(site.name, n_partitions) for site in sites}
        self._partitions = [
            Partition(
                number, self._queues(number),
                {
                    site.name: len(site.unit) / site.detect.interval_s
                    for site in sites
                    if self._sites[site.name] == number
                },
                self._topics, tenant, catch_up_s,
            )
            for number in range(n_partitions)
        ]  # fmt: skip
        self._is_new = False
        #: Topic and payload of verdicts that are not confirmed, by number, and of a lost link.
        self._verdicts: dict[int, tuple[str, bytes]] = {}
        self._again: deque[tuple[str, bytes]] = deque()
        self._had: set[int] = set()
        self._owned: set[int] = set()
        self._decided_at_s = self._balance_at_s = 0.0
        self._away: dict[int, float] = {}
        self._heard = 0, 0.0
        link = EngineLink.of(url, settings, f"edgespec-twin-{central}")
        plan = self._plan()
        self._keeper = Keeper(
            lambda: Line(link, plan), str(link.url), settings.reconnect_max_s,
            self._opened, self._lost,
        )  # fmt: skip

    @property
    def is_settled(self) -> bool:
        """Whether the link is up: what is to be looked after here, the engine says then."""
        return self.session is not None

    @property
    def members(self) -> Sequence[str]:
        """Who is there, sorted."""
        return self._members.ids

    def mine(self) -> Sequence[str]:
        """Return the sites of the partitions that are this unit's."""
        numbers = self._owned | self._had
        return [name for name, number in self._sites.items() if number in numbers]

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> int:
        """Say something and return its number.

        A verdict, alone with QoS 0, is said again over the next link if this one is lost before it
        is confirmed: who judged a snapshot and has its partition again, judges it no second time.

        Raises:
            BrokerError: the link is lost.
        """
        number = super().publish(topic, payload, qos, retain=retain)
        if qos == 0:
            self._verdicts[number] = topic, payload
        return number

    def tick(self, now_s: float, judged: Collection[str], *, is_beat: bool) -> bool:
        """Let go of what was judged, and of partitions beyond a fair share."""
        line = self._voice
        for number in [number for number in self._verdicts if number not in line.unacked]:
            del self._verdicts[number]
        for partition in self._partitions:
            partition.tick(now_s, line.unacked)
        self._members.expire(now_s)
        for number in [n for n, at_s in self._away.items() if now_s >= at_s]:
            if not self._partitions[number].is_leaving:
                del self._away[number]
                self._partitions[number].open(line)
        if now_s >= self._balance_at_s:
            self._balance_at_s = now_s + _BALANCE_S
            self._share(now_s)
            self._say_silence(now_s)
        before = self.mine()
        self._owned = {p.number for p in self._partitions if p.is_owner and not p.is_leaving}
        if self._had and now_s >= self._decided_at_s:
            self._had.clear()
        for number in self._owned:
            partition = self._partitions[number]
            if not partition.sites:
                partition.take()
            elif partition.is_waiting:
                self._is_new = True
        # Where all of them stay as they were, they are taken anew all the same.
        is_new, self._is_new = self._is_new, False
        return is_new or self.mine() != before

    def hear_member(self, member: str, data: bytes, judged: Collection[str]) -> bool:
        """Take the presence of a unit."""
        if not data:
            self._members.remove(member)
            return member == self._central
        said = parse_member(data)
        if said.central != member:
            raise PayloadError(f"it is the presence of {said.central!r}")
        self._members.hear(member, said.sites, time.monotonic())
        return False

    def take(self, names: Sequence[str]) -> None:
        """Hear the partitions of the sites."""
        for number in self._owned:
            self._partitions[number].take()

    def give(self, name: str) -> None:
        """A partition goes as a whole."""

    def keep(self, name: str, state: bytes) -> None:
        """Keep what was learnt of a site with the deed of its partition."""
        self._partition(name).keep(name, state)

    def told(self, name: str, snapshot: int, utc_ns: int, said: Collection[int]) -> None:
        """Let the reports of a snapshot go as soon as what was said of it is confirmed."""
        self._partition(name).told(name, snapshot, utc_ns, said)

    def pace(self, name: str) -> Pace:
        """Return the pace of a site's partition."""
        return self._partition(name).pace(name)

    def leave(self) -> None:
        """Leave the deeds as they are now, and say good-bye."""
        for partition in self._partitions:
            if partition.is_owner:
                partition.release()
        self.publish(self._topics.member(self._central), b"", 1)

    def _partition(self, name: str) -> Partition:
        return self._partitions[self._sites[name]]

    def _queues(self, number: int) -> tuple[str, str]:
        base = self._topics.prefix.replace("/", ".")
        return f"{base}.reports.{number}", f"{base}.deeds.{number}"

    def _plan(self) -> Plan:
        """Return the queues, and which sites go into which."""
        n = len(self._partitions)
        # Its length is the number of partitions: RabbitMQ refuses who names another.
        plan = f"{self._topics.prefix.replace('/', '.')}.plan"
        queues: dict[str, Arguments] = {plan: _QUORUM | {"x-max-length": n}}
        bindings = []
        for number in range(n):
            reports, deeds = self._queues(number)
            bound: Arguments = {"x-max-length-bytes": _MOST_BYTES, "x-overflow": "drop-head"}
            queues |= {reports: _SINGLE | bound, deeds: _SINGLE}
        for name, number in self._sites.items():
            reports, deeds = self._queues(number)
            bindings += [
                (deeds, self._topics.transmitters(name)),
                (deeds, self._topics.state(name)),
                (reports, self._topics.reports(name)),
            ]
        return Plan(queues, tuple(bindings))

    def _opened(self, line: Line) -> None:
        self.session = line
        now_s = time.monotonic()
        self._decided_at_s, self._balance_at_s = now_s + _DOUBT_S, now_s + _BALANCE_S
        self._heard = self._n_heard, now_s
        self._members.clear()
        line.listen(self._topics.members, self._tenant.hear)
        while self._again:
            self.publish(*self._again[0], 0)
            self._again.popleft()
        for partition in self._partitions:
            partition.open(line)
        self._tenant.enter()

    def _lost(self) -> str:
        self.session = None
        self._again.extend(self._verdicts.values())
        self._verdicts.clear()
        self._had |= self._owned
        self._owned.clear()
        self._away.clear()
        for partition in self._partitions:
            partition.lose()
        self._tenant.lose()
        return ""

    def _share(self, now_s: float) -> None:
        """Let partitions go that are more than a fair share; each has an order of its own."""
        n_members = max(1, len(self._members.ids))
        fair = -(-len(self._partitions) // n_members)
        owned = [p for p in self._partitions if p.is_owner and not p.is_leaving]
        for partition in sorted(owned, key=self._weight)[: max(0, len(owned) - fair)]:
            _LOG.info("partition %d goes to the next in line", partition.number)
            partition.release()
            self._away[partition.number] = now_s + _AWAY_S

    def _weight(self, partition: Partition) -> bytes:
        return blake2b(f"{self._central}\0{partition.number}".encode(), digest_size=8).digest()

    @property
    def _n_heard(self) -> int:
        return sum(partition.n_heard for partition in self._partitions)

    def _say_silence(self, now_s: float) -> None:
        """Say what may be the matter where no report comes at all."""
        n_heard, since_s = self._heard
        if self._n_heard != n_heard or not any(p.sites for p in self._partitions if p.is_owner):
            self._heard = self._n_heard, now_s
        elif now_s - since_s > _SILENCE_S:
            self._heard = n_heard, now_s + 10.0 * _SILENCE_S
            _LOG.warning(
                "no report came for %.0f s: are observers connected to this cluster, and has each "
                "of its nodes the MQTT plugin (rabbitmq-plugins enable rabbitmq_mqtt)?",
                _SILENCE_S,
            )
