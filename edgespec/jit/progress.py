"""Says that loops are being compiled: the first start on a machine would else be silent."""

import logging
import time
from collections.abc import Callable

__all__ = ["NOTICE", "CompilingNotice"]

_LOG = logging.getLogger(__name__)
_EVERY_S = 3.0
#: Not those of an observer, which are what a doctor warms.
_CENTRAL_UNIT = "edgespec.twin"
#: Its loops are few, and compiled however an observer computes.
_SIMULATION = "edgespec.simulate."


class CompilingNotice:
    """A line before anything is compiled, then a count every few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._n = 0
        self._said_s: float | None = None
        self._has_simulation = False

    def begin(self, name: str, module: str = "") -> None:
        """Take note that a kernel, of a module of ours, is about to be compiled."""
        if module.startswith(_SIMULATION):
            if not self._has_simulation:
                self._has_simulation = True
                _LOG.info("compiling loops of the simulation: it takes some seconds, and only once")
            return
        now_s = self._clock()
        if self._said_s is None:
            is_ahead = not module.startswith(_CENTRAL_UNIT)
            ahead = " (`edgespec doctor --warm` does it ahead)" if is_ahead else ""
            _LOG.info(
                "compiling loops for this processor: it takes a minute or two, and only once%s",
                ahead,
            )
            self._said_s = now_s
        elif now_s - self._said_s >= _EVERY_S:
            _LOG.info("compiled %d loops, now %s", self._n, name)
            self._said_s = now_s
        self._n += 1


#: That of this process.
NOTICE = CompilingNotice()
