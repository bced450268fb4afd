"""A table in Markdown: the one way in which reports and benchmarks write it."""

from collections.abc import Iterable, Sequence

__all__ = ["markdown_table"]


def markdown_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], right_from: int | None = None
) -> str:
    """Return the rows below the names of their columns; ``|`` in a cell becomes ``/``.

    ``right_from``: this column and those after it are set to the right, as figures are.
    """
    n_left = len(columns) if right_from is None else right_from
    rule = ["---" if column < n_left else "---:" for column in range(len(columns))]
    return "\n".join(map(_line, (columns, rule, *rows)))


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"
