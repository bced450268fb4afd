"""What another process does says what went wrong, and ends when it is to."""

import pickle
import threading
from pathlib import Path

import pytest

from edgespec.apart import run_apart


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("json.nothing",), "json.nothing"),
        (("edgespec.ops.look.beside",), "NoneType"),
        (("edgespec", "look", "--source", "nothing:"), "nothing"),
    ],
)
def test_what_fails_apart_is_said(tmp_path: Path, command: tuple[str, ...], words: str) -> None:
    with pytest.raises(OSError, match=words):
        run_apart(command, pickle.dumps(None), threading.Event(), 60.0, tmp_path)


def test_what_takes_too_long_or_is_stopped_is_ended(tmp_path: Path) -> None:
    stopping = threading.Event()
    with pytest.raises(OSError, match="too long"):
        run_apart(("tests.made.sleeper",), b"", stopping, 0.1, tmp_path)
    stopping.set()
    with pytest.raises(OSError, match="was stopped"):
        run_apart(("tests.made.sleeper",), b"", stopping, 60.0, tmp_path)
