"""Work that is done in a thread of its own, one thing after another: who asks does not wait."""

import logging
from collections.abc import Callable
from queue import Full, Queue
from threading import Thread
from typing import Generic, TypeVar

__all__ = ["Aside", "Jobs"]

_LOG = logging.getLogger(__name__)

Item = TypeVar("Item")


class Aside(Generic[Item]):
    """Takes what is to be done; the thread begins with the first of it.

    Args:
        name: of the thread.
        work: does one thing; it must not raise.
        most_waiting: things that wait; what is more is not taken.
    """

    def __init__(self, name: str, work: Callable[[Item], None], most_waiting: int) -> None:
        self._name = name
        self._work = work
        self._waiting: Queue[Item | None] = Queue(most_waiting)
        self._thread: Thread | None = None

    @property
    def has_begun(self) -> bool:
        """Whether there is a thread."""
        return self._thread is not None

    def put(self, item: Item) -> bool:
        """Return whether a thing is taken, to be done when its turn comes."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(item)
        except Full:
            return False
        return True

    def close(self, within_s: float) -> None:
        """Wait for what was taken, some seconds at most; a second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            self._waiting.put(None, timeout=within_s)
        except Full:
            return
        thread.join(within_s)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            self._work(item)


class Jobs:
    """Writing that is done aside: what cannot be done costs itself, and no other job.

    That is said once, and once more where one was done in between.

    Args:
        name: of the thread.
        loss: what the log says where a job is not done.
        most_waiting: jobs that wait; what is more is not done.
    """

    def __init__(self, name: str, loss: str, most_waiting: int) -> None:
        self._loss = loss
        self._aside = Aside[Callable[[], None]](name, self._do, most_waiting)
        self._has_failed = False

    @property
    def has_begun(self) -> bool:
        """Whether there is a thread."""
        return self._aside.has_begun

    def add(self, job: Callable[[], None]) -> None:
        """Do a job when its turn comes."""
        if not self._aside.put(job):
            self._fail("the disk is too slow")

    def close(self, within_s: float) -> None:
        """Wait for what was added, some seconds at most; a second call does nothing."""
        self._aside.close(within_s)

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
            self._has_failed = False
        except OSError as error:
            self._fail(error.strerror or str(error))
        except Exception as error:
            # Whatever it is, the thread must outlive it: nothing else does the jobs behind it.
            self._fail(repr(error)[:200])

    def _fail(self, reason: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            _LOG.warning("%s (%s)", self._loss, reason)
