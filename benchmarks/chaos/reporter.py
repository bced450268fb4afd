"""Observers that report until the cluster has taken each report, and an ear for the verdicts."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.chaos.rabbit import Cluster
from benchmarks.fleet.yard import DISTURBANCE
from edgespec.config import MqttConfig
from edgespec.engine.line import Line, Tap
from edgespec.engine.link import EngineLink, Plan
from edgespec.errors import BrokerError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.twin.service.fleet import VirtualSite
from edgespec.twin.site import Site
from edgespec.wire.rss import encode_rss
from edgespec.wire.text import decode
from edgespec.wire.topics import TwinTopics, rss_topic

__all__ = ["LISTENERS", "Ear", "Reporter"]

_NS = 1_000_000_000
#: The queue of who listens to verdicts.
LISTENERS = "chaos.verdicts"
_GONE_S = 5.0
#: What an observer sends later than this may come too late for its snapshot (`detect.grace_s`).
_PROMPT_S = 0.25
#: What the engine confirms later than this may come to it too late for its snapshot: sites of a
#: yard wait for a second.
_SLOW_S = 0.75

Snapshot = tuple[str, int]


class _Sent(NamedTuple):
    """A report on its way; ``is_late`` if it was sent too late for its snapshot."""

    snapshot: Snapshot
    topic: str
    data: bytes
    is_late: bool = False


class Reporter:
    """The units of sites, a report a second each, over MQTT with QoS 1.

    Observers send with QoS 0; here each report that was not confirmed is sent again, to another
    node, so that ``taken`` tells exactly what the engine has to answer for. What could be sent
    again only late, as after a node that hangs, is ``n_late`` and no more: observers lose it. What
    was sent in time and confirmed only when its snapshot was over is ``slow``: it was somewhere
    within a node that did not put it into its queue, and came as late as on a slow network.

    Args:
        cluster: where to.
        sites: whose units report.
    """

    def __init__(self, cluster: Cluster, sites: Sequence[Site]) -> None:
        self.taken: Counter[Snapshot] = Counter()
        self.slow: Counter[Snapshot] = Counter()
        self.n_sent = self.n_lost_links = self.n_late = 0
        rng = np.random.default_rng(1)
        self._sites = [VirtualSite(site, DISTURBANCE, rng) for site in sites]
        self._urls = [node.mqtt_url for node in cluster.nodes]
        self._turn = 0
        self._open: dict[int, _Sent] = {}
        self._session: Session | None = None
        self._is_ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def node(self) -> int:
        """Which node of the cluster it is connected to."""
        return self._turn % len(self._urls)

    def close(self) -> None:
        """Report no more, and wait until all was taken."""
        self._is_ended = True
        self._thread.join(120.0)

    def _run(self) -> None:
        second = time.time_ns() // _NS + 1
        while not self._is_ended or self._open:
            if time.time_ns() < second * _NS or self._is_ended:
                self._poll()
                continue
            for virtual in self._sites:
                for report in virtual.reports(second * _NS, 0.0):
                    topic = rss_topic("edgespec", report.node, report.site)
                    self._send((report.site, second - 1), topic, encode_rss(report))
            second += 1
        if self._session is not None:
            self._session.close()

    def _send(self, snapshot: Snapshot, topic: str, data: bytes) -> None:
        one = _Sent(snapshot, topic, data)
        try:
            self._publish(self._link(), one)
        except BrokerError:
            self._lose()
            self._open[-1 - self.n_sent] = one
        self.n_sent += 1

    def _publish(self, session: Session, one: _Sent) -> None:
        number = session.publish(one.topic, one.data, 1)
        is_late = time.time() - (one.snapshot[1] + 1) > _PROMPT_S
        self._open[number] = one._replace(is_late=is_late)

    def _poll(self) -> None:
        try:
            session = self._link()
            for number in [number for number in self._open if number < 0]:
                self._publish(session, self._open[number])
                del self._open[number]
            session.poll(None, 0.02)
        except BrokerError:
            self._lose()
            return
        for number in [number for number in self._open if number not in session.unacked]:
            one = self._open.pop(number)
            if one.is_late:
                self.n_late += 1
            elif time.time() - (one.snapshot[1] + 1) > _SLOW_S:
                self.slow[one.snapshot] += 1
            else:
                self.taken[one.snapshot] += 1

    def _lose(self) -> None:
        """Go to the next node, with all that was not confirmed."""
        if self._session is not None:
            self._session.close()
            self.n_lost_links += 1
        self._session = None
        self._turn += 1
        self._open = {-1 - k: one for k, one in enumerate(self._open.values())}
        time.sleep(0.2)

    def _link(self) -> Session:
        if self._session is None:
            url = self._urls[self.node]
            session = Session(Link.of(MqttConfig(url=url, keepalive_s=_GONE_S), "reporter"))
            try:
                session.connect()
            except BrokerError:
                session.close()
                raise
            self._session = session
        return self._session


class Ear:
    """Hears all verdicts from a queue of its own, which loses none while a node is away.

    ``heard`` has for each snapshot of a site the units of each verdict on it; ``at_s`` when the
    verdicts of a site came, on the monotonic clock; ``counts`` what became of the reports, by
    central unit and site, ``owners`` which unit gave the last verdict on each site.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.heard: dict[Snapshot, dict[tuple[str, int], int]] = {}
        self.at_s: dict[str, list[float]] = {}
        self.counts: dict[str, dict[str, int]] = {}
        self.owners: dict[str, str] = {}
        self._link = EngineLink.of(cluster.url, MqttConfig(keepalive_s=_GONE_S), "ear")
        topic = TwinTopics("edgespec").verdict("+")
        self._plan = Plan({LISTENERS: {"x-queue-type": "quorum"}}, ((LISTENERS, topic),))
        self._line: Line | None = None
        self._tap: Tap | None = None

    def listen(self, seconds: float) -> None:
        """Hear for a time, through any outage."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                self._open().poll(None, min(left_s, 0.1))
            except BrokerError:
                self.close()
                time.sleep(0.1)

    def close(self) -> None:
        """Hear no more."""
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(BrokerError):
                line.close()

    def _open(self) -> Line:
        if self._line is None:
            self._line = Line(self._link, self._plan)
            self._line.connect()
            self._tap = Tap(self._line, LISTENERS, 1000, self._hear)
        return self._line

    def _hear(self, tag: int, topic: str, kind: str, name: str, data: bytes) -> None:
        said = decode(data)
        site, central = str(said["site"]), str(said["central"])
        # What the engine gives to this ear again is the same verdict, not another.
        verdict = central, hash(data)
        self.heard.setdefault((site, int(said["snapshot"])), {})[verdict] = int(said["n_units"])
        self.at_s.setdefault(site, []).append(time.monotonic())
        self.counts[f"{central} {site}"] = said["reports"]
        self.owners[site] = central
        assert self._tap is not None
        self._tap.ack(tag)
