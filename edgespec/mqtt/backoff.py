"""How long to wait, and how seldom to complain."""

import logging
import random
import time
from collections.abc import Callable

__all__ = ["Backoff", "QuietLog"]


class Backoff:
    """Delays that double from ``first_s`` to ``max_s``, each shortened at random by up to half.

    The jitter keeps a fleet from knocking at a restarted broker all at once.
    """

    def __init__(self, first_s: float, max_s: float, rng: random.Random | None = None) -> None:
        self._first_s = min(first_s, max_s)
        self._max_s = max_s
        self._rng = rng or random.Random()
        self._delay_s = self._first_s

    def next_s(self) -> float:
        """Return the next delay in seconds."""
        delay_s = self._delay_s
        self._delay_s = min(2.0 * delay_s, self._max_s)
        return delay_s * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again with the shortest delay."""
        self._delay_s = self._first_s


class QuietLog:
    """Passes the first message of each level, then at most one each ``every_s`` seconds."""

    def __init__(
        self,
        logger: logging.Logger,
        every_s: float = 60.0,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger
        self._clock_s = clock_s
        self._every_s = every_s
        self._last_s: dict[int, float] = {}
        self._n_left_out: dict[int, int] = {}

    def __call__(self, level: int, text: str, *, exc_info: bool = False) -> None:
        """Log ``text``, with how many before it were left out, or leave it out too."""
        now_s = self._clock_s()
        last_s = self._last_s.get(level)
        if last_s is not None and now_s - last_s < self._every_s:
            self._n_left_out[level] = self._n_left_out.get(level, 0) + 1
            return
        n_left_out = self._n_left_out.pop(level, 0)
        self._last_s[level] = now_s
        more = f" (and {n_left_out} more messages like this)" if n_left_out else ""
        self._logger.log(level, "%s%s", text, more, exc_info=exc_info)
