"""What keeps messages from the moment they are made until a broker has them.

Every message is appended before it is published and acknowledged after the broker has it, so a
kill at any moment loses nothing. Nothing is written before the first message.

What reaches the disk, and when: ``append`` writes to the file at once, which outlives a kill of
the process; ``sync`` forces it to the medium, which outlives a power cut. The owner calls
``sync`` only for messages that are still waiting a moment after they were made: with a broker in
reach no alarm waits for an SD card. Acknowledgements are never forced: losing one costs a
duplicate. A sequence number never comes twice, not even after a power cut: see
:mod:`edgespec.alarm.outbox.reservation`.
"""

import fcntl
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from edgespec.alarm.outbox.journal import Kind, Record, pack, pack_all, unpack
from edgespec.alarm.outbox.reservation import BLOCK, Reservation
from edgespec.config.tables import LEAST_SPOOL_BYTES
from edgespec.errors import ConfigError
from edgespec.newfile import sync_folder, write_all

__all__ = ["Spool"]

_log = logging.getLogger(__name__)

_MEMORY_BYTES = 1_000_000
_TIDY_BYTES = 65_536
#: A journal has at most one and a half times its limit; a longer one is not read to its end.
_MOST_READ_BYTES = 16_000_000
_RETRY_DISK_S = 30.0


class Spool:
    """Messages in order, on disk and in memory, for one thread.

    Waiting messages take at most half of ``max_bytes``, the other half is for records that are
    done, so that the file is rewritten seldom; it never grows beyond ``max_bytes``, plus half as
    much while it is rewritten. A full spool drops its oldest updates first, then its oldest
    messages of any kind.

    Where the disk fails (full, read-only, used by another process) messages stay in memory under
    the same limit, ``problem`` says why, and the disk is tried again now and then.

    Args:
        folder: made when the first message comes.
        max_bytes: 0 keeps everything in memory, at most 1 MB.

    Raises:
        ConfigError: ``max_bytes`` is negative or too small for any message.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        if max_bytes != 0 and max_bytes < LEAST_SPOOL_BYTES:
            raise ConfigError(
                f"the spool has {max_bytes} bytes; it needs at least {LEAST_SPOOL_BYTES}, or 0 to "
                "stay in memory"
            )
        self.n_lost = 0
        self.n_damaged_bytes = 0
        self.problem: str | None = None
        self._folder = folder
        self._path = folder / "events.journal"
        self._reservation = Reservation(folder)
        self._on_disk = max_bytes > 0
        self._max_file_bytes = max_bytes
        self._max_waiting_bytes = max_bytes // 2 or _MEMORY_BYTES
        self._waiting: OrderedDict[int, Record] = OrderedDict()
        self._updates: OrderedDict[int, None] = OrderedDict()
        self._waiting_bytes = 0
        self._sequence = 0
        self._file = -1
        self._lock = -1
        self._file_bytes = 0
        self._synced = True
        self._retry_at_s = 0.0
        self._recover()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def last_sequence(self) -> int:
        """The highest sequence number that was ever used, or may have been before a power cut."""
        return self._sequence

    @property
    def waiting_bytes(self) -> int:
        """Payload of the messages that wait."""
        return self._waiting_bytes

    def append(self, sequence: int, payload: bytes, *, droppable: bool = False) -> None:
        """Keep a message until it is acknowledged; ``droppable`` ones go first when space ends.

        Raises:
            ValueError: ``sequence`` is not above every earlier one.
        """
        if sequence <= self._sequence:
            raise ValueError(f"sequence {sequence} comes after {self._sequence}")
        self._sequence = sequence
        if len(payload) > self._max_waiting_bytes:
            self.n_lost += 1
            return
        self._make_room(len(payload))
        record = Record(Kind.UPDATE if droppable else Kind.EVENT, sequence, payload)
        self._keep(record)
        self._write(record)

    def ack(self, sequence: int) -> None:
        """Forget a message that the broker has; an unknown one is ignored."""
        if self._forget(sequence):
            self._write(Record(Kind.DONE, sequence))

    def is_droppable(self, sequence: int) -> bool:
        """Return whether this message waits and would go first when space ends."""
        return sequence in self._updates

    def oldest(self) -> tuple[int, bytes] | None:
        """Return sequence and payload of the message that waits longest."""
        for record in self._waiting.values():
            return record.sequence, record.payload
        return None

    def pending(self) -> Iterator[tuple[int, bytes]]:
        """Yield sequence and payload of every message that waits, in order."""
        for record in self._waiting.values():
            yield record.sequence, record.payload

    def sync(self) -> None:
        """Force what waits to the medium, if it is not there yet.

        The next sequence numbers are reserved here, so that no message has to wait for it.
        """
        if self._file >= 0 and self._sequence + BLOCK // 2 > self._reservation.upto:
            self._reserve(BLOCK)
        if self._synced or self._file < 0 or not self._waiting:
            return
        try:
            os.fdatasync(self._file)
            self._synced = True
        except OSError as error:
            self._degrade(error)

    def close(self) -> None:
        """Force what waits to the medium and let the file go; a second call does nothing."""
        self.sync()
        if self._lock >= 0 and self._reservation.upto > self._sequence:
            # Nothing is missing after an end in order: the numbers go on where they stopped.
            self._reserve(0)
        self._close_file()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _recover(self) -> None:
        if not self._on_disk:
            return
        try:
            if not self._path.exists():
                self._sequence = self._reservation.after_a_start(0)
                return
            self._take_lock()
            n_most = max(2 * self._max_file_bytes, _MOST_READ_BYTES)
            with self._path.open("rb") as file:
                data = file.read(n_most)
                self.n_damaged_bytes += max(0, os.fstat(file.fileno()).st_size - n_most)
        except OSError as error:
            self._degrade(error)
            return
        for record in unpack(data):
            if isinstance(record, int):
                self.n_damaged_bytes += record
                continue
            self._sequence = max(self._sequence, record.sequence)
            if record.kind is Kind.DONE:
                self._forget(record.sequence)
            elif record.kind is not Kind.COUNTER:
                self._keep(record)
        self._sequence = self._reservation.after_a_start(self._sequence)
        self._reserve(BLOCK)
        if self.n_damaged_bytes:
            _log.warning(
                "%d bytes of %s were damaged, as after a kill in the middle of a write; "
                "%d other messages wait for the broker",
                self.n_damaged_bytes,
                self._path,
                len(self._waiting),
            )

    def _keep(self, record: Record) -> None:
        self._waiting[record.sequence] = record
        self._waiting_bytes += len(record.payload)
        if record.kind is Kind.UPDATE:
            self._updates[record.sequence] = None

    def _forget(self, sequence: int) -> bool:
        record = self._waiting.pop(sequence, None)
        self._updates.pop(sequence, None)
        if record is not None:
            self._waiting_bytes -= len(record.payload)
        return record is not None

    def _make_room(self, n_bytes: int) -> None:
        while self._waiting and self._waiting_bytes + n_bytes > self._max_waiting_bytes:
            sequence = next(iter(self._updates or self._waiting))
            self.n_lost += 1
            self.ack(sequence)

    def _write(self, record: Record) -> None:
        if not self._on_disk or not self._has_file():
            return
        if self._sequence > self._reservation.upto and not self._reserve(BLOCK):
            return
        data = pack(record)
        is_idle = not self._waiting and self._file_bytes > _TIDY_BYTES
        if is_idle or self._file_bytes + len(data) > self._max_file_bytes:
            self._rewrite()
            return
        try:
            write_all(self._file, data)
            self._file_bytes += len(data)
            self._synced = self._synced and record.kind is Kind.DONE
        except OSError as error:
            self._degrade(error)

    def _has_file(self) -> bool:
        """Return whether there is a file that the next record can be added to."""
        if self._file >= 0:
            return True
        if time.monotonic() < self._retry_at_s:
            return False
        if self.problem is not None:
            self._rewrite()  # the file misses what came meanwhile; this writes the new record too
            return False
        try:
            self._take_lock()
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o600)
            sync_folder(self._folder)
            self._file_bytes = os.fstat(self._file).st_size
        except OSError as error:
            self._degrade(error)
        return self._file >= 0

    def _rewrite(self) -> None:
        """Replace the file by one that holds only what waits, in one step."""
        data = pack_all([Record(Kind.COUNTER, self._sequence), *self._waiting.values()])
        new_path = self._path.with_suffix(".new")
        file = -1
        try:
            self._take_lock()
            file = os.open(new_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            write_all(file, data)
            os.fdatasync(file)
            new_path.replace(self._path)
            sync_folder(self._folder)
        except OSError as error:
            if file >= 0:
                os.close(file)
            self._degrade(error)
            return
        self._close_file()
        self._file, self._file_bytes, self._synced = file, len(data), True
        if self.problem is not None:
            _log.warning("the spool is on disk again in %s", self._folder)
            self.problem = None

    def _reserve(self, ahead: int) -> bool:
        """Reserve the next sequence numbers; return whether that was possible."""
        try:
            self._reservation.cover(self._sequence, ahead)
        except OSError as error:
            self._degrade(error)
            return False
        return True

    def _take_lock(self) -> None:
        if self._lock >= 0:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise OSError(error.errno, "another edgespec uses it") from None
        self._lock = lock

    def _degrade(self, error: OSError) -> None:
        self._close_file()
        self._retry_at_s = time.monotonic() + _RETRY_DISK_S
        text = f"the spool {self._folder} cannot be used ({error.strerror or error})"
        if self.problem is None:
            _log.warning("%s: messages wait in memory and are lost with the process", text)
        self.problem = text

    def _close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
