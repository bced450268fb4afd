"""A bundle says which cell it was adapted to, if all of the signal was that cell's."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgespec.dsp.prefix.cell import Cell
from edgespec.observer.monitor import Radio
from edgespec.ops.adapt.report import cell_of

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
