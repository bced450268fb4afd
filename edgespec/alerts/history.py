"""The events of the past on disk: JSON lines, the oldest file of four goes when all are full."""

import os
from collections.abc import Iterator
from pathlib import Path

from edgespec.alerts.lock import locked
from edgespec.newfile import sync_folder, write_all
from edgespec.wire.event import EventMessage, event_payload, parse_event
from edgespec.wire.text import PayloadError, encode

__all__ = ["History"]

_N_FILES = 4
_MAX_LINE_BYTES = 65_536


class History:
    """Lines of the schema ``edgespec.event/2`` in a folder that is made with the first one.

    Nothing is kept open, so any process may read, and two may write. A power cut leaves a broken
    last line at most; readers step over it.

    Args:
        folder: of the files ``events.jsonl`` (the newest), ``events.1.jsonl``, ...
        max_bytes: of all of them.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_file_bytes = max_bytes // _N_FILES
        self._paths = [folder / f"events{f'.{k}' if k else ''}.jsonl" for k in range(_N_FILES)]

    def append(self, message: EventMessage) -> None:
        """Add a message; it is on the medium on return. One that fits into no file is left out.

        Raises:
            OSError: the disk does not take it.
        """
        line = encode(event_payload(message)) + b"\n"
        if len(line) > self._max_file_bytes:
            return
        with locked(self._folder):
            self._rotate(len(line))
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            file = os.open(self._paths[0], flags, 0o644)
            try:
                size = os.fstat(file).st_size
                if size and os.pread(file, 1, size - 1) != b"\n":
                    # The last line was cut: nothing is to be a part of it.
                    line = b"\n" + line
                write_all(file, line)
                os.fdatasync(file)
            finally:
                os.close(file)
            if not size:
                sync_folder(self._folder)

    def last_of(self, name: str) -> EventMessage | None:
        """Return the last message of an event, or of an incident; None where none is kept."""
        if not name:
            return None
        words = name.encode("utf-8", "replace")
        marks = (b'"id":"' + words + b'"', b'"incident":"' + words + b'"')
        for path in self._paths:
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            end = len(data)
            while (at := max(data.rfind(mark, 0, end) for mark in marks)) >= 0:
                end = data.rfind(b"\n", 0, at) + 1
                try:
                    message = parse_event(data[end:].split(b"\n", 1)[0])
                except PayloadError:
                    continue
                if name in (message.event.event_id, message.event.alert.incident):
                    return message
        return None

    def messages(self) -> Iterator[EventMessage]:
        """Yield what is there, oldest first; what is no message is left out."""
        for path in reversed(self._paths):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            with file:
                while line := file.readline(_MAX_LINE_BYTES):
                    try:
                        yield parse_event(line)
                    except PayloadError:
                        continue

    def _rotate(self, n_bytes: int) -> None:
        newest = self._paths[0]
        if not newest.exists() or newest.stat().st_size + n_bytes <= self._max_file_bytes:
            return
        for older, newer in zip(self._paths[:0:-1], self._paths[-2::-1], strict=True):
            if newer.exists():
                newer.replace(older)
