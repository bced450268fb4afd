"""Dates of captures: RFC 3339 in UTC, and what programs write in its place."""

import re
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["utc_ns_of"]

_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt _]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"\s*(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_NS = 1_000_000_000
#: Nanoseconds in 64 bits end in 2262.
_END_NS = 1 << 63


def utc_ns_of(stamp: object) -> int | None:
    """Return nanoseconds since 1970; None where nobody can say which moment is meant.

    A leap second (``23:59:60``) is the first second of the next day, as the clocks of computers
    count it; a date without a zone is in UTC; digits after the ninth are dropped.
    """
    match = _DATE.fullmatch(stamp.strip()) if isinstance(stamp, str) and len(stamp) < 100 else None
    if match is None:
        return None
    year, month, day, hour, minute = (int(match[i]) for i in range(1, 6))
    second = int(match[6] or 0)
    if second == 60:
        second, extra = 59, 1
    else:
        extra = 0
    try:
        date = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        if match[8]:
            offset = timedelta(hours=int(match[9]), minutes=int(match[10]))
            zone = timezone(-offset if match[8] == "-" else offset)
            date = date.replace(tzinfo=zone)
        whole = int(date.timestamp()) + extra
    except (ValueError, OverflowError):
        return None
    utc_ns = whole * _NS + int((match[7] or "")[:9].ljust(9, "0"))
    return utc_ns if 0 <= utc_ns < _END_NS else None
