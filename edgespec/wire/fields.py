"""JSON at the edge of the house: strict reading, and no NaN that a consumer would choke on.

RFC 8259 has no NaN and no infinity. A number that is not finite becomes ``null``, and the
object's ``not_finite`` says where (a JSON pointer, RFC 6901) and what it was, so that nothing
is lost on the way.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np

from edgespec.decode import Decoder
from edgespec.decode.kind import Kind, kind_of
from edgespec.decode.text import parse_object
from edgespec.errors import EdgespecError

__all__ = ["LEVEL_UNIT", "Fields", "PayloadError", "decode", "encode", "parse_utc"]

#: Unit of the levels of an observer that is not calibrated.
LEVEL_UNIT = "dBFS"

_Choice = TypeVar("_Choice", bound=StrEnum)
_Record = TypeVar("_Record")
_NOT_FINITE = "not_finite"
_NAMES = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UTC = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


class PayloadError(EdgespecError):
    """A message that is not what its schema says."""


#: Of a newer version a message may have more; what is not finite is restored before.
_DECODER = Decoder(PayloadError, is_finite=False, allows_more=True)
_TEXT, _NUMBER, _INTEGER, _FLAG = (kind_of(hint) for hint in (str, float, int, bool))
_TEXTS, _NUMBER_LIST = kind_of(tuple[str, ...]), kind_of(tuple[float, ...])
_NUMBERS, _INTEGERS = kind_of(Mapping[str, float]), kind_of(Mapping[str, int])
_OBJECT, _OBJECTS = kind_of(Mapping[str, Any]), kind_of(tuple[Mapping[str, Any], ...])


def encode(payload: dict[str, Any]) -> bytes:
    """Return compact UTF-8 JSON of an object, with ``null`` for what is not finite.

    Raises:
        PayloadError: a value has no JSON form.
    """
    reasons: dict[str, str] = {}
    clean = _without_nonfinite(payload, "", reasons)
    if reasons:
        clean[_NOT_FINITE] = reasons
    try:
        text = json.dumps(clean, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError) as error:
        raise PayloadError(
            f"a payload cannot be written as JSON ({error}): use text, numbers, lists and objects"
        ) from error


def decode(data: bytes | str) -> dict[str, Any]:
    """Return the object written by :func:`encode`, its non-finite numbers restored.

    Raises:
        PayloadError: not UTF-8, not JSON, not an object, or NaN written out.
    """
    payload = parse_object(data, PayloadError, "a payload", "see who publishes it")
    reasons = payload.pop(_NOT_FINITE, {})
    if not isinstance(reasons, dict):
        raise PayloadError(f"{_NOT_FINITE} is {reasons!r:.60}; it must be an object")
    for pointer, name in reasons.items():
        _restore(payload, pointer, name)
    return payload


def parse_utc(text: str) -> int:
    """Return nanoseconds since 1970 for an RFC 3339 time in UTC, written with ``Z``.

    Raises:
        PayloadError: another format or another time zone.
    """
    match = _UTC.fullmatch(text)
    try:
        if match:
            seconds = (datetime.fromisoformat(match[1] + "+00:00") - _EPOCH) // timedelta(seconds=1)
            return seconds * 1_000_000_000 + int((match[2] or "0").ljust(9, "0"))
    except ValueError:
        pass
    raise PayloadError(f"a time is {text!r:.60}; it must look like 2026-01-31T12:00:00.000000Z")


class Fields:
    """Reads the fields of a decoded payload, each with the type that its schema promises.

    Unknown fields are left alone: a field may be added within a version, never changed.
    Every method raises :class:`PayloadError` with the field, its value and what is accepted.
    """

    def __init__(self, payload: dict[str, Any], schema: str) -> None:
        self._payload = payload
        self._schema = schema

    @classmethod
    def of(cls, payload: dict[str, Any], schema: str) -> "Fields":
        """Return the fields of a payload that says it is of ``schema``."""
        found = payload.get("schema")
        if found != schema:
            raise PayloadError(f"the schema of a payload is {found!r:.60}; expected {schema!r}")
        return cls(payload, schema)

    def text(self, key: str) -> str:
        """Return a string."""
        return str(self._as(key, _TEXT))

    def optional_text(self, key: str) -> str | None:
        """Return a string or None."""
        return None if self._get(key) is None else self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        return tuple(self._as(key, _TEXTS))

    def choice(self, key: str, choices: type[_Choice]) -> _Choice:
        """Return a member of an enumeration."""
        return choices(self._as(key, kind_of(choices)))

    def number(self, key: str) -> float:
        """Return a float; an integer is one too."""
        return float(self._as(key, _NUMBER))

    def optional_number(self, key: str) -> float | None:
        """Return a float or None."""
        return None if self._get(key) is None else self.number(key)

    def number_list(self, key: str) -> tuple[float, ...]:
        """Return a list of numbers."""
        return tuple(self._as(key, _NUMBER_LIST))

    def integer(self, key: str) -> int:
        """Return an integer."""
        return int(self._as(key, _INTEGER))

    def flag(self, key: str) -> bool:
        """Return a truth value."""
        return bool(self._as(key, _FLAG))

    def optional_flag(self, key: str) -> bool | None:
        """Return a truth value or None."""
        return None if self._get(key) is None else self.flag(key)

    def utc_ns(self, key: str) -> int:
        """Return nanoseconds since 1970 of a time."""
        return parse_utc(self.text(key))

    def numbers(self, key: str) -> dict[str, float]:
        """Return an object of numbers."""
        return dict(self._as(key, _NUMBERS))

    def integers(self, key: str) -> dict[str, int]:
        """Return an object of integers."""
        return dict(self._as(key, _INTEGERS))

    def records(self, key: str, record_type: type[_Record]) -> tuple[_Record, ...]:
        """Return a list of objects as records that check themselves; None counts as missing."""
        items = self._as(key, _OBJECTS)
        try:
            return tuple(
                _DECODER.record(
                    record_type, {k: v for k, v in item.items() if v is not None}, f"{key}[{index}]"
                )
                for index, item in enumerate(items)
            )
        except PayloadError as error:
            raise PayloadError(f"{self._schema}: {error}") from None

    def require_level_unit(self) -> None:
        """Refuse levels in another unit than dBFS."""
        unit = self.text("level_unit")
        if unit != LEVEL_UNIT:
            raise PayloadError(f"level_unit is {unit!r:.60}; this version reads {LEVEL_UNIT!r}")

    def inner(self, key: str) -> "Fields":
        """Return the fields of an object."""
        return Fields(self._as(key, _OBJECT), f"{self._schema} {key}")

    def optional_inner(self, key: str) -> "Fields | None":
        """Return the fields of an object, or None."""
        return None if self._get(key) is None else self.inner(key)

    def _get(self, key: str) -> Any:
        if key not in self._payload:
            raise PayloadError(f"{self._schema}: the field {key!r} is missing")
        return self._payload[key]

    def _as(self, key: str, kind: Kind) -> Any:
        return _DECODER.value(kind, self._get(key), f"{self._schema}: {key}")


def _without_nonfinite(value: Any, pointer: str, reasons: dict[str, str]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        reasons[pointer] = str(float(value))
        return None
    if isinstance(value, dict):
        return {
            str(key): _without_nonfinite(item, f"{pointer}/{_escape(str(key))}", reasons)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_nonfinite(item, f"{pointer}/{i}", reasons) for i, item in enumerate(value)]
    return value


def _restore(payload: dict[str, Any], pointer: str, name: object) -> None:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    try:
        place: Any = payload
        for step in steps[:-1]:
            place = place[int(step) if isinstance(place, list) else step]
        last = int(steps[-1]) if isinstance(place, list) else steps[-1]
        if place[last] is None and isinstance(name, str):
            place[last] = _NAMES[name]
            return
    except (KeyError, IndexError, ValueError, TypeError):
        pass
    raise PayloadError(
        f"{_NOT_FINITE} says {pointer!r:.60} is {name!r:.20}; it must point at a null and be one "
        f"of {sorted(_NAMES)}"
    )


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
