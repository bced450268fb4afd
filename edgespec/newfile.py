"""Files that a power cut leaves whole: written where none was, or in the place of one at once."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgespec.errors import ConfigError

__all__ = [
    "check_absent",
    "check_new",
    "check_over",
    "check_place",
    "keep_file",
    "make_file",
    "replace_file",
    "sync_folder",
    "unwritable",
    "write_all",
    "write_new",
]

#: What file systems without hard links say, such as those of memory cards.
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP)


def check_absent(path: Path) -> None:
    """See that no file is there yet, not even a link to nowhere.

    Raises:
        ConfigError: it exists.
    """
    if os.path.lexists(path):
        raise ConfigError(_exists(path))


def check_new(path: Path) -> None:
    """See that a file can be written where there is none, before long work for it.

    Raises:
        ConfigError: it exists, or cannot be written.
    """
    check_absent(path)
    _check_folder(path, path.parent)


def check_over(path: Path) -> None:
    """See that a file can be opened and written, be there an older one or not, before long work.

    Raises:
        ConfigError: it cannot.
    """
    _check_no_folder(path)
    _check_folder(path, path.parent)
    if os.path.lexists(path) and not os.access(path, os.W_OK):
        raise ConfigError(f"{path} cannot be written: it is a file that one may not write to")


def check_place(path: Path) -> None:
    """See that :func:`replace_file` can put a file there, before long work for it.

    Raises:
        ConfigError: it cannot.
    """
    _check_no_folder(path)
    _check_folder(path, next(one for one in path.absolute().parents if os.path.lexists(one)))


def _check_no_folder(path: Path) -> None:
    if path.is_dir():
        raise ConfigError(f"{path} is a folder: name a file in it")


def _check_folder(path: Path, folder: Path) -> None:
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ConfigError(f"{path} cannot be written: {folder} is no folder one may write to")


def unwritable(path: Path, error: OSError) -> ConfigError:
    """Return what is said where the system does not let a file be written."""
    return ConfigError(f"{path} cannot be written: {error.strerror or error}")


def write_new(path: Path, text: str) -> None:
    """Write a file where there was none, in one step: a power cut leaves none or all of it.

    Raises:
        ConfigError: it exists, or cannot be written.
    """
    try:
        make_file(path, text.encode())
    except FileExistsError:
        raise ConfigError(_exists(path)) from None
    except OSError as error:
        raise unwritable(path, error) from error


def make_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Make a file where there was none, in one step: a power cut leaves none or all of it.

    Raises:
        FileExistsError: it exists.
        OSError: it cannot be written.
    """
    with _beside(path, content, mode) as temporary:
        try:
            path.hardlink_to(temporary)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                raise FileExistsError from None
            temporary.replace(path)


def _exists(path: Path) -> str:
    return f"{path} exists and is not overwritten: choose another name or remove it first"


def replace_file(path: Path, content: bytes) -> None:
    """Put a file into its place in one step: a power cut leaves the old one or the new one.

    It is written beside its place, forced to the medium and renamed. Its folder is made if needed.

    Raises:
        OSError: it cannot be written; the old one is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, content) as temporary:
        temporary.replace(path)


def keep_file(path: Path, content: bytes) -> None:
    """Put a file into its place as :func:`replace_file` does, and force its name to the medium.

    When it returns, a power cut takes neither the file nor the folders that were made for it.

    Raises:
        OSError: it cannot be written, and the old one is untouched; or the folder is not forced.
    """
    new = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    replace_file(path, content)
    sync_folder(path.parent)
    for folder in new:
        sync_folder(folder.parent)


def write_all(file: int, data: bytes) -> None:
    """Write all of it: a disk with little room takes a part, and refuses the next.

    Raises:
        OSError: it does not take all.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the medium: a new file without one is lost with the power.

    Raises:
        OSError: the folder cannot be opened.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Some file systems, such as FAT over FUSE, cannot do it and need not.
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _beside(path: Path, content: bytes, mode: int = 0o644) -> Iterator[Path]:
    """Write a file beside ``path``, forced to the medium; what is left of it at the end goes."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes it private; most of what is kept here is as public as any file of its owner.
        temporary.chmod(mode)
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
