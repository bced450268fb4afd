"""One connection to an MQTT broker. The only file that knows paho.

paho is used without its own thread, one client a connection: whoever owns a session drives it
by `poll`, so publishing, acknowledgements and the loss of the link all happen in one thread, and
nothing is ever published while disconnected, which paho 2 would queue and deliver out of order.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edgespec.alarm.url import BrokerUrl
from edgespec.errors import BrokerError, ConfigError

__all__ = ["BrokerRefusedError", "Link", "Session", "tls_context"]

_PROTOCOLS = {"3.1.1": MQTTProtocolVersion.MQTTv311, "5": MQTTProtocolVersion.MQTTv5}
_CONNECT_S = 5.0
_BAD_LOGIN = ("Bad user name or password", "Not authorized")


class BrokerRefusedError(BrokerError):
    """The broker is there and says no: without a change, trying again does not help."""


@dataclass(frozen=True, slots=True)
class Link:
    """How to reach a broker and what it says when the link breaks (the last will)."""

    url: BrokerUrl
    client_id: str
    username: str | None
    password: str | None
    tls: ssl.SSLContext | None
    keepalive_s: float
    protocol: str
    will_topic: str | None = None
    will_payload: bytes = b""


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return TLS that trusts the system's certificates, or only those of ``ca_file``.

    Raises:
        ConfigError: the file is missing or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError(
            f"mqtt.ca_file is {str(ca_file)!r}, which cannot be used "
            f"({error.strerror or error}): name a readable file of PEM certificates"
        ) from error
    context.sslsocket_class = _HandshakeSocket
    return context


class _HandshakeSocket(ssl.SSLSocket):
    """A socket that closes when the handshake fails; paho leaves it open for every attempt."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Session:
    """A connection from ``connect`` to ``close``; after a BrokerError it is dead.

    ``unacked`` holds the numbers of the QoS 1 messages that the broker has not confirmed.
    """

    def __init__(self, link: Link) -> None:
        self.unacked: set[int] = set()
        self._link = link
        self._answer: ReasonCode | None = None
        self._lost: str | None = None
        self._refused: str | None = None
        self._client = self._make_client()

    def connect(self) -> None:
        """Connect and wait for the broker's answer, some seconds at most.

        Raises:
            BrokerRefusedError: the broker wants other credentials or has the wrong certificate.
            BrokerError: it cannot be reached.
        """
        url = self._link.url
        try:
            self._client.connect(url.host, url.port, max(1, round(self._link.keepalive_s)))
        except OSError as error:
            raise _unreachable(url, error) from error
        deadline_s = time.monotonic() + _CONNECT_S
        while self._answer is None:
            if self._lost is not None:
                raise BrokerError(
                    f"the broker {url} closed the connection at once: is it MQTT "
                    f"{self._link.protocol}{'' if url.tls else ' without TLS'}?"
                )
            if time.monotonic() > deadline_s:
                raise BrokerError(f"the broker {url} accepts connections but does not answer")
            self._poll(None, 0.2)
        if self._answer.is_failure:
            raise self._refusal(str(self._answer))

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> int:
        """Send a message and return its number, which is in ``unacked`` until QoS 1 is done.

        Raises:
            BrokerError: the link is lost.
        """
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
        agreed: list[ReasonCode] = []
        self._client.on_message = lambda client, userdata, message: on_message(
            bytes(message.payload)
        )
        self._client.on_subscribe = lambda client, userdata, mid, codes, properties: agreed.extend(
            codes
        )
        self._client.subscribe(topic, qos=1)
        deadline_s = time.monotonic() + _CONNECT_S
        while not agreed and time.monotonic() < deadline_s:
            self.poll(None, 0.2)
        if not agreed or agreed[0].is_failure:
            reason = str(agreed[0]) if agreed else "no answer"
            raise BrokerError(
                f"the broker {self._link.url} refuses the subscription to {topic!r} ({reason}): "
                "allow this user to read it"
            )

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
        if self._lost is not None:
            raise BrokerError(f"the link to {self._link.url} is lost: {self._lost}")

    def close(self) -> None:
        """Say good-bye, where the link is up, so that the last will is not sent."""
        self._client.disconnect()
        # What could not be said stays in paho's buffer, with the socket open: close it here.
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _poll(self, wake_fd: int | None, timeout_s: float) -> None:
        sock = self._client.socket()
        if sock is None:
            self._lost = self._lost or "the connection is closed"
            return
        poller = select.poll()
        writes = select.POLLOUT if self._client.want_write() else 0
        poller.register(sock, select.POLLIN | writes)
        if wake_fd is not None:
            poller.register(wake_fd, select.POLLIN)
        has_decrypted = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        ready = dict(poller.poll(0 if has_decrypted else timeout_s * 1e3))
        events = ready.get(sock.fileno(), 0)
        if has_decrypted or events & ~select.POLLOUT:
            self._client.loop_read()
        if events & select.POLLOUT:
            self._client.loop_write()
        self._client.loop_misc()

    def _make_client(self) -> Client:
        link = self._link
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=link.client_id,
            clean_session=None if link.protocol == "5" else True,
            protocol=_PROTOCOLS[link.protocol],
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_S
        if link.will_topic is not None:
            client.will_set(link.will_topic, link.will_payload, qos=1, retain=True)
        if link.username is not None:
            client.username_pw_set(link.username, link.password)
        if link.tls is not None:
            client.tls_set_context(link.tls)
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

    def _refusal(self, reason: str) -> BrokerError:
        url, user = self._link.url, self._link.username
        if reason in _BAD_LOGIN:
            who = f"user {user!r}" if user is not None else "a connection without user name"
            return BrokerRefusedError(
                f"the broker {url} refuses {who} ({reason}): check mqtt.username and mqtt.password"
            )
        return BrokerError(
            f"the broker {url} refuses the connection ({reason}); the client id is "
            f"{self._link.client_id!r}, the protocol MQTT {self._link.protocol}"
        )


def _unreachable(url: BrokerUrl, error: OSError) -> BrokerError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return BrokerRefusedError(
            f"the certificate of the broker {url} is not trusted ({error.verify_message}): "
            "set mqtt.ca_file to the certificate that signed it, and the URL to a name in it"
        )
    if isinstance(error, ssl.SSLError):
        reason = f"TLS fails ({error.reason}): is this its TLS port?"
    elif isinstance(error, socket.gaierror):
        reason = f"the host name is not known ({error.strerror})"
    elif isinstance(error, ConnectionRefusedError):
        reason = "the connection is refused: is the broker running on that port?"
    elif isinstance(error, TimeoutError):
        reason = "there is no answer within 5 s: is the network up?"
    else:
        hint = ": is this its TLS port?" if url.tls else ""
        reason = f"{error.strerror or error}{hint}"
    return BrokerError(f"the broker {url} cannot be reached: {reason}")
