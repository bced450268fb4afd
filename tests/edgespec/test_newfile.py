"""Files that must not cost one that is there."""

import errno
import os
from pathlib import Path

import pytest

from edgespec.errors import ConfigError
from edgespec.newfile import check_over, replace_file, write_new


@pytest.fixture(params=["links", "no links"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory cards often have no hard links."""
    if request.param == "no links":

        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("disk")
def test_a_new_file_is_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    write_new(path, "ä = 1\n")
    assert path.read_text(encoding="utf-8") == "ä = 1\n"
    assert [one.name for one in tmp_path.iterdir()] == ["c.toml"]


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize("is_dangling", [True, False])
def test_what_is_there_is_not_overwritten(tmp_path: Path, is_dangling: bool) -> None:
    path = tmp_path / "c.toml"
    if is_dangling:
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.write_text("old")
    with pytest.raises(ConfigError, match="exists and is not overwritten"):
        write_new(path, "new")
    assert [one.name for one in tmp_path.iterdir()] == ["c.toml"]
    assert is_dangling or path.read_text() == "old"


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory"):
        write_new(tmp_path / "nowhere" / "c.toml", "new")


def test_a_file_that_may_not_be_written_to_is_seen_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.png"
    check_over(path)
    path.write_bytes(b"old")
    check_over(path)
    # Who is root may write to any file.
    monkeypatch.setattr(os, "access", lambda asked, mode: asked != path)
    with pytest.raises(ConfigError, match="it is a file that one may not write to"):
        check_over(path)


@pytest.mark.parametrize("write", [replace_file, lambda path, data: write_new(path, data.decode())])
def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object
) -> None:
    """The disk is full when it is forced to the medium."""

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    assert callable(write)
    with pytest.raises((OSError, ConfigError), match="No space left"):
        write(tmp_path / "c.toml", b"new")
    assert not list(tmp_path.iterdir())
