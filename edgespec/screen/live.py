"""The one file that knows rich: what overwrites itself on a terminal, below lines that stay.

rich (https://rich.readthedocs.io) knows widths of characters, NO_COLOR, terminals without colours
and locales without Unicode. It is loaded where a terminal is, and nowhere else.
"""

import sys
from typing import IO, cast

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from edgespec.screen.output import Output

__all__ = ["LiveLine"]

_BAR_COLUMNS = 20


class _Console(Console):
    """Never hides the cursor: whoever is stopped or killed would leave a terminal without it."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


class LiveLine:
    """A text of one or several lines at the bottom of a terminal.

    What is written to this terminal meanwhile, such as log lines, comes above it. No thread is
    begun.

    Args:
        output: a terminal (``is_screen``).
        stays: whether the last text is still there when it is closed.
    """

    def __init__(self, output: Output, *, stays: bool) -> None:
        # Long lines are left to the terminal: so they are copied whole.
        self._console = _Console(
            file=cast(IO[str], output), markup=False, highlight=False, emoji=False, soft_wrap=True
        )
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=not stays,
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=sys.stderr.isatty(),
        )
        self._is_open = True

    def show(self, text: str, share: float | None = None) -> None:
        """Overwrite the text, whole, in as many lines as that takes.

        Args:
            text: what goes on.
            share: how much of it is done, 0 to 1, which is drawn as a bar; None for no bar.
        """
        if not self._is_open:
            return
        shown: Text | Table = Text(text, overflow="fold", no_wrap=False)
        if share is not None:
            line = Table.grid(padding=(0, 1))
            line.add_row(ProgressBar(1.0, min(share, 1.0), width=_BAR_COLUMNS), shown)
            shown = line
        self._live.update(shown, refresh=self._live.is_started)
        # Not before there is a text: an empty line would be drawn.
        if not self._live.is_started:
            self._live.start(refresh=True)

    def line(self, text: str, style: str = "") -> None:
        """Write a line that stays, above the text."""
        self._console.print(Text(text, style))

    def close(self) -> None:
        """Leave the cursor on a line of its own, and draw nothing more."""
        self._is_open = False
        self._live.stop()
