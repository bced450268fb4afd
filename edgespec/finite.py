"""Numbers on the command line: within their bounds, and never infinite or NaN."""

import math
from typing import Any

import click

__all__ = ["Finite"]


class Finite(click.FloatRange):
    """A type of option like ``click.FloatRange``, which takes ``inf`` and ``nan`` for numbers."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or say what is accepted."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r:.40} is not a finite number.", param, ctx)
        return number
