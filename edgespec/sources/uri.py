"""Source URIs: ``scheme:rest?key=value&key=value``.

Text is taken as it is written, nothing is percent-decoded: a path may hold any character but
``?``.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edgespec.errors import UsageError
from edgespec.nearest import nearest
from edgespec.units import parse_quantity

__all__ = ["SourceUri", "choose", "parse_uri"]

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class SourceUri:
    """A parsed URI: which source, where it is, and its options as text."""

    text: str
    scheme: str
    rest: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_gain_automatic(self) -> bool:
        """Whether ``gain`` leaves it to the radio."""
        return self.options.get("gain", "").lower() in ("auto", "agc")

    def number(self, key: str) -> float | None:
        """Return an option as a number, None where it is not given.

        Raises:
            UsageError: it is not a finite number.
        """
        if key not in self.options:
            return None
        value = parse_quantity(self.options[key], f"{key} in {self.text!r}")
        if not math.isfinite(value):
            raise UsageError(f"{key} in {self.text!r} is {value}; it must be finite")
        return value

    def whole(self, key: str) -> int | None:
        """Return an option as a whole number, None where it is not given.

        Raises:
            UsageError: it is not a whole number of at least 0.
        """
        value = self.number(key)
        if value is not None and (value != int(value) or not 0 <= value < 1 << 62):
            raise UsageError(
                f"{key} in {self.text!r} is {self.options[key]}; it must be a whole number, 0 or "
                "more"
            )
        return None if value is None else int(value)

    def flag(self, key: str) -> bool:
        """Return an option as yes or no; no where it is not given.

        Raises:
            UsageError: it is neither.
        """
        value = self.options.get(key, "0").lower()
        if value not in (*_YES, *_NO):
            raise UsageError(f"{key} in {self.text!r} is {value!r}; write {key}=1 or {key}=0")
        return value in _YES


def parse_uri(text: str, keys_by_scheme: Mapping[str, Iterable[str]]) -> SourceUri:
    """Return the parts of a source URI.

    Args:
        text: the URI.
        keys_by_scheme: the known schemes, and the query keys that each accepts.

    Raises:
        UsageError: unknown scheme, unknown or doubled key, or a key without a value.
    """
    scheme, colon, tail = text.partition(":")
    if not colon:
        raise UsageError(
            f"the source {text!r} has no scheme; write it as scheme:..., where the scheme is one "
            f"of {', '.join(keys_by_scheme)} (a recording is sigmf:{text})"
        )
    scheme = scheme.lower()
    choose(scheme, keys_by_scheme, f"the source scheme in {text!r}")
    rest, mark, query = tail.partition("?")
    if not mark:
        _check_mark(text, rest, keys_by_scheme[scheme])
    options: dict[str, str] = {}
    for item in filter(None, query.split("&")):
        key, equals, value = item.partition("=")
        choose(key, keys_by_scheme[scheme], f"the option in {text!r}")
        if not (equals and value):
            raise UsageError(f"the option {key!r} in {text!r} has no value; write {key}=...")
        if key in options:
            raise UsageError(f"the option {key!r} is given twice in {text!r}; leave one of them")
        options[key] = value
    return SourceUri(text, scheme, rest, options)


def _check_mark(text: str, rest: str, keys: Iterable[str]) -> None:
    """Refuse options that stand where the place of the source does."""
    named = [part.partition("=")[0] for part in rest.split("&") if "=" in part]
    misplaced = next((name for name in named if name in keys), None)
    if misplaced is not None:
        place, _, options = rest.partition(f"{misplaced}=")
        scheme = text.partition(":")[0]
        raise UsageError(
            f"{text!r} says {misplaced} without a ? before it: options stand behind one, as in "
            f"{scheme}:{place.rstrip('&')}?{misplaced}={options}"
        )


def choose(name: str, known: Iterable[str], what: str) -> str:
    """Return ``name`` if it is known.

    Raises:
        UsageError: it is not; names the known ones and the nearest.
    """
    names = list(known)
    if name in names:
        return name
    near = nearest(name, names, 0.5)
    hint = f"; did you mean {near!r}?" if near else ""
    raise UsageError(f"{what} is {name!r}; known are {', '.join(names) or 'none'}{hint}")
