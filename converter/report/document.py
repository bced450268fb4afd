"""What a report is made of: sections of text, tables and pictures, for people and machines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from converter.lab.numbers.intervals import Interval

__all__ = ["Best", "Cell", "Document", "Part", "Picture", "Section", "Table", "with_best"]


@dataclass(frozen=True, slots=True)
class Best:
    """The best figure of a column."""

    value: float | Interval


Cell = str | int | float | Interval | Best | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. ``form`` formats the figures; ``note`` stands below.

    ``show_intervals`` False leaves the intervals to the file for machines, where there would be
    too many to read.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    note: str = ""
    form: str = ".2f"
    show_intervals: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG beside the report. ``figures`` are the numbers behind it."""

    file: str
    caption: str
    figures: Mapping[str, object] = field(default_factory=dict)


Part = str | Table | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part of the report."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    title: str
    sections: Sequence[Section]
    facts: Mapping[str, object] = field(default_factory=dict)


def with_best(
    rows: Sequence[tuple[Cell, ...]], first: int = 1, smallest: bool = False, form: str = ".2f"
) -> list[tuple[Cell, ...]]:
    """Return rows with the best figure of every column from ``first`` on marked.

    Figures that read the same in ``form`` share the mark; where all do, none has it.
    """
    out = [list(row) for row in rows]
    for column in range(first, max(map(len, out), default=0)):
        known = [(value_of(row[column]), row) for row in out]
        values = [value for value, _ in known if value is not None and value == value]
        if not values:
            continue
        best = format(min(values) if smallest else max(values), form)
        if len(values) > 1 and all(format(value, form) == best for value in values):
            continue
        for value, row in known:
            cell = row[column]
            if value is not None and format(value, form) == best and isinstance(cell, _FIGURES):
                row[column] = Best(cell)
    return [tuple(row) for row in out]


_FIGURES = (float, Interval)


def value_of(cell: Cell) -> float | None:
    """Return the figure in a cell, None where it is text."""
    if isinstance(cell, Best):
        return value_of(cell.value)
    if isinstance(cell, Interval):
        return cell.value
    return float(cell) if isinstance(cell, int | float) else None
