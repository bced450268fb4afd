"""The way back: a record as a table with the keys that the decoder reads."""

from dataclasses import asdict, fields
from typing import Any

from edgespec.option import key_of

__all__ = ["table_of"]


def table_of(record: Any) -> dict[str, Any]:
    """Return a dataclass instance as a table of plain values, its own fields by their keys."""
    data = asdict(record)
    return {key_of(field): data[field.name] for field in fields(record)}
