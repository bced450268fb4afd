"""Who may do what at the page: by host, origin, token, cookie and the token of a form.

Nothing here knows HTTP's library: what is asked is text of headers.
"""

import hashlib
import hmac
import ipaddress
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Collection
from urllib.parse import unquote_plus, urlsplit

from edgespec.config.address import is_loopback

__all__ = ["COOKIE_S", "CSRF_HEADER", "Guard"]

CSRF_HEADER = "X-CSRF-Token"
#: A browser need not log in again for a month.
COOKIE_S = 30 * 86_400
#: So many wrong tokens at once, and one more in so many seconds; whoever is in stays in.
_MOST_WRONG, _PAUSE_S = 5.0, 12.0
#: Wrong tokens that are known: a program that goes on with an old one keeps nobody out.
_MOST_KNOWN_WRONG = 32
#: Names under which people put secrets into addresses.
_SECRET_NAMES = re.compile(r"(?:^|[?&;])(?:token|access_token|auth|api_?key|password)=", re.I)


class Guard:
    """Answers what may be asked.

    Args:
        host: at which the server listens.
        token: that is asked for; '' where nobody is asked.
        read_only: whether nothing may be changed.
        hosts: names that are accepted beside addresses and the name of this machine.
        clock: seconds, of a clock that never steps.
        utc_s: UTC in seconds.

    Attributes:
        cookie_name: another for each token: two pages of one host do not take each other's place.
    """

    def __init__(
        self,
        host: str,
        token: str = "",
        *,
        read_only: bool = True,
        hosts: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
        utc_s: Callable[[], float] = time.time,
    ) -> None:
        self._is_local = is_loopback(host)
        self._token = token
        self._key = hashlib.sha256(b"edgespec page " + token.encode()).digest()
        self.read_only = read_only
        self._named = {name.lower() for name in hosts}
        own = socket.gethostname().lower()
        self._hosts = self._named | {"localhost"}
        self._hosts |= set() if self._is_local else {host.lower(), own, f"{own}.local"}
        self._clock, self._utc_s = clock, utc_s
        self._left, self._counted_s = _MOST_WRONG, clock()
        self._wrong: deque[bytes] = deque(maxlen=_MOST_KNOWN_WRONG)
        self.cookie_name = f"edgespec-{self._sign('name', '')[:8]}"

    def url_fault(self, target: str, *, is_known: bool = False) -> str:
        """Return what is wrong with a path and query; '' where it says no secret.

        Whether it has the token itself is told those alone who know it: to others the answer would
        say of thousands of guesses whether one is right.
        """
        has_token = is_known and self._token and self._token in unquote_plus(target)
        if not has_token and not _SECRET_NAMES.search(unquote_plus(target)):
            return ""
        return (
            "a token in an address stays in histories and logs, and is refused: type it into the "
            "page, or send it as 'Authorization: Bearer'; one that was in an address should be "
            "replaced"
        )

    def host_fault(self, host: str) -> str:
        """Return what is wrong with the name that a browser knows the page by.

        A name that somebody else owns may lead here for a moment: then scripts of that page would
        read this one (DNS rebinding). An address cannot.
        """
        name = _name_of(host)
        try:
            is_good = ipaddress.ip_address(name).is_loopback or not self._is_local
        except ValueError:
            is_good = name in self._hosts
        if is_good or name in self._named:
            return ""
        return f"{name[:80]!r} is not a name of this page: use its address, or add it to web.hosts"

    def origin_fault(self, origin: str | None, host: str) -> str:
        """Return what is wrong with the page that a request comes from; programs have none."""
        if origin is None:
            return ""
        try:
            parts = urlsplit(origin)
            name = (parts.hostname or "").lower()
        except ValueError:
            name, parts = "", urlsplit("")
        is_own = bool(name) and parts.netloc.lower() == host.lower()
        if is_own or (name in self._named and parts.scheme in ("http", "https")):
            return ""
        return f"the request comes from another page, {origin[:80]!r}: open this one itself"

    def log_in(self, token: str) -> str | None:
        """Return a cookie for the right token; None for a wrong one, or after too many."""
        if not self._is_token(token):
            return None
        until = str(int(self._utc_s()) + COOKIE_S)
        return f"{until}.{self._sign('cookie', until)}"

    def is_known(self, cookie: str | None, authorization: str | None) -> bool:
        """Return whether a request may look, by its cookie or its ``Authorization``."""
        if not self._token or (cookie is not None and self._is_cookie(cookie)):
            return True
        kind, _, token = (authorization or "").partition(" ")
        return kind.lower() == "bearer" and self._is_token(token.strip())

    def csrf_of(self, cookie: str | None) -> str | None:
        """Return what a page sends with what it changes; None where nothing can be changed."""
        if self.read_only or cookie is None or not self._is_cookie(cookie):
            return None
        return self._sign("csrf", cookie)

    def rights(self, cookie: str | None) -> dict[str, str | bool | None]:
        """Return what a page is told of what may be changed in it, and why nothing may be."""
        why = ""
        if self.read_only:
            why = "web.read_only is true: set it to false, with a web.token_file, to answer events"
        return {
            "readonly": self.read_only,
            "readonly_reason": why,
            "csrf": self.csrf_of(cookie),
        }

    def is_own_form(self, cookie: str | None, csrf: str | None) -> bool:
        """Return whether what is to be changed was asked for in the page itself.

        Only a browser sends a cookie by itself: who sends the token as ``Authorization`` need not
        say more.
        """
        if cookie is None or not self._is_cookie(cookie):
            return True
        return _is_same(self._sign("csrf", cookie), csrf or "")

    def _is_token(self, token: str) -> bool:
        now_s = self._clock()
        self._left = min(_MOST_WRONG, self._left + (now_s - self._counted_s) / _PAUSE_S)
        self._counted_s = now_s
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        if self._left < 1.0 or not self._token or digest in self._wrong:
            return False
        if _is_same(token, self._token):
            return True
        self._left -= 1.0
        self._wrong.append(digest)
        return False

    def _is_cookie(self, cookie: str) -> bool:
        until, _, signature = cookie.partition(".")
        if not self._token or not until.isdecimal() or len(until) > 12:
            return False
        is_ours = _is_same(self._sign("cookie", until), signature)
        return is_ours and int(until) > self._utc_s()

    def _sign(self, what: str, text: str) -> str:
        return hmac.new(self._key, f"{what} {text}".encode(), hashlib.sha256).hexdigest()


def _is_same(one: str, other: str) -> bool:
    """Return whether two texts are the same, in a time that says nothing of where they differ.

    What is no UTF-8 in a header or in JSON comes as surrogates.
    """
    return hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )


def _name_of(host: str) -> str:
    """Return a host without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
