"""A tap on the line between a broker and paho, where plain messages are taken out and put in.

Plain is what comes and goes by thousands a second: QoS 0, without properties (MQTT 5, sec. 3.3),
and what comes not retained. paho reads each in three calls of the socket, writes each by one, and
makes an object, a table of properties and a line for a log of it: most of what hearing and saying
it costs (benchmarks.twin.transport). All other packets go on to paho and from it as they came, and
everything is heard and said in its order.

paho asks its TLS context for the socket that it reads from, which is the public place to give it
one of one's own (``Client.tls_set_context``, ``paho.mqtt.client.SocketLike``). So the tap takes the
place of the context, encrypts where there is one, and is the socket from then on.
"""

import socket
import ssl
from collections.abc import Callable
from functools import lru_cache

__all__ = ["Tap"]

#: The first byte of a plain message, and what it has more where the broker is to keep it.
_PUBLISH, _RETAIN = 0x30, 0x01
_FIRST = bytes([_PUBLISH])
#: Longer ones are left to paho, so that no more than this and a chunk is held here, bytes.
_LONGEST = 65536
_CHUNK = 65536
#: So much is said at once: it does not wait for more.
_ENOUGH = 16384


class Tap:
    """A connection's socket, and what paho takes for its TLS context.

    Args:
        tls: encrypts, and looks at certificate and name; None for a connection in the clear.
        has_properties: whether messages have properties: in MQTT 5, not before.
    """

    def __init__(self, tls: ssl.SSLContext | None, *, has_properties: bool) -> None:
        #: paho need not look at names.
        self.check_hostname = True
        self._tls = tls
        self._has_properties = has_properties
        self._sock: socket.socket
        #: What has come and is not handed on yet, from ``_at``.
        self._data, self._at = b"", 0
        #: So many bytes from there are paho's.
        self._n_owed = 0
        self._is_waiting = self._is_over = False
        #: Plain messages that are not sent yet.
        self._unsaid = bytearray()

    def wrap_socket(
        self,
        sock: socket.socket,
        server_hostname: str | None = None,
        do_handshake_on_connect: bool = False,
    ) -> "Tap":
        """Take a connected socket, and return what is read in its place.

        Raises:
            OSError, ValueError: as a TLS context does.
        """
        if self._tls is not None:
            sock = self._tls.wrap_socket(
                sock,
                server_hostname=server_hostname,
                do_handshake_on_connect=do_handshake_on_connect,
            )
        self._sock = sock
        return self

    # What paho asks of a socket.

    def settimeout(self, timeout_s: float) -> None:
        """Let whatever blocks end after a time."""
        self._sock.settimeout(timeout_s)

    def setblocking(self, flag: bool) -> None:
        """Wait for the network, or not."""
        self._sock.setblocking(flag)

    def do_handshake(self) -> None:
        """Do that of TLS, where it is spoken.

        Raises:
            OSError: it fails, or takes too long.
        """
        if isinstance(self._sock, ssl.SSLSocket):
            self._sock.do_handshake()

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._sock.fileno()

    def send(self, buffer: bytes | bytearray) -> int:
        """Send some bytes, behind what was said before, and return how many.

        Raises:
            OSError: as a socket does.
        """
        while self._unsaid:
            self._send_unsaid()
        return self._sock.send(buffer)

    def close(self) -> None:
        """Hang up."""
        self._sock.close()

    def recv(self, buffer_size: int) -> bytes:
        """Return bytes of the packet that is paho's; none where the broker has hung up.

        Raises:
            BlockingIOError: there is no packet before the next :meth:`hear`.
            OSError: as a socket does.
        """
        if self._is_over:
            return b""
        if not self._n_owed:
            raise BlockingIOError
        n_wanted = min(buffer_size, self._n_owed)
        piece = self._data[self._at : self._at + n_wanted]
        self._at += len(piece)
        if not piece:
            piece = self._sock.recv(n_wanted)
        self._n_owed -= len(piece)
        return piece

    # What its owner asks.

    @property
    def has_unsaid(self) -> bool:
        """Whether plain messages wait to be sent."""
        return bool(self._unsaid)

    def say(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Take a plain message, to be sent with the next; return False where it is for paho.

        That has an eye on topics: what has a wildcard or none at all is refused there.
        """
        head = _head(topic, self._has_properties)
        if head is None:
            return False
        unsaid, length = self._unsaid, len(head) + len(payload)
        unsaid.append(_PUBLISH | _RETAIN if retain else _PUBLISH)
        while length >= 0x80:
            unsaid.append(length & 0x7F | 0x80)
            length >>= 7
        unsaid.append(length)
        unsaid += head
        unsaid += payload
        if len(unsaid) >= _ENOUGH:
            self.flush()
        return True

    def flush(self) -> None:
        """Send what was said, as much as the network takes."""
        try:
            while self._unsaid:
                self._send_unsaid()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            # The link is lost, as paho will find when it reads.
            self._unsaid.clear()

    def _send_unsaid(self) -> None:
        del self._unsaid[: self._sock.send(self._unsaid)]

    def pending(self) -> int:
        """Return how many bytes can be read without waiting for the network."""
        n_here = 0 if self._is_waiting else len(self._data) - self._at
        return n_here + (self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0)

    def hear(self, on_plain: Callable[[bytes, bytes], bool] | None) -> bool:
        """Hand on plain messages, until something comes that is paho's: then return True.

        ``on_plain`` is told topic and payload, and says whether that is enough for now. Without it
        all is paho's, as is that the broker has hung up.
        """
        has_properties = self._has_properties
        while not self._n_owed:
            data, at = self._data, self._at
            # Nearly all messages are as short as this, and looked at in place.
            if on_plain is not None and len(data) > at + 1 and data[at] == _PUBLISH:
                begin, end = at + 4, at + 2 + data[at + 1]
                if data[at + 1] < 0x80 and begin <= end <= len(data):
                    stop = begin + (data[at + 2] << 8 | data[at + 3])
                    if stop + has_properties <= end and not (has_properties and data[stop]):
                        self._at = end
                        if on_plain(data[begin:stop], data[stop + has_properties : end]):
                            return False
                        continue
            body, end = _bounds(data, at)
            is_short = end - at <= _LONGEST and data[at : at + 1] == _FIRST
            if not end or (is_short and end > len(data)):
                if not self._read():
                    return self._is_over
                continue
            message = _plain(data, body, end, has_properties) if is_short else None
            if message is None or on_plain is None:
                self._n_owed = end - at
                return True
            self._at = end
            if on_plain(*message):
                return False
        return True

    def _read(self) -> bool:
        try:
            more = self._sock.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._is_waiting = True
            return False
        except OSError:
            more = b""
        self._is_waiting, self._is_over = False, not more
        self._data, self._at = self._data[self._at :] + more, 0
        return bool(more)


def _bounds(data: bytes, at: int) -> tuple[int, int]:
    """Return where the body of a packet begins and ends (MQTT 5, sec. 2.1); 0 while unknown.

    Of a length in more than four bytes, which is none, these are paho's, who says so.
    """
    length = shift = 0
    for body in range(at + 2, min(at + 5, len(data)) + 1):
        byte = data[body - 1]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return body, body + length
        shift += 7
    return (at + 6, at + 6) if len(data) > at + 4 else (0, 0)


def _plain(data: bytes, body: int, end: int, has_properties: bool) -> tuple[bytes, bytes] | None:
    """Return topic and payload of a message of QoS 0 (MQTT 5, sec. 3.3); None if it is not plain.

    Nor is one that breaks off.
    """
    begin = body + 2
    if begin > end:
        return None
    stop = begin + (data[body] << 8 | data[body + 1])
    if not has_properties:
        return (data[begin:stop], data[stop:end]) if stop <= end else None
    return (data[begin:stop], data[stop + 1 : end]) if stop < end and not data[stop] else None


@lru_cache(4096)
def _head(topic: str, has_properties: bool) -> bytes | None:
    """Return what stands before the payload of a message (MQTT 5, sec. 3.3.2); None: not plain."""
    try:
        name = topic.encode()
    except UnicodeEncodeError:
        return None
    if not 0 < len(name) <= 0xFFFF or any(sign in topic for sign in "+#\0"):
        return None
    return len(name).to_bytes(2, "big") + name + (b"\0" if has_properties else b"")
