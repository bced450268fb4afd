"""The drawing of the house, and what is counted in it."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("grimp", reason="comes with import-linter")

from benchmarks.house.__main__ import DRAWING
from benchmarks.house.counts import count, summary_table
from benchmarks.house.drawing import drawing
from benchmarks.house.rooms import HOUSES, imports, levels, nearest, room_of

ROOT = Path(__file__).resolve().parents[2]


def folders() -> set[str]:
    return {
        f"{house}.{path.parent.name}"
        for house in HOUSES
        for path in (ROOT / house).glob("*/__init__.py")
    }


def test_every_room_is_drawn() -> None:
    names = {element.get("id") for element in ElementTree.fromstring(drawing()).iter()} - {None}
    assert folders() <= names
    assert names == set(imports())


def test_the_committed_drawing_is_of_today() -> None:
    assert DRAWING.read_text(encoding="utf-8") == drawing(), "run python -m benchmarks.house"


def test_nobody_imports_from_above() -> None:
    graph = imports()
    floors = levels(graph)
    assert all(floors[room] > floors[used] for room in graph for used in graph[room])
    houses = {(r.split(".")[0], u.split(".")[0]) for r in graph for u in graph[r]}
    assert not {("edgespec", "converter"), ("edgespec", "benchmarks")} & houses
    assert ("converter", "benchmarks") not in houses


def test_arrows_that_others_imply_are_left_out() -> None:
    graph = {
        "a": frozenset("bc"),
        "b": frozenset("c"),
        "c": frozenset(),
    }
    assert nearest(graph) == {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset()}
    assert levels(graph) == {"a": 2, "b": 1, "c": 0}


def test_loose_modules_are_a_shelf() -> None:
    assert room_of("edgespec.dsp.spectrogram") == "edgespec.dsp"
    assert room_of("edgespec.records") == "edgespec.shelf"
    assert room_of("edgespec.__main__") == room_of("edgespec.cli") == "edgespec.cli"


def test_lines_docstrings_and_types_are_counted(tmp_path: Path) -> None:
    (tmp_path / "edgespec" / "dsp").mkdir(parents=True)
    (tmp_path / "edgespec" / "records.py").write_text("X = 1\n")
    (tmp_path / "edgespec" / "dsp" / "fft.py").write_text(
        "from edgespec.jit import kernel\n"
        'def told(a: int) -> int:\n    """Return twice the given number."""\n'
        'def told_nothing(a):\n    """Nothing."""\n'
        "@kernel\ndef _inner(a): ...\n"
    )
    found = count(tmp_path)
    assert {room: [m.n_lines for m in of] for room, of in found.items()} == {
        "edgespec.dsp": [7],
        "edgespec.shelf": [1],
    }
    assert "50.0% of 2" in summary_table({"now": found})
