"""One connection to RabbitMQ. The only file that knows pika.

pika runs no thread here: whoever owns a line drives it by ``poll``, as it does with
:class:`edgespec.mqtt.session.Session`. Nothing but ``connect`` waits: what is published is
confirmed later (``unacked``), what is consumed comes by callback.
"""

import contextlib
import logging
import os
import random
import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

import pika
from pika import exceptions
from pika.adapters.select_connection import IOLoop

from edgespec.engine.link import CONNECT_S, EngineLink, Plan
from edgespec.engine.refusals import refusal, unreachable, words
from edgespec.errors import BrokerError
from edgespec.mqtt.link import BrokerRefusedError

__all__ = ["Hear", "Line", "Tap"]

_LOG = logging.getLogger(__name__)
#: Where RabbitMQ's MQTT plugin takes messages from and gives them to, with ``.`` for ``/``.
_TOPICS = "amq.topic"
#: Making a queue needs most nodes of a cluster, one of which may just be starting.
_SETUP_S = 300.0
#: A wait that is longer is said.
_PATIENCE_S = 3.0
_GOODBYE_S = 1.0
_FAREWELLS = 10
_LEAST = (3, 10)
_READ = 1


class Hear(Protocol):
    """Who takes what is consumed: its number, topic, kind, name and payload.

    Topic is empty where a central unit sent it to the queue itself, kind and name where not.
    """

    def __call__(self, tag: int, topic: str, kind: str, name: str, data: bytes) -> None:
        """Take a message; must not raise anything but BrokerError."""
        ...


class Tap:
    """A queue that is consumed, over a channel of its own: closing it gives back what is open."""

    def __init__(self, line: "Line", queue: str, prefetch: int, hear: Hear) -> None:
        self._line = line
        self._queue = queue
        self._prefetch = prefetch
        self._hear = hear
        self._is_closed = False
        self._channel: Any = line.open_channel(self._opened)

    def ack(self, tag: int, *, multiple: bool = False) -> None:
        """Tell that a message, or all up to it, need not come again."""
        if not self._is_closed:
            with self._line.speaking():
                self._channel.basic_ack(tag, multiple)

    def close(self) -> None:
        """Consume no more; what is not acknowledged goes to the next consumer."""
        self._is_closed = True
        with contextlib.suppress(exceptions.AMQPError):
            self._channel.close()

    def _opened(self, channel: Any) -> None:
        if self._is_closed:
            return
        channel.add_on_close_callback(self._closed)
        channel.add_on_cancel_callback(self._cancelled)
        with self._line.speaking():
            channel.basic_qos(prefetch_count=self._prefetch)
            channel.basic_consume(self._queue, self._heard)

    def _heard(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        if self._is_closed:
            return
        topic = method.routing_key.replace(".", "/") if method.exchange else ""
        kind, name = properties.type or "", properties.correlation_id or ""
        try:
            self._hear(method.delivery_tag, topic, kind, name, body)
        except BrokerError as error:
            self._line.fail(error)

    def _cancelled(self, frame: Any) -> None:
        self._line.fail(BrokerError(f"the engine ended the consuming of {self._queue}"))

    def _closed(self, channel: Any, reason: Exception) -> None:
        if not self._is_closed:
            self._line.fail(refusal(self._line.url, reason))


class _Loop(IOLoop):  # type: ignore[misc]
    """pika's loop, which knows what it listens to: pika leaves a socket open where it gives up."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptors: set[int] = set()

    def add_handler(self, fd: int, handler: Any, events: int) -> None:
        self.descriptors.add(fd)
        super().add_handler(fd, handler, events)

    def remove_handler(self, fd: int) -> None:
        self.descriptors.discard(fd)
        super().remove_handler(fd)

    def hang_up(self) -> None:
        """Shut down all that is still open, so that the other side sees it."""
        for fd in self.descriptors:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as one:
                one.shutdown(socket.SHUT_RDWR)


class Line:
    """A connection from ``connect`` to ``close``; after a BrokerError it is dead.

    Args:
        link: where to.
        plan: what is made there, where it is not there yet.
    """

    def __init__(self, link: EngineLink, plan: Plan) -> None:
        self.unacked: set[int] = set()
        self.url = str(link.url)
        self._link = link
        self._plan = plan
        self._connection: Any = None
        self._talk: Any = None
        self._loop: Any = None
        self._wake_fd = -1
        self._n_said = 0
        self._n_made = 0
        self._is_open = False
        self._failure: BrokerError | None = None
        # What it says of its own is said by whoever gets the BrokerError.
        logging.getLogger("pika").setLevel(logging.CRITICAL)

    def connect(self) -> None:
        """Connect to one of the hosts, and make what is not there yet.

        Raises:
            BrokerRefusedError: wrong credentials, or a queue of another kind is in the way.
            BrokerError: no host can be reached.
        """
        # In another order each time: units spread over the nodes.
        hosts = random.sample(self._link.url.hosts, len(self._link.url.hosts))
        for index, (host, port) in enumerate(hosts):
            try:
                self._open(host, port)
                break
            except BrokerRefusedError:
                raise
            except BrokerError:
                self.close()
                if index + 1 == len(hosts):
                    raise
        self._make()

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> int:
        """Send a message to whoever subscribes to a topic, and return its number.

        It is in ``unacked`` until the engine has it. RabbitMQ keeps none for later subscribers:
        ``retain`` has no effect.

        Raises:
            BrokerError: the link is lost.
        """
        properties = pika.BasicProperties(delivery_mode=2 if qos else 1)
        return self._say(_TOPICS, _key(topic), payload, properties)

    def send(self, queue: str, kind: str, name: str, payload: bytes) -> int:
        """Put a message into one queue, and return its number, in ``unacked`` until it is kept.

        Raises:
            BrokerError: the link is lost.
        """
        properties = pika.BasicProperties(delivery_mode=2, type=kind, correlation_id=name)
        return self._say("", queue, payload, properties)

    def listen(self, topic: str, hear: Callable[[str, bytes], object]) -> None:
        """Hand topic and payload of all that is said on a topic from now on to ``hear``.

        Raises:
            BrokerError: the link is lost.
        """

        def heard(channel: Any, method: Any, properties: Any, body: bytes) -> None:
            hear(method.routing_key.replace(".", "/"), body)

        def declared(frame: Any) -> None:
            queue = frame.method.queue
            with self.speaking():
                channel.queue_bind(queue, _TOPICS, _key(topic))
                channel.basic_consume(queue, heard, auto_ack=True)

        def opened(channel: Any) -> None:
            channel.add_on_close_callback(self._refused)
            channel.queue_declare("", exclusive=True, callback=declared)

        channel = self.open_channel(opened)

    def open_channel(self, on_open: Callable[[Any], None]) -> Any:
        """Open a channel.

        Raises:
            BrokerError: the link is lost.
        """
        with self.speaking():
            return self._connection.channel(on_open_callback=on_open)

    def poll(self, wake_fd: int | None, timeout_s: float) -> None:
        """Wait for messages, ``wake_fd`` or the timeout; do what is due.

        Raises:
            BrokerError: the link is lost, or the engine refused something.
        """
        if wake_fd is not None and wake_fd != self._wake_fd:
            self._wake_fd = wake_fd
            self._loop.add_handler(wake_fd, _nothing, _READ)
        timer = self._loop.call_later(max(timeout_s, 0.0), _nothing)
        self._loop.poll()
        self._loop.process_timeouts()
        self._loop.remove_timeout(timer)
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Hang up. What was consumed and not acknowledged goes to others."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._failure = self._failure or BrokerError(f"the link to {self.url} is closed")
        with contextlib.suppress(exceptions.AMQPError):
            if connection.is_open:
                connection.close()
                until_s = time.monotonic() + _GOODBYE_S
                while not connection.is_closed and time.monotonic() < until_s:
                    self._loop.call_later(0.1, _nothing)
                    self._loop.poll()
                    self._loop.process_timeouts()
        if self._wake_fd >= 0:
            self._loop.remove_handler(self._wake_fd)
        self._loop.hang_up()
        # pika closes a socket that it hears the end of, and only such a one.
        for _ in range(_FAREWELLS):
            if not self._loop.descriptors:
                break
            self._loop.call_later(0.0, _nothing)
            with contextlib.suppress(exceptions.AMQPError):
                self._loop.poll()
                self._loop.process_timeouts()
        self._loop.deactivate_poller()
        self._loop.close()

    def fail(self, error: BrokerError) -> None:
        """Let the next ``poll`` raise an error, the first one given."""
        self._failure = self._failure or error

    @contextlib.contextmanager
    def speaking(self) -> Any:
        """Say something to the engine.

        Raises:
            BrokerError: the link is lost.
        """
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except exceptions.AMQPError as error:
            raise BrokerError(f"the link to {self.url} is lost: {words(error)}") from error

    def _say(self, exchange: str, key: str, payload: bytes, properties: Any) -> int:
        with self.speaking():
            self._talk.basic_publish(exchange, key, payload, properties)
        self._n_said += 1
        self.unacked.add(self._n_said)
        return self._n_said

    def _open(self, host: str, port: int) -> None:
        where = f"{host}:{port}"
        link = self._link
        self._failure, self._is_open = None, False
        parameters = pika.ConnectionParameters(
            host,
            port,
            link.url.vhost,
            pika.PlainCredentials(link.username, link.password),
            heartbeat=max(2, round(link.heartbeat_s)),
            ssl_options=pika.SSLOptions(link.tls, host) if link.tls else None,
            socket_timeout=CONNECT_S,
            stack_timeout=CONNECT_S,
            client_properties={"connection_name": link.name},
        )

        def failed(connection: Any, error: BaseException) -> None:
            self.fail(unreachable(where, link, error))

        def closed(connection: Any, error: BaseException) -> None:
            self.fail(BrokerError(f"the link to {where} is lost: {words(error)}"))

        self._loop = _Loop()
        self._connection = pika.SelectConnection(
            parameters, on_open_callback=self._opened, on_open_error_callback=failed,
            on_close_callback=closed, custom_ioloop=self._loop,
        )  # fmt: skip
        self._loop.activate_poller()
        self._wake_fd = -1
        self._wait(lambda: self._is_open, 2.0 * CONNECT_S, f"the engine at {where}")
        self._check_server(where, self._connection.server_properties or {})
        self._connection.add_on_connection_blocked_callback(self._blocked)

    def _opened(self, connection: Any) -> None:
        self._is_open = True

    def _blocked(self, connection: Any, frame: Any) -> None:
        _LOG.warning(
            "the engine %s takes nothing for now (%s): give its node memory or disk",
            self.url, frame.method.reason,
        )  # fmt: skip

    def _check_server(self, where: str, facts: Any) -> None:
        product, version = str(facts.get("product", "")), str(facts.get("version", ""))
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
        if product != "RabbitMQ" or numbers < _LEAST:
            raise BrokerRefusedError(
                f"the engine at {where} is {product or 'unknown'} {version}; it must be RabbitMQ "
                f"{_LEAST[0]}.{_LEAST[1]} or newer, for its quorum queues"
            )

    def _make(self) -> None:
        """Make queues and bindings, which changes nothing where they are there."""
        self._talk = self.open_channel(self._talk_opened)
        n_wanted = len(self._plan.queues) + len(self._plan.bindings) + 1
        self._wait(lambda: self._n_made == n_wanted, _SETUP_S, "the engine's queues")

    def _talk_opened(self, channel: Any) -> None:
        channel.add_on_close_callback(self._refused)
        channel.confirm_delivery(self._confirmed, callback=self._made)
        for queue, arguments in self._plan.queues.items():
            channel.queue_declare(
                queue, durable=True, arguments=dict(arguments), callback=self._made
            )
        for queue, topic in self._plan.bindings:
            channel.queue_bind(queue, _TOPICS, _key(topic), callback=self._made)

    def _made(self, frame: Any) -> None:
        self._n_made += 1

    def _refused(self, channel: Any, reason: Exception) -> None:
        self.fail(refusal(self.url, reason))

    def _confirmed(self, frame: Any) -> None:
        method = frame.method
        tags = {method.delivery_tag}
        if method.multiple:
            tags = {number for number in self.unacked if number <= method.delivery_tag}
        if isinstance(method, pika.spec.Basic.Nack):
            self.fail(
                BrokerError(f"the engine {self.url} cannot keep a message: has it a majority?")
            )
        else:
            self.unacked -= tags

    def _wait(self, is_done: Callable[[], bool], longest_s: float, what: str) -> None:
        begun_s = time.monotonic()
        is_said = False
        while not is_done():
            waited_s = time.monotonic() - begun_s
            if waited_s > _PATIENCE_S and not is_said:
                is_said = True
                _LOG.info("waiting for %s", what)
            if waited_s > longest_s:
                raise BrokerError(
                    f"no answer within {longest_s:g} s: {what}; are most nodes of its cluster up?"
                )
            self.poll(None, 0.2)


def _key(topic: str) -> str:
    return topic.replace("/", ".").replace("+", "*")


def _nothing(*_: object) -> None:
    """Only end a wait."""
