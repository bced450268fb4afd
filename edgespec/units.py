"""Conversions at the edges: decibels, time stamps and numbers as people write them.

Inside edgespec everything is in hertz, seconds, samples and linear power.
"""

import math
import re
from datetime import UTC, date, datetime
from functools import lru_cache

from edgespec.errors import UsageError

__all__ = [
    "POWER_FLOOR_DBFS",
    "counted",
    "db_from_ratio",
    "format_duration",
    "format_hz",
    "format_utc",
    "parse_quantity",
    "ratio_from_db",
    "utc_day",
]

#: Power of a frame without any energy. Far below the noise of a 16-bit converter (-140 dBFS a
#: bin), and finite, so that means and differences of it stay finite.
POWER_FLOOR_DBFS = -200.0

_SUFFIX = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_QUANTITY = re.compile(r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*([kMG]?)(?:Hz|S/s|sps)?")


def db_from_ratio(ratio: float) -> float:
    """Return ``10 log10(ratio)`` in dB; the floor of -200 dB stands for zero and below."""
    return max(10.0 * math.log10(ratio), POWER_FLOOR_DBFS) if ratio > 0 else POWER_FLOOR_DBFS


def ratio_from_db(level_db: float) -> float:
    """Return the power ratio of a level in dB: ``10 ** (level_db / 10)``."""
    return float(10.0 ** (level_db / 10.0))


def parse_quantity(text: str, name: str) -> float:
    """Return a number written as ``1920000``, ``1.92e6``, ``1.92M`` or ``1.92 MHz``.

    Raises:
        UsageError: ``text`` is none of these; ``name`` says in the message what it stands for.
    """
    match = _QUANTITY.fullmatch(text.strip())
    try:
        value = float(match[1]) * _SUFFIX[match[2]] if match else math.inf
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise UsageError(
            f"{name} is {text!r:.60}, which is not a number: write it as 1.92e6 or 1.92M"
        )
    return value


def counted(n: int, noun: str) -> str:
    """Return a number of things for people: ``1 event``, ``2 events``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def format_hz(frequency_hz: float) -> str:
    """Return a frequency for people, in the unit that leaves one to four digits before the dot."""
    for unit, scale in (("GHz", 1e9), ("MHz", 1e6), ("kHz", 1e3)):
        if abs(frequency_hz) >= scale:
            return f"{frequency_hz / scale:.6g} {unit}"
    return f"{frequency_hz:.6g} Hz"


def utc_day(utc_ns: int) -> date:
    """Return the day in UTC of nanoseconds since 1970."""
    return datetime.fromtimestamp(utc_ns // 1_000_000_000, UTC).date()


def format_duration(duration_s: float) -> str:
    """Return a duration for people, in the unit that leaves one to three digits, such as 12 min."""
    for unit, length_s, digits in (("s", 1.0, 0), ("min", 60.0, 0), ("h", 3600.0, 1)):
        if duration_s < 90.0 * length_s:
            return f"{duration_s / length_s:.{digits}f} {unit}"
    return f"{duration_s / 86_400.0:.3g} d"


def format_utc(utc_ns: int) -> str:
    """Return RFC 3339 with microseconds and ``Z`` for nanoseconds since 1970 in UTC."""
    seconds, nanoseconds = divmod(utc_ns, 1_000_000_000)
    return f"{_format_second(seconds)}.{nanoseconds // 1000:06}Z"


@lru_cache(64)
def _format_second(seconds: int) -> str:
    # Of what is told in thousands, most is of the same few seconds.
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
