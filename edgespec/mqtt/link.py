"""How to reach a broker, and why it cannot be reached."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from edgespec.config import MqttConfig
from edgespec.door import refuse_fifo
from edgespec.errors import BrokerError, ConfigError
from edgespec.mqtt.url import BrokerUrl

__all__ = [
    "OWN_ID", "BrokerRefusedError", "Link", "refusal", "tls_context", "tls_of", "unreachable",
]  # fmt: skip

_BAD_LOGIN = ("Bad user name or password", "Not authorized")
#: What to do when two connections have one client id.
OWN_ID = "give each observer a node.id (or mqtt.client_id) of its own"


class BrokerRefusedError(BrokerError):
    """The broker is there and says no: without a change, trying again does not help."""


@dataclass(frozen=True, slots=True)
class Link:
    """How to reach a broker and what it says when the link breaks (the last will).

    With ``keep_s`` the broker keeps the session for so long, and in it what it could not deliver at
    QoS 1; what came is confirmed by :meth:`edgespec.mqtt.session.Session.confirm` (MQTT 5).
    """

    url: BrokerUrl
    client_id: str
    username: str | None
    password: str | None
    tls: ssl.SSLContext | None
    keepalive_s: float
    protocol: str
    will_topic: str | None = None
    will_payload: bytes = b""
    keep_s: float = 0.0

    @classmethod
    def of(
        cls,
        settings: MqttConfig,
        client_id: str,
        will_topic: str | None = None,
        will_payload: bytes = b"",
    ) -> "Link":
        """Return the way to the broker of a configuration; the URL's user is second choice.

        Raises:
            ConfigError: the URL or a file of certificates or keys cannot be used.
        """
        url = BrokerUrl.parse(settings.url or "")
        if settings.cert_file is not None and not url.tls:
            raise ConfigError(
                f"mqtt.cert_file is given, but {url} is without TLS: write mqtts:// and the TLS "
                "port, or leave it out"
            )
        return cls(
            url=url,
            client_id=client_id,
            username=settings.username if settings.username is not None else url.username,
            password=settings.password if settings.password is not None else url.password,
            tls=tls_of(settings) if url.tls else None,
            keepalive_s=settings.keepalive_s,
            protocol=settings.protocol,
            will_topic=will_topic,
            will_payload=will_payload,
        )


def tls_of(settings: MqttConfig) -> ssl.SSLContext:
    """Return TLS as a configuration wants it, with a certificate of one's own where it names one.

    Raises:
        ConfigError: a file of certificates or keys cannot be used.
    """
    context = tls_context(settings.ca_file)
    if settings.cert_file is not None:
        _show_certificate(context, settings.cert_file, settings.key_file)
    return context


def tls_context(ca_file: Path | None, name: str = "mqtt.ca_file") -> ssl.SSLContext:
    """Return TLS that trusts the system's certificates, or only those of ``ca_file``.

    ``name`` is what the option is called that names the file.

    Raises:
        ConfigError: the file is missing or holds no certificate.
    """
    try:
        if ca_file is not None:
            refuse_fifo(ca_file)
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError(
            f"{name} is {str(ca_file)!r}, which cannot be used "
            f"({error.strerror or error}): name a readable file of PEM certificates"
        ) from error
    context.sslsocket_class = _HandshakeSocket
    if ca_file is not None:
        # Python 3.13 wants key identifiers in every certificate (RFC 5280, sec. 4.2.1), which an
        # authority of one's own, made with a few commands, often lacks. It was named on purpose.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _show_certificate(context: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    """Let a connection show a certificate of its own to a broker that asks for one.

    Raises:
        ConfigError: a file cannot be read, holds none, or the key is another's.
    """
    # OpenSSL says neither which of two files it cannot open, nor asks for a passphrase politely.
    for name, path in (("cert_file", cert_file), ("key_file", key_file)):
        try:
            if path is not None:
                refuse_fifo(path)
                path.open("rb").close()
        except OSError as error:
            raise ConfigError(
                f"mqtt.{name} {str(path)!r} cannot be read ({error.strerror}): correct it, and let "
                "the user of edgespec read the file"
            ) from error
    held = f"mqtt.cert_file {str(cert_file)!r}"
    with_key = held if key_file is None else f"{held} and mqtt.key_file {str(key_file)!r}"
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_passphrase)
    except _PassphraseError:
        raise ConfigError(
            f"{with_key}: the private key has a passphrase, which nobody is there to give: write "
            "it without one (openssl pkey -in KEY -out PLAIN), readable by this user alone"
        ) from None
    except ssl.SSLError as error:
        is_another = error.reason == "KEY_VALUES_MISMATCH"
        reason = "the key belongs to another certificate" if is_another else error.reason
        raise ConfigError(
            f"{with_key} cannot be used ({reason or 'no PEM'}): name a certificate and the private "
            "key that belongs to it, both in PEM"
        ) from error


class _PassphraseError(Exception):
    pass


def _no_passphrase() -> str:
    raise _PassphraseError


class _HandshakeSocket(ssl.SSLSocket):
    """A socket that closes when the handshake fails; paho leaves it open for every attempt."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def unreachable(url: BrokerUrl, error: OSError) -> BrokerError:
    """Return in a sentence why a broker cannot be reached."""
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


def refusal(link: Link, reason: str) -> BrokerError:
    """Return in a sentence why a broker did not take a connection."""
    url, user = link.url, link.username
    if reason in _BAD_LOGIN:
        who = f"user {user!r}" if user is not None else "a connection without user name"
        return BrokerRefusedError(
            f"the broker {url} refuses {who} ({reason}): check mqtt.username and mqtt.password"
        )
    return BrokerError(
        f"the broker {url} refuses the connection ({reason}); the client id is "
        f"{link.client_id!r}, the protocol MQTT {link.protocol}"
    )
