"""The one place where an edgespec error becomes a message and an exit code on the command line."""

import errno
import io
import logging
import os
import sys
from typing import IO, Any

import click

from edgespec.door import brief
from edgespec.errors import EdgespecError
from edgespec.logs import are_json
from edgespec.signals import interruptible

__all__ = ["EdgespecGroup"]

_LOG = logging.getLogger(__name__)


class _ExplainedError(click.ClickException):
    """An :class:`~edgespec.errors.EdgespecError` as click shows it: one line on stderr."""

    def __init__(self, error: EdgespecError) -> None:
        super().__init__(str(error))
        # click declares it for the class; it reads it from the instance.
        self.exit_code = error.exit_code  # type: ignore[misc]

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it as everything else is said on stderr."""
        if are_json():
            _LOG.error("%s", self.message)
        else:
            super().show(file)


class EdgespecGroup(click.Group):
    """A group of commands that ends with the message and the exit code of an edgespec error."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except EdgespecError as error:
            raise _ExplainedError(error) from error
        except click.UsageError as error:
            if _takes_a_source(error) and error.message.startswith("Got unexpected extra argument"):
                words = f"{error.message}: a recording is named with --source, as sigmf:FILE"
                raise click.UsageError(words, error.ctx) from None
            raise
        except OSError as error:
            # click itself ends quietly where nobody reads any more.
            if error.errno == errno.EPIPE:
                raise
            reason = brief(error.strerror or error, 120)
            where = f" ({brief(error.filename, 160)})" if error.filename is not None else ""
            raise _ExplainedError(
                EdgespecError(f"the system refuses: {reason}{where}; mend that and try again")
            ) from error

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the program, whatever its standard streams are."""
        _open_closed_streams()
        _write_anything()
        try:
            with interruptible():
                return super().main(*args, **options)
        finally:
            _forget_unwritten()


def _takes_a_source(error: click.UsageError) -> bool:
    params = error.ctx.command.params if error.ctx else ()
    return any("--source" in option.opts for option in params)


def _open_closed_streams() -> None:
    """Open what was closed, as by ``>&-``: otherwise the next file would take its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _write_anything() -> None:
    """Let a character that the locale does not have become its number: no output ends there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and (
            stream.errors == "strict" or stream.encoding.lower() != "utf-8"
        ):
            stream.reconfigure(errors="backslashreplace")


def _forget_unwritten() -> None:
    """Drop what a full disk or a closed pipe did not take: Python would complain at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
