"""Of what a broker sends, plain messages are heard, and paho gets the rest as it came."""

import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgespec.config import MqttConfig
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.mqtt.tap import Tap
from tests.made.broker import wait_for


def packet(first: int, body: bytes) -> bytes:
    """Return a packet with its length in as few bytes as there must be."""
    length, head = len(body), bytearray([first])
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def message(topic: bytes, payload: bytes, properties: bytes = b"\0", first: int = 0x30) -> bytes:
    return packet(first, struct.pack(">H", len(topic)) + topic + properties + payload)


@contextmanager
def tapped(*, has_properties: bool = True) -> Iterator[tuple[Tap, socket.socket]]:
    """Yield a tap and the broker's end."""
    near, far = socket.socketpair()
    tap = Tap(None, has_properties=has_properties)
    tap.wrap_socket(near).setblocking(False)
    try:
        yield tap, far
    finally:
        tap.close()
        far.close()


class Ear:
    """Hears of a tap until nothing more is here: plain messages, and bytes as paho reads them."""

    def __init__(self, tap: Tap) -> None:
        self.heard: list[tuple[bytes, bytes] | bytes] = []
        self.is_over = False
        self._tap = tap

    def plain(self, topic: bytes, payload: bytes) -> bool:
        self.heard.append((topic, payload))
        return len(self.heard) % 3 == 0

    def listen(self) -> None:
        is_more = True
        while is_more and not self.is_over:
            is_more, n_bytes = False, 1
            if self._tap.hear(self.plain):
                # paho reads the first bytes one by one, and what is left of a packet at once.
                with suppress(BlockingIOError):
                    while piece := self._tap.recv(n_bytes):
                        self.heard.append(piece)
                        is_more, n_bytes = True, n_bytes * 4
                    self.is_over = True
            is_more |= self._tap.pending() > 0


def joined(heard: Iterable[tuple[bytes, bytes] | bytes]) -> list[tuple[bytes, bytes] | bytes]:
    """Return what was heard with the bytes between two messages as one."""
    found: list[tuple[bytes, bytes] | bytes] = []
    for one in heard:
        if isinstance(one, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += one
        else:
            found.append(one)
    return found


PLAIN = st.tuples(st.binary(max_size=20), st.binary(max_size=300))
#: Retained, QoS 1, with properties, for a topic alias, and no message at all.
OTHER = st.one_of(
    PLAIN.map(lambda one: message(*one, first=0x31)),
    PLAIN.map(lambda one: message(*one, b"\0\7\0", first=0x32)),
    PLAIN.map(lambda one: message(*one, b"\2\1\1")),
    st.binary(max_size=200).map(lambda body: packet(0x90, body)),
    st.just(packet(0xD0, b"")),
)


@given(st.lists(st.one_of(PLAIN, OTHER), max_size=12), st.lists(st.integers(1, 400)))
def test_all_is_heard_in_its_order_however_it_is_cut(
    said: list[tuple[bytes, bytes] | bytes], cuts: list[int]
) -> None:
    data = b"".join(one if isinstance(one, bytes) else message(*one) for one in said)
    with tapped() as (tap, broker):
        ear = Ear(tap)
        for cut in [*cuts, len(data) + 1]:
            piece, data = data[:cut], data[cut:]
            broker.sendall(piece)
            ear.listen()
            # Otherwise whoever polls would never wait for the rest.
            assert tap.pending() == 0
        assert joined(ear.heard) == joined(said)
        assert not ear.is_over
        broker.close()
        ear.listen()
        assert ear.is_over


@pytest.mark.parametrize(
    "data",
    [
        packet(0x30, b""),
        packet(0x30, b"\0"),
        packet(0x30, b"\0\5abc"),
        packet(0x30, b"\0\1a"),  # without a length of its properties
        message(b"a", bytes(70_000)),
        b"\x30\x85\x80\x80\x80\x00",  # a length in five bytes
    ],
)
def test_what_is_long_or_malformed_is_left_to_paho(data: bytes) -> None:
    with tapped() as (tap, broker):
        ear = Ear(tap)
        broker.sendall(data + message(b"a", b"b"))
        ear.listen()
        assert joined(ear.heard) == [data, (b"a", b"b")]


def test_before_mqtt_5_a_message_has_no_properties() -> None:
    with tapped(has_properties=False) as (tap, broker):
        ear = Ear(tap)
        broker.sendall(message(b"a", b"b", b"") + message(b"a", b"", b""))
        ear.listen()
        assert ear.heard == [(b"a", b"b"), (b"a", b"")]


def test_without_anyone_who_listens_all_is_pahos() -> None:
    with tapped() as (tap, broker):
        broker.sendall(message(b"a", b"b"))
        assert tap.hear(None)
        assert tap.recv(100) == message(b"a", b"b")
        with pytest.raises(BlockingIOError):
            tap.recv(100)


def test_what_the_listener_raises_is_not_taken_for_a_lost_link() -> None:
    def fails(topic: bytes, payload: bytes) -> bool:
        raise OSError(payload.decode())

    with tapped() as (tap, broker):
        broker.sendall(message(b"a", b"b"))
        with pytest.raises(OSError, match="b"):
            tap.hear(fails)
        assert not tap.hear(fails)


@pytest.mark.parametrize("first", [b"\x30", b"\x32"])
def test_what_comes_with_the_answer_to_connect_waits_for_who_listens(first: bytes) -> None:
    """A broker that has kept messages sends them at once."""
    properties = b"\0" if first == b"\x30" else b"\0\7\0"
    kept = [message(b"a", b"%d" % number, properties, first[0]) for number in range(3)]
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as link:
                link.recv(1000)
                link.sendall(packet(0x20, b"\1\0\0") + b"".join(kept))
                while link.recv(1000):
                    pass

        broker = threading.Thread(target=answer)
        broker.start()
        url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        with Session(Link.of(MqttConfig(url=url, protocol="5"), "x")) as session:
            session.listen(lambda topic, payload: heard.append(payload))
            wait_for(lambda: not session.poll(None, 0.1) and len(heard) == len(kept), "all", 60.0)
        broker.join()
    assert heard == [b"0", b"1", b"2"]


def heard_by(broker: socket.socket, n_bytes: int) -> bytes:
    """Return so many bytes of what was sent."""
    data = b""
    while len(data) < n_bytes:
        data += broker.recv(n_bytes - len(data))
    return data


@pytest.mark.parametrize("has_properties", [True, False])
def test_what_is_said_goes_out_in_its_order_before_what_is_pahos(*, has_properties: bool) -> None:
    none = b"\0" if has_properties else b""
    long = bytes(300)
    with tapped(has_properties=has_properties) as (tap, broker):
        assert tap.say("a/b", b"one", retain=False)
        assert tap.say("\u00e4", long, retain=True)
        assert tap.has_unsaid
        wanted = message(b"a/b", b"one", none) + message(b"\xc3\xa4", long, none, first=0x31)
        assert tap.send(b"paho") == 4
        assert not tap.has_unsaid
        assert heard_by(broker, len(wanted) + 4) == wanted + b"paho"


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0b", "\ud800", "a" * 65536])
def test_a_topic_that_none_may_have_is_left_to_paho(topic: str) -> None:
    with tapped() as (tap, _):
        assert not tap.say(topic, b"x", retain=False)
        assert not tap.has_unsaid


def test_what_the_network_does_not_take_waits_and_nothing_passes_it() -> None:
    with tapped() as (tap, broker):
        said = []
        while not tap.has_unsaid:
            said.append(b"%d" % len(said) + bytes(5000))
            tap.say("many", said[-1], retain=False)
            tap.flush()
        tap.say("many", b"last", retain=False)
        with pytest.raises(BlockingIOError):
            tap.send(b"paho")
        wanted = b"".join(message(b"many", one) for one in [*said, b"last"])
        heard = b""
        while tap.has_unsaid:
            heard += broker.recv(65536)
            tap.flush()
        assert heard + heard_by(broker, len(wanted) - len(heard)) == wanted


def test_enough_is_said_at_once_and_after_a_hang_up_nothing() -> None:
    with tapped() as (tap, broker):
        tap.say("much", bytes(20_000), retain=False)
        assert not tap.has_unsaid
        broker.close()
        tap.say("much", bytes(100), retain=False)
        tap.flush()
        tap.say("much", bytes(100), retain=False)
        tap.flush()
        assert not tap.has_unsaid
