"""One POST over HTTP, whatever the server does, within a time."""

import http.client
import ssl
from collections.abc import Mapping
from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Event as Flag
from threading import Timer
from urllib.parse import urlsplit

from edgespec.alarm.notify.refused import NotifyError

__all__ = ["post"]

#: Of a server that is overloaded, or not up yet; all of 500 to 599 are, too.
_MAY_PASS = frozenset({408, 425, 429})
#: Not yet, and no longer valid: so says a board whose clock is not set yet (``openssl verify``).
_OF_THE_CLOCK = frozenset({9, 10})


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    timeout_s: float,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Send a body; return once the server says that it has it (2xx).

    A redirect is not followed: what is secret would go to a stranger. What the server says beside
    its status is not read.

    Args:
        url: of ``http`` or ``https``.
        body: what is sent.
        headers: beside those of any request.
        timeout_s: for all of it.
        tls: whom to trust; the system's certificates where none is given.

    Raises:
        NotifyError: it was not taken, or not in time.
    """
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.hostname or "",
            parts.port,
            timeout=timeout_s,
            context=tls or ssl.create_default_context(),
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    is_late = Flag()
    try:
        connection.connect()
        # A server that dribbles would keep us: the socket's time begins anew with every byte.
        timer = Timer(timeout_s, _shut, [connection.sock, is_late])
        timer.daemon = True
        timer.start()
        try:
            # Who refuses a long body may answer, and hang up, before all of it is sent.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request("POST", path, body, dict(headers))
            status = connection.getresponse().status
        finally:
            timer.cancel()
    except ssl.SSLCertVerificationError as error:
        raise NotifyError(
            f"its certificate is not trusted ({error.verify_message}): set ca_file to the "
            "certificate that signed it, and url to a name in it",
            may_pass=error.verify_code in _OF_THE_CLOCK,
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        # The text of some of them has the path in it.
        reason = error.strerror if isinstance(error, OSError) else None
        said = reason if isinstance(reason, str) else type(error).__name__
        if isinstance(error, TimeoutError) or is_late.is_set():
            said = f"within {timeout_s:g} s"
        raise NotifyError(f"no answer ({said})", may_pass=True) from None
    finally:
        connection.close()
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise NotifyError(f"HTTP {status}: redirects are not followed", may_pass=False)
    raise NotifyError(f"HTTP {status}", may_pass=status >= 500 or status in _MAY_PASS)


def _shut(sock: socket, is_late: Flag) -> None:
    is_late.set()
    with suppress(OSError):
        sock.shutdown(SHUT_RDWR)
