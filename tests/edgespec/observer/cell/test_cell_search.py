"""Samples are gathered until they hold a cell; the search itself is another's test."""

import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.observer.cell import cell_search
from edgespec.observer.cell.cell_search import FIRST_PAUSE_S, KNOWN_PAUSE_S, SEARCH_S, CellSearch
from edgespec.records import IqBlock, SampleFormat

RATE_HZ = 1e4
HOP = 100
SHORT, LONG = (round(seconds * RATE_HZ) for seconds in SEARCH_S)
CELL = Cell("lte", 7, "fdd", "normal", RATE_HZ, 0.0, 0.0, 0.0, 20.0, 0.9, 2.0)

Find = Callable[..., Cell | None]


def block(start: int, n: int = HOP, n_dropped: int = 0) -> IqBlock:
    """Return samples that are their own numbers."""
    numbers = np.arange(start, start + n)
    samples = np.stack([numbers % 1000, numbers // 1000], axis=1).astype(np.int16)
    return IqBlock(samples, RATE_HZ, 1e8, start, utc_ns=start, n_dropped=n_dropped)


def search_with(
    monkeypatch: pytest.MonkeyPatch, find: Find, *, is_live: bool = False
) -> CellSearch:
    monkeypatch.setattr(cell_search, "find_named_cell", find)
    return CellSearch(RATE_HZ, SampleFormat.CI16, is_live=is_live)


def test_a_cell_comes_with_all_samples_it_was_found_in(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, float, int]] = []

    def find(wave: NDArray[np.complex64], rate_hz: float, start: int, **_: object) -> Cell:
        heard.append((len(wave), rate_hz, start))
        return CELL

    search = search_with(monkeypatch, find)
    starts = range(5_000, 5_000 + SHORT, HOP)
    answers = [search.add(block(start)) for start in starts]
    assert [answer is None for answer in answers] == [True] * (len(answers) - 1) + [False]
    assert heard == [(SHORT, RATE_HZ, 5_000)]
    gathered = answers[-1]
    assert gathered is not None
    assert search.cell is CELL
    again = list(gathered.blocks(HOP * 3))
    assert [one.sample_start for one in again] == list(range(5_000, 5_000 + SHORT, HOP * 3))
    np.testing.assert_array_equal(
        np.concatenate([one.samples for one in again]), block(5_000, SHORT).samples
    )


def test_what_a_short_stretch_does_not_show_a_long_one_may(monkeypatch: pytest.MonkeyPatch) -> None:
    search = search_with(
        monkeypatch, lambda wave, rate, start, **_: CELL if len(wave) == LONG else None
    )
    answers = [search.add(block(start)) for start in range(0, LONG, HOP)]
    assert [answer is None for answer in answers] == [True] * (len(answers) - 1) + [False]
    assert search.n_failed == 0


def test_without_a_cell_it_is_looked_for_again_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[int] = []

    def find(wave: NDArray[np.complex64], rate_hz: float, start: int, **_: object) -> None:
        if len(wave) == LONG:
            searched.append(start)

    search = search_with(monkeypatch, find)
    n_pause = round(FIRST_PAUSE_S * RATE_HZ)
    for start in range(0, 3 * LONG + 4 * n_pause, HOP):
        assert search.add(block(start)) is None
    # After pauses of 30 and 60 s.
    assert searched == [0, LONG + n_pause, 2 * LONG + 3 * n_pause]
    assert search.n_failed == 3


def test_one_that_was_known_is_looked_for_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []

    def find(wave: NDArray[np.complex64], rate_hz: float, start: int, **_: object) -> None:
        if len(wave) == LONG:
            searched.append(start)

    search = search_with(monkeypatch, find)
    search.restart(is_known=True)
    n_pause = round(KNOWN_PAUSE_S * RATE_HZ)
    for start in range(0, 3 * LONG + 4 * n_pause, HOP):
        search.add(block(start))
    assert searched == [0, LONG + n_pause, 2 * LONG + 3 * n_pause]


def test_samples_behind_a_gap_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[int] = []

    def find(wave: NDArray[np.complex64], rate_hz: float, start: int, **_: object) -> Cell:
        starts.append(start)
        return CELL

    search = search_with(monkeypatch, find)
    for start in range(0, SHORT - HOP, HOP):
        assert search.add(block(start)) is None
    assert search.add(block(SHORT, n_dropped=HOP)) is None
    for start in range(SHORT + HOP, 2 * SHORT, HOP):
        search.add(block(start))
    assert starts == [SHORT]


def test_a_stream_does_not_wait_for_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()

    def find(wave: NDArray[np.complex64], rate_hz: float, start: int, **_: object) -> Cell:
        assert may_end.wait(60)
        # What follows meanwhile does not touch what is searched.
        expected = SampleFormat.CI16.to_complex(block(0, SHORT).samples)
        np.testing.assert_array_equal(wave, expected)
        return CELL

    search = search_with(monkeypatch, find, is_live=True)
    for start in range(0, 2 * SHORT, HOP):
        assert search.add(block(start)) is None
    thread = search._running and search._running.thread
    assert thread is not None
    may_end.set()
    thread.join(60)
    gathered = search.add(block(2 * SHORT))
    assert gathered is not None
    # Nothing of what came meanwhile is lost.
    assert gathered.n == 2 * SHORT + HOP
    np.testing.assert_array_equal(gathered.samples[: gathered.n], block(0, gathered.n).samples)


def test_a_gap_makes_a_search_that_is_running_useless(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()

    def find(wave: NDArray[np.complex64], rate_hz: float, start: int, **_: object) -> Cell:
        assert may_end.wait(60)
        return CELL

    search = search_with(monkeypatch, find, is_live=True)
    for start in range(0, SHORT, HOP):
        search.add(block(start))
    thread = search._running and search._running.thread
    assert thread is not None
    assert search.add(block(SHORT + HOP, n_dropped=HOP)) is None
    may_end.set()
    thread.join(60)
    assert search.add(block(SHORT + 2 * HOP)) is None


def test_a_search_that_breaks_is_a_search_without_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(wave: NDArray[np.complex64], rate_hz: float, start: int, **_: object) -> Cell:
        raise MemoryError

    search = search_with(monkeypatch, find)
    for start in range(0, LONG, HOP):
        assert search.add(block(start)) is None
    assert search.n_failed == 1


def test_searches_do_not_pile_up_where_samples_are_lost_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_end = threading.Semaphore(0)
    starts: list[int] = []

    def find(wave: NDArray[np.complex64], rate_hz: float, start: int, **_: object) -> Cell:
        starts.append(start)
        assert may_end.acquire(timeout=60)
        return CELL

    search = search_with(monkeypatch, find, is_live=True)
    for start in range(0, 6 * SHORT, HOP):
        # Whatever runs is of no use any more, each time as soon as the next could begin.
        assert search.add(block(start, n_dropped=HOP if start % SHORT == 0 else 0)) is None
    thread = search._running and search._running.thread
    assert thread is not None
    may_end.release()
    thread.join(60)
    assert starts == [0]
    # What the old one found is no answer to the samples that are there now.
    assert search.add(block(6 * SHORT)) is None
    assert search.cell is None
    thread = search._running and search._running.thread
    assert thread is not None
    may_end.release()
    thread.join(60)
    assert starts == [0, 5 * SHORT]
    assert search.add(block(6 * SHORT + HOP)) is not None


def test_a_gap_stops_a_search_that_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    has_begun = threading.Event()

    def find(
        wave: NDArray[np.complex64], rate_hz: float, start: int, between: Callable[[], None]
    ) -> None:
        while True:
            between()
            has_begun.set()

    search = search_with(monkeypatch, find, is_live=True)
    for start in range(0, SHORT, HOP):
        search.add(block(start))
    thread = search._running and search._running.thread
    assert thread is not None
    assert has_begun.wait(60)
    search.add(block(SHORT + HOP, n_dropped=HOP))
    thread.join(60)
    assert not search.is_searching


def test_one_that_is_stopped_says_nothing_of_the_band(monkeypatch: pytest.MonkeyPatch) -> None:
    n_steps = 0

    def find(
        wave: NDArray[np.complex64], rate_hz: float, start: int, between: Callable[[], None]
    ) -> Cell:
        nonlocal n_steps
        between()
        n_steps += 1
        search.stop()
        between()
        return CELL

    search = search_with(monkeypatch, find)
    for start in range(0, 2 * LONG, HOP):
        assert search.add(block(start)) is None
    # Neither a cell nor that there is none; and nothing is searched any more.
    assert (n_steps, search.cell, search.n_failed) == (1, None, 0)


def test_bands_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    n_inside, most = 0, 0
    lock = threading.Lock()

    def find(wave: NDArray[np.complex64], rate_hz: float, start: int, **_: object) -> Cell:
        nonlocal n_inside, most
        with lock:
            n_inside += 1
            most = max(most, n_inside)
        threading.Event().wait(0.01)
        with lock:
            n_inside -= 1
        return CELL

    bands = [search_with(monkeypatch, find, is_live=True) for _ in range(4)]
    for start in range(0, SHORT, HOP):
        for band in bands:
            band.add(block(start))
    for band in bands:
        thread = band._running and band._running.thread
        assert thread is not None
        thread.join(60)
    assert most == 1


def test_a_program_that_ends_in_a_search_ends_well() -> None:
    code = """
import numpy as np
from edgespec.observer.cell.cell_search import CellSearch
from edgespec.records import IqBlock, SampleFormat
noise = np.random.default_rng(0).integers(-999, 999, (800_000, 2), np.int16)
searches = [CellSearch(1.92e6, SampleFormat.CI16, is_live=True) for _ in range(3)]
for search in searches:
    search.add(IqBlock(noise, 1.92e6, 0.0, 0, utc_ns=0))
assert searches[0].is_searching
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, b"")
