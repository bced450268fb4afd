"""Of what a broker sends, plain messages are heard, and paho gets the rest as it came."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgespec.mqtt.tap import Tap


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
    """Hears of a tap until nothing more is here: plain messages, and packets as paho reads them."""

    def __init__(self, tap: Tap) -> None:
        self.heard: list[tuple[bytes, bytes] | bytes] = []
        self.is_over = False
        self._tap = tap
        self._rest = b""

    def plain(self, topic: bytes, payload: bytes) -> bool:
        self.heard.append((topic, payload))
        return len(self.heard) % 3 == 0

    def listen(self) -> None:
        while self._tap.hear(self.plain) or self._tap.pending():
            try:
                # paho reads the first bytes one by one, and what is left of a packet at once.
                while piece := self._tap.recv(1 if len(self._rest) < 2 else 1 << 20):
                    self._rest += piece
                    if not self._tap.is_amid:
                        self.heard.append(self._rest)
                        self._rest = b""
            except BlockingIOError:
                if self._tap.is_amid:
                    return
            else:
                self.is_over = True
                return


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
        assert ear.heard == said
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
        assert ear.heard == [data, (b"a", b"b")]


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
