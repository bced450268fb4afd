"""One connection to an MQTT broker. The only file that knows paho.

paho is used without its own thread, one client a connection: whoever owns a session drives it
by `poll`, so publishing, acknowledgements and the loss of the link all happen in one thread, and
nothing is ever published while disconnected, which paho 2 would queue and deliver out of order.

What comes and goes by thousands a second passes paho by (:mod:`edgespec.mqtt.tap`). gmqtt is faster
than paho by itself (benchmarks.twin.transport), but does not look at the reason of a PUBACK: an
event that the broker refuses would count as delivered.
"""

import select
import ssl
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, cast

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edgespec.errors import BrokerError
from edgespec.mqtt.link import OWN_ID, BrokerRefusedError, Link, refusal, unreachable
from edgespec.mqtt.tap import Tap

__all__ = ["Session"]

_PROTOCOLS = {"3.1.1": MQTTProtocolVersion.MQTTv311, "5": MQTTProtocolVersion.MQTTv5}
_CONNECT_S = 5.0
#: Most packets that are read before whoever drives the session has its turn again, and how long.
_BATCH, _BATCH_S = 256, 0.1
#: The longest packet that is asked for (MQTT 5, sec. 3.1.2.11.4): the broker keeps longer ones.
_MAX_PACKET_BYTES = 4 * 1024 * 1024 + 65536
_MAX_UNCONFIRMED = 500  # mosquitto 2.0.11 drops what goes beyond a thousand packets
_TAKEN_OVER = "Session taken over"
_REPLACED = "\ufffd"


class Session:
    """A connection from ``connect`` to ``close``; after a BrokerError it is dead.

    As a context manager it connects and closes.

    ``unacked`` holds the numbers of the QoS 1 messages that the broker has not confirmed,
    ``asked`` the subscriptions that it has not answered (topics, and whether they are vital),
    ``refused`` the topics that could be done without and may not be read. Where it ``gathers``,
    messages of QoS 0 wait for each other until :meth:`poll`: for thousands a second.
    """

    def __init__(self, link: Link) -> None:
        self.unacked: set[int] = set()
        self.refused: list[str] = []
        self.gathers = False
        self._link = link
        self._answer: ReasonCode | None = None
        self._lost: str | None = None
        self._refused: str | None = None
        self.asked: dict[int, tuple[tuple[str, ...], bool]] = {}
        self._denied: str | None = None
        #: Messages so far; with which it is another's turn, and when.
        self._n_heard, self._n_enough, self._enough_s = 0, 0, 0.0
        self._take_plain: Callable[[bytes, bytes], bool] | None = None
        self._tap = Tap(link.tls, has_properties=link.protocol == "5")
        self._client = self._make_client()

    def __enter__(self) -> "Session":
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Connect and wait for the broker's answer, some seconds at most.

        Raises:
            BrokerRefusedError: the broker wants other credentials or has the wrong certificate.
            BrokerError: it cannot be reached.
        """
        url = self._link.url
        properties = None
        begun: dict[str, Any] = {"clean_start": False} if self._link.keep_s else {}
        if self._link.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.MaximumPacketSize = _MAX_PACKET_BYTES
            if self._link.keep_s:
                properties.SessionExpiryInterval = round(self._link.keep_s)
                properties.ReceiveMaximum = _MAX_UNCONFIRMED
        keepalive_s = max(1, round(self._link.keepalive_s))
        try:
            self._client.connect(url.host, url.port, keepalive_s, properties=properties, **begun)
            answer = self._first_answer()
        except BrokerError:
            raise
        except OSError as error:
            raise unreachable(url, error) from error
        except Exception as error:  # paho on a server that speaks another protocol
            raise BrokerError(f"the broker {url} does not speak MQTT ({error!r:.80})") from error
        if answer.is_failure:
            raise refusal(self._link, str(answer))

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> int:
        """Send a message and return its number, which is in ``unacked`` until QoS 1 is done.

        One of QoS 0 has none.

        Raises:
            BrokerError: the link is lost.
        """
        # What paho has sent the half of must not have anything in between.
        is_free = self._answer is not None and not (self._lost or self._client.want_write())
        if qos == 0 and is_free and self._tap.say(topic, payload, retain=retain):
            if not self.gathers:
                self._tap.flush()
            return 0
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(f"the link to {self._link.url} is lost: {error_string(info.rc)}")
        if qos > 0:
            self.unacked.add(info.mid)
        return info.mid

    def subscribe(self, topic: str, on_message: Callable[[bytes], None]) -> None:
        """Ask for the messages of a topic, QoS 1, and wait until the broker has agreed.

        Raises:
            BrokerError: it does not agree, or the link is lost.
        """
        self.listen(lambda _, payload: on_message(payload))
        self.ask([topic], qos=1)
        deadline_s = time.monotonic() + _CONNECT_S
        while self.asked:
            if time.monotonic() > deadline_s:
                raise BrokerError(
                    f"the broker {self._link.url} does not answer the subscription to {topic!r}"
                )
            self.poll(None, 0.2)

    def listen(
        self, on_message: Callable[[str, bytes], object], *, takes_retained: bool = True
    ) -> None:
        """Hand topic and payload of every message to ``on_message``, which must not raise.

        Without ``takes_retained``, what the broker had kept from before is left out.
        """

        def heard(topic: str, payload: bytes, is_old: bool, number: int) -> None:
            if topic and (takes_retained or not is_old):
                on_message(topic, payload)

        self._hear_by(heard, on_message)

    def receive(self, on_message: Callable[[str, bytes, bool, int], None]) -> None:
        """Hand everything to ``on_message``, which must not raise.

        It is told topic, payload, whether the broker had kept it from before, and the number by
        which a message of QoS 1 is to be confirmed, 0 for others.
        """
        self._hear_by(on_message, lambda topic, payload: on_message(topic, payload, False, 0))

    def _hear_by(
        self,
        on_message: Callable[[str, bytes, bool, int], None],
        on_plain: Callable[[str, bytes], object],
    ) -> None:
        """Hand on what paho hears, and what passes it by."""

        def take(topic: bytes, payload: bytes) -> bool:
            self._n_heard += 1
            name = topic.decode(errors="replace")
            # Nobody has a topic without a name, nor one that is no UTF-8.
            if name and _REPLACED not in name:
                on_plain(name, payload)
            return self._n_heard >= self._n_enough or time.monotonic() > self._enough_s

        def heard(client: Client, userdata: object, message: MQTTMessage) -> None:
            self._n_heard += 1
            try:
                topic = message.topic
            except UnicodeDecodeError:
                # What came is to be confirmed nevertheless.
                topic = ""
            payload, number = bytes(message.payload), message.mid if message.qos else 0
            on_message(topic, payload, message.retain, number)

        self._take_plain = take
        self._client.on_message = heard
        self._client.on_subscribe = self._on_subscribe

    def confirm(self, number: int) -> None:
        """Say that a message of :meth:`receive` is kept: the broker may forget it.

        Raises:
            BrokerError: the link is lost.
        """
        code = self._client.ack(number, 1)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(f"the link to {self._link.url} is lost: {error_string(code)}")

    def ask(self, topics: Sequence[str], qos: int = 0, *, is_vital: bool = True) -> None:
        """Subscribe to several topics at once without waiting; a refusal ends the next `poll`.

        Of what is not vital, refused topics are noted and all else goes on.

        ``$share/GROUP/TOPIC`` (MQTT 5, sec. 4.8.2) gives each message to one member of the group.

        Raises:
            BrokerError: the link is lost.
        """
        if not topics:
            return
        if self._link.protocol == "5":
            code, mid = self._client.subscribe([(topic, SubscribeOptions(qos)) for topic in topics])
        else:
            code, mid = self._client.subscribe([(topic, qos) for topic in topics])
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise BrokerError(f"the link to {self._link.url} is lost: {error_string(code)}")
        self.asked[mid] = (tuple(topics), is_vital)

    def leave(self, topics: Sequence[str]) -> None:
        """Unsubscribe from several topics at once.

        Raises:
            BrokerError: the link is lost.
        """
        if topics:
            code, _ = self._client.unsubscribe(list(topics))
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise BrokerError(f"the link to {self._link.url} is lost: {error_string(code)}")

    def poll(self, wake_fd: int | None, timeout_s: float) -> None:
        """Wait for the broker, for ``wake_fd`` to be readable or for the timeout; do what is due.

        Raises:
            BrokerError: the link is lost, or the broker refused a message.
        """
        self._poll(wake_fd, timeout_s)
        if self._refused is not None:
            raise BrokerRefusedError(
                f"the broker {self._link.url} refuses a message ({self._refused}): allow this "
                "user to publish below the topic prefix"
            )
        if self._denied is not None:
            raise BrokerRefusedError(
                f"the broker {self._link.url} refuses the subscription to {self._denied}: allow "
                "this user to read it"
            )
        if self._lost == _TAKEN_OVER:
            raise BrokerError(
                f"the link to {self._link.url} is lost: another connection has taken over the "
                f"client id {self._link.client_id!r}; {OWN_ID}"
            )
        if self._lost is not None:
            raise BrokerError(f"the link to {self._link.url} is lost: {self._lost}")

    def close(self) -> None:
        """Say good-bye, where the link is up, so that the last will is not sent."""
        self._client.disconnect()
        # What could not be said stays in paho's buffer, with the socket open: close it here.
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _first_answer(self) -> ReasonCode:
        url, deadline_s = self._link.url, time.monotonic() + _CONNECT_S
        while self._answer is None:
            if self._lost is not None:
                # A certificate is refused after the handshake, by hanging up (TLS 1.3).
                about = (
                    ", and does it take the certificate in mqtt.cert_file, or want one?"
                    if url.tls
                    else " without TLS?"
                )
                raise BrokerError(
                    f"the broker {url} closed the connection at once: is it MQTT "
                    f"{self._link.protocol}{about}"
                )
            if time.monotonic() > deadline_s:
                raise BrokerError(f"the broker {url} accepts connections but does not answer")
            self._poll(None, 0.2)
        return self._answer

    def _poll(self, wake_fd: int | None, timeout_s: float) -> None:
        sock = self._client.socket()
        if sock is None:
            self._lost = self._lost or "the connection is closed"
            return
        self._tap.flush()
        poller = select.poll()
        is_full = self._tap.has_unsaid or self._client.want_write()
        writes = select.POLLOUT if is_full else 0
        poller.register(sock, select.POLLIN | writes)
        if wake_fd is not None:
            poller.register(wake_fd, select.POLLIN)
        has_some = self._tap.pending() > 0
        ready = dict(poller.poll(0 if has_some else timeout_s * 1e3))
        events = ready.get(sock.fileno(), 0)
        if has_some or events & ~select.POLLOUT:
            self._read()
        if events & select.POLLOUT:
            self._tap.flush()
            self._client.loop_write()
        self._client.loop_misc()

    def _read(self) -> None:
        # paho reads one packet a call; whoever listens to thousands a second would otherwise wait
        # anew for each.
        self._n_enough, self._enough_s = self._n_heard + _BATCH, time.monotonic() + _BATCH_S
        while self._tap.hear(self._take_plain):
            n_heard = self._n_heard
            self._client.loop_read()
            # Behind the answer to CONNECT come messages that nobody listens to yet.
            if self._n_heard == n_heard or self._has_enough():
                return

    def _has_enough(self) -> bool:
        return self._n_heard >= self._n_enough or time.monotonic() > self._enough_s

    def _make_client(self) -> Client:
        link = self._link
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=link.client_id,
            clean_session=None if link.protocol == "5" else True,
            protocol=_PROTOCOLS[link.protocol],
            reconnect_on_failure=False,
            manual_ack=link.keep_s > 0,
        )
        client.connect_timeout = _CONNECT_S
        if link.will_topic is not None:
            client.will_set(link.will_topic, link.will_payload, qos=1, retain=True)
        if link.username is not None:
            client.username_pw_set(link.username, link.password)
        client.tls_set_context(cast(ssl.SSLContext, self._tap))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _on_connect(
        self,
        client: Client,
        userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._answer = reason

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        is_known = flags.is_disconnect_packet_from_server or reason == "Keep alive timeout"
        self._lost = str(reason) if is_known else "the connection broke"

    def _on_subscribe(
        self,
        client: Client,
        userdata: object,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        topics, is_vital = self.asked.pop(mid, ((), True))
        for topic, reason in zip(topics, reasons, strict=False):
            if reason.is_failure and not is_vital:
                self.refused.append(topic)
            elif reason.is_failure:
                self._denied = f"{topic!r} ({reason})"

    def _on_publish(
        self,
        client: Client,
        userdata: object,
        mid: int,
        reason: ReasonCode,
        properties: Properties,
    ) -> None:
        if reason.is_failure:
            self._refused = str(reason)
        else:
            self.unacked.discard(mid)
