"""A bundle says which cell it was adapted to, if all of the signal was that cell's."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgespec.config import Config
from edgespec.dsp.prefix.cell import Cell
from edgespec.errors import UsageError
from edgespec.observer.monitor import Radio
from edgespec.observer.scoring.cell_models import model_path
from edgespec.ops.adapt.report import cell_of, usual_output

CELL = Cell("lte", 149, "fdd", "normal", 1.92e6, 0.0, 0.0, 0.0, 20.0, 0.99, 2.0)


def radio_with(cancelled: object) -> Radio:
    chain = SimpleNamespace(cancelled=cancelled, grid=SimpleNamespace(range_hz=(805e6, 807e6)))
    return cast(Radio, SimpleNamespace(chains=(chain,)))


def band(cell: Cell | None, n_changes: int) -> object:
    return SimpleNamespace(cell=cell, learnt=SimpleNamespace(n_changes=n_changes))


def test_a_cell_that_was_there_all_along_is_named() -> None:
    named: Any = cell_of(radio_with(band(CELL, 0)))
    assert named == {"technology": "lte", "identity": 149, "center_freq_hz": 806e6}


@pytest.mark.parametrize("cancelled", [None, band(None, 0), band(CELL, 1)])
def test_none_is_named_where_there_is_none_or_it_changed(cancelled: object) -> None:
    assert cell_of(radio_with(cancelled)) is None


def test_the_bundle_of_a_cell_is_where_an_observer_finds_it(tmp_path: Path) -> None:
    config = Config()
    config = replace(config, node=replace(config.node, state_dir=tmp_path))
    found = usual_output(config, cell_of(radio_with(band(CELL, 0))))
    assert found == model_path(tmp_path, CELL.label, 806e6)
    assert found.parent == tmp_path / "models"


def test_a_bundle_of_no_cell_is_put_where_it_is_said() -> None:
    with pytest.raises(UsageError, match="say with -o where"):
        usual_output(Config(), None)
