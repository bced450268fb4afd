"""What the broker has confirmed lately, to be said once more after it was away.

A broker that confirms a message and dies before it has handed it on or written it loses it, and
nobody can tell: MQTT has no later proof. A link that has outlived a message for a while is one.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Delivered"]

_MOST = 1000
#: A broker that dies again and again must not keep new messages waiting behind the old ones.
_MOST_TIMES = 3


class _Said(NamedTuple):
    at_s: float
    sequence: int
    payload: bytes
    n_times: int = 1


class Delivered:
    """Keeps the messages of the last ``replay_s`` seconds, at most 1000 of them, for one thread.

    One is confirmed three times at most.

    Args:
        replay_s: a message is safe when its link has lasted for so long since; 0 keeps nothing.
        clock: seconds, of a clock that never steps.
    """

    def __init__(self, replay_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._replay_s = replay_s
        self._clock = clock
        self._said: deque[_Said] = deque(maxlen=_MOST)
        self._again: deque[_Said] = deque()

    def confirmed(self, sequence: int, payload: bytes) -> None:
        """Take note of a message that the broker has, for the first time or again."""
        n_times = 1
        if self._again and self._again[0].sequence == sequence:
            n_times += self._again.popleft().n_times
        if self._replay_s > 0.0 and n_times < _MOST_TIMES:
            self._said.append(_Said(self._clock(), sequence, payload, n_times))

    def lost_link(self) -> None:
        """Take note that the connection has ended: what was said shortly before may be lost.

        What was to be said again, and was not, still is, in the order of the numbers.
        """
        since_s = self._clock() - self._replay_s
        recent = (said for said in self._said if said.at_s >= since_s)
        again = sorted((*self._again, *recent), key=lambda said: said.sequence)
        self._again = deque(again[-_MOST:])
        self._said.clear()

    def oldest(self) -> tuple[int, bytes] | None:
        """Return sequence and payload of what is to be said again next; None: nothing is."""
        return self._again[0][1:3] if self._again else None

    def __len__(self) -> int:
        return len(self._again)
