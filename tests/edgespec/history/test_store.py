"""Laws of the store: what was kept is there, what breaks is set aside, and nothing waits for it."""

import errno
import logging
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from edgespec.clock import ClockQuality
from edgespec.history.events import event_row
from edgespec.history.opening import history_path
from edgespec.history.past import Past
from edgespec.history.store import Store
from edgespec.history.tables import VERSION, Row
from edgespec.wire.event import EventMessage
from tests.made.event import MONDAY_NS, event_of
from tests.made.history import MOST_BYTES, keep_events, kept_ids, store_of

DAY_S, NS = 86400.0, 10**9


def row(number: int, **fields: object) -> Row:
    return event_row(EventMessage(event_of(event_id=f"e{number}", **fields), "pi", 0))


def state(number: int) -> Row:
    """Return a row that nobody waits for."""
    statement = "INSERT INTO states (at_ns, clock, band, condition) VALUES (?, ?, ?, ?)"
    return statement, (number, "synchronised", "lte", "{}" + " " * 1000)


def count(state_dir: Path, table: str) -> int:
    base = sqlite3.connect(history_path(state_dir))
    (n,) = base.execute(f"SELECT count(*) FROM {table}").fetchone()
    base.close()
    return int(n)


class Clock:
    """Seconds that pass when a test says so."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_nothing_to_keep_makes_no_file(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.flush()
    store.close()
    assert not list(tmp_path.iterdir())


def test_what_nobody_waits_for_is_written_together(tmp_path: Path) -> None:
    clock = Clock()
    store = store_of(tmp_path, clock=clock)
    store.keep([state(0)])
    clock.now_s += 599.0
    store.keep([state(1)])
    assert not store.is_due
    assert not list(tmp_path.iterdir())
    clock.now_s += 1.0
    assert store.is_due
    store.flush()
    assert count(tmp_path, "states") == 2
    # An event takes with it what waits.
    store.keep([state(2)])
    store.keep([row(1)], at_once=True)
    assert count(tmp_path, "states") == 3
    store.keep([state(3)])
    store.close()
    assert count(tmp_path, "states") == 4
    assert not store.is_due


def test_an_event_is_there_for_others_when_it_is_kept(tmp_path: Path) -> None:
    """While the store is open: its log is read with it."""
    store = store_of(tmp_path)
    for number in range(3):
        store.keep([row(number)], at_once=True)
        assert kept_ids(tmp_path) == [f"e{k}" for k in range(number + 1)]
    store.close()


def damaged(path: Path) -> list[Path]:
    return sorted(path.parent.glob("history.damaged-*.sqlite"))


@pytest.mark.parametrize("fill", [b"", b"\0"])
def test_a_database_that_is_cut_at_any_byte_is_gone_on_with_or_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fill: bytes
) -> None:
    """Cut short, or with zeros to its end; of a file that was closed."""
    keep_events(tmp_path / "whole", 40)
    whole = history_path(tmp_path / "whole").read_bytes()
    places = sorted({*range(0, 110, 20), *range(110, len(whole), 2999), len(whole) - 1})
    for at in places:
        caplog.clear()
        folder = tmp_path / str(at)
        folder.mkdir()
        history_path(folder).write_bytes(whole[:at] + fill * (len(whole) - at))
        store = store_of(folder)
        store.keep([row(100)], at_once=True)
        store.keep([row(101)], at_once=True)
        store.close()
        assert not store.problem, at
        found = kept_ids(folder)
        assert found[-2:] == ["e100", "e101"], at
        aside = damaged(history_path(folder))
        if aside:
            assert found == ["e100", "e101"], at
            assert aside[0].read_bytes()[:at] == whole[:at]
            assert len(caplog.records) == 1, at
            assert "is kept as history.damaged-1.sqlite" in caplog.text
        else:
            # There was nothing yet, nothing was lost, or the end of the text in the last row.
            assert len(found) in (2, 41, 42), at
            assert not caplog.records
        shutil.rmtree(folder)


def _killed(tmp_path: Path, n_events: int) -> Path:
    """Return a folder as a killed observer leaves it: file, log and index."""
    store = store_of(tmp_path / "live")
    for number in range(n_events):
        store.keep([row(number)], at_once=True)
    shutil.copytree(tmp_path / "live", tmp_path / "killed")
    store.close()
    return tmp_path / "killed"


@pytest.mark.parametrize("ending", ["-wal", "-shm"])
def test_a_log_or_index_that_is_cut_at_any_byte_costs_what_was_behind_it(
    tmp_path: Path, ending: str
) -> None:
    whole = _killed(tmp_path, 20)
    data = whole.joinpath(f"history.sqlite{ending}").read_bytes()
    for at in sorted({*range(0, 40, 13), *range(40, len(data), len(data) // 12), len(data) - 1}):
        for fill in (b"", b"\0", b"\xa5"):
            folder = tmp_path / "cut"
            shutil.copytree(whole, folder)
            cut = data[:at] + fill * (len(data) - at)
            folder.joinpath(f"history.sqlite{ending}").write_bytes(cut)
            store = store_of(folder)
            store.keep([row(100)], at_once=True)
            store.close()
            found = kept_ids(folder)
            assert not store.problem
            assert found[-1] == "e100"
            if not damaged(history_path(folder)):
                # No event is missing between others, and with a bad index none at all.
                assert found[:-1] == [f"e{k}" for k in range(len(found) - 1)]
                assert ending == "-wal" or len(found) == 21
            shutil.rmtree(folder)


def test_noise_anywhere_in_the_file_never_stops_it(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    keep_events(tmp_path / "whole", 40)
    whole = history_path(tmp_path / "whole").read_bytes()
    for number in range(25):
        data = bytearray(whole)
        for _ in range(int(rng.integers(1, 30))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        folder = tmp_path / str(number)
        folder.mkdir()
        history_path(folder).write_bytes(bytes(data))
        store = store_of(folder)
        store.keep([row(100)], at_once=True)
        store.close()
        assert not store.problem
        # A byte within a row that is no page's own is nobody's to notice.
        assert kept_ids(folder)[-1] == "e100"


def test_a_database_that_breaks_while_it_is_open_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_of(tmp_path)
    store.keep([row(1)], at_once=True)
    store._base.close()
    store._base = _Broken()
    store.keep([row(2)], at_once=True)
    store.close()
    assert kept_ids(tmp_path) == ["e2"]
    assert len(damaged(history_path(tmp_path))) == 1
    assert len(caplog.records) == 1


class _Broken:
    """A connection to a file whose pages are not what they should be."""

    def execute(self, statement: str, values: object = ()) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    def close(self) -> None:
        pass


def test_a_newer_version_is_kept_and_a_new_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep_events(tmp_path, 3)
    base = sqlite3.connect(history_path(tmp_path))
    base.execute(f"PRAGMA user_version = {VERSION + 1}")
    base.close()
    before = history_path(tmp_path).read_bytes()
    keep_events(tmp_path, 1)
    assert kept_ids(tmp_path) == ["e0"]
    aside = tmp_path / f"history.version-{VERSION + 1}-1.sqlite"
    assert aside.read_bytes() == before
    assert f"is of version {VERSION + 1}" in caplog.text
    assert len(caplog.records) == 1


def test_a_full_disk_is_said_once_and_what_waited_is_written_when_it_has_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    store = store_of(tmp_path, clock=clock)
    store.keep([row(0)], at_once=True)
    real = Store._write

    def refuse(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(Store, "_write", refuse)
    for number in range(1, 4):
        store.keep([row(number)], at_once=True)
        clock.now_s += 31.0
    assert store.problem == "database or disk is full"
    assert store.is_due
    assert len(caplog.records) == 1
    monkeypatch.setattr(Store, "_write", real)
    store.flush()
    assert not store.problem
    assert kept_ids(tmp_path) == ["e0", "e1", "e2", "e3"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "kept again" in caplog.text
    assert not damaged(history_path(tmp_path))
    store.close()


def test_a_disk_that_refuses_is_not_asked_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(path: Path) -> None:
        tries.append(path)
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("edgespec.history.store.open_to_write", refuse)
    clock = Clock()
    store = store_of(tmp_path, clock=clock)
    for number in range(100):
        store.keep([row(number)], at_once=True)
        clock.now_s += 1.0
    assert len(tries) == 4
    assert store.problem == "Read-only file system"
    store.close()


def test_more_than_memory_is_for_is_lost_oldest_first_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("no folder")
    store = store_of(tmp_path / "state")
    for number in range(2100):
        store.keep([row(number)], at_once=True)
    assert store.n_lost == 100
    (tmp_path / "state").unlink()
    store.close()
    assert kept_ids(tmp_path / "state") == [f"e{number}" for number in range(100, 2100)]
    assert "some of the history is lost" in caplog.text


def test_a_row_that_no_database_takes_costs_no_other(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    for bad in (1 << 70, "\ud800"):
        store.keep([row(1), (state(0)[0], (bad, "stepped", "lte", "{}")), row(2)], at_once=True)
    store.keep([(state(0)[0], (None, "stepped", "lte", "{}"))], at_once=True)
    store.close()
    assert kept_ids(tmp_path) == ["e1", "e2"]
    assert store.n_lost == 3


def test_scores_that_are_no_numbers_are_kept(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.keep([row(1, score=float("inf")), row(2, severity_db=float("nan"))], at_once=True)
    store.close()
    assert store.n_lost == 0
    assert kept_ids(tmp_path) == ["e1", "e2"]


def test_a_file_that_somebody_moves_away_is_begun_anew(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.keep([row(1)], at_once=True)
    history_path(tmp_path).unlink()
    store.keep([row(2)], at_once=True)
    store.close()
    assert kept_ids(tmp_path) == ["e2"]


def test_its_space_is_bounded_and_the_oldest_goes_first(tmp_path: Path) -> None:
    store = Store(history_path(tmp_path), 1_000_000, 400.0)
    for number in range(0, 3000, 50):
        store.keep([row(k) for k in range(number, number + 50)], at_once=True)
        assert history_path(tmp_path).stat().st_size <= 1_000_000 + 200_000
    store.close()
    assert history_path(tmp_path).stat().st_size <= 1_000_000
    found = [int(name[1:]) for name in kept_ids(tmp_path)]
    assert found == list(range(found[0], 3000))
    assert 500 < len(found) < 1000


def test_a_smaller_bound_makes_the_file_smaller(tmp_path: Path) -> None:
    keep_events(tmp_path, 2000)
    assert history_path(tmp_path).stat().st_size > 1_500_000
    store = Store(history_path(tmp_path), 1_000_000, 400.0)
    store.keep([row(5000)], at_once=True)
    store.close()
    assert history_path(tmp_path).stat().st_size <= 1_000_000
    assert kept_ids(tmp_path)[-1] == "e5000"


def _aged(tmp_path: Path, quality: ClockQuality, now_s: float) -> list[str]:
    """Return what is left of events of two days, after a day at ``now_s``."""
    synchronised = {"clock": ClockQuality.SYNCHRONISED}
    store = Store(
        history_path(tmp_path), MOST_BYTES, 10.0,
        utc_ns=lambda: MONDAY_NS + round(now_s * NS), quality=lambda: quality,
    )  # fmt: skip
    store.keep([row(1, at_s=0.0, **synchronised)])
    # The clock of a board without a battery, until it hears of the time.
    store.keep([row(2, at_s=-20_000 * DAY_S), row(3, at_s=DAY_S, **synchronised)])
    store.keep([row(4, at_s=-20_000 * DAY_S)], at_once=True)
    store.close()
    return kept_ids(tmp_path)


@pytest.mark.parametrize(
    ("now_days", "left"),
    [(9.0, [1, 2, 3, 4]), (10.5, [2, 3, 4]), (11.5, [4]), (1e4, [4])],
)
def test_what_is_too_old_goes_and_a_wrong_clock_forgets_nothing(
    tmp_path: Path, now_days: float, left: list[int]
) -> None:
    found = _aged(tmp_path / "good", ClockQuality.SYNCHRONISED, now_days * DAY_S)
    assert found == [f"e{number}" for number in left]
    for quality in (ClockQuality.UNSYNCHRONISED, ClockQuality.STEPPED):
        assert len(_aged(tmp_path / quality.value, quality, now_days * DAY_S)) == 4


def test_two_observers_of_one_folder_lose_nothing(tmp_path: Path) -> None:
    stores = [store_of(tmp_path), store_of(tmp_path)]
    for number in range(40):
        stores[number % 2].keep([row(number)], at_once=True)
    for store in stores:
        store.close()
    assert kept_ids(tmp_path) == [f"e{number}" for number in range(40)]
    assert len(Past(tmp_path).events()) == 40
