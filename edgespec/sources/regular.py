"""Files that a recording is played from, and what else a path may name."""

import stat
from pathlib import Path

from edgespec.door import brief
from edgespec.errors import SourceError

__all__ = ["check_regular"]


def check_regular(path: Path, advice: str) -> None:
    """Check that a path that exists names a file; nothing is said of one that does not.

    Raises:
        SourceError: it is a folder, a pipe or a device, or nobody can look at it; ``advice`` is
            what to do.
    """
    name = brief(path, 160)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise SourceError(
            f"cannot read {name}: {error.strerror}: check the path and its permissions"
        ) from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device, and no file"
        raise SourceError(f"{name} is {kind}: {advice}")
