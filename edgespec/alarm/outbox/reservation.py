"""Sequence numbers that are written down before they are used, so that none comes twice.

A message that the broker has confirmed is never forced to the medium, so after a power cut the
spool may not know of it. This file says how far the numbers may have been used by then. After
anything but a power cut the spool knows better: the file also says in which run of the system it
was written.
"""

import contextlib
import os
from pathlib import Path

__all__ = ["Reservation", "sync_folder", "write_all"]

#: Numbers that are reserved at once: a day of events on a busy band, and one write.
BLOCK = 1000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MAX_BYTES = 200


class Reservation:
    """Holds numbers of one spool; ``upto`` is the highest that may be used.

    Args:
        folder: of the spool; nothing is made before the first reservation.
    """

    def __init__(self, folder: Path) -> None:
        self.upto = 0
        self._folder = folder
        self._path = folder / "reserved"

    def after_a_start(self, last: int) -> int:
        """Return the highest number that may have been used, where the spool knows of ``last``."""
        try:
            with self._path.open("rb") as file:
                upto, boot = file.read(_MAX_BYTES).decode().split()
            used = int(upto)
        except (OSError, ValueError):
            # Missing, or damaged: the spool is all there is.
            return last
        if not 0 <= used < 1 << 62:
            return last
        is_same_run = boot == _boot_id() != "unknown"
        return last if is_same_run and last else max(last, used)

    def cover(self, sequence: int, ahead: int = BLOCK) -> None:
        """Reserve ``ahead`` numbers from ``sequence`` on; they are on the medium on return.

        Raises:
            OSError: they cannot be written.
        """
        upto = sequence + ahead
        new_path = self._path.with_suffix(".new")
        file = os.open(new_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_all(file, f"{upto} {_boot_id()}\n".encode())
            os.fsync(file)
        finally:
            os.close(file)
        new_path.replace(self._path)
        sync_folder(self._folder)
        self.upto = upto


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


def _boot_id() -> str:
    """Return what names this run of the system; ``unknown`` where it does not say."""
    try:
        return "".join(_BOOT_ID.read_text(encoding="ascii").split()) or "unknown"
    except (OSError, ValueError):
        return "unknown"
