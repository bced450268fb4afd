"""The time by which reports are in time, late, or too old to be looked at."""

from typing import Protocol

__all__ = ["Pace"]


class Pace(Protocol):
    """A time other than that of the clock on the wall.

    An engine that kept reports while nobody took them has one
    (:mod:`edgespec.twin.service.entrance.backlog`).
    """

    def hear(self, node: str, utc_ns: int, now_ns: int) -> int:
        """Take the time of a report that came; return the time by which its snapshot is open."""
        ...

    def now_ns(self, now_ns: int, due_ns: float) -> int:
        """Return the time by which snapshots are complete.

        ``due_ns`` is when the next waits for nobody: by then it is to be known whether all is
        heard.
        """
        ...

    def is_too_old(self, utc_ns: int, now_ns: int) -> bool:
        """Whether a report of that time is of no use any more, however late others are."""
        ...

    def is_repeated(self, utc_ns: int) -> bool:
        """Whether there was a verdict on that time before, by another owner."""
        ...
