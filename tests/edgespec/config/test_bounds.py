"""Numbers beyond all use in every field of the configuration: refused with the range, or of use."""

from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import pytest

from edgespec.config import Config, load_config
from edgespec.decode.kind import kinds_of
from edgespec.errors import ConfigError
from edgespec.option import key_of, option_of

#: What a text of TOML can say: finite, and beyond all use.
ABSURD = ["1e18", "-1e18", "1e300", "-1e300", "5e-324", str(2**62), str(2**63), str(10**30)]


def numbers() -> Iterator[tuple[str, "Field[Any]", type[Any]]]:
    """Yield the head of its table, the field and the type of every number."""
    for name, table in kinds_of(Config).items():
        head = f"[[{name}]]" if table.is_list else f"[{name}]"
        assert table.table is not None
        kinds = kinds_of(table.table)
        for field in fields(table.table):
            kind = kinds[key_of(field)]
            if (kind.item or kind).base in (int, float):
                yield head, field, (kind.item or kind).base


NUMBERS = list(numbers())


@pytest.mark.parametrize(
    ("head", "field", "kind"), NUMBERS, ids=[f"{head}.{field.name}" for head, field, _ in NUMBERS]
)
def test_a_number_beyond_all_use_is_refused_with_the_range(
    tmp_path: Path, head: str, field: "Field[Any]", kind: type[Any]
) -> None:
    option = option_of(field)
    low = option.minimum if option.minimum is not None else option.above
    high = option.maximum if option.maximum is not None else option.below
    assert low is not None, "it has no least value"
    assert high is not None, "it has no largest value"
    path = tmp_path / "edgespec.toml"
    for text in ABSURD:
        path.write_text(f"{head}\n{field.name} = {text}\n")
        value = float(text)
        if kind is float and option.accepts(value):
            # Next to nothing, where nothing is accepted, too.
            assert value == 5e-324
            assert low <= 0
            continue
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        said = str(caught.value)
        assert field.name in said
        assert option.accepted in said
        assert f"{high:g}" in said


def test_most_numbers_are_tried() -> None:
    assert len(NUMBERS) > 40
