"""Files of the observer's state that there is one of for each cell, beside that of the band."""

import logging
from contextlib import suppress
from pathlib import Path

__all__ = ["MOST_CELLS", "file_of_cell", "files_of_cells", "tidy_up"]

_LOG = logging.getLogger(__name__)

#: Cells of a band that are known; the one that was left longest ago goes.
MOST_CELLS = 8


def file_of_cell(path: Path, label: str) -> Path:
    """Return the file of a cell, such as ``band0@lte-123.site`` beside ``band0.site``."""
    return path.with_name(f"{path.stem}@{label}{path.suffix}")


def files_of_cells(path: Path) -> list[Path]:
    """Return the files of cells beside the band's file ``path``, the newest at the end."""
    found = []
    try:
        for file in path.parent.iterdir():
            if file.suffix == path.suffix and file.name.startswith(f"{path.stem}@"):
                # One that is gone meanwhile, or a link to nowhere, hides no other.
                with suppress(FileNotFoundError):
                    found.append((file.stat().st_mtime_ns, file))
    except FileNotFoundError:
        return []
    except OSError as error:
        _LOG.warning("what is known of cells cannot be read: %s", error)
    return [file for _, file in sorted(found)]


def tidy_up(path: Path) -> None:
    """Delete files of cells beside the band's file ``path`` but those that were written last."""
    for file in files_of_cells(path)[:-MOST_CELLS]:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            _LOG.warning("what is known of cells cannot be tidied up: %s", error)
