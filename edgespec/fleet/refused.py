"""Why a message is left out, each reason with a name of its own to be counted by."""

import re

from edgespec.door import brief
from edgespec.wire.text import PayloadError

__all__ = ["RefusedError", "checked", "same", "time_of"]

_LATEST_NS = 2**63 - 1


class RefusedError(PayloadError):
    """A message that is left out for a reason with a name of its own."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


def checked(pattern: "re.Pattern[str]", name: str) -> str:
    """Return a name that is like a pattern.

    Raises:
        RefusedError: it is not.
    """
    if not pattern.fullmatch(name):
        raise RefusedError("name", f"{brief(ascii(name), 80)} is no id that an observer may have")
    return name


def same(said: str, node: str) -> None:
    """Refuse a message that says it is of another than its topic's.

    Raises:
        RefusedError: it does.
    """
    if said != node:
        raise RefusedError("node", f"{node}: the message is of {brief(ascii(said), 60)}")


def time_of(utc_ns: int) -> int:
    """Return a time that a database can keep.

    Raises:
        RefusedError: it cannot.
    """
    if not 0 <= utc_ns <= _LATEST_NS:
        raise RefusedError("time", "a time is before 1970 or after 2262")
    return utc_ns
