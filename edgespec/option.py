"""What one field of a record accepts: the single place that readers, schema and template read."""

import math
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any

from edgespec.errors import ConfigError, EdgespecError

__all__ = [
    "ID",
    "MOST_BYTES",
    "MOST_HZ",
    "MOST_S",
    "NODE_ID",
    "SITE_ID",
    "Option",
    "about",
    "check_edges",
    "check_record",
    "key_of",
    "option_of",
]

#: Bounds of an id: it may be part of an MQTT topic, of a path and of a command line.
ID = {"pattern": r"[A-Za-z0-9_-]{1,64}", "pattern_text": "1 to 64 letters, digits, - and _"}

#: Ids that stand beside reserved levels of topics, as :mod:`edgespec.wire.topics` has them:
#: ``<prefix>/<node>`` beside ``<prefix>/twin``, ``twin/<site>`` beside ``twin/members``.
NODE_ID, SITE_ID = (
    {
        "pattern": f"(?!({'|'.join(words)})$){ID['pattern']}",
        "pattern_text": f"{ID['pattern_text']}, and not {' or '.join(map(repr, words))}, which are "
        "levels of other topics",
    }
    for words in (("twin", "models"), ("members",))
)

#: A petabyte and 30 years: what follows from them is still a number of files, clocks and timers.
MOST_BYTES, MOST_S, MOST_HZ = 10**15, 1e9, 1e12

_KEY = "edgespec"


@dataclass(frozen=True, slots=True)
class Option:
    """Description and bounds of one option.

    ``minimum`` and ``maximum`` are accepted themselves, ``above`` and ``below`` are not.
    ``pattern`` must match the whole text and ``pattern_text`` says it in words. ``example`` is
    shown where there is no default. A ``secret`` is never shown in a message, nor what is in a file
    that ``holds_secret``. ``key`` is what a file calls the field where that is not its name. What
    ``may_lack`` need not be in a file of all keys, and is not written where it is the default.
    """

    text: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    pattern_text: str = ""
    example: Any = None
    secret: bool = False
    holds_secret: bool = False
    key: str = ""
    may_lack: bool = False

    @property
    def accepted(self) -> str:
        """The bounds in words, ``at least 0 and below 1 Hz``; empty where there are none."""
        if self.choices:
            return "one of " + ", ".join(repr(str(choice)) for choice in self.choices)
        if self.pattern:
            return self.pattern_text
        bounds = (
            ("at least", self.minimum),
            ("above", self.above),
            ("at most", self.maximum),
            ("below", self.below),
        )
        text = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
        return f"{text} {self.unit}".rstrip() if text else ""

    def accepts(self, value: object) -> bool:
        """Whether a value of the right type lies within the bounds."""
        if self.choices and value not in self.choices:
            return False
        if isinstance(value, str) and self.pattern:
            return re.fullmatch(self.pattern, value) is not None
        if isinstance(value, (int, float)):
            return (
                (isinstance(value, int) or math.isfinite(value))
                and (self.minimum is None or value >= self.minimum)
                and (self.maximum is None or value <= self.maximum)
                and (self.above is None or value > self.above)
                and (self.below is None or value < self.below)
            )
        return True


_NOTHING = Option("")


def about(text: str, **bounds: Any) -> Mapping[str, Option]:
    """Return the ``metadata`` of a dataclass field: an :class:`Option` of these arguments."""
    return {_KEY: Option(text, **bounds)}


def option_of(field: "Field[Any]") -> Option:
    """Return the option of a dataclass field; without :func:`about` it says nothing."""
    option: Option = field.metadata.get(_KEY, _NOTHING)
    return option


def key_of(field: "Field[Any]") -> str:
    """Return what a file calls a dataclass field."""
    return option_of(field).key or field.name


def check_record(record: Any, error: type[EdgespecError] = ConfigError) -> None:
    """Check every option of a dataclass instance against its bounds; None always passes.

    Raises:
        EdgespecError: of the class ``error``, naming the option, the value and what is accepted.
    """
    for field in fields(record):
        option = option_of(field)
        value = getattr(record, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if item is not None and not option.accepts(item):
                shown = "a secret that is not accepted" if option.secret else f"{item!r:.80}"
                accepted = option.accepted or "a finite number"
                raise error(f"{field.name} is {shown}; it must be {accepted}")


def check_edges(
    lower_hz: float | None, upper_hz: float | None, error: type[EdgespecError] = ConfigError
) -> None:
    """Check that two edges rise; None is no edge.

    Raises:
        EdgespecError: of the class ``error``: the lower one is not below the upper one.
    """
    if lower_hz is not None and upper_hz is not None and lower_hz >= upper_hz:
        raise error(
            f"lower_hz is {lower_hz:g} and upper_hz is {upper_hz:g}; lower_hz must be below"
        )
