"""Reading a file of samples: stretch by stretch, straight into the reader's buffer."""

import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import SourceError
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.sources.pace import Pacer

__all__ = ["DATATYPES", "Playback", "Stretch", "format_of_datatype", "samples_in_file"]

#: SigMF datatypes that are read, and the format of their samples.
DATATYPES = {
    "cu8": SampleFormat.CU8,
    "ci8": SampleFormat.CI8,
    "ci16_le": SampleFormat.CI16,
    "cf32_le": SampleFormat.CF32,
}
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples of a file that follow each other without a gap, at one centre frequency.

    ``utc_ns`` is the time of its first sample, None where nobody wrote it down; ``n_dropped``
    samples are missing before it.
    """

    sample_start: int
    n_samples: int
    center_freq_hz: float
    utc_ns: int | None = None
    n_dropped: int = 0


def format_of_datatype(datatype: str, where: str) -> SampleFormat:
    """Return the sample format of a SigMF datatype.

    Raises:
        SourceError: it is not one that is read.
    """
    if datatype in DATATYPES:
        return DATATYPES[datatype]
    hint = ": convert the file to little-endian" if datatype.endswith("_be") else ""
    raise SourceError(
        f"{where} has the datatype {datatype!r}; accepted are {', '.join(DATATYPES)}{hint}"
    )


def samples_in_file(path: Path, sample_format: SampleFormat) -> int:
    """Return how many samples a file holds.

    Raises:
        SourceError: it cannot be read, is empty, or ends in the middle of a sample.
    """
    try:
        n_bytes = path.stat().st_size
    except OSError as error:
        raise SourceError(
            f"cannot read {path}: {error.strerror}: check the path and its permissions"
        ) from error
    n_samples, rest = divmod(n_bytes, sample_format.sample_bytes)
    if rest or not n_samples:
        raise SourceError(
            f"{path} has {n_bytes} bytes, which is not a whole number of {sample_format} samples "
            f"of {sample_format.sample_bytes} bytes: it is truncated or has another datatype"
        )
    return n_samples


class Playback:
    """A recording as a source: as fast as possible, by the clock, or in a loop.

    A block never crosses from one stretch into the next. The seam of a loop is no signal, so the
    first block after it says that samples were dropped (1).
    """

    def __init__(
        self,
        path: Path,
        info: SourceInfo,
        stretches: tuple[Stretch, ...],
        *,
        loop: bool = False,
    ) -> None:
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise SourceError(
                f"cannot open {path}: {error.strerror}: check the path and its permissions"
            ) from error
        self.info = info
        self._path = path
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
        self._start_ns = stretches[0].utc_ns or time.time_ns()
        self._enter(0)

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Fill ``out`` from the file; see :class:`~edgespec.sources.source.Source`."""
        if self._closed.is_set() or not self._advance():
            return None
        stretch = self._stretches[self._index]
        n = min(len(out), stretch.n_samples - self._done)
        # Closing waits for this lock: a file must not be closed under a read in another thread.
        with self._lock:
            if self._closed.is_set():
                return None
            self._fill(out[:n])
        if self._pacer is not None:
            self._pacer.wait(n, self._n_given + n)
            if self._closed.is_set():
                return None
        block = IqBlock(
            samples=out[:n],
            sample_rate_hz=self.info.sample_rate_hz,
            center_freq_hz=stretch.center_freq_hz,
            sample_start=self._sample_start,
            utc_ns=self._utc_ns(stretch),
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
        self._file.seek(stretch.sample_start * self.info.sample_format.sample_bytes)

    def _fill(self, out: NDArray[Any]) -> None:
        view = out.view(np.uint8).reshape(-1).data
        while view:
            n_bytes = self._file.readinto(view) or 0
            if not n_bytes:
                raise SourceError(
                    f"{self._path} became shorter while it was read, {len(view)} bytes are "
                    "missing: play it again when nothing writes to it"
                )
            view = view[n_bytes:]

    def _utc_ns(self, stretch: Stretch) -> int:
        """Return when the next sample was taken; without a date, playing began when it did."""
        rate_hz = self.info.sample_rate_hz
        if stretch.utc_ns is None or self._loop:
            return self._start_ns + round(self._sample_start / rate_hz * _NS)
        return stretch.utc_ns + round(self._done / rate_hz * _NS)
