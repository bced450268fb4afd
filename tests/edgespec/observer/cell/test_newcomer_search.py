"""Looks for other cells: who finds them is another's test."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.observer.cell import newcomer_search
from edgespec.observer.cell.newcomer_search import LOOK_S, NewcomerSearch
from edgespec.records import IqBlock, SampleFormat

RATE_HZ = 1e4
HOP = 500
N_LOOK = round(LOOK_S * RATE_HZ)
CELL = Cell("lte", 7, "fdd", "normal", RATE_HZ, 0.0, 0.0, 0.0, 20.0, 0.9, 2.0)


def block(start: int, n_dropped: int = 0) -> IqBlock:
    samples = np.full((HOP, 2), start % 1000, np.int16)
    return IqBlock(samples, RATE_HZ, 0.0, start, utc_ns=0, n_dropped=n_dropped)


def search_with(monkeypatch: pytest.MonkeyPatch, find: object, is_live: bool) -> NewcomerSearch:
    monkeypatch.setattr(newcomer_search, "find_others", find)
    return NewcomerSearch(RATE_HZ, SampleFormat.CI16, is_live=is_live)


def test_a_look_ends_with_the_block_that_fills_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def find(
        wave: NDArray[np.complex64], rate_hz: float, cell: Cell, *, sample_start: int, **_: object
    ) -> object:
        asked.append((len(wave), rate_hz, cell, sample_start))
        return [CELL]

    search = search_with(monkeypatch, find, is_live=False)
    assert search.add(block(0)) is None
    search.begin(CELL, block(1000))
    assert not search.is_idle
    looks = [search.add(block(start)) for start in (1000, 1500, 2000)]
    assert looks[:2] == [None, None]
    assert looks[2] is not None
    assert looks[2].others == [CELL]
    assert looks[2].cell is CELL
    assert looks[2].next_sample == 1000 + N_LOOK
    assert asked == [(N_LOOK, RATE_HZ, CELL, 1000)]
    assert search.is_idle


@pytest.mark.parametrize("gap", [block(2000), block(1500, n_dropped=3)])
def test_a_gap_ends_a_look_without_a_search(monkeypatch: pytest.MonkeyPatch, gap: IqBlock) -> None:
    search = search_with(monkeypatch, None, is_live=False)
    search.begin(CELL, block(1000))
    search.add(block(1000))
    assert search.add(gap) is None
    assert search.is_idle


def test_a_live_stream_goes_on_beside_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, has_ended = threading.Event(), threading.Event()

    def find(*args: object, **options: object) -> list[Cell]:
        may_end.wait(60.0)
        has_ended.set()
        return [CELL]

    search = search_with(monkeypatch, find, is_live=True)
    search.begin(CELL, block(0))
    assert [search.add(block(start)) for start in range(0, 5000, HOP)] == [None] * 10
    may_end.set()
    assert has_ended.wait(60.0)
    look = None
    for start in range(5000, 1_000_000_000, HOP):
        look = search.add(block(start))
        if look is not None:
            break
    assert look is not None
    assert look.others == [CELL]


def test_without_memory_nobody_is_found(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def find(*args: object, **options: object) -> list[Cell]:
        raise MemoryError

    search = search_with(monkeypatch, find, is_live=False)
    search.begin(CELL, block(0))
    looks = [search.add(block(start)) for start in (0, 500, 1000)]
    assert looks[2] is not None
    assert looks[2].others == []
    assert "not enough memory" in caplog.text


def test_a_look_that_is_stopped_finds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    n_steps = 0

    def find(*args: object, between: Callable[[], None], **options: object) -> list[Cell]:
        nonlocal n_steps
        between()
        n_steps += 1
        search.stop()
        between()
        return [CELL]

    search = search_with(monkeypatch, find, is_live=False)
    search.begin(CELL, block(0))
    assert [search.add(block(start)) for start in range(0, 5000, HOP)] == [None] * 10
    assert n_steps == 1
