"""What is kept of a site that has changed for good goes, and whoever watches it is told."""

from collections.abc import Callable
from pathlib import Path

from edgespec.newfile import replace_file
from edgespec.observer.kept.band_file import LearntKind, band_file, learnt_file
from edgespec.observer.kept.kept_cells import files_of_cells
from edgespec.observer.scoring.yardstick import Terms

__all__ = ["Forgetting", "forget_files"]


def forget_files(state_dir: Path, band: str) -> dict[str, int]:
    """Delete what was learnt of a band; return how many files of what there were.

    Whoever watches the band forgets it, too, within some seconds.

    Raises:
        OSError: a file cannot be deleted or written.
    """
    found = {}
    for kind in LearntKind:
        path = learnt_file(kind, state_dir, band)
        files = [one for one in (path, *files_of_cells(path)) if one.exists()]
        for one in files:
            one.unlink(missing_ok=True)
        if files:
            found[kind.title] = len(files)
    mark = _mark(state_dir, band)
    mark.parent.mkdir(parents=True, exist_ok=True)
    replace_file(mark, b"")
    return found


def _mark(state_dir: Path, band: str) -> Path:
    return band_file(state_dir / "forgotten", band, ".mark")


class Forgetting:
    """Tells an observer that what it has learnt of a band is to be forgotten.

    Args:
        state_dir: of the observer.
        band: id of the band.
        terms: returns by which thresholds the band is judged, by what is kept now.
    """

    def __init__(self, state_dir: Path, band: str, terms: Callable[[], Terms]) -> None:
        self._mark = _mark(state_dir, band)
        self.terms = terms
        self._made = self._when()

    def is_asked(self) -> bool:
        """Return whether somebody asked for it since the last call, or since the start."""
        made, self._made = self._made, self._when()
        return self._made is not None and self._made != made

    def _when(self) -> tuple[int, int] | None:
        try:
            found = self._mark.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
