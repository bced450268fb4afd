"""The pace of a partition: by its reports' own time while it is behind, else by the clock."""

import math
import time
from collections.abc import Mapping

from edgespec.twin.service.pace import Pace

__all__ = ["Backlog", "SitePace"]

#: A mark that takes longer through the queue says that reports wait there, behind it, too.
_SLOW_S = 0.3
#: Marks are put in once a second: whoever put in none for longer stood still itself.
_STOOD_S = 1.7
_NS = 1_000_000_000


class Backlog:
    """Whether reports wait in a queue, and until when they have been heard.

    A queue is first in, first out: a mark that is put into it comes back behind all that waited.
    So what is not there by the time of the newest mark that came back, was not put in by then:
    this, not the clock, is the time by which units are late. A mark is put in once a second, and
    where it is asked for, because a snapshot waits for somebody.

    Where a mark takes long, the reports that come are of a time that is past. Time is theirs
    meanwhile: the newest that units of two names agree on, for one clock that is ahead must not
    close the snapshots of all others. Nothing waits any more when two marks in a row came soon:
    behind the first there may be as much again, of a node that hung.

    Args:
        most_s: age above which reports are not worth judging.

    Attributes:
        is_asked: whether a mark is to be put in now.
    """

    def __init__(self, most_s: float) -> None:
        self.n_too_old = 0
        self._most_ns = round(most_s * _NS)
        self._is_late = True
        self._was_soon = False
        self.is_asked = False
        #: When marks were put in that have not come back: by the monotonic clock, and the time.
        self._sent: dict[int, tuple[float, int]] = {}
        self._heard_ns = 0
        self._n_sent = 0
        self._last_s = 0.0
        self._newest: tuple[str, int] = ("", 0)
        self._agreed_ns = 0

    @property
    def is_behind(self) -> bool:
        """Whether reports wait that came a while ago."""
        now_s = time.monotonic()
        if self._is_late or now_s - self._last_s > _STOOD_S:
            return True
        oldest_s, _ = next(iter(self._sent.values()), (now_s, 0))
        return now_s - oldest_s > _SLOW_S

    def begin(self) -> None:
        """Think that everything waits, until two marks come as soon as they were put in."""
        self._is_late, self._was_soon = True, False
        self.is_asked = False
        self._sent.clear()

    def mark(self, utc_ns: int) -> int:
        """Return the number of a mark that is put into the queue now."""
        now_s = time.monotonic()
        if now_s - self._last_s > _STOOD_S:
            self._is_late, self._was_soon = True, False
        self._last_s = now_s
        self.is_asked = False
        self._n_sent += 1
        self._sent[self._n_sent] = now_s, utc_ns
        return self._n_sent

    def came(self, number: int) -> None:
        """Note that a mark came, and with it all that was before it.

        Where it took long, reports wait behind it, too.
        """
        if number not in self._sent:
            return
        sent_s, self._heard_ns = self._sent[number]
        is_soon = time.monotonic() - sent_s <= _SLOW_S
        self._is_late = not (is_soon and self._was_soon)
        self._was_soon = is_soon
        for sent in [sent for sent in self._sent if sent <= number]:
            del self._sent[sent]

    def hear(self, node: str, utc_ns: int, now_ns: int) -> int:
        """Take the time of a report; return the time until which others may still come."""
        utc_ns = min(utc_ns, now_ns)
        name, newest_ns = self._newest
        if utc_ns > newest_ns:
            if node != name:
                self._agreed_ns = max(self._agreed_ns, newest_ns)
            self._newest = node, utc_ns
        elif node != name:
            self._agreed_ns = max(self._agreed_ns, utc_ns)
        return self.now_ns(now_ns)

    def now_ns(self, now_ns: int, due_ns: float = math.inf) -> int:
        """Return the time by which snapshots are complete.

        Where one is due and that is not known yet, a mark is asked for.
        """
        if self.is_behind:
            return min(self._agreed_ns, now_ns)
        # One that is on its way may be of a time that is late enough.
        self.is_asked |= self._heard_ns < due_ns <= now_ns and not self._sent
        return min(self._heard_ns, now_ns)

    def hurry(self, now_ns: int) -> None:
        """Close what is open: there is no room to wait for more."""
        self._agreed_ns = max(self._agreed_ns, now_ns)

    def is_too_old(self, utc_ns: int, now_ns: int) -> bool:
        """Whether a report is not worth judging; they are counted."""
        is_too_old = now_ns - utc_ns > self._most_ns and self.is_behind
        self.n_too_old += is_too_old
        return is_too_old


class SitePace(Pace):
    """The pace of one site of a partition.

    Args:
        backlog: of the partition.
        judged: until when each of its sites was judged by a former owner.
        site: the site.
    """

    def __init__(self, backlog: Backlog, judged: Mapping[str, int], site: str) -> None:
        self._backlog = backlog
        self._judged = judged
        self._site = site

    def hear(self, node: str, utc_ns: int, now_ns: int) -> int:
        """Take the time of a report."""
        return self._backlog.hear(node, utc_ns, now_ns)

    def now_ns(self, now_ns: int, due_ns: float) -> int:
        """Return the time by which snapshots are complete."""
        return self._backlog.now_ns(now_ns, due_ns)

    def is_too_old(self, utc_ns: int, now_ns: int) -> bool:
        """Whether a report is not worth judging."""
        return self._backlog.is_too_old(utc_ns, now_ns)

    def is_repeated(self, utc_ns: int) -> bool:
        """Whether a former owner gave its verdict on that time."""
        return utc_ns <= self._judged.get(self._site, 0)
