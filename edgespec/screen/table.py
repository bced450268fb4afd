"""Tables as wide as there is room: what does not fit into a line goes on in the next."""

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Column", "Table", "width_of"]

_GAP, _INDENT = 2, 4
#: A last column of words is wrapped beside the others where it has so much room.
_LEAST_WORDS = 30


@dataclass(frozen=True, slots=True)
class Column:
    """What is above a column, how wide it is at least, and whether it stands at the right."""

    heading: str = ""
    is_right: bool = False
    width: int = 0


class Table:
    """Rows under headings, two spaces between columns; no cell is ever cut.

    Args:
        columns: of each row; the last may have words, and lines of them.
        rows: that make columns as wide as they are; none where rows come one by one.
        width: of the terminal; None: a line is as long as it is, for other programs.
        indent: spaces before each line.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str]] = (),
        width: int | None = None,
        indent: int = 0,
    ) -> None:
        self._columns = columns
        self._rows = [tuple(row) for row in rows]
        self._heading = tuple(column.heading for column in columns)
        self._indent = " " * indent
        self._room = None if width is None else max(width - indent, 1)
        cells = zip(*self._rows, self._heading, strict=True)
        self._widths = [
            max(column.width, *(_length(cell) for cell in of_column))
            for column, of_column in zip(columns, cells, strict=True)
        ]
        has_words = any(" " in row[-1] for row in self._rows)
        self._last = max(columns[-1].width, _LEAST_WORDS) if has_words else self._widths[-1]
        self._places = self._packed()

    def lines(self) -> list[str]:
        """Return the whole table; a heading only where a column has one."""
        heading = self.heading() if any(self._heading) else []
        return [*heading, *(line for row in self._rows for line in self.row(row))]

    def heading(self) -> list[str]:
        """Return the lines above the rows."""
        return self.row(self._heading)

    def row(self, cells: Sequence[str]) -> list[str]:
        """Return the lines of a row."""
        lines, at = [""], 0
        first, *rest = self._wrapped(cells[-1], self._places[-1][1])
        for column, width, (number, start), cell in zip(
            self._columns, self._widths, self._places, (*cells[:-1], first), strict=True
        ):
            if number > at:
                lines.append("")
                at = number
            text = cell.rjust(width) if column.is_right else cell.ljust(width)
            lines[-1] = lines[-1].ljust(start) + text
        lines += rest
        return [(self._indent + line).rstrip() for line in lines]

    def _wrapped(self, cell: str, start: int) -> list[str]:
        """Return the lines of the last cell, which begins somewhere; others are indented."""
        lines = cell.split("\n")
        longest = max(map(len, lines))
        end = start + longest if self._room is None else self._room
        room = max(end - start, 1)
        if longest > room:
            lines = [line for part in lines for line in _wrapped(part, room)]
        # A word that is too long there begins further left, in a line of its own.
        if start and len(lines[0]) > room:
            lines.insert(0, "")
        first, *rest = lines
        return [first, *(" " * max(min(start, end - len(line)), 0) + line for line in rest)]

    def _packed(self) -> list[tuple[int, int]]:
        """Return for each column in which line of its row it is, and where it starts there."""
        places, number, at = [], 0, 0
        for column, width in enumerate(self._widths):
            is_last = column == len(self._widths) - 1
            needed = min(width, self._last) if is_last else width
            if column and self._room is not None and at + needed > self._room:
                number, at = number + 1, min(_INDENT, max(self._room - needed, 0))
            places.append((number, at))
            at += width + _GAP
        return places


def width_of(stream: TextIO) -> int | None:
    """Return how many characters fit into a line of a terminal; None where none is."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _wrapped(words: str, room: int) -> list[str]:
    return textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False) or [""]


def _length(cell: str) -> int:
    return max(map(len, cell.split("\n")))
