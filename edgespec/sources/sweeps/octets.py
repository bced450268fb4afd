"""What a file, a pipe or another program's output holds, as it comes."""

import os
import select
import stat
from collections.abc import Iterator
from threading import Lock

from edgespec.door import brief
from edgespec.errors import SourceError
from edgespec.sources.descriptor import open_descriptor, wait_for_writer

__all__ = ["Octets", "open_octets"]

_PIECE = 1 << 16
#: The mark of UTF-8, which stands before a text of some editors.
_MARK = b"\xef\xbb\xbf"
#: No line of a sweep is as long: 65,536 levels of 16 characters.
_LONGEST_LINE = 1 << 20
#: How often a file that grows is looked at.
_LOOK_S = 0.25


def open_octets(path: str, *, follow: bool = False) -> "Octets":
    """Return what ``path`` gives; ``-`` is standard input.

    Args:
        path: of a file or a FIFO, or ``-``.
        follow: go on at the end of a file as it grows.

    Raises:
        UsageError: standard input is a terminal.
        SourceError: it cannot be opened, or is a folder.
    """
    descriptor = open_descriptor(path, "rtl_power", "sweeps", "rtl_power")
    return Octets(descriptor, brief(path, 160), follow=follow)


class Octets:
    """An open descriptor, read by lines or by lengths; ``close`` ends a read in another thread."""

    def __init__(self, descriptor: int, name: str, *, follow: bool = False) -> None:
        self.name = name
        self._descriptor = descriptor
        self.is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self.n_bytes = os.fstat(descriptor).st_size if self.is_file else None
        self._follow = follow and self.is_file
        self._is_awaited = not self.is_file
        self._woken, self._waker = os.pipe()
        self._poller = select.poll()
        self._poller.register(self._woken, select.POLLIN)
        if not self.is_file:
            self._poller.register(descriptor, select.POLLIN)
        self._held = bytearray()
        self._lock = Lock()
        self._is_open = True

    @property
    def is_endless(self) -> bool:
        """Whether its end is not there yet."""
        return not self.is_file or self._follow

    def peek(self, n_bytes: int) -> bytes:
        """Return its first bytes, as many as there are, without taking them."""
        while len(self._held) < n_bytes and self._more():
            pass
        return bytes(self._held[:n_bytes])

    def leave_out_mark(self) -> None:
        """Leave out the mark of UTF-8 that some editors write before a text."""
        if self.peek(1) == _MARK[:1] and self.peek(len(_MARK)) == _MARK:
            self.exactly(len(_MARK))

    def exactly(self, n_bytes: int) -> bytes | None:
        """Return the next bytes, None where there are not so many."""
        while len(self._held) < n_bytes:
            if not self._more():
                return None
        taken = bytes(self._held[:n_bytes])
        del self._held[:n_bytes]
        return taken

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number of each line, from 1, and the line.

        What stands behind the last end of a line was cut off while it was written, unless it is the
        end of a file that nobody writes to.

        Raises:
            SourceError: a line is longer than any of a sweep.
        """
        number = searched = 0
        while True:
            end = self._held.find(b"\n", searched)
            if end >= 0:
                number += 1
                line = bytes(self._held[:end])
                del self._held[: end + 1]
                searched = 0
                yield number, line
                continue
            searched = len(self._held)
            if searched > _LONGEST_LINE:
                raise SourceError(
                    f"{self.name}: line {number + 1} is longer than {_LONGEST_LINE} bytes: this is "
                    "no table of sweeps"
                )
            if not self._more():
                break
        if self._held and not self.is_endless:
            yield number + 1, bytes(self._held)
        self._held.clear()

    def close(self) -> None:
        """Close it; a second call does nothing."""
        if not self._is_open:
            return
        self._is_open = False
        os.write(self._waker, b"x")
        with self._lock:
            for one in (self._descriptor, self._woken, self._waker):
                os.close(one)

    def _may_read(self) -> bool:
        """Whether it is open: another thread may have closed it meanwhile."""
        return self._is_open

    def _more(self) -> bool:
        """Wait for more; return whether there was any."""
        with self._lock:
            while self._is_open:
                if self._is_awaited:
                    self._is_awaited = False
                    wait_for_writer(self._poller, self.name)
                elif not self.is_file:
                    self._poller.poll()
                if not self._may_read():
                    return False
                try:
                    piece = os.read(self._descriptor, _PIECE)
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise SourceError(f"cannot read on in {self.name}: {error.strerror}") from error
                if piece:
                    self._held += piece
                    return True
                if not self._follow:
                    return False
                self._poller.poll(_LOOK_S * 1000)
        return False
