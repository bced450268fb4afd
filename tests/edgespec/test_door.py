"""Nothing but one short sentence leaves the door of a loader (F6)."""

import os
import threading
from pathlib import Path

import pytest

from edgespec.config import load_config
from edgespec.decode.text import read_bounded
from edgespec.door import MESSAGE_CHARS, brief, door
from edgespec.errors import ConfigError, EdgespecError, ModelError, SourceError
from edgespec.mqtt.link import tls_context


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("short", "short"),
        ("two\nlines\t and\r\n more", "two lines and more"),
        ("bell\a\x00\udcff", r"bell\x07\x00\udcff"),
        ("0123456789" * 3, "01234...56789"),
        ("x" * 10_000_000, "xxxxx...xxxxx"),
        (12, "12"),
    ],
)
def test_brief_is_one_short_line(value, expected):
    assert brief(value, 13 if len(str(value)) > 25 else 80) == expected


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x" * 100_000),
        MemoryError(),
        RecursionError("deep\nnested"),
        OSError(5, "Input/output error", "/" + "x" * 5000),
        UnicodeDecodeError("utf-8", b"\xff" * 1000, 0, 1, "no"),
        KeyError(("a",) * 10_000),
        SourceError("long " * 500),
        ModelError("two\nlines"),
    ],
)
def test_f6_whatever_is_raised_becomes_one_sentence(error):
    with (
        pytest.raises(EdgespecError) as caught,
        door("x" * 5000, ModelError, "get it again"),
    ):
        raise error
    expected = type(error) if isinstance(error, EdgespecError) else ModelError
    assert caught.type is expected
    assert len(str(caught.value)) <= MESSAGE_CHARS
    assert str(caught.value).isprintable()


def test_a_good_message_passes_as_it_is():
    error = ModelError("a sentence")
    with pytest.raises(ModelError) as caught, door("x", SourceError, "y"):
        raise error
    assert caught.value is error


def test_an_interrupt_is_no_error():
    with pytest.raises(KeyboardInterrupt), door("x", SourceError, "y"):
        raise KeyboardInterrupt


def test_nobody_waits_for_a_pipe_that_has_no_writer(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    config = tmp_path / "edgespec.toml"
    config.write_text("[mqtt]\npassword_file = 'pipe'")
    for read in (
        lambda: load_config(path),
        lambda: load_config(config),
        lambda: tls_context(path),
    ):
        with pytest.raises(ConfigError, match="it is a pipe, which may have no writer"):
            read()


def test_what_the_shell_has_opened_is_read(tmp_path: Path) -> None:
    """As ``-c <(make-config)`` gives it."""
    ours, theirs = os.pipe()
    writer = threading.Thread(target=lambda: (os.write(theirs, b"[node]"), os.close(theirs)))
    writer.start()
    assert read_bounded(Path(f"/dev/fd/{ours}"), ConfigError, "none") == b"[node]"
    writer.join()
    os.close(ours)
