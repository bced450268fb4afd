"""Numbers on the command line: within their bounds, and never infinite, NaN or beyond all use."""

import math
from typing import Any

import click

__all__ = ["LARGEST", "Finite"]

#: In seconds 30 years. Counts and waits that follow from it still have a number.
LARGEST = 1e9


class Finite(click.FloatRange):
    """A type of option like ``click.FloatRange``, which takes ``inf`` and ``nan`` for numbers."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or say what is accepted."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r:.40} is not a finite number.", param, ctx)
        if abs(number) > LARGEST:
            self.fail(f"{value!r:.40} is more than {LARGEST:g}.", param, ctx)
        return number
