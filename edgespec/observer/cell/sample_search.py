"""Samples that are gathered from a stream, and a search in them that may run beside it."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event, Lock, Thread, main_thread
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgespec.records import IqBlock, SampleFormat

__all__ = ["Gathered", "SampleSearch"]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
#: The searches of all bands take turns: each holds its samples once more, as complex64.
_TURN = Lock()


@dataclass(slots=True)
class Gathered:
    """The first ``n`` of ``samples`` follow each other from the begin of the block ``first`` on."""

    first: IqBlock
    samples: NDArray[Any]
    n: int = 0

    @property
    def next_sample(self) -> int:
        """Number of the sample that would come next."""
        return self.first.sample_start + self.n

    @property
    def is_full(self) -> bool:
        """Whether there is no more room."""
        return self.n == len(self.samples)

    def add(self, block: IqBlock) -> None:
        """Take the samples of a block, as far as there is room."""
        n_new = min(block.n_samples, len(self.samples) - self.n)
        self.samples[self.n : self.n + n_new] = block.samples[:n_new]
        self.n += n_new

    def blocks(self, max_samples: int) -> Iterator[IqBlock]:
        """Yield the samples again."""
        first, rate_hz = self.first, self.first.sample_rate_hz
        for start in range(0, self.n, max_samples):
            yield IqBlock(
                self.samples[start : min(start + max_samples, self.n)],
                rate_hz,
                first.center_freq_hz,
                first.sample_start + start,
                first.utc_ns + round(start / rate_hz * 1e9),
                received_ns=first.received_ns,
            )


class _StoppedError(Exception):
    """Ends a search whose answer nobody waits for."""


class SampleSearch(Generic[T]):
    """One search in samples that are there; others may follow them meanwhile.

    Args:
        gathered: the samples so far.
        sample_format: what they are.
        find: takes them as complex64, the number of the first, and what it calls between its steps,
            which ends it where it was stopped; returns what it found.
        purpose: what it is for, as a message says it.
        stopping: set when no search is to go on.

    Attributes:
        found: what was found; None before the end, where it was stopped, and where there was no
            memory for it.
    """

    def __init__(
        self,
        gathered: Gathered,
        sample_format: SampleFormat,
        find: Callable[[NDArray[np.complex64], int, Callable[[], None]], T],
        purpose: str,
        stopping: Event,
    ) -> None:
        self._samples = gathered.samples[: gathered.n]
        self._start = gathered.first.sample_start
        self._format = sample_format
        self._find = find
        self._purpose = purpose
        self._stopping = stopping
        self._is_stopped = False
        self.thread: Thread | None = None
        self.found: T | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has not come to its end in its thread."""
        return self.thread is not None and self.thread.is_alive()

    def start(self, *, beside: bool) -> None:
        """Search: beside the stream, in a thread of its own, or now."""
        if not beside:
            self._run()
            return
        # Not a daemon: one that ends in a transform takes the process with it.
        self.thread = Thread(target=self._run, name="cell-search")
        self.thread.start()

    def stop(self) -> None:
        """Ask it to end before its next step, without an answer."""
        self._is_stopped = True

    def _go_on(self) -> None:
        """End it where nobody waits for it any more: also where the program is at its end."""
        if self._is_stopped or self._stopping.is_set() or not main_thread().is_alive():
            raise _StoppedError

    def _run(self) -> None:
        """Search; a board without memory for it finds nothing, and goes on."""
        try:
            with _TURN:
                self._go_on()
                wave = self._format.to_complex(self._samples)
                self.found = self._find(wave, self._start, self._go_on)
        except _StoppedError:
            return
        except MemoryError:
            _LOG.warning("there is not enough memory to %s in this band", self._purpose)
