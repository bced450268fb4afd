"""The store of a fleet, in SQLite and in PostgreSQL: once is once, and newer is refused."""

import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect

from edgespec.errors import ConfigError
from edgespec.fleet import store as store_module
from edgespec.fleet.place import shown_url, store_url
from edgespec.fleet.store import FleetStore, StoreAwayError, reading
from edgespec.fleet.tables import Row
from edgespec.records import EventType
from tests.made.fleet import NOW_NS, event_row, kept


def test_what_comes_again_makes_no_second_row_and_takes_nothing_back(where: str) -> None:
    new, end = event_row(), event_row(sequence=3, event_type=EventType.END, lasts_s=9.0)
    other = event_row("cellar")
    store = FleetStore(store_url(where))
    assert store.write([new, new, end, other]) == []
    # The broker repeats what was not confirmed, in its order; and all of it in another session.
    store.write([new, end])
    store.write([new])
    store.close()
    found = kept(where, "events", "node", "id", "sequence", "is_over")
    assert found == [("cellar", "e1", 1, False), ("roof", "e1", 3, True)]


def test_what_is_known_is_replaced_but_not_by_what_was_kept_before(where: str) -> None:
    key = {"broker": "main", "node": "roof", "first_ns": NOW_NS}
    store = FleetStore(store_url(where))
    store.write([Row("observers", {**key, "heard_ns": NOW_NS})])
    store.write([Row("observers", {**key, "first_ns": NOW_NS + 5, "is_online": True})])
    store.write([Row("observers", {**key, "heard_ns": NOW_NS - 7, "ahead_s": 4.0}, is_old=True)])
    store.close()
    found = kept(where, "observers", "first_ns", "heard_ns", "is_online", "ahead_s")
    assert found == [(NOW_NS, NOW_NS, True, None)]


def test_a_row_that_no_database_takes_costs_itself_alone(where: str) -> None:
    good = [event_row(event_id=f"e{n}") for n in range(9)]
    bad = replace(good[4], values={**good[4].values, "band": None, "id": "bad"})
    store = FleetStore(store_url(where))
    assert store.write([*good[:5], bad, *good[5:]]) == [bad]
    store.close()
    assert len(kept(where, "events", "id")) == 9


def test_what_is_too_old_goes_by_when_it_was_heard(where: str) -> None:
    # By the observer's clock, which is a year wrong, both are of the same time.
    old, young = event_row(event_id="old"), event_row(event_id="young")
    old.values["heard_ns"] = NOW_NS - 10
    store = FleetStore(store_url(where))
    key = {"broker": "main", "node": "roof", "first_ns": 0, "at_ns": 0}
    bands = [Row("bands", {**key, "band": band, "heard_ns": NOW_NS + after_ns})
             for band, after_ns in (("renamed", -1), ("lte", 1))]  # fmt: skip
    store.write([old, young, *bands])
    assert store.forget(NOW_NS) == 2
    store.close()
    assert kept(where, "events", "id") == [("young",)]


def test_a_newer_store_is_refused_and_an_older_one_brought_up(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FleetStore(store_url(where))
    store.write([event_row()])
    store.close()
    monkeypatch.setattr(store_module, "VERSION", 2)
    added = {1: ("ALTER TABLE events ADD COLUMN note TEXT",)}
    monkeypatch.setattr(store_module, "MIGRATIONS", added)
    with pytest.raises(ConfigError, match=r"of version 1, and .* reads 2: edgespec fleet run"):
        kept(where, "events", "id")
    store = FleetStore(store_url(where))
    store.open()
    store.close()
    with reading(store_url(where)) as base:
        assert "note" in [one["name"] for one in inspect(base).get_columns("events")]
    monkeypatch.setattr(store_module, "VERSION", 1)
    for ask in (FleetStore(store_url(where)).open, lambda: kept(where, "events", "id")):
        with pytest.raises(ConfigError, match=r"version 2, and this edgespec knows 1: update"):
            ask()


def test_another_one_may_not_write_there(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_WAIT_S", 0.3)
    first = FleetStore(store_url(where), ["east"])
    first.open()
    with pytest.raises(ConfigError, match="another edgespec fleet writes there"):
        FleetStore(store_url(where), ["west", "east"]).open()
    if "postgresql" in where:
        # Each broker has its writer, and all of them one store.
        west = FleetStore(store_url(where), ["west"])
        west.open()
        west.close()
    first.close()
    again = FleetStore(store_url(where), ["west", "east"])
    again.open()
    again.close()


def test_a_file_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "fleet.sqlite"
    store = FleetStore(store_url(str(path)))
    store.write([event_row()])
    path.rename(tmp_path / "moved.sqlite")
    store.write([event_row(event_id="e2")])
    store.close()
    assert kept(str(path), "events", "id") == [("e2",)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it must be a path, sqlite:///PATH or postgresql://"),
        (":memory:", "it must be a path, sqlite:///PATH or postgresql://"),
        ("mysql://me:secret@host/base", "is of 'mysql'"),
        ("sqlite://", "names no file"),
        ("sqlite://host/x", "names no file"),
        ("postgresql://me:secret@[::1/x", "no URL that can be read"),
        ("postgres://me:pass@secret@host/x", "write @ in a password as %40"),
        ("ftp://x", "of 'ftp'"),
    ],
)
def test_a_store_that_is_none(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as found:
        store_url(text)
    assert words in str(found.value)
    assert "secret" not in str(found.value)


def test_a_full_disk_is_a_store_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its driver says so, below SQLAlchemy, where the file is prepared.
    def fails(connection: Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    store = FleetStore(store_url(str(tmp_path / "fleet.sqlite")))
    monkeypatch.setattr(store_module, "_prepare", fails)
    with pytest.raises(StoreAwayError, match=r"fleet\.sqlite: database or disk is full"):
        store.write([event_row()])
    monkeypatch.undo()
    store.write([event_row()])
    store.close()


def test_a_store_that_is_away_or_of_somebody_else(tmp_path: Path) -> None:
    url = store_url("postgresql://me:secret@127.0.0.1:1/base")
    assert "secret" not in shown_url(url)
    with pytest.raises(StoreAwayError) as away:
        FleetStore(url).open()
    assert "secret" not in str(away.value)
    (tmp_path / "none.sqlite").write_bytes(b"no database" * 999)
    with pytest.raises(ConfigError, match="no database of SQLite: name another"):
        FleetStore(store_url(str(tmp_path / "none.sqlite"))).open()
    with pytest.raises(ConfigError, match="is a folder: name a file"):
        FleetStore(store_url(str(tmp_path))).open()
    with pytest.raises(ConfigError, match="there is no store"), reading(store_url("/none/x")):
        pass


@pytest.mark.parametrize("table", ["bookmarks (url)", "about (title)"])
def test_a_file_of_another_program_is_refused_and_stays_byte_for_byte(
    tmp_path: Path, table: str
) -> None:
    path = tmp_path / "bookmarks.sqlite"
    with closing(sqlite3.connect(path)) as base, base:
        base.execute(f"CREATE TABLE {table}")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="of another program: name another"):
        FleetStore(store_url(str(path))).open()
    with pytest.raises(ConfigError, match="is no store of a fleet"):
        kept(str(path), "events", "id")
    assert path.read_bytes() == before


def test_a_store_that_was_half_made_is_made_and_many_rows_are_written_all_or_none(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = FleetStore(store_url(where))
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_set_version", full)
        with pytest.raises(StoreAwayError, match="No space left"):
            store.open()
    rows = [event_row(), Row("observers", {"broker": "main", "node": "roof", "first_ns": NOW_NS})]
    write_group, groups = FleetStore._write_group, [*rows]
    with monkeypatch.context() as patch:
        patch.setattr(
            FleetStore, "_write_group",
            lambda *about: write_group(*about) if groups.pop() is rows[1] else full(),
        )  # fmt: skip
        with pytest.raises(StoreAwayError, match="No space left"):
            store.write(rows)
    assert kept(where, "events", "id") == []
    store.write(rows)
    store.close()
    assert kept(where, "events", "id") == [("e1",)]


def test_a_store_on_a_medium_that_cannot_be_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a folder?#%41" / "fleet.sqlite"
    store = FleetStore(store_url(str(path)))
    store.write([event_row()])
    store.close()
    # Whoever runs the tests may write anywhere.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert kept(str(path), "events", "id") == [("e1",)]
    assert {one.name for one in path.parent.iterdir()} == {path.name, f"{path.name}.writer"}
