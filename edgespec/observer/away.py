"""When nobody listened to a band, since its radio was tuned to another one."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

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
    """Counts the ticks of a band's pauses, and says of events for how long they were not heard."""

    def __init__(self) -> None:
        # Of each pause the tick that it ended at, and the ticks of all pauses before it.
        self._pauses: deque[tuple[int, int]] = deque(maxlen=_MOST)
        self._total = 0
        # Of each event that goes on, those before it began.
        self._begun: dict[str, int] = {}

    def add(self, n_ticks: int, tick_end: int, parts: Iterable[Pausing | None] = ()) -> None:
        """Take a pause of so many ticks, which ended at one, and tell those who count time."""
        for part in parts:
            if part is not None:
                part.pause(n_ticks)
        self._pauses.append((tick_end, self._total))
        self._total += n_ticks

    def told(self, event: Event, tick_hz: float) -> Event:
        """Return an event, in ticks, with the time of it in which nobody listened."""
        if not self._total:
            return event
        before = self._begun.setdefault(event.event_id, self._before(event.sample_start))
        if event.event_type is EventType.END:
            del self._begun[event.event_id]
        n_unheard = self._before(event.sample_start + event.n_samples) - before
        return replace(event, unheard_s=max(n_unheard, 0) / tick_hz)

    def _before(self, tick: int) -> int:
        """Return the ticks of the pauses that ended before or at a tick."""
        total = self._total
        for tick_end, n_before in reversed(self._pauses):
            if tick_end <= tick:
                break
            total = n_before
        return total
