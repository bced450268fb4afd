"""One choice of computing, under one name, everywhere."""

import importlib.util

import pytest

from edgespec.cli import main
from edgespec.computing import Computing, compiler_is_off
from edgespec.errors import ConfigError


def test_auto_is_compiled_where_numba_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Computing.named() is Computing.named("auto") is Computing.COMPILED
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert Computing.named("auto") is Computing.PLAIN
    assert Computing.named("compiled") is Computing.COMPILED


@pytest.mark.parametrize("computing", Computing)
def test_a_way_is_named_by_itself(computing: Computing) -> None:
    assert Computing.named(computing) is Computing.named(str(computing)) is computing


@pytest.mark.parametrize("name", ["abacus", "numba", "scipy", ""])
def test_an_unknown_way_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"'{name}'; known are auto, compiled, plain"):
        Computing.named(name)


@pytest.mark.parametrize(("value", "is_off"), [("", False), ("0", False), ("1", True)])
def test_the_compiler_can_be_switched_off(
    monkeypatch: pytest.MonkeyPatch, value: str, is_off: bool
) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", value)
    assert compiler_is_off() == is_off


@pytest.mark.parametrize("name", ["auto", "compiled", "plain"])
@pytest.mark.parametrize("command", ["monitor", "bench"])
def test_the_command_line_takes_the_words_of_the_configuration(command: str, name: str) -> None:
    """A click from 8.2 on names the members of an enumeration, not their values."""
    (option,) = (one for one in main.commands[command].params if one.name == "computing")
    assert option.type.convert(name, None, None) == name
