"""Reading a file of samples: stretch by stretch, straight into the reader's buffer."""

import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief
from edgespec.errors import SourceError
from edgespec.records import IqBlock, SourceInfo
from edgespec.sources.datatypes import Datatype
from edgespec.sources.faint import flush_faint
from edgespec.sources.pace import Pacer

__all__ = ["Layout", "Playback", "Stretch"]

_NS = 1_000_000_000
#: Bytes that are converted at once: they stay in a cache, however large the reader's buffer is.
_PIECE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Layout:
    """How samples lie in a file: channels take turns, sample by sample; one of them is played."""

    datatype: Datatype
    n_channels: int = 1
    channel: int = 0

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.datatype.sample_bytes * self.n_channels

    @property
    def is_native(self) -> bool:
        """Whether bytes of the file are samples for the front end."""
        return self.n_channels == 1 and self.datatype.is_native


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples of a file that follow each other without a gap, at one centre frequency.

    They begin at byte ``byte_start``. ``utc_ns`` is the time of the first, None where nobody wrote
    it down; ``n_dropped`` samples are missing before it, 1 where nobody knows how many.
    """

    byte_start: int
    n_samples: int
    center_freq_hz: float
    utc_ns: int | None = None
    n_dropped: int = 0


class Playback:
    """A recording as a source: as fast as possible, by the clock, or in a loop.

    A block never crosses from one stretch into the next. The seam of a loop is no signal, so the
    first block after it says that samples were dropped (1).
    """

    def __init__(
        self,
        path: Path,
        info: SourceInfo,
        layout: Layout,
        stretches: tuple[Stretch, ...],
        *,
        loop: bool = False,
    ) -> None:
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise SourceError(
                f"cannot open {brief(path, 160)}: {error.strerror}: check the path and its "
                "permissions"
            ) from error
        self.info = info
        self._path = path
        self._layout = layout
        self._stretches = stretches
        self._loop = loop
        self._pacer = Pacer(info.sample_rate_hz) if info.is_live else None
        self._lock = Lock()
        self._closed = Event()
        self._index = 0
        self._done = 0
        self._sample_start = 0
        self._n_given = 0
        self._n_dropped = 0
        #: What is known of time: when which sample was taken. Without a date, now.
        self._known_ns, self._known_sample = time.time_ns(), 0
        n_frames = 0 if layout.is_native else max(1, _PIECE_BYTES // layout.frame_bytes)
        self._piece = np.empty(n_frames * layout.frame_bytes, np.uint8)
        self._enter(0)

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Fill ``out`` from the file; see :class:`~edgespec.sources.source.Source`."""
        # Closing waits for this lock: a file must not be closed under a read in another thread.
        with self._lock:
            if self._closed.is_set() or not self._advance():
                return None
            stretch = self._stretches[self._index]
            n = min(len(out), stretch.n_samples - self._done)
            self._fill(out[:n])
        flush_faint(out[:n])
        if self._pacer is not None:
            self._pacer.wait(n, self._n_given + n)
            if self._closed.is_set():
                return None
        block = IqBlock(
            samples=out[:n],
            sample_rate_hz=self.info.sample_rate_hz,
            center_freq_hz=stretch.center_freq_hz,
            sample_start=self._sample_start,
            utc_ns=self._utc_ns(),
            n_dropped=self._n_dropped,
            received_ns=time.monotonic_ns(),
        )
        self._done += n
        self._sample_start += n
        self._n_given += n
        self._n_dropped = 0
        return block

    def close(self) -> None:
        """Close the file; a reader that waits for the clock returns."""
        self._closed.set()
        if self._pacer is not None:
            self._pacer.close()
        with self._lock:
            self._file.close()

    def _advance(self) -> bool:
        """Go on to the next stretch where this one is done; False at the end."""
        if self._done < self._stretches[self._index].n_samples:
            return True
        if self._index + 1 < len(self._stretches):
            self._enter(self._index + 1)
            return True
        if self._loop:
            self._enter(0)
            self._n_dropped = 1
            self._sample_start += 1
            return True
        return False

    def _enter(self, index: int) -> None:
        stretch = self._stretches[index]
        self._index, self._done = index, 0
        self._n_dropped = stretch.n_dropped
        self._sample_start += stretch.n_dropped
        # The time of a loop runs on from its first round.
        if stretch.utc_ns is not None and not (self._loop and self._n_given):
            self._known_ns, self._known_sample = stretch.utc_ns, self._sample_start
        self._file.seek(stretch.byte_start)

    def _fill(self, out: NDArray[Any]) -> None:
        layout = self._layout
        if layout.is_native:
            self._read_into(out.view(np.uint8).reshape(-1).data)
            return
        n_most = len(self._piece) // layout.frame_bytes
        for start in range(0, len(out), n_most):
            part = out[start : start + n_most]
            octets = self._piece[: len(part) * layout.frame_bytes]
            self._read_into(octets.data)
            layout.datatype.deliver(octets, part, layout.n_channels, layout.channel)

    def _read_into(self, view: memoryview) -> None:
        while view:
            try:
                n_bytes = self._file.readinto(view) or 0
            except OSError as error:
                raise SourceError(
                    f"cannot read on in {brief(self._path, 160)}: {error.strerror}: copy it to "
                    "another disk"
                ) from error
            if not n_bytes:
                raise SourceError(
                    f"{brief(self._path, 160)} became shorter while it was read, {len(view)} bytes "
                    "are missing: play it again when nothing writes to it"
                )
            view = view[n_bytes:]

    def _utc_ns(self) -> int:
        """Return when the next sample was taken, counted from the last date that is known."""
        n_since = self._sample_start - self._known_sample
        return self._known_ns + round(n_since / self.info.sample_rate_hz * _NS)
