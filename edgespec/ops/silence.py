"""Whether a radio that a command listens to has fallen silent: nobody waits for it without end."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Thread

from edgespec.errors import EdgespecError, SourceError
from edgespec.records import Event, ObserverState, RssReport, SourceInfo
from edgespec.sources.source import Source

__all__ = ["SILENT_S", "Hearing", "Patience", "has_been_silent", "while_it_speaks"]

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


@dataclass(slots=True)
class Patience:
    """A sink that ends a monitor of one radio when that has been silent for too long, or is asked.

    The radio counts as silent some seconds after its last samples, as for anybody who watches it.

    Attributes:
        source: what is heard.
        stop: ends the monitor.
        is_ended: whether somebody has asked for the end.
    """

    source: SourceInfo
    stop: Callable[[], None] = lambda: None
    is_ended: bool = field(default=False, init=False)
    _since_s: float | None = field(default=None, init=False)
    _n_samples: int = field(default=0, init=False)

    def end(self) -> None:
        """End the monitor because somebody asks for it, as by Ctrl-C."""
        self.is_ended = True
        self.stop()

    def radio(self, name: str, online: bool) -> None:
        """Take note of whether it is there."""
        self._since_s = None if online else time.monotonic()

    def event(self, event: Event) -> None:
        """Nothing: states come anyway."""

    def state(self, state: ObserverState) -> None:
        """End the monitor, if it is time."""
        self._n_samples = max(self._n_samples, state.n_samples)
        if self._since_s is not None and has_been_silent(self._since_s):
            self._since_s = None
            _LOG.warning("%.160s has been silent for too long, and is given up", self.source.uri)
            self.stop()

    def rss(self, report: RssReport) -> None:
        """Nothing: states come anyway."""

    def close(self) -> None:
        """Nothing is open."""

    def check(self) -> None:
        """Refuse a source that never spoke.

        Raises:
            SourceError: it gave no samples at all.
            EdgespecError: it had given none when somebody asked for the end.
        """
        if not self._n_samples and self.is_ended:
            raise EdgespecError("stopped before a sample came: nothing was heard or changed")
        if not self._n_samples:
            raise SourceError(
                f"the source {self.source.uri!r:.160} gave no samples: see whether the radio "
                "delivers, with 'edgespec doctor', or the recording holds any"
            )


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
