"""Laws of the decoder: what becomes a record, what is refused, and how the message helps."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest

from edgespec.decode import Decoder, parse_toml, read_toml
from edgespec.decode.decoder import MAX_DEPTH
from edgespec.decode.kind import kinds_of
from edgespec.errors import ConfigError, ModelError, SourceError, UsageError
from edgespec.option import about, check_record

SCHEMA = "test.whole/1"


class Colour(StrEnum):
    """An enumeration."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part:
    """A record in a record, which checks itself."""

    name: str
    size: float = field(default=1.0, metadata=about("Size", unit="m", above=0))
    secret: str = field(default="", metadata=about("Word", secret=True))

    def __post_init__(self) -> None:
        check_record(self)
        if self.name == "bad":
            raise UsageError("the part is bad")


@dataclass(frozen=True)
class Whole:
    """One field of every kind."""

    count: int
    flag: bool = False
    colour: Colour = Colour.RED
    side: Literal["left", "right"] = "left"
    pair: tuple[float, float] | None = None
    numbers: tuple[int, ...] = ()
    folder: Path | None = None
    inner: Part = Part("inner")
    parts: tuple[Part, ...] = ()
    named: Mapping[str, Part] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    free: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[tuple[int, ...], ...] = ()


FULL: dict[str, Any] = {
    "count": 3,
    "flag": True,
    "colour": "blue",
    "side": "right",
    "pair": [1, 2.5],
    "numbers": [1, 2],
    "folder": "a",
    "inner": {"name": "x", "size": 2, "secret": ""},
    "parts": [{"name": "y", "size": 1.0, "secret": ""}],
    "named": {"z": {"size": 3.0}},
    "levels": {"0.01": {"quantile": 3}},
    "free": {"anything": [1, {"a": None}]},
    "rows": [[1], [2, 3]],
}


def decoded(**changes: object) -> Whole:
    return Decoder(folder=Path("/base")).decode(Whole, {**FULL, **changes}, "whole.json")


def message(**changes: object) -> str:
    with pytest.raises(ConfigError) as caught:
        decoded(**changes)
    assert str(caught.value).startswith("whole.json: ")
    return str(caught.value).removeprefix("whole.json: ")


def test_every_kind_arrives_with_its_type() -> None:
    assert decoded() == Whole(
        3,
        True,
        Colour.BLUE,
        "right",
        (1.0, 2.5),
        (1, 2),
        Path("/base/a"),
        Part("x", 2.0),
        (Part("y"),),
        {"z": Part("z", 3.0)},
        {"0.01": {"quantile": 3.0}},
        {"anything": [1, {"a": None}]},
        ((1,), (2, 3)),
    )
    assert isinstance(decoded().inner.size, float)
    assert isinstance(decoded().levels["0.01"]["quantile"], float)
    assert decoded(pair=None).pair is None


def test_what_was_written_is_read_again() -> None:
    whole = decoded(named={}, folder=None)
    text = json.dumps({"schema": SCHEMA, **asdict(whole)})
    assert Decoder(needs_all=True).from_json(Whole, text, SCHEMA, "whole") == whole


@pytest.mark.parametrize("key", [item.name for item in fields(Whole)])
def test_a_key_may_be_missing_only_where_a_default_is_enough(key: str) -> None:
    table = {name: value for name, value in FULL.items() if name != key}
    strict = Decoder(needs_all=True, advice="make it again")
    with pytest.raises(ConfigError, match=f"{key} is missing; make it again"):
        strict.record(Whole, table)
    if key == "count":
        with pytest.raises(ConfigError, match="count is missing; give it"):
            Decoder().record(Whole, table)
    else:
        assert getattr(Decoder().record(Whole, table), key) == getattr(Whole(3), key)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"count": 3.0}, "count is 3.0; it must be a whole number"),
        ({"count": True}, "count is True; it must be a whole number"),
        ({"count": None}, "count is None; it must be a whole number"),
        ({"flag": 1}, "flag is 1; it must be true or false"),
        ({"colour": "green"}, "colour is 'green'; it must be one of 'red', 'blue'"),
        ({"side": 3}, "side is 3; it must be one of 'left', 'right'"),
        ({"pair": [1.0]}, "pair is [1.0]; it must be a list of 2, each a number"),
        ({"numbers": [1, "2"]}, "numbers is '2'; it must be a whole number"),
        ({"folder": ""}, "folder is ''; it must be a path (a text)"),
        ({"inner": 3}, "inner is 3; it must be an object"),
        ({"inner": {"nam": "x"}}, "inner.nam is no known key; did you mean 'name'?"),
        (
            {"inner": {"name": "x", "size": "2"}},
            "inner.size is '2'; it must be a number, above 0 m",
        ),
        ({"inner": {"name": "x", "size": float("nan")}}, "inner.size is nan; it must be a finite"),
        ({"inner": {"name": "x", "size": -1.0}}, "inner.size is -1.0; it must be above 0 m"),
        ({"inner": {"name": "bad"}}, "inner: the part is bad"),
        ({"parts": [{"name": "a"}, {}]}, "parts[1].name is missing"),
        ({"named": {"z": {"name": "z"}}}, "named.z.name is no known key"),
        ({"named": {"z": {"size": []}}}, "named.z.size is []"),
        ({"named": []}, "named is []; it must be an object"),
        ({"levels": {"0.01": {"a": "b"}}}, "levels.0.01.a is 'b'; it must be a number"),
        ({"rows": [1]}, "rows is 1; it must be a list, each a whole number"),
        ({"zzz": 1}, "the nearest is 'side', and known are count, flag,"),
        ({"size": 1}, "size is no known key; "),
        ({"inner": {"name": "x", "secret": 123456}}, "inner.secret is of another type;"),
    ],
)
def test_the_message_has_path_value_and_what_is_accepted(
    changes: dict[str, object], said: str
) -> None:
    assert said in message(**changes)
    assert "123456" not in message(**changes)


@pytest.mark.parametrize(
    "value",
    ["x" * 10**6, 2**10**5, [[0] * 10] * 10**4, {f"{i}": i for i in range(10**4)}],
    ids=["text", "integer", "list", "table"],
)
def test_a_message_is_short_whatever_it_shows(value: Any) -> None:
    assert len(message(flag=value)) < 300
    assert len(message(named={"x" * 10**5: value})) < 300
    assert len(message(**{"x" * 10**5: value})) < 500


def test_what_is_free_is_not_nested_without_end() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH - 2):
        value = [value]
    assert decoded(free={"a": value}).free == {"a": value}
    assert "nested more than" in message(free={"a": [[[value]]]})


def test_an_error_is_of_the_asked_class_and_so_are_those_of_records() -> None:
    for table in ({"name": 3}, {"name": "bad"}, {"name": "a", "size": 0.0}, 3):
        with pytest.raises(ModelError, match="the part: "):
            Decoder(ModelError).decode(Part, table, "the part")


def test_numbers_may_be_infinite_where_that_is_asked_for() -> None:
    @dataclass
    class Level:
        level_db: float

    assert Decoder(is_finite=False).record(Level, {"level_db": float("-inf")}).level_db < 0


@dataclass(frozen=True)
class Round:
    radius: float


@dataclass(frozen=True)
class Long:
    length: float
    width: float


@dataclass(frozen=True)
class Piece:
    shape: Round | Long


def test_a_table_may_be_one_of_two_records() -> None:
    for piece in (Piece(Round(2.0)), Piece(Long(3.0, 1.0))):
        assert Decoder(needs_all=True).decode(Piece, asdict(piece), "it") == piece
    for table, said in (
        ({"length": 1.0}, "shape.width is missing"),
        ({"length": 1.0, "width": 1.0, "radius": 1.0}, "shape.radius is no known"),
        ({}, "shape.radius is missing"),
        (3, "shape is 3"),
    ):
        with pytest.raises(ConfigError, match=said):
            Decoder().decode(Piece, {"shape": table}, "it")


def test_an_annotation_that_no_table_has_is_the_programmers_error() -> None:
    @dataclass
    class Odd:
        value: bytes

    with pytest.raises(TypeError, match="bytes"):
        kinds_of(Odd)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "whole is not JSON"),
        (b"\xff", "whole is not JSON"),
        ("[" * 10**5, "whole is not JSON"),
        ("1" * 10**5, "whole is not JSON"),
        ('{"schema": "test.whole/1", "count": NaN}', "NaN is no number"),
        ('{"schema": "test.whole/1", "count": 1, "count": 2}', "has the key 'count' twice"),
        ("[1]", r"whole is \[1\]; it must be a JSON object"),
        ("{}", "schema None; this version of edgespec reads 'test.whole/1': update edgespec"),
        ('{"schema": "test.whole/2"}', "schema 'test.whole/2'"),
    ],
)
def test_a_json_text_that_is_none_of_ours(text: str | bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        Decoder(SourceError, advice="make it again").from_json(Whole, text, SCHEMA, "whole")
    assert "make it again" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("text", ["a = " + "1" * 5000, "a = " + "[" * 10**5, "a = 1\na = 2"])
def test_a_toml_text_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="no valid TOML"):
        parse_toml(text, ConfigError)


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigError, match=r"/dev/zero has more than \d+ bytes; give a file"):
        read_toml(Path("/dev/zero"), ConfigError, "give a file")
