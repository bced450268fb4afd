"""Work that is done in a thread of its own, one thing after another: who asks does not wait."""

from collections.abc import Callable
from queue import Full, Queue
from threading import Thread
from typing import Generic, TypeVar

__all__ = ["Aside"]

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
