"""Takes secrets out of a text, however they are written in it."""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from edgespec.config.secrets import HIDDEN

__all__ = ["Scrubber"]

#: Shorter ones are taken out where they stand alone: they are a part of any word.
_LEAST_CHARS = 4
#: What looks like a secret, whether it is known or not.
_LOOKS = (
    (re.compile(r"(?<=//)[^/?#\s\"'@]*:[^/\s\"'@]*@"), f"{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{4,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)([\"']?\b[\w.-]*(?:password|passwd|passphrase|token|secret|api[_-]?key)[\"']?)"
            r"(\s*[=:]\s*)(?:([\"'])(?:(?!\3).)*\3|[^\s,;\"']+)"
        ),
        rf"\1\2\3{HIDDEN}\3",
    ),
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        HIDDEN,
    ),
)


class Scrubber:
    """Knows the secrets, and what secrets look like.

    Args:
        secrets: texts that must not stand in what it returns: neither as they are, nor quoted for
            an address, for JSON or Python, nor in base64.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # What is a part of another secret is taken out after it.
        ordered = sorted(filter(None, forms), key=lambda form: (-len(form), form))
        words = [
            re.escape(form) if len(form) >= _LEAST_CHARS else rf"(?<!\w){re.escape(form)}(?!\w)"
            for form in ordered
        ]
        self._known = re.compile("|".join(words)) if words else None

    def scrub(self, text: str) -> str:
        """Return the text with ``***`` for each secret."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, instead in _LOOKS:
            text = pattern.sub(instead, text)
        return text


def _forms(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    octets = secret.encode(errors="replace")
    for encoded in (base64.b64encode(octets), base64.urlsafe_b64encode(octets)):
        yield encoded.decode()
        yield encoded.decode().rstrip("=")
