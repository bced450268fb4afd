"""Files of cells: found beside the band's, bounded in number, and no other file is touched."""

import os
from pathlib import Path

from edgespec.observer.kept_cells import MOST_CELLS, file_of_cell, files_of_cells, tidy_up


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
