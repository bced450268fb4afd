"""A file that must not cost one that is there: written where none was, or in its place at once."""

import contextlib
import os
import tempfile
from pathlib import Path

from edgespec.errors import ConfigError

__all__ = ["replace_file", "write_new"]


def write_new(path: Path, text: str) -> None:
    """Write a file where there was none.

    Raises:
        ConfigError: it exists, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(
            f"{path} exists and is not overwritten: choose another name or remove it first"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def replace_file(path: Path, content: bytes) -> None:
    """Put a file into its place in one step: a power cut leaves the old one or the new one.

    It is written beside its place, forced to the medium and renamed. Its folder is made if needed.

    Raises:
        OSError: it cannot be written; the old one is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes it private; what is kept here is as public as any file of its owner.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
