"""A document as Markdown for people and as JSON for machines."""

import math
from typing import Any

from converter.lab.numbers.intervals import Interval
from converter.report.document import Best, Cell, Document, Picture, Section, Table
from converter.report.markdown_table import markdown_table

__all__ = ["as_json", "as_markdown"]

_NONE = "-"


def as_markdown(document: Document) -> str:
    """Return the document as text."""
    parts = [f"# {document.title}"]
    for section in document.sections:
        parts.extend(_section(section))
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> list[str]:
    parts = [f"## {section.title}"]
    for part in section.parts:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, Table):
            parts.append(_table(part))
        else:
            parts.append(f"![{section.title}]({part.file})")
            parts.append(f"*{part.caption}*")
    return parts


def _table(table: Table) -> str:
    lines = [f"**{table.name}**", ""] if table.name else []
    cells = [[_cell(cell, table) for cell in row] for row in table.rows]
    lines.append(markdown_table(table.columns, cells))
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines)


def _cell(cell: Cell, table: Table) -> str:
    if cell is None:
        return _NONE
    if isinstance(cell, str | int):
        return str(cell)
    if isinstance(cell, Best):
        return f"**{_cell(cell.value, table)}**"
    if isinstance(cell, Interval):
        if not math.isfinite(cell.value):
            return _NONE
        is_bare = not table.show_intervals or not math.isfinite(cell.low + cell.high)
        return format(cell.value if is_bare else cell, table.form)
    return format(cell, table.form) if math.isfinite(cell) else _NONE


def as_json(document: Document) -> dict[str, Any]:
    """Return every figure of the document, ready for :func:`json.dumps`."""
    return {
        "title": document.title,
        "facts": _plain(document.facts),
        "sections": [
            {
                "title": section.title,
                "text": [part for part in section.parts if isinstance(part, str)],
                "tables": [_table_json(p) for p in section.parts if isinstance(p, Table)],
                "pictures": [
                    {"file": part.file, "caption": part.caption, "figures": _plain(part.figures)}
                    for part in section.parts
                    if isinstance(part, Picture)
                ],
            }
            for section in document.sections
        ],
    }


def _table_json(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "note": table.note,
        "rows": [
            {column: _plain(cell) for column, cell in zip(table.columns, row, strict=True)}
            for row in table.rows
        ],
    }


def _plain(value: Any) -> Any:
    """Return numbers, texts, lists and objects; what is not finite becomes null."""
    if isinstance(value, Best):
        return _plain(value.value)
    if isinstance(value, Interval):
        return {key: _plain(getattr(value, key)) for key in ("value", "low", "high")}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
