"""Sequence numbers that are written down before they are used, so that none comes twice.

A message that the broker has confirmed is never forced to the medium, so after a power cut the
spool may not know of it. This file says how far the numbers may have been used by then. After
anything but a power cut the spool knows better: the file also says in which run of the system it
was written.
"""

import os
from pathlib import Path

from edgespec.newfile import sync_folder, write_all

__all__ = ["Reservation"]

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


def _boot_id() -> str:
    """Return what names this run of the system; ``unknown`` where it does not say."""
    try:
        return "".join(_BOOT_ID.read_text(encoding="ascii").split()) or "unknown"
    except (OSError, ValueError):
        return "unknown"
