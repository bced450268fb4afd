"""A time with its unit on the command line: 90, 90s, 30m, 2h."""

import re
from typing import Any

import click

from edgespec.finite import LARGEST
from edgespec.units import format_duration

__all__ = ["Duration"]

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


class Duration(click.ParamType[float]):
    """A type of option that takes a time and gives seconds.

    Args:
        most_s: the longest time that is accepted.
    """

    name = "duration"

    def __init__(self, most_s: float = LARGEST) -> None:
        self._most_s = most_s

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds, or say what is accepted."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(s|min|m|h|d)?\s*", str(value))
        seconds = 0.0 if match is None else float(match[1]) * _SECONDS[match[2] or ""]
        if match is None:
            self.fail(f"{value!r:.40} is no duration; write 30m, 2h or 90s.", param, ctx)
        if not 0.0 < seconds <= self._most_s:
            most = format_duration(self._most_s)
            self.fail(
                f"{value!r:.40} must be more than 0 and at most {most}; write 30m, 2h or 90s.",
                param,
                ctx,
            )
        return seconds
