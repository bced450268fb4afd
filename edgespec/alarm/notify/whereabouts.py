"""Where the recordings around alerts are, once they are."""

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from threading import Condition

__all__ = ["Whereabouts"]

_MOST = 256


class Whereabouts:
    """Paths by the ids of events; who wants one waits for it."""

    def __init__(self) -> None:
        self._paths: OrderedDict[str, Path] = OrderedDict()
        self._changed = Condition()

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
