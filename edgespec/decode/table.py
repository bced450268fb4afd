"""The way back: a record as a table with the keys that the decoder reads."""

from dataclasses import asdict, fields
from typing import Any

from edgespec.option import key_of, option_of

__all__ = ["table_of"]


def table_of(record: Any) -> dict[str, Any]:
    """Return a dataclass instance as a table of plain values, its own fields by their keys.

    What may lack, and says no more than its default, is left out: older files are as they were.
    """
    data = asdict(record)
    return {
        key_of(field): data[field.name]
        for field in fields(record)
        if not (option_of(field).may_lack and getattr(record, field.name) == field.default)
    }
