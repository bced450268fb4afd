"""A sink that keeps incidents on disk, in a thread of its own: no band waits for it."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edgespec.alerts.judge import AlertJudge
from edgespec.aside import Jobs
from edgespec.newfile import replace_file
from edgespec.records import Event, ObserverState, RssReport

__all__ = ["IncidentKeeper"]

#: They are written so often at most: with one that is new sooner, so that it can be looked at.
_SAVE_S, _NEW_S = 60.0, 5.0
_MOST_WAITING = 16
_CLOSE_S = 5.0


class IncidentKeeper:
    """Writes all incidents anew, and only when something of them has changed.

    A disk that refuses costs what it refuses, and is said once until it takes something again.

    Args:
        judge: knows the incidents.
        path: where they are kept.
        clock: seconds, of a clock that never steps.
    """

    def __init__(
        self, judge: AlertJudge, path: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._judge = judge
        self._path = path
        self._clock = clock
        self._saved, self._found, self._saved_s = 0, 0, float("-inf")
        self._jobs = Jobs("incidents", f"incidents are not kept in {path.parent}", _MOST_WAITING)

    def event(self, event: Event) -> None:
        """Write what the judge has made of it, if it is time."""
        self._save_if_due()

    def state(self, state: ObserverState) -> None:
        """Write what has waited long enough."""
        self._save_if_due()

    def rss(self, report: RssReport) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Write all, and wait for it some seconds at most."""
        self._save_if_due(is_last=True)
        self._jobs.close(_CLOSE_S)

    def _save_if_due(self, *, is_last: bool = False) -> None:
        now_s = self._clock()
        changes, found = self._judge.incident_counts
        wait_s = _SAVE_S if found == self._found else _NEW_S
        if changes == self._saved or (not is_last and now_s - self._saved_s < wait_s):
            return
        self._saved, self._found, self._saved_s = changes, found, now_s
        self._jobs.add(partial(replace_file, self._path, self._judge.incidents()))
