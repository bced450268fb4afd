"""Says that a survey goes on: a slow machine takes half a minute over 20 MS/s."""

import time
from collections.abc import Callable

__all__ = ["Patience"]

_EVERY_S = 3.0


class Patience:
    """Tells every three seconds that the search for cells goes on, and for how long.

    Args:
        tell: takes what there is to say.
        clock: seconds, from wherever.
    """

    def __init__(
        self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._begun_s = self._said_s = clock()

    def between(self) -> None:
        """Take note that a step has ended."""
        now_s = self._clock()
        if now_s - self._said_s >= _EVERY_S:
            self._said_s = now_s
            self._tell(f"looking for cells, for {now_s - self._begun_s:.0f} s now")
