"""The configuration as JSON schema, for editors and other programs."""

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from edgespec.config.whole import Config
from edgespec.decode.kind import Kind, kinds_of
from edgespec.option import Option, key_of, option_of

__all__ = ["json_schema"]

_TYPES = {str: "string", Path: "string", int: "integer", float: "number", bool: "boolean"}
_BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
}


def json_schema() -> dict[str, Any]:
    """Return the JSON schema, draft 2020-12, of a configuration file read as TOML.

    Laws between two options (``k`` at most ``n``, a band's source exists) are not in it.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "edgespec configuration",
        **_table_schema(Config),
    }


def _table_schema(record_type: type[Any]) -> dict[str, Any]:
    """Return the schema of one table, with a property for every field."""
    kinds = kinds_of(record_type)
    properties = {}
    for field in fields(record_type):
        kind, option = kinds[key_of(field)], option_of(field)
        schema = _scalar_schema(kind, option) if kind.table is None else _table_schema(kind.table)
        if kind.is_list:
            n_least = 0 if field.default == () else 1
            schema = {"type": "array", "items": schema, "minItems": n_least}
            schema |= {"uniqueItems": True} if kind.table is None else {}
        unit = f", in {option.unit}" if option.unit else ""
        schema["description"] = f"{option.text}{unit}"
        if kind.table is None and field.default not in (MISSING, None):
            is_tuple = isinstance(field.default, tuple)
            schema["default"] = list(field.default) if is_tuple else field.default
        properties[field.name] = schema
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _scalar_schema(kind: Kind, option: Option) -> dict[str, Any]:
    """Return type and bounds of one text, number or path."""
    schema: dict[str, Any] = {"type": _TYPES[(kind.item or kind).base]}
    for keyword, name in _BOUNDS.items():
        if getattr(option, name) is not None:
            schema[keyword] = getattr(option, name)
    if option.choices:
        schema["enum"] = list(option.choices)
    if option.pattern:
        schema["pattern"] = f"^(?:{option.pattern})$"
    if option.secret:
        schema["writeOnly"] = True
    return schema
