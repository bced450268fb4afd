"""The name of a file to write, on the command line."""

from typing import Any

import click

__all__ = ["OutputPath"]


class OutputPath(click.Path):
    """A type of option that takes the name of a file to write, and refuses an empty one.

    A shell makes an empty name of a variable that is not set, and a path would make ``.`` of it.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or say what is accepted."""
        if value == "":
            self.fail("an empty name is none: give the name of a file to write.", param, ctx)
        return super().convert(value, param, ctx)
