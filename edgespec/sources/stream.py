"""Samples that another program writes: standard input, a FIFO, a device.

A writer is held up while the observer is busy, as in every pipe. With ``realtime`` it is not: what
finds no room in the observer's ring is counted as lost, as with a radio, and what comes faster than
a radio of that rate can sample is left out until the rate is right.
"""

import logging
import os
import select
import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief
from edgespec.errors import SourceError
from edgespec.records import IqBlock, SourceInfo
from edgespec.sources.descriptor import open_descriptor, wait_for_writer
from edgespec.sources.faint import flush_faint
from edgespec.sources.playback import Layout
from edgespec.sources.rate import RateWatch

__all__ = ["Stream", "open_stream"]

_LOG = logging.getLogger(__name__)
_NS = 1_000_000_000
_PIECE_BYTES = 1 << 18
#: A live stream that pauses for this long gives what it has.
_PAUSE_S = 0.1
#: Writers have buffers of their own: a live one may be ahead by so long.
_WINDOW_S = 10.0


def open_stream(path: str, info: SourceInfo, layout: Layout, offset: int) -> "Stream":
    """Return what ``path`` gives as a source; ``-`` is standard input.

    Args:
        path: of a FIFO or a device, or ``-``.
        info: what it delivers.
        layout: how the samples come.
        offset: bytes to leave out at the start.

    Raises:
        UsageError: standard input is a terminal.
        SourceError: it cannot be opened, or is a folder.
    """
    descriptor = open_descriptor(path, "raw", "samples", "samples")
    return Stream(descriptor, brief(path, 160), info, layout, offset)


class Stream:
    """An open descriptor as a source; see :func:`open_stream`.

    ``clock`` gives seconds, of a clock that never steps.
    """

    def __init__(
        self,
        descriptor: int,
        name: str,
        info: SourceInfo,
        layout: Layout,
        offset: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.info = info
        self._descriptor = descriptor
        self._name = name
        self._layout = layout
        self._n_to_skip = offset
        self._woken, self._waker = os.pipe()
        self._poller = select.poll()
        for one in (descriptor, self._woken):
            self._poller.register(one, select.POLLIN)
        self._lock = Lock()
        self._is_open = True
        self._piece = np.empty(
            max(1, _PIECE_BYTES // layout.frame_bytes) * layout.frame_bytes, "u1"
        )
        # Bytes at the start of the piece that are not yet a whole sample.
        self._n_carried = 0
        self._ended = False
        self._is_awaited = True
        self._sample_start = 0
        self._start_ns = 0
        self._clock = clock
        self._watch = RateWatch(info.sample_rate_hz, _WINDOW_S)
        self._watch.restart(clock())
        # Since when it floods; None while its samples can be those of a radio.
        self._flood_from_s: float | None = None

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Fill ``out`` with what comes; see :class:`~edgespec.sources.source.Source`."""
        n = n_dropped = 0
        with self._lock:
            while n < len(out) and not self._ended and self._is_open:
                n_new = self._read_some(out[n:], wait_s=_PAUSE_S if n else None)
                n += n_new
                if not self.info.is_live:
                    continue
                if n and not n_new:
                    break
                n_dropped += self._judge_rate(n_new)
                if self._flood_from_s is not None:
                    n = 0
            if not n or not self._is_open:
                return None
        flush_faint(out[:n])
        self._sample_start += n_dropped
        if not self._start_ns:
            # The clock when the first sample was taken, as near as can be known.
            n_since = self._sample_start + n
            self._start_ns = time.time_ns() - round(n_since / self.info.sample_rate_hz * _NS)
        block = IqBlock(
            samples=out[:n],
            sample_rate_hz=self.info.sample_rate_hz,
            center_freq_hz=self.info.center_freq_hz,
            sample_start=self._sample_start,
            utc_ns=self._start_ns + round(self._sample_start / self.info.sample_rate_hz * _NS),
            n_dropped=n_dropped,
            received_ns=time.monotonic_ns(),
        )
        self._sample_start += n
        return block

    def close(self) -> None:
        """Close it; a reader that waits for samples returns."""
        if not self._is_open:
            return
        self._is_open = False
        os.write(self._waker, b"x")
        with self._lock:
            for descriptor in (self._descriptor, self._woken, self._waker):
                os.close(descriptor)

    def _judge_rate(self, n_new: int) -> int:
        """Say where a live writer floods, and where it no longer does; return what was left out."""
        now_s, watch = self._clock(), self._watch
        watch.heard(n_new, now_s)
        if watch.is_fast:
            watch.restart(now_s)
            if self._flood_from_s is None:
                self._flood_from_s = now_s
                _LOG.warning(
                    "%s gives more samples than the %g a second of its address: they are left out "
                    "until the rate is right; leave out realtime if it is no radio",
                    self._name,
                    self.info.sample_rate_hz,
                )
        elif self._flood_from_s is not None and watch.n_good:
            flooded_s, self._flood_from_s = now_s - self._flood_from_s, None
            _LOG.info("%s gives samples at its rate again", self._name)
            return max(1, round(flooded_s * self.info.sample_rate_hz) - n_new)
        return 0

    def _read_some(self, out: NDArray[Any], wait_s: float | None) -> int:
        """Write what comes within ``wait_s`` (None: whenever) into ``out``; return how much."""
        frame_bytes = self._layout.frame_bytes
        n_wanted = min(len(self._piece), len(out) * frame_bytes) - self._n_carried
        octets = self._read_octets(n_wanted, wait_s)
        if octets is None:
            return 0
        if not octets:
            self._ended = True
            if self._n_carried:
                _LOG.warning(
                    "%s: %d bytes at the end are less than a sample, and are left out",
                    self._name,
                    self._n_carried,
                )
            return 0
        n_skipped = min(self._n_to_skip, len(octets))
        self._n_to_skip -= n_skipped
        octets = octets[n_skipped:]
        n_bytes = self._n_carried + len(octets)
        self._piece[self._n_carried : n_bytes] = np.frombuffer(octets, np.uint8)
        n = n_bytes // frame_bytes
        whole = self._piece[: n * frame_bytes]
        layout = self._layout
        if layout.is_native:
            out[:n].view(np.uint8).reshape(-1)[:] = whole
        else:
            layout.datatype.deliver(whole, out[:n], layout.n_channels, layout.channel)
        self._n_carried = n_bytes - len(whole)
        self._piece[: self._n_carried] = self._piece[len(whole) : n_bytes].copy()
        return n

    def _read_octets(self, n_bytes: int, wait_s: float | None) -> bytes | None:
        """Return up to ``n_bytes``; none at the end, None where nothing came or it was closed."""
        try:
            if self._is_awaited:
                ready, self._is_awaited = wait_for_writer(self._poller, self._name), False
            else:
                ready = self._poller.poll(None if wait_s is None else wait_s * 1000)
            if not self._is_open or not any(fd == self._descriptor for fd, _ in ready):
                return None
            return os.read(self._descriptor, n_bytes)
        except BlockingIOError:
            return None
        except OSError as error:
            raise SourceError(
                f"cannot read on from {self._name}: {error.strerror}: start the writer again"
            ) from error
