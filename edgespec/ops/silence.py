"""Whether a radio that a command listens to has fallen silent: nobody waits for it without end."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event as Flag
from threading import Thread

from edgespec.sources.source import Source

__all__ = ["SILENT_S", "Hearing", "has_been_silent", "while_it_speaks"]

_LOG = logging.getLogger(__name__)
#: A radio reconnects within seconds; what is silent for longer has to be looked after.
SILENT_S = 10.0
_POLL_S = 0.1


@dataclass(slots=True)
class Hearing:
    """When the last samples came, in seconds of a clock that never steps."""

    heard_s: float

    def heard(self) -> None:
        """Take note that samples came."""
        self.heard_s = time.monotonic()


def has_been_silent(since_s: float) -> bool:
    """Whether a radio that gave nothing since then, by ``time.monotonic``, is to be given up."""
    return time.monotonic() - since_s > SILENT_S


@contextmanager
def while_it_speaks(source: Source, silent_s: float | None = None) -> Iterator[Hearing]:
    """Close a live source that gives nothing for so long, 10 s by default: its reads then end."""
    limit_s = SILENT_S if silent_s is None else silent_s
    hearing, ended = Hearing(time.monotonic()), Flag()

    def watch() -> None:
        while not ended.wait(_POLL_S):
            if time.monotonic() - hearing.heard_s > limit_s:
                _LOG.warning("%.160s gave nothing for %g s", source.info.uri, limit_s)
                source.close()
                return

    if not source.info.is_live:
        yield hearing
        return
    thread = Thread(target=watch, name="edgespec-silence", daemon=True)
    thread.start()
    try:
        yield hearing
    finally:
        ended.set()
        thread.join()
