"""When nobody listened to a band: its radio was tuned to another one, or gave no samples."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from edgespec.kinds import DROPPED
from edgespec.records import Event, EventType

__all__ = ["AwayTime", "Pausing"]

#: Pauses that are known one by one: nothing begins so long before it is told.
_MOST = 256


class Pausing(Protocol):
    """Counts time, and must not count one in which nobody listened."""

    def pause(self, n_ticks: int) -> None:
        """Let so many ticks pass."""
        ...


class AwayTime:
    """Counts the ticks in which a band was not heard, and says of events how many are in them.

    A pause is meant: nothing that counts time counts it. A loss is not, and an event of its own,
    which alone was there all along.
    """

    def __init__(self) -> None:
        self._pauses, self._losses = _Stretches(), _Stretches()

    def add(self, n_ticks: int, tick_end: int, parts: Iterable[Pausing | None] = ()) -> None:
        """Take a pause of so many ticks, which ended at one, and tell those who count time."""
        for part in parts:
            if part is not None:
                part.pause(n_ticks)
        self._pauses.add(n_ticks, tick_end)

    def lose(self, n_ticks: int, tick_end: int) -> None:
        """Take a loss of so many ticks, which ended at one."""
        self._losses.add(n_ticks, tick_end)

    def told(self, event: Event, tick_hz: float) -> Event:
        """Return an event, in ticks, with the time of it in which nobody listened."""
        n_unheard = self._pauses.within(event)
        if event.kind != DROPPED:
            n_unheard += self._losses.within(event)
        return replace(event, unheard_s=n_unheard / tick_hz) if n_unheard else event


class _Stretches:
    """Ticks in which nobody listened, and how many of them are in events that go on."""

    def __init__(self) -> None:
        # Of each stretch the tick that it ended at, and the ticks of all stretches before it.
        self._known: deque[tuple[int, int]] = deque(maxlen=_MOST)
        self._total = 0
        # Of each event that goes on, those before it began.
        self._begun: dict[str, int] = {}

    def add(self, n_ticks: int, tick_end: int) -> None:
        """Take one of so many ticks, which ended at one."""
        self._known.append((tick_end, self._total))
        self._total += n_ticks

    def within(self, event: Event) -> int:
        """Return how many ticks of an event they are."""
        if not self._total:
            return 0
        before = self._begun.setdefault(event.event_id, self._before(event.sample_start))
        if event.event_type is EventType.END:
            del self._begun[event.event_id]
        return max(self._before(event.sample_start + event.n_samples) - before, 0)

    def _before(self, tick: int) -> int:
        """Return the ticks of the stretches that ended before or at a tick."""
        total = self._total
        for tick_end, n_before in reversed(self._known):
            if tick_end <= tick:
                break
            total = n_before
        return total
