"""Real recordings by name or pattern, below a folder that need not be there."""

from collections.abc import Iterable
from pathlib import Path

from converter.data.ingest import file_sha256

__all__ = ["found_recordings"]

_META, _DATA = ".sigmf-meta", ".sigmf-data"


def found_recordings(
    folder: Path, patterns: Iterable[str]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return name and SHA-256 of every SigMF recording of some patterns, and what matches none.

    Names are relative to the folder and have no ending; every recording comes once.
    """
    found: dict[str, str] = {}
    missing = []
    for pattern in patterns:
        stem = pattern.removesuffix(_META).removesuffix(_DATA)
        hits = sorted(folder.glob(f"{stem}{_DATA}")) if folder.is_dir() else []
        if not hits:
            missing.append(pattern)
        for path in hits:
            name = path.relative_to(folder).as_posix().removesuffix(_DATA)
            found.setdefault(name, file_sha256(path))
    return tuple(found.items()), tuple(missing)
