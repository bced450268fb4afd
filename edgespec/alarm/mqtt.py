"""Events and states to an MQTT broker, through any outage, without ever waiting for the network.

The monitor only fills a mailbox; one thread does everything else. With an event the monitor waits
until the journal has it, :data:`KEPT_S` at most, before anybody else is told of it: what was said
outlives the process. Messages arrive in order, each
at least once, and after a broken link those of the last ``mqtt.replay_s`` twice, with the same
sequence number. What had to wait for a connection says ``replayed``, and so does what is repeated.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from edgespec.alarm.claim import TopicClaim
from edgespec.alarm.outbox.mailbox import Mailbox, Retained
from edgespec.alarm.outbox.requests import Requests
from edgespec.alarm.outbox.sender import Sender
from edgespec.alarm.outbox.spool import Spool
from edgespec.config import MqttConfig
from edgespec.mqtt.link import Link
from edgespec.records import Event, ObserverState, RssReport
from edgespec.site_cell import SiteCell
from edgespec.wire.cells import cells_payload
from edgespec.wire.home_assistant import discovery_payload, discovery_topic
from edgespec.wire.info import info_payload
from edgespec.wire.rss import ENCODERS
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode
from edgespec.wire.topics import Topics, rss_topic

__all__ = ["KEPT_S", "MqttSink", "link_of"]

#: The journal has an event within a millisecond, unless the disk is busy. No ring of samples is
#: so short that this loses one.
KEPT_S = 0.1


class MqttSink:
    """Publishes below ``<prefix>/<node>`` and keeps trying for as long as it lives.

    It connects in the background: a broker that cannot be reached is never an exception, but
    ``problem`` and a line in the log, at most one a minute. A radio counts as offline until
    :meth:`radio` says otherwise.

    Args:
        settings: broker, credentials, TLS, limits; the URL's user is for want of a better one.
        node: id of this observer.
        radios: ids of its radios.
        bands: ids of the bands that its events belong to.
        info: what to say of itself.
        spool: keeps what waits. From now on it belongs to the sink, which closes it.
        answer: returns the response to a command and what was published for it, None for none;
            called from the sink's thread. Without it nothing is subscribed to.

    Raises:
        ConfigError: the URL, an id or the file of certificates cannot be used.
        PayloadError: ``info`` has no JSON form.
    """

    def __init__(
        self,
        settings: MqttConfig,
        node: str,
        radios: Sequence[str],
        bands: Sequence[str],
        info: dict[str, Any],
        spool: Spool,
        answer: Callable[[str, bytes], bytes | None] | None = None,
    ) -> None:
        self._topics = Topics(settings.topic_prefix, node, tuple(bands), tuple(radios))
        # First of all: it is what may be refused, and nothing is open yet.
        link = link_of(settings, self._topics, info)
        self._spool = spool
        self._encode_rss = ENCODERS[settings.rss_format]
        self._told_cells: dict[str, tuple[SiteCell, ...]] = {}
        self._claim: TopicClaim | None = None
        about = encode(info_payload(info, node))
        self._mailbox = Mailbox()
        self._mailbox.put_retained(self._topics.availability, Retained(b"online"))
        self._mailbox.put_retained(self._topics.info, Retained(about))
        if settings.home_assistant:
            device = encode(discovery_payload(self._topics, info))
            self._mailbox.put_retained(discovery_topic(node), Retained(device))
        for band in bands:
            self._mailbox.put_retained(self._topics.alarm(band), Retained(b"OFF"))
        for radio in radios:
            self.radio(radio, online=False)
        self._requests = None if answer is None else Requests(self._topics, answer)
        self._sender = Sender(
            link,
            self._topics,
            self._mailbox,
            spool,
            reconnect_max_s=settings.reconnect_max_s,
            replay_s=settings.replay_s,
            requests=self._requests,
        )

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._sender.connected

    @property
    def problem(self) -> str | None:
        """Why messages wait or are not safe, in a sentence; None when all is well."""
        failure = self._sender.failure
        return str(failure) if failure is not None else self._spool.problem

    @property
    def waiting(self) -> int:
        """Messages that the broker has not confirmed."""
        return self._mailbox.n_events + len(self._spool)

    @property
    def waiting_bytes(self) -> int:
        """Payload of those that the journal has."""
        return self._spool.waiting_bytes

    @property
    def n_lost(self) -> int:
        """Messages given up because no space was left for them."""
        return self._mailbox.n_lost + self._spool.n_lost

    def event(self, event: Event) -> None:
        """Queue a message of an event's life; on return it is in the journal, if the disk can."""
        self._mailbox.put_event(event)
        self._mailbox.wait_kept(KEPT_S)

    def state(self, state: ObserverState) -> None:
        """Replace the retained state of a band, and the record of its cells where that is new."""
        payload = encode(state_payload(state, self._topics.node))
        for topic in self._topics.states(state.band):
            self._mailbox.put_retained(topic, Retained(payload, qos=0))
        if state.site_cells and state.site_cells != self._told_cells.get(state.band):
            self._told_cells[state.band] = cells = state.site_cells
            node, center_freq_hz = self._topics.node, state.center_freq_hz
            record = encode(cells_payload(cells, node, state.band, center_freq_hz))
            self._mailbox.put_retained(self._topics.cells(state.band), Retained(record))

    def models(self, band: str, payload: dict[str, Any]) -> None:
        """Replace what is said of the models of a band."""
        self._mailbox.put_retained(self._topics.model(band), Retained(encode(payload)))

    def rss(self, report: RssReport) -> None:
        """Publish for the site's central unit, QoS 0: what finds no connection is not kept."""
        topic = rss_topic(self._topics.prefix, report.node, report.site)
        self._mailbox.put_passing(topic, self._encode_rss(report))

    def respond(self, command: str, response: bytes) -> None:
        """Publish a response to what was asked for some time ago, once there is a connection."""
        self._say(self._topics.response(command), response)

    def picture(self, band: str, content: bytes) -> str:
        """Publish a picture that somebody asked for, and return the topic."""
        topic = self._topics.picture(band)
        self._say(topic, content)
        return topic

    def _say(self, topic: str, payload: bytes) -> None:
        if self._requests is not None:
            self._requests.say(topic, payload)
            self._mailbox.waker.wake()

    def radio(self, radio: str, online: bool) -> None:
        """Say whether a radio delivers samples."""
        payload = b"online" if online else b"offline"
        self._mailbox.put_retained(self._topics.radio_availability(radio), Retained(payload))

    def wait_connected(self, timeout_s: float) -> bool:
        """Return True once connected, False if the sink is closed meanwhile.

        Raises:
            BrokerError: the broker refuses this observer, or could not be reached in time.
        """
        return self._sender.wait_connected(timeout_s)

    def hold(self, claim: TopicClaim) -> None:
        """Keep the claim of these topics until the end."""
        self._claim = claim

    def close(self) -> None:
        """Deliver for a few seconds, say ``offline``, disconnect; the rest stays in the spool."""
        self._sender.close()
        if self._claim is not None:
            self._claim.close()


def link_of(settings: MqttConfig, topics: Topics, info: dict[str, Any]) -> Link:
    """Return the way to the broker of an observer that says ``info`` of itself.

    Raises:
        ConfigError: the URL or the file of certificates cannot be used.
    """
    # Always the same id: after a broken link the broker then ends the old connection, and
    # sends its last will, before this one says online, never after. It is of what is watched,
    # too: two observers with one node id, a host's, do not throw each other off the broker.
    watched = [(band.get("band"), band.get("source")) for band in info.get("bands", ())]
    mark = blake2b(repr((topics.radios, topics.bands, watched)).encode(), digest_size=3)
    client_id = settings.client_id or f"edgespec-{topics.node}-{mark.hexdigest()}"
    return Link.of(settings, client_id, topics.availability, b"offline")
