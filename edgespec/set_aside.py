"""Files of ours that cannot be read: they get another name before a new one takes their place."""

import re
from pathlib import Path

__all__ = ["name_aside", "set_aside"]

#: Of damaged ones so many are kept, and the last is replaced.
_MOST_DAMAGED = 3
_SCHEMA = re.compile(rb'"schema"\s*:\s*"([a-z.-]+)/([0-9]{1,6})"')
_HEAD_BYTES = 4096


def name_aside(path: Path, version: int = 0) -> Path:
    """Return the name for a damaged file, or for one of a newer version, which is never replaced.

    ``history.sqlite`` becomes ``history.damaged-1.sqlite`` or ``history.version-9-1.sqlite``.
    """
    number, what = 1, f"version-{version}" if version else "damaged"
    while True:
        new = path.with_name(f"{path.stem}.{what}-{number}{path.suffix}")
        if not new.exists() or (not version and number >= _MOST_DAMAGED):
            return new
        number += 1


def set_aside(path: Path, schema: str) -> Path:
    """Rename a file of JSON that cannot be read as of ``schema``; return its new name.

    Raises:
        OSError: it cannot be renamed.
    """
    with path.open("rb") as stream:
        found = _SCHEMA.search(stream.read(_HEAD_BYTES))
    name, _, version = schema.partition("/")
    is_newer = found is not None and found[1].decode() == name and int(found[2]) > int(version)
    new = name_aside(path, int(found[2]) if found is not None and is_newer else 0)
    return path.replace(new)
