"""What is new, for everybody who looks: a message that one is too slow for is lost to him alone."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from typing import Any

__all__ = ["Hub", "Looker", "as_text"]

#: Messages that wait for one who looks.
_MOST_WAITING = 64
_POLL_S = 0.02


def as_text(message: dict[str, Any]) -> str:
    """Return compact JSON; what has no JSON form, such as a NaN, must not be in it."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


class Looker:
    """One who looks: what waits for him, and how much he lost.

    Attributes:
        is_over: whether there is nothing more to be seen.
    """

    def __init__(self) -> None:
        self._waiting: deque[str] = deque(maxlen=_MOST_WAITING)
        self._is_new = asyncio.Event()
        self._n_lost = 0
        self.is_over = False

    def put(self, text: str) -> None:
        """Take a message; the oldest that waits goes where there are too many."""
        self._n_lost += len(self._waiting) == _MOST_WAITING
        self._waiting.append(text)
        self._is_new.set()

    def take(self) -> list[str]:
        """Return what waits, and behind it how many were lost."""
        found = [*self._waiting]
        self._waiting.clear()
        self._is_new.clear()
        if self._n_lost:
            found.append(as_text({"type": "lost", "n_messages": self._n_lost}))
            self._n_lost = 0
        return found

    def end(self) -> None:
        """Say that there is nothing more."""
        self.is_over = True
        self._is_new.set()

    async def wait(self) -> None:
        """Wait until there is something, or nothing more."""
        await self._is_new.wait()


class Hub:
    """Takes what the observer or the central unit says, and tells those who look.

    Args:
        most: who may look at the same time.
        on_message: told every message before anybody else; returns what those who look are told,
            None for nothing.
    """

    def __init__(
        self, most: int, on_message: Callable[[dict[str, Any]], dict[str, Any] | None]
    ) -> None:
        self._most, self._on_message = most, on_message
        self.lookers: set[Looker] = set()

    @property
    def is_full(self) -> bool:
        """Whether nobody else may look."""
        return len(self.lookers) >= self._most

    async def end(self, within_s: float) -> None:
        """Say to all that there is nothing more, and wait until they have gone."""
        for looker in self.lookers:
            looker.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.lookers:
                    await asyncio.sleep(_POLL_S)

    def hear(self, data: bytes) -> None:
        """Take a message from the channel."""
        told = self._on_message(json.loads(data))
        if told is not None and self.lookers:
            text = as_text(told)
            for looker in self.lookers:
                looker.put(text)
