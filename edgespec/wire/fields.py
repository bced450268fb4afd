"""The fields of a message, each read with the type that its schema promises."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from edgespec.decode import Decoder
from edgespec.decode.kind import Kind, kind_of
from edgespec.decode.shown import shown
from edgespec.wire.text import PayloadError

__all__ = ["LEVEL_UNIT", "Fields", "parse_utc"]

#: Unit of the levels of an observer that is not calibrated.
LEVEL_UNIT = "dBFS"

_Choice = TypeVar("_Choice", bound=StrEnum)
_Record = TypeVar("_Record")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: No text is longer that anybody reads, and none holds what a terminal would obey.
_MAX_TEXT = 1000
_UTC = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z")


#: Of a newer version a message may have more; what is not finite is restored before.
_DECODER = Decoder(PayloadError, is_finite=False, allows_more=True)
_TEXT, _NUMBER, _INTEGER, _FLAG = (kind_of(hint) for hint in (str, float, int, bool))
_TEXTS, _NUMBER_LIST = kind_of(tuple[str, ...]), kind_of(tuple[float, ...])
_NUMBERS, _INTEGERS = kind_of(Mapping[str, float]), kind_of(Mapping[str, int])
_NAMED_TEXTS = kind_of(Mapping[str, str])
_OBJECT, _OBJECTS = kind_of(Mapping[str, Any]), kind_of(tuple[Mapping[str, Any], ...])


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
            raise PayloadError(
                f"the schema of a payload is {shown(found):.60}; expected {schema!r}"
            )
        return cls(payload, schema)

    def text(self, key: str) -> str:
        """Return a string of one line that can be shown."""
        return self._printable(key, str(self._as(key, _TEXT)))

    def optional_text(self, key: str) -> str | None:
        """Return a string or None."""
        return None if self._get(key) is None else self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        return tuple(self._printable(key, text) for text in self._as(key, _TEXTS))

    def texts_by_name(self, key: str) -> dict[str, str]:
        """Return an object of strings, its names such strings, too."""
        items = self._as(key, _NAMED_TEXTS).items()
        return {self._printable(key, k): self._printable(key, v) for k, v in items}

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
        """Return an integer of 64 bits."""
        value = int(self._as(key, _INTEGER))
        if not -(2**63) <= value < 2**63:
            raise PayloadError(f"{self._schema}: {key} is {shown(value)}; it must have 64 bits")
        return value

    def optional_integer(self, key: str) -> int | None:
        """Return an integer or None."""
        return None if self._get(key) is None else self.integer(key)

    def flag(self, key: str) -> bool:
        """Return a truth value."""
        return bool(self._as(key, _FLAG))

    def optional_flag(self, key: str) -> bool | None:
        """Return a truth value or None."""
        return None if self._get(key) is None else self.flag(key)

    def utc_ns(self, key: str) -> int:
        """Return nanoseconds since 1970 of a time."""
        return parse_utc(self.text(key))

    def optional_utc_ns(self, key: str) -> int | None:
        """Return nanoseconds since 1970 of a time, or None."""
        return None if self._get(key) is None else self.utc_ns(key)

    def optional_day(self, key: str) -> date | None:
        """Return a day, written as 2026-01-31, or None."""
        text = self.optional_text(key)
        try:
            return None if text is None else date.fromisoformat(text)
        except ValueError:
            raise PayloadError(
                f"{self._schema}: {key} is {text!r:.60}; a day looks like 2026-01-31"
            ) from None

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

    def has(self, key: str) -> bool:
        """Whether the payload has a field."""
        return key in self._payload

    def inner(self, key: str) -> "Fields":
        """Return the fields of an object."""
        return Fields(self._as(key, _OBJECT), f"{self._schema} {key}")

    def optional_inner(self, key: str) -> "Fields | None":
        """Return the fields of an object, or None."""
        return None if self._get(key) is None else self.inner(key)

    def _printable(self, key: str, text: str) -> str:
        if len(text) > _MAX_TEXT or not text.isprintable():
            raise PayloadError(
                f"{self._schema}: {key} is {text[:60]!a}; it must be one line of at most "
                f"{_MAX_TEXT} printable characters"
            )
        return text

    def _get(self, key: str) -> Any:
        if key not in self._payload:
            raise PayloadError(f"{self._schema}: the field {key!r} is missing")
        return self._payload[key]

    def _as(self, key: str, kind: Kind) -> Any:
        return _DECODER.value(kind, self._get(key), f"{self._schema}: {key}")
