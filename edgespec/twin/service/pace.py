"""The time by which reports are in time, late, or too old to be looked at."""

__all__ = ["Pace"]


class Pace:
    """The clock on the wall: what comes is of now.

    An engine that kept reports while nobody took them has a pace of its own
    (:mod:`edgespec.twin.service.entrance.backlog`).
    """

    def hear(self, node: str, utc_ns: int, now_ns: int) -> int:
        """Take the time of a report that came; return the time by which its snapshot is open."""
        return now_ns

    def now_ns(self, now_ns: int) -> int:
        """Return the time by which snapshots are complete."""
        return now_ns

    def is_too_old(self, utc_ns: int, now_ns: int) -> bool:
        """Whether a report of that time is of no use any more, however late others are."""
        return False

    def is_repeated(self, utc_ns: int) -> bool:
        """Whether there was a verdict on that time before, by another owner."""
        return False
