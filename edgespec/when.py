"""Times on the command line: how long ago, or a date."""

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

__all__ = ["When"]

_NS = 1_000_000_000
_UNITS_S = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]+)")


class When(click.ParamType):  # type: ignore[type-arg]
    """A type of option: ``90min``, ``2h`` or ``3d`` ago, or a date as RFC 3339 or the day alone.

    A date without a zone is UTC. Becomes nanoseconds since 1970 in UTC.
    """

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the time, or say what is accepted."""
        if isinstance(value, int):
            return value
        ago = _AGO.fullmatch(value.strip())
        if ago and ago[2] in _UNITS_S:
            return time.time_ns() - round(float(ago[1]) * _UNITS_S[ago[2]] * _NS)
        try:
            when = datetime.fromisoformat(value.strip())
            return round(when.replace(tzinfo=when.tzinfo or UTC).timestamp()) * _NS
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value!r:.60} is no time: write how long ago (90min, 2h, 3d) or a date "
                "(2026-11-28, 2026-11-28T18:30Z).",
                param,
                ctx,
            )
