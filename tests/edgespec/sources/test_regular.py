"""Paths that name no file are called what they are, whatever is to be played from them."""

import os
from pathlib import Path

import pytest

from edgespec.errors import SourceError
from edgespec.sources import open_source


@pytest.mark.parametrize("uri", ["wav:{}", "sigmf:{}", "sigmf:{}.sigmf-meta"])
def test_what_is_no_file_is_said_to_be_none(uri: str, tmp_path: Path) -> None:
    for ending in ("", ".sigmf-meta"):
        (tmp_path / f"folder{ending}").mkdir()
        os.mkfifo(tmp_path / f"pipe{ending}")
        (tmp_path / f"loop{ending}").symlink_to(f"loop{ending}")
    for name, says in (
        ("folder", "is a folder: give the path"),
        ("pipe", "is a pipe or a device, and no file"),
        ("loop", "Too many levels of symbolic links"),
        ("none", "there is no"),
    ):
        with pytest.raises(SourceError, match=says):
            open_source(uri.format(tmp_path / name))


def test_data_that_is_a_folder_is_no_data(tmp_path: Path) -> None:
    (tmp_path / "one.sigmf-meta").write_text('{"global": {"core:datatype": "cu8"}}')
    (tmp_path / "one.sigmf-data").mkdir()
    with pytest.raises(SourceError, match=r"one\.sigmf-data is a folder"):
        open_source(f"sigmf:{tmp_path / 'one'}")
