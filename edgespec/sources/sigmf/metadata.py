"""What the metadata of a recording says: read so that one odd value costs no more than itself."""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from edgespec.decode.text import why_unread
from edgespec.door import brief
from edgespec.errors import SourceError
from edgespec.sources.oddities import Oddities

__all__ = ["Metadata", "load_metadata", "number", "whole"]

#: A capture a second for three hours.
_MOST_CAPTURES = 10_000
#: Enough to find what one program always does wrong; the whole of a long list takes minutes.
_MOST_VALIDATED = 50
#: What the patterns of the schema are about.
_EXPECTED = {
    "core:datatype": "a type of samples such as ci16_le or cf32_le",
    "core:dataset": "the name of a file beside it",
    "core:sha512": "128 hexadecimal digits",
    "core:version": "a version such as 1.2.0",
    "core:datetime": "a date such as 2026-11-28T14:00:00Z",
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """The three parts of SigMF metadata; captures are objects, annotations anything."""

    head: dict[str, Any]
    captures: list[dict[str, Any]]
    annotations: list[Any]


def load_metadata(octets: bytes, path: Path, oddities: Oddities) -> Metadata:
    """Return what the text of ``path`` says. What is odd in it becomes a line in ``oddities``.

    Raises:
        SourceError: it is not JSON, or says no datatype.
    """
    try:
        text = octets.decode(json.detect_encoding(octets))
    except UnicodeDecodeError as error:
        oddities.add(f"a byte of the metadata is no text ({brief(error, 100)})")
        text = octets.decode(json.detect_encoding(octets), errors="replace")
    try:
        data = json.loads(text.removeprefix("\ufeff"), parse_int=_parse_int)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{brief(path, 160)} is not JSON ({why_unread(error)}): it is damaged or not SigMF "
            "metadata"
        ) from error
    head = data.get("global") if isinstance(data, dict) else None
    if not isinstance(head, dict) or not isinstance(head.get("core:datatype"), str):
        raise SourceError(
            f"{brief(path, 160)} is not SigMF metadata: it has no 'global' object with "
            "'core:datatype'"
        )
    lists: dict[str, list[Any]] = {}
    for name in ("captures", "annotations"):
        lists[name] = data.get(name, [])
        if not isinstance(lists[name], list):
            oddities.add(f"its {name} are no list, and are left out")
            lists[name] = []
    captures = [item for item in lists["captures"] if isinstance(item, dict)]
    if len(captures) < len(lists["captures"]):
        oddities.add("some of its captures are no objects, and are left out")
    if len(captures) > _MOST_CAPTURES:
        oddities.add(f"it has {len(captures)} captures; only the first {_MOST_CAPTURES} count")
    metadata = Metadata(head, captures[:_MOST_CAPTURES], lists["annotations"])
    _validate(metadata, oddities)
    return metadata


def number(value: Any) -> float | None:
    """Return a value of the metadata as a finite number, also where it stands in quotes."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """Return a value of the metadata as a whole number of samples or bytes."""
    found = number(value)
    if found is None or abs(found) >= 1 << 62:
        return None
    return value if isinstance(value, int) else math.floor(found)


def _parse_int(digits: str) -> int | float:
    # Python refuses to make an int of thousands of digits.
    return int(digits) if len(digits) < 40 else float(digits)


def _validate(metadata: Metadata, oddities: Oddities) -> None:
    """Add the first of what the schema of the SigMF library says, if anything."""
    part = {
        "global": metadata.head,
        "captures": metadata.captures[:_MOST_VALIDATED],
        "annotations": metadata.annotations[:_MOST_VALIDATED],
    }
    try:
        error = next(_validator().iter_errors(part), None)
        reason = "" if error is None else _words(error)
    except Exception as caught:
        # Values that the validator itself does not survive: too large, too deep.
        reason = type(caught).__name__
    if reason:
        oddities.add(f"not valid SigMF: {reason}")


def _words(error: Any) -> str:
    """Return where metadata is not as the schema wants it, and what is expected there."""
    place = ""
    for part in error.absolute_path:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    where = brief(place.removeprefix("."), 80)
    if error.validator != "pattern":
        return f"{where}: {brief(error.message, 150)}"
    # People read no patterns.
    expected = _EXPECTED.get(str(error.absolute_path[-1]), "what the schema of SigMF says")
    return f"{where} is {brief(repr(error.instance), 60)}; it must be {expected}"


@cache
def _validator() -> Any:
    # The library's own validate() checks its schema each time, which takes twenty times as long
    # as checking a recording.
    from jsonschema import Draft202012Validator
    from sigmf.schema import get_schema

    return Draft202012Validator(get_schema())
