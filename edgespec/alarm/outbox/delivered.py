"""What the broker has confirmed lately, to be said once more after it was away.

A broker that confirms a message and dies before it has written it loses it, and nobody can tell:
MQTT has no later proof.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Delivered"]

_MOST = 1000


class _Said(NamedTuple):
    at_s: float
    sequence: int
    payload: bytes


class Delivered:
    """Keeps the messages of the last ``replay_s`` seconds, at most 1000 of them, for one thread.

    Args:
        replay_s: how long before the end of a connection a message may be lost; 0 keeps nothing.
        clock: seconds, of a clock that never steps.
    """

    def __init__(self, replay_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._replay_s = replay_s
        self._clock = clock
        self._said: deque[_Said] = deque(maxlen=_MOST)
        self._again: deque[_Said] = deque()

    def confirmed(self, sequence: int, payload: bytes) -> None:
        """Take note of a message that the broker has."""
        if self._again and self._again[0].sequence == sequence:
            self._again.popleft()
        elif self._replay_s > 0.0:
            self._said.append(_Said(self._clock(), sequence, payload))

    def lost_link(self) -> None:
        """Take note that the connection has ended: what was said shortly before may be lost.

        What was to be said again, and was not, still is.
        """
        since_s = self._clock() - self._replay_s
        self._again.extend(said for said in self._said if said.at_s >= since_s)
        self._said.clear()
        while len(self._again) > _MOST:
            self._again.popleft()

    def oldest(self) -> tuple[int, bytes] | None:
        """Return sequence and payload of what is to be said again next; None: nothing is."""
        return self._again[0][1:] if self._again else None

    def __len__(self) -> int:
        return len(self._again)
