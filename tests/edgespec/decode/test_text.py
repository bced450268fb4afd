"""Files of people and programs, whatever is in them (F1)."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgespec.config import load_config, template
from edgespec.decode import Decoder, parse_toml, read_bounded
from edgespec.decode.text import MAX_TOML_BYTES
from edgespec.errors import ConfigError
from tests.made.mutations import check_door, mutated


def test_f1_a_byte_order_mark_is_no_statement(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + b'[node]\r\nid = "pi-7"\r\n')
    assert load_config(path).node.id == "pi-7"


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 10_000 + "]" * 10_000,
        "a = " + "{a=" * 10_000 + "1" + "}" * 10_000,
        "a = " + "9" * 5_000,
        "[node]\nid = " + "9" * 5_000,
        "[detect]\nk = " + "9" * 400,
        ".".join(["a"] * 3_000) + " = 1",
        "[" + ".".join(["a"] * 3_000) + "]",
        "x = {" + ".".join(["a"] * 3_000) + " = 1}",
        "[[" + " . ".join(["'a b'"] * 3_000) + "]]",
        "\n".join(".".join(["a"] * 100) + f".b{n} = 1" for n in range(1000)),
        "a = 1\n" * 3,
        "\0",
        '[node]\nstate_dir = "a\\u0000b"',
        '[[source]]\nuri = "raw:a\\u0000b"\nsample_rate_hz = -1',
        "x" * MAX_TOML_BYTES,
        "#" * (MAX_TOML_BYTES + 1),
        "x" * 5_000 + " = 1",
        "[" + "x" * 5_000 + "]",
        "a" * 100_000 + "." * 100_000,
        '"' * 100_000,
    ],
    ids=range(20),
)
def test_f1_what_no_person_writes_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(text)
    began_s = time.process_time()
    assert check_door(lambda: load_config(path))
    assert time.process_time() - began_s < 5.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = " + "[" * 10_000 + "]" * 10_000, "nested too deep"),
        ("a = " + "9" * 5_000, "a whole number has more than 4300 digits"),
        (".".join(["a"] * 3_000) + " = 1", "a key has more than 16 parts"),
    ],
    ids=["deep", "digits", "dots"],
)
def test_f1_a_limit_is_said_in_words_for_whoever_wrote_it(text: str, why: str) -> None:
    """It was Python's own: a depth of recursion, a function to call."""
    with pytest.raises(ConfigError, match=why) as caught:
        parse_toml(text, ConfigError)
    assert "recursion" not in str(caught.value)
    assert "sys." not in str(caught.value)


def test_f1_dots_in_values_are_no_keys() -> None:
    dots = ".".join(["a"] * 100)
    assert parse_toml(f'x = "{dots}"\ny = [1.5, 2.5]\n# {dots}\n', ConfigError)["x"] == dots
    assert parse_toml('a.b."c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t" = 1', ConfigError)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**400, 10**5000], ids=range(4))
def test_f5_a_number_of_any_length_is_refused_in_one_line(value: int) -> None:
    @dataclass(frozen=True)
    class Count:
        n: int = 0
        x: float = 0.0

    for key in ("n", "x"):
        with pytest.raises(ConfigError, match=f"it: {key} is") as caught:
            Decoder().decode(Count, {key: value}, "it")
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "missing", "."])
def test_f6_a_path_that_cannot_be_one(tmp_path: Path, name: str) -> None:
    message = check_door(lambda: read_bounded(tmp_path / name, ConfigError, "give another"))
    assert "cannot be read" in message


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_f6_configurations_of_damaged_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("toml") / "x.toml"
    path.write_bytes(data.draw(st.binary() | mutated(template().encode())))
    check_door(lambda: load_config(path))
