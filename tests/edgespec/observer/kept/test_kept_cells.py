"""Files of cells: found beside the band's, bounded in number, and no other file is touched."""

import os
from pathlib import Path

import pytest

from edgespec.observer.kept.kept_cells import MOST_CELLS, file_of_cell, files_of_cells, tidy_up


def test_the_oldest_go_and_nothing_else(tmp_path: Path) -> None:
    band, other = tmp_path / "a.site", tmp_path / "b.site"
    strangers = [band, file_of_cell(other, "lte-1"), tmp_path / "a@lte-1.cell"]
    for path in strangers:
        path.touch()
    for age in range(MOST_CELLS + 3):
        path = file_of_cell(band, f"lte-{age}")
        path.touch()
        os.utime(path, ns=(0, -age * 10**9))
    tidy_up(band)
    # The newest is at the end.
    assert [path.name for path in files_of_cells(band)] == [
        f"a@lte-{age}.site" for age in reversed(range(MOST_CELLS))
    ]
    assert all(path.exists() for path in strangers)


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    assert files_of_cells(tmp_path / "none" / "a.site") == []
    tidy_up(tmp_path / "none" / "a.site")


def test_a_link_to_nowhere_hides_no_cell(tmp_path: Path) -> None:
    band = tmp_path / "a.site"
    known = file_of_cell(band, "lte-1")
    known.touch()
    file_of_cell(band, "lte-2").symlink_to(tmp_path / "gone")
    assert files_of_cells(band) == [known]


def test_a_folder_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert files_of_cells(tmp_path / "a.site") == []
    assert "cannot be read: no" in caplog.text
