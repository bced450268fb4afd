"""Cards of models and markers of tasks with anything in them: one short sentence (F6)."""

from pathlib import Path

import pytest

from converter.report.results import _marker
from converter.training.modeldir import load_model
from tests.made.mutations import check_door

ODD = [
    b"",
    b"[" * 100_000,
    b"\xff\xfe",
    b'{"schema": "edgespec.model/1", "role": ' + b"9" * 5000 + b"}",
    b'{"schema": "edgespec.model/1", "' + b"x" * 5000 + b'": 1}',
    b'{"schema": "' + b"x" * 5000 + b'"}',
    b" " * (5 << 20),
]


@pytest.mark.parametrize("content", ODD, ids=range(len(ODD)))
def test_f6_cards_of_any_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "training.json").write_bytes(content)
    assert check_door(lambda: load_model(tmp_path))


@pytest.mark.parametrize("content", ODD[:3], ids=range(3))
def test_f6_markers_of_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "task.json"
    path.write_bytes(content)
    assert "run the task again" in check_door(lambda: _marker(path))
