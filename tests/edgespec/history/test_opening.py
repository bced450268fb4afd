"""Whose file it is, what damage costs, and who may read beside the observer."""

import sqlite3
from pathlib import Path

import pytest

from edgespec.errors import EdgespecError
from edgespec.history import opening
from edgespec.history.opening import UnusableError, open_to_write, reading, set_aside
from edgespec.history.tables import TIMES, VERSION
from tests.made.history import keep_events, kept_ids

#: As it is outside of tests.
FORCED = opening._SYNCHRONOUS


def write(path: Path, *statements: str) -> None:
    base = sqlite3.connect(path)
    for statement in statements:
        base.execute(statement)
    base.commit()
    base.close()


def ask(path: Path, statement: str) -> None:
    with reading(path) as base:
        assert base is not None
        base.execute(statement)


def test_it_is_made_with_all_its_tables_and_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.history.opening._SYNCHRONOUS", FORCED)
    path = tmp_path / "a" / "history.sqlite"
    for _ in range(2):
        base = open_to_write(path)
        assert base.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert base.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        # 2 is FULL: a commit is on the medium when it returns.
        assert base.execute("PRAGMA synchronous").fetchone() == (2,)
        for table in TIMES:
            assert base.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        base.close()


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["CREATE TABLE songs (name TEXT)"], "no history of edgespec"),
        (["PRAGMA application_id = 5"], "no history of edgespec"),
        (["CREATE TABLE events (id TEXT)", f"PRAGMA user_version = {VERSION}"], "no history"),
        ([f"PRAGMA user_version = {VERSION + 1}"], f"of version {VERSION + 1}"),
    ],
)
def test_a_file_of_somebody_else_is_not_written(
    tmp_path: Path, statements: list[str], words: str
) -> None:
    path = tmp_path / "history.sqlite"
    write(path, *statements)
    before = path.read_bytes()
    with pytest.raises(UnusableError, match=words):
        open_to_write(path)
    assert path.read_bytes() == before


def test_a_newer_version_is_named_to_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    write(path, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(EdgespecError, match=f"of version {VERSION + 1}.*reads up to {VERSION}"):
        ask(path, "SELECT 1")


def test_whoever_reads_makes_nothing(tmp_path: Path) -> None:
    with reading(tmp_path / "history.sqlite") as base:
        assert base is None
    assert not list(tmp_path.iterdir())
    # One that its observer is about to fill.
    (tmp_path / "history.sqlite").touch()
    with reading(tmp_path / "history.sqlite") as base:
        assert base is None


def test_whoever_reads_cannot_write(tmp_path: Path) -> None:
    keep_events(tmp_path, 1)
    with pytest.raises(EdgespecError, match="readonly"):
        ask(tmp_path / "history.sqlite", "DELETE FROM events")
    assert kept_ids(tmp_path) == ["e0"]


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite").write_bytes(b"no database, but longer than a header" * 100)
    with pytest.raises(EdgespecError, match="sets it aside when it next starts"):
        ask(tmp_path / "history.sqlite", "SELECT 1")


def test_of_damaged_files_the_last_of_three_is_replaced_and_newer_ones_stay(
    tmp_path: Path,
) -> None:
    path = tmp_path / "history.sqlite"
    for number in range(5):
        for version in (0, 2):
            path.write_text(str(number))
            path.with_name("history.sqlite-wal").write_text(f"log {number}")
            new = set_aside(path, version)
            assert new.read_text() == str(number)
            assert new.with_name(new.name + "-wal").read_text() == f"log {number}"
    found = {p.name: p.read_text() for p in tmp_path.iterdir() if p.suffix == ".sqlite"}
    damaged = {1: "0", 2: "1", 3: "4"}
    newer = {number + 1: str(number) for number in range(5)}
    assert found == {
        **{f"history.damaged-{number}.sqlite": text for number, text in damaged.items()},
        **{f"history.version-2-{number}.sqlite": text for number, text in newer.items()},
    }
