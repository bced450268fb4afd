"""Times on the command line: how long ago, or a date."""

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

from edgespec.errors import UsageError
from edgespec.units import format_utc

__all__ = ["When", "check_span"]

_NS = 1_000_000_000
#: The new year of 2262, in whose spring 64 bits end.
_END_NS = 9_214_646_400 * _NS
_UNITS_S = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]+)")


class When(click.ParamType):  # type: ignore[type-arg]
    """A type of option: ``90min``, ``2h`` or ``3d`` ago, or a date as RFC 3339 or the day alone.

    A date without a zone is UTC. Becomes nanoseconds since 1970 in UTC, of which what is kept has
    64 bits; what was before is 1970.
    """

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the time, or say what is accepted."""
        if isinstance(value, int):
            return value
        ago = _AGO.fullmatch(value.strip())
        if ago and ago[2] in _UNITS_S:
            return max(0, time.time_ns() - round(float(ago[1]) * _UNITS_S[ago[2]] * _NS))
        try:
            when = datetime.fromisoformat(value.strip())
            utc_ns = round(when.replace(tzinfo=when.tzinfo or UTC).timestamp()) * _NS
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value!r:.60} is no time: write how long ago (90min, 2h, 3d) or a date "
                "(2026-11-28, 2026-11-28T18:30Z).",
                param,
                ctx,
            )
        if utc_ns >= _END_NS:
            self.fail(f"{value!r:.60} is not before 2262: write an earlier time.", param, ctx)
        return max(0, utc_ns)


def check_span(since: int | None, until: int | None) -> None:
    """Refuse a span of time that ends before it begins, in which nothing can be.

    Raises:
        UsageError: so it is.
    """
    if since is not None and until is not None and until <= since:
        raise UsageError(
            f"--since is {format_utc(since)} and --until is {format_utc(until)}; --since must be "
            "before"
        )
