"""Which observers have fallen silent, by the clock of whoever listens."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from edgespec.fleet.tables import Row
from edgespec.units import format_duration

__all__ = ["OFFLINE", "Change", "Silence", "silent_words"]

OFFLINE = "it is offline"


class Change(StrEnum):
    """What an observer has become."""

    SILENT = "silent"
    HEARD = "heard"
    FORGOTTEN = "forgotten"


def silent_words(silent_s: float) -> str:
    """Return why an observer is silent of which nothing came for so long."""
    return f"nothing was heard for {format_duration(silent_s)}"


class Silence:
    """Follows who was last heard when; for any thread.

    Args:
        silent_s: who says nothing for so long is silent.
        clock: seconds, of a clock that never steps.
    """

    def __init__(self, silent_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._silent_s, self._clock = silent_s, clock
        self._heard_s: dict[tuple[str, str], float] = {}
        self._offline: set[tuple[str, str]] = set()
        self._silent: set[tuple[str, str]] = set()
        self._forgotten: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    @property
    def counts(self) -> tuple[int, int]:
        """How many are known, and how many of them are silent."""
        return len(self._heard_s), len(self._silent)

    def hear(self, rows: Iterable[Row]) -> None:
        """Take what was said; what the broker had kept is a reason to wait, and no word."""
        now_s = self._clock()
        with self._lock:
            for row in rows:
                if row.table != "observers":
                    continue
                about = row.values["broker"], row.values["node"]
                self._heard_s.setdefault(about, now_s)
                if "heard_ns" in row.values and not row.is_old:
                    self._heard_s[about] = now_s
                    self._offline.discard(about)
                if "is_online" in row.values:
                    is_online = row.values["is_online"]
                    (self._offline.discard if is_online else self._offline.add)(about)

    def forget(self, broker: str, node: str) -> None:
        """Wait no more for an observer."""
        about = broker, node
        with self._lock:
            if self._heard_s.pop(about, None) is not None:
                self._forgotten.append(about)
            self._offline.discard(about)
            self._silent.discard(about)

    def changes(self) -> Iterator[tuple[str, str, Change, str]]:
        """Yield broker and observer that changed since the last call, to what, and why if known."""
        now_s, found = self._clock(), []
        with self._lock:
            found += [(*about, Change.FORGOTTEN, "") for about in self._forgotten]
            self._forgotten.clear()
            for about, heard_s in self._heard_s.items():
                age_s = now_s - heard_s
                why = OFFLINE if about in self._offline else ""
                if not why and age_s >= self._silent_s:
                    why = silent_words(age_s)
                if bool(why) != (about in self._silent):
                    (self._silent.add if why else self._silent.discard)(about)
                    found.append((*about, Change.SILENT if why else Change.HEARD, why))
        yield from found
