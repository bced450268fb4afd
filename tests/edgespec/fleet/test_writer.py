"""The writer: what the broker gave for good is confirmed when it is kept, and kept once."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgespec.fleet.place import store_url
from edgespec.fleet.spool import FullError, RowSpool
from edgespec.fleet.store import FleetStore, StoreAwayError
from edgespec.fleet.tables import Row
from edgespec.fleet.writer import FleetWriter
from tests.made.broker import wait_for
from tests.made.fleet import NOW_NS, event_row, kept
from tests.made.postgres import Postgres


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgespec.fleet.writer._FIRST_RETRY_S", 0.05)
    monkeypatch.setattr("edgespec.fleet.writer._MOST_RETRY_S", 0.1)


def observer(heard_ns: int, **values: object) -> Row:
    key = {"broker": "main", "node": "roof", "first_ns": heard_ns}
    return Row("observers", {**key, "heard_ns": heard_ns, **values})


class Confirmed:
    """Counts what is confirmed, in which order."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def of(self, number: int) -> object:
        return lambda: self.numbers.append(number)


def test_a_database_that_goes_away_and_comes_back_has_all_of_it_once(
    postgres: Postgres, tmp_path: Path, stack: ExitStack
) -> None:
    where, confirmed = postgres.new_base(), Confirmed()
    spool = RowSpool(tmp_path / "spool", 1 << 20)
    writer = FleetWriter(FleetStore(store_url(where)), spool)
    stack.callback(writer.close)
    writer.start()
    writer.put([event_row(event_id="e0")], confirmed.of(0))
    wait_for(lambda: confirmed.numbers == [0], "the first is written")
    postgres.stop()
    stack.callback(lambda: postgres.start() if postgres._process is None else None)
    for number in range(1, 200):
        row = event_row(event_id=f"e{number}")
        writer.put([row, observer(NOW_NS + number)], confirmed.of(number))
        writer.put([row])
    wait_for(lambda: confirmed.numbers == [*range(200)], "what waits on the disk is confirmed")
    wait_for(lambda: bool(writer.problem), "it is said")
    assert spool.n_bytes > 0
    postgres.start()
    wait_for(lambda: spool.is_empty and not writer.problem, "it is back")
    writer.put([event_row(event_id="last")], confirmed.of(200))
    writer.close()
    assert confirmed.numbers == [*range(201)]
    assert len(kept(where, "events", "id")) == 201
    # How an observer is now waited in memory, its last alone.
    assert kept(where, "observers", "first_ns", "heard_ns") == [(NOW_NS + 1, NOW_NS + 199)]


class Fickle(FleetStore):
    """A store that is away as often as a test wants."""

    is_away = True
    n_taken_before_away = 10**9

    def write(self, rows: object) -> list[Row]:
        if self.is_away or self.n_taken_before_away < len(rows):
            raise StoreAwayError("it has gone")
        self.n_taken_before_away -= len(rows)
        return super().write(rows)


@pytest.fixture
def fickle(tmp_path: Path) -> Iterator[Fickle]:
    store = Fickle(store_url(str(tmp_path / "fleet.sqlite")))
    yield store
    store.close()


def test_a_program_that_dies_over_what_waits_leaves_it_for_the_next(
    fickle: Fickle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.fleet.spool._FILE_BYTES", 4000)
    monkeypatch.setattr("edgespec.fleet.writer._MOST_ROWS", 3)
    writer = FleetWriter(fickle, RowSpool(tmp_path / "spool", 1 << 20))
    writer.start()
    for number in range(20):
        writer.put([event_row(event_id=f"e{number:02}")])
    fickle.n_taken_before_away = 5
    fickle.is_away = False
    writer.close()
    assert 0 < len(kept(str(tmp_path / "fleet.sqlite"), "events", "id")) < 20
    # A line that a power cut has torn was never confirmed.
    last = max((tmp_path / "spool").iterdir())
    last.write_bytes(last.read_bytes() + b'["events",{"brok')
    again = FleetWriter(
        FleetStore(store_url(str(tmp_path / "fleet.sqlite"))), RowSpool(tmp_path / "spool", 1 << 20)
    )
    again.start()
    wait_for(lambda: not [*(tmp_path / "spool").iterdir()], "nothing waits")
    again.close()
    found = kept(str(tmp_path / "fleet.sqlite"), "events", "id")
    assert found == [(f"e{number:02}",) for number in range(20)]


def test_what_neither_database_nor_disk_takes_is_not_confirmed(
    fickle: Fickle, tmp_path: Path
) -> None:
    confirmed, spool = Confirmed(), RowSpool(tmp_path / "spool", 2000)
    writer = FleetWriter(fickle, spool)
    writer.start()
    for number in range(5):
        writer.put([event_row(event_id=f"e{number}")], confirmed.of(number))
        wait_for(lambda: bool(confirmed.numbers), "the first waits on the disk")
    threading.Event().wait(0.2)
    assert confirmed.numbers == [0]
    fickle.is_away = False
    wait_for(lambda: confirmed.numbers == [*range(5)], "all are kept")
    writer.close()
    assert len(kept(str(tmp_path / "fleet.sqlite"), "events", "id")) == 5


def test_the_spool_has_its_bound(tmp_path: Path) -> None:
    spool = RowSpool(tmp_path, 2000)
    spool.add([event_row()])
    with pytest.raises(FullError, match="no more than 2000 may"):
        spool.add([event_row()])
    assert [row.values["id"] for rows in spool.oldest(9) for row in rows] == ["e1"]
    spool.drop()
    assert spool.is_empty


def test_files_that_somebody_takes_away_cost_what_was_in_them_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text("of somebody else")
    spool = RowSpool(tmp_path, 1 << 20)
    spool.add([event_row(event_id="e1")])
    (tmp_path / "00000001.jsonl").unlink()
    assert [*spool.oldest(9)] == []
    # What is added behind it is not behind a hole.
    spool.add([event_row(event_id="e2")])
    assert [row.values["id"] for rows in spool.oldest(9) for row in rows] == ["e2"]
    spool.drop()
    assert spool.is_empty


def test_a_database_that_does_not_forget_confirms_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> int:
        raise sqlite3.OperationalError("database is locked")

    where, confirmed = str(tmp_path / "fleet.sqlite"), Confirmed()
    store = FleetStore(store_url(where))
    monkeypatch.setattr("sqlalchemy.engine.CursorResult.rowcount", property(fails))
    writer = FleetWriter(store, RowSpool(tmp_path / "spool", 1 << 20), keep_s=60.0)
    writer.start()
    writer.put([event_row()], confirmed.of(1))
    wait_for(lambda: writer.problem == "database is locked", "it does not forget")
    writer.close()
    assert confirmed.numbers == [1]
    assert kept(where, "events", "id") == [("e1",)]


def test_a_wrong_clock_forgets_nothing(tmp_path: Path) -> None:
    where = str(tmp_path / "fleet.sqlite")
    for is_right, left in ((False, 1), (True, 0)):
        writer = FleetWriter(
            FleetStore(store_url(where)), RowSpool(tmp_path / "spool", 1 << 20), keep_s=60.0,
            utc_ns=lambda: NOW_NS + 61 * 10**9, is_synchronised=lambda is_right=is_right: is_right,
        )  # fmt: skip
        writer.start()
        writer.put([event_row()])
        writer.close()
        assert len(kept(where, "events", "id")) == left
