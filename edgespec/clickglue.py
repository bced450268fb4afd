"""The one place where an edgespec error becomes a message and an exit code on the command line."""

from typing import Any

import click

from edgespec.errors import EdgespecError

__all__ = ["EdgespecGroup"]


class _ExplainedError(click.ClickException):
    """An :class:`~edgespec.errors.EdgespecError` as click shows it: one line on stderr."""

    def __init__(self, error: EdgespecError) -> None:
        super().__init__(str(error))
        # click declares it for the class; it reads it from the instance.
        self.exit_code = error.exit_code  # type: ignore[misc]


class EdgespecGroup(click.Group):
    """A group of commands that ends with the message and the exit code of an edgespec error."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except EdgespecError as error:
            raise _ExplainedError(error) from error
