"""The presence of a central unit: that it is there, and which sites it knows."""

import re
from typing import Any, NamedTuple

from edgespec.option import ID
from edgespec.units import format_utc
from edgespec.wire.fields import Fields
from edgespec.wire.text import PayloadError, decode

__all__ = ["MEMBER_SCHEMA", "Member", "member_payload", "parse_member"]

MEMBER_SCHEMA = "edgespec.member/1"
#: Far above some thousand sites; a longer presence is not even looked at.
_MAX_BYTES = 1024 * 1024
_ID = re.compile(ID["pattern"])


def member_payload(central: str, sites: list[str], utc_ns: int, **more: Any) -> dict[str, Any]:
    """Return the object of schema ``edgespec.member/1``: a central unit and the sites it knows."""
    return {
        "schema": MEMBER_SCHEMA,
        "central": central,
        "time": format_utc(utc_ns),
        "sites": list(sites),
        **more,
    }


class Member(NamedTuple):
    """A central unit: the sites it knows, reports it took or refused by reason, and the sites on
    which it gave verdicts since its last word."""

    central: str
    sites: list[str]
    reports: dict[str, int]
    judged: list[str]


def parse_member(data: bytes | str) -> Member:
    """Return the presence written as :func:`member_payload`.

    Raises:
        PayloadError: it is no presence.
    """
    payload = decode(data, _MAX_BYTES)
    fields = Fields.of(payload, MEMBER_SCHEMA)
    reports = fields.integers("reports") if "reports" in payload else {}
    central, sites = fields.text("central"), fields.texts("sites")
    judged = fields.texts("judged") if "judged" in payload else ()
    for name in (central, *sites):
        if not _ID.fullmatch(name):
            # Topics are made of these.
            raise PayloadError(f"{MEMBER_SCHEMA}: {name!r:.80} must be {ID['pattern_text']}")
    return Member(central, list(sites), reports, list(judged))
