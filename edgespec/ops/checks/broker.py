"""Whether the broker is there and lets this observer in.

A connection of its own with a throw-away client id: it neither takes the id of a running observer
nor announces anything on the observer's topics.
"""

import os
import socket
import ssl
import struct
from contextlib import suppress
from pathlib import Path

from edgespec.mqtt.link import tls_context
from edgespec.mqtt.url import BrokerUrl
from edgespec.ops.checks.finding import Finding, Subject

__all__ = ["check_broker"]

#: Return codes of CONNACK (MQTT 3.1.1, sec. 3.2.2.3), each with what to do.
_REFUSALS = {
    1: ("does not speak MQTT 3.1.1", "use a broker of this decade"),
    2: ("refuses the client id", "allow client ids that start with edgespec-doctor"),
    3: ("says that its service is unavailable", "look into the broker's log"),
    4: ("refuses user name or password", "correct mqtt.username and the password"),
    5: ("does not authorise this user", "correct mqtt.username and the password, or its ACL"),
}


def check_broker(subject: Subject) -> Finding:
    """Whether a connection with the configured user is accepted."""
    mqtt = subject.config.mqtt
    if mqtt.url is None:
        return Finding("skipped", "no broker is configured (mqtt.url)")
    url = BrokerUrl.parse(mqtt.url)
    username = mqtt.username if mqtt.username is not None else url.username
    password = mqtt.password if mqtt.password is not None else url.password
    try:
        with _connect(url, mqtt.ca_file, subject.timeout_s) as connection:
            code = _knock(connection, username, password)
    except OSError as error:
        # A broker that speaks plain MQTT on this port may also hang up in the handshake.
        if url.tls and isinstance(error, ssl.SSLError | ConnectionResetError):
            return Finding(
                "fail",
                f"{url} does not agree on TLS: {error.strerror or error}",
                "set mqtt.ca_file to the certificate that signed the broker's, or use mqtt:// and "
                "the plain port",
            )
        return Finding(
            "fail",
            f"{url} cannot be reached: {error.strerror or error}",
            "start the broker, correct mqtt.url, or open the port in the firewall; the monitor "
            "keeps events on disk until it is there",
        )
    if code is None:
        return Finding("fail", f"{url} answers, but not in MQTT", "correct the port in mqtt.url")
    if code in _REFUSALS:
        text, fix = _REFUSALS[code]
        return Finding("fail", f"{url} {text}", fix)
    who = f"as {username}" if username else "without user name"
    return Finding("ok", f"{url} accepts this observer {who}")


def _connect(url: BrokerUrl, ca_file: Path | None, timeout_s: float) -> socket.socket:
    """Return an open connection, through TLS where the URL asks for it."""
    plain = socket.create_connection((url.host, url.port), timeout_s)
    if not url.tls:
        return plain
    try:
        return tls_context(ca_file).wrap_socket(plain, server_hostname=url.host)
    except BaseException:
        plain.close()
        raise


def _knock(connection: socket.socket, username: str | None, password: str | None) -> int | None:
    """Return the code of the broker's CONNACK, or None where the answer is none."""
    connection.sendall(_connect_packet(username, password))
    answer = b""
    while len(answer) < 4 and (received := connection.recv(4 - len(answer))):
        answer += received
    if len(answer) < 4 or answer[:2] != b"\x20\x02":
        return None
    if answer[3] == 0:
        with suppress(OSError):
            connection.sendall(b"\xe0\x00")
    return answer[3]


def _connect_packet(username: str | None, password: str | None) -> bytes:
    """Return CONNECT with a clean session (MQTT 3.1.1, sec. 3.1)."""
    flags, fields = 0x02, [f"edgespec-doctor-{os.getpid()}"]
    if username is not None:
        flags, fields = flags | 0x80, [*fields, username]
        if password is not None:
            flags, fields = flags | 0x40, [*fields, password]
    body = b"\x00\x04MQTT\x04" + struct.pack("!BH", flags, 10)
    for text in fields:
        data = text.encode()
        body += struct.pack("!H", len(data)) + data
    return b"\x10" + _length(len(body)) + body


def _length(n_bytes: int) -> bytes:
    """Return a remaining length: seven bits a byte, the lowest first (sec. 2.2.3)."""
    out = b""
    while n_bytes > 127:
        out += bytes([n_bytes % 128 | 0x80])
        n_bytes //= 128
    return out + bytes([n_bytes])
