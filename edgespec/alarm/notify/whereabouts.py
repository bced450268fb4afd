"""Where the recordings around alerts are, and their pictures, once they are."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Condition

__all__ = ["Whereabouts"]

_MOST = 256


class Whereabouts:
    """Paths by the ids of events; who wants a recording waits for it, who wants a picture is told.

    Attributes:
        listeners: told the ids of the events in a recording and where its picture is, from the
            thread that draws.
    """

    def __init__(self) -> None:
        self._paths: OrderedDict[str, Path] = OrderedDict()
        self._changed = Condition()
        self.listeners: list[Callable[[Iterable[str], Path], None]] = []

    def put(self, event_ids: Iterable[str], path: Path) -> None:
        """Take where the recording of some events is."""
        with self._changed:
            for event_id in event_ids:
                self._paths[event_id] = path
                if len(self._paths) > _MOST:
                    self._paths.popitem(last=False)
            self._changed.notify_all()

    def wait(self, event_id: str, timeout_s: float) -> Path | None:
        """Return where it is; None if it is not there in time."""
        with self._changed:
            self._changed.wait_for(lambda: event_id in self._paths, timeout_s)
            return self._paths.get(event_id)

    def drawn(self, event_ids: Iterable[str], picture: Path) -> None:
        """Take where the picture of some events is."""
        for listener in self.listeners:
            listener(event_ids, picture)
