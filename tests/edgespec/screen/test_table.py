"""Tables at every width: nothing is cut, and where there is room a row is a line."""

import io

import hypothesis.strategies as st
import pytest
from hypothesis import given

from edgespec.screen.table import Column, Table, width_of

COLUMNS = (Column("start (UTC)"), Column("lasted", is_right=True), Column("where"), Column("id"))
ROWS = [
    ("2026-11-28 20:15:03Z", "1.3 min", "350 kHz at 806.075 MHz", "0c5f2f8e-9d1b-4c1e"),
    ("2026-11-28 20:16:04Z", "21 s", "1.92 MHz at 433.92 MHz", "1c5f2f8e-9d1b-4c1e"),
]


def test_where_no_terminal_is_a_row_is_a_line() -> None:
    assert Table(COLUMNS, ROWS).lines() == [
        "start (UTC)            lasted  where                   id",
        "2026-11-28 20:15:03Z  1.3 min  350 kHz at 806.075 MHz  0c5f2f8e-9d1b-4c1e",
        "2026-11-28 20:16:04Z     21 s  1.92 MHz at 433.92 MHz  1c5f2f8e-9d1b-4c1e",
    ]


def test_what_does_not_fit_is_below() -> None:
    assert Table(COLUMNS, ROWS, 60).lines() == [
        "start (UTC)            lasted  where",
        "    id",
        "2026-11-28 20:15:03Z  1.3 min  350 kHz at 806.075 MHz",
        "    0c5f2f8e-9d1b-4c1e",
        "2026-11-28 20:16:04Z     21 s  1.92 MHz at 433.92 MHz",
        "    1c5f2f8e-9d1b-4c1e",
    ]


def test_the_last_column_has_words_and_lines() -> None:
    words = "numba is there, and what it compiled is kept in the folder of the observer\nfix: none"
    table = [("ok", "python", "3.11"), ("warn", "front end", words)]
    assert Table([Column("", is_right=True), Column(), Column()], table, 60, 2).lines() == [
        "    ok  python     3.11",
        "  warn  front end  numba is there, and what it compiled is",
        "                   kept in the folder of the observer",
        "                   fix: none",
    ]
    *_, last, fix = Table([Column("", is_right=True), Column(), Column()], table).lines()
    assert last == f"warn  front end  {words.partition(chr(10))[0]}"
    assert fix == "                 fix: none"


def test_a_word_that_is_too_long_beside_is_below() -> None:
    rows = [("ok", "state directory", "kept in /var/lib/edgespec/a/long/folder, free"),
            ("ok", "x", "/var/lib/edgespec/a/folder/of/forty/characters")]  # fmt: skip
    assert Table([Column()] * 3, rows, 52).lines() == [
        "ok  state directory  kept in",
        f"{'/var/lib/edgespec/a/long/folder,':>52}",
        "                     free",
        "ok  x",
        f"{'/var/lib/edgespec/a/folder/of/forty/characters':>52}",
    ]


def test_rows_may_come_one_by_one() -> None:
    table = Table([Column("time", width=6), Column("event", width=5), Column("kind")], width=20)
    assert table.heading() == ["time    event  kind"]
    assert table.row(["1.5", "new", "tone"]) == ["1.5     new    tone"]
    # A cell that is wider than its column moves what is behind it, and is whole.
    assert table.row(["1.5", "no longer there", "tone"])[0].startswith("1.5     no longer there")


@given(
    rows=st.lists(
        st.tuples(*[st.text("abc xyz-", max_size=40).map(str.strip)] * 4), min_size=1, max_size=4
    ),
    width=st.integers(1, 200),
    indent=st.integers(0, 3),
)
def test_no_width_cuts_anything(rows: list[tuple[str, ...]], width: int, indent: int) -> None:
    wide = Table(COLUMNS, rows, None, indent).lines()
    lines = Table(COLUMNS, rows, width, indent).lines()
    assert "".join(" ".join(lines).split()) == "".join(" ".join(wide).split())
    # Whatever is too long is a single cell, or a word of the last: there is no shorter way.
    longest = max(len(cell) for row in (*rows, [c.heading for c in COLUMNS]) for cell in row)
    assert max(map(len, lines)) <= max(width, longest + indent)
    assert len(wide) == 1 + len(rows)
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(("has_terminal", "width"), [(False, None), (True, 47)])
def test_the_width_is_that_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, has_terminal: bool, width: int | None
) -> None:
    monkeypatch.setenv("COLUMNS", "47")
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: has_terminal)
    assert width_of(stream) == width
