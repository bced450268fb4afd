"""What is asked of a running observer and takes a while: one thing at a time, beside the watching.

Nobody who watches a band waits for it: it has a thread of its own, and a ring of samples of its
own.
"""

import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any, Protocol

from edgespec.door import MESSAGE_CHARS, brief
from edgespec.errand import Errand
from edgespec.errors import EdgespecError, UsageError
from edgespec.history.actions import note_action
from edgespec.history.opening import history_path
from edgespec.records import Event, ObserverState, RssReport
from edgespec.wire.request import Request, Response, encode_response

__all__ = ["Errands", "Job", "Runner", "check_fields"]

_LOG = logging.getLogger(__name__)
#: Answers that are said again to who asks the same once more.
_MOST_KEPT = 16
_CLOSE_S = 10.0


class Job(Protocol):
    """Something that was asked for and can be done."""

    @property
    def band(self) -> str:
        """Id of the band that it is about."""
        ...

    @property
    def told(self) -> dict[str, Any]:
        """What is said when it is taken."""
        ...

    def do(self, stopping: Flag, tell: Callable[[float], None]) -> dict[str, Any]:
        """Do it and return what is to be said of it.

        Args:
            stopping: set where it is to end early.
            tell: told which share is done.

        Raises:
            EdgespecError: it cannot be done.
            OSError: the system refuses.
        """
        ...


#: Returns the job that a request asks for; raises an EdgespecError where it asks wrongly.
Runner = Callable[[Request], Job]


@dataclass(slots=True)
class _Running:
    """What goes on, and who asked for it."""

    errand: Errand
    request: Request
    job: Job
    stopping: Flag
    thread: Thread | None = None


class Errands:
    """Does what is asked for, one thing after another, and says what came of it.

    It is a sink, too, so that it ends before the way to the broker does.

    Args:
        state_dir: of the observer, in whose history what was done is noted.
        utc_ns: UTC.
    """

    def __init__(self, state_dir: Path, utc_ns: Callable[[], int] = time.time_ns) -> None:
        self._history, self._utc_ns = history_path(state_dir), utc_ns
        self._runners: Mapping[str, Runner] = {}
        self._say: Callable[[str, bytes], None] = lambda command, response: None
        self._running: _Running | None = None
        self._answered: OrderedDict[Request, Response] = OrderedDict()
        self._lock = Lock()
        self._is_closed = False

    def begin(self, runners: Mapping[str, Runner], say: Callable[[str, bytes], None]) -> None:
        """Take requests from now on.

        Args:
            runners: by the command that they are for.
            say: publishes a response to a command.
        """
        self._runners, self._say = runners, say

    def now(self, band: str) -> Errand | None:
        """Return what goes on for a band."""
        running = self._running
        return running.errand if running is not None and running.job.band == band else None

    def take(self, request: Request) -> Response:
        """Return the first answer to a request; what takes a while is begun and answered again.

        Whoever asks the same again, with the same transaction, hears the last answer to it again.

        Raises:
            EdgespecError: it asks wrongly, or something else goes on.
        """
        with self._lock:
            again = self._answered.get(request)
            if again is not None:
                return again
            if request.command == "cancel":
                response = self._cancel(request)
                self._keep(request, response)
                return response
            runner = self._runners.get(request.command)
            if runner is None or self._is_closed:
                raise UsageError(
                    f"the observer begins or ends: ask for {request.command!r} in some seconds"
                )
            if self._running is not None:
                one = self._running.errand
                raise UsageError(
                    f"{one.id} of band {one.band} goes on, {one.share:.0%} of it done: one thing "
                    "is done at a time; wait for its response, or cancel it"
                )
            job = runner(request)
            errand = Errand(request.command, f"{request.command}-{uuid.uuid4().hex[:8]}", job.band)
            running = _Running(errand, request, job, Flag())
            response = Response(
                request.transaction, data={"errand": errand.id, **job.told}, is_accepted=True
            )
            self._keep(request, response)
            running.thread = Thread(
                target=self._do, args=(running,), name="edgespec-errand", daemon=True
            )
            self._running = running
            running.thread.start()
        _LOG.info("asked over the broker: %s of band %s", errand.id, errand.band)
        return response

    def event(self, event: Event) -> None:
        """Nothing: nobody asks for events."""

    def state(self, state: ObserverState) -> None:
        """Nothing: states say what goes on."""

    def rss(self, report: RssReport) -> None:
        """Nothing: nor for received power."""

    def close(self) -> None:
        """End what goes on, and wait some seconds for it; a second call does nothing."""
        with self._lock:
            self._is_closed = True
            running = self._running
        if running is not None and running.thread is not None:
            running.stopping.set()
            running.thread.join(_CLOSE_S)

    def _cancel(self, request: Request) -> Response:
        check_fields(request, "id")
        running = self._running
        if running is None:
            raise UsageError("nothing goes on that could be cancelled")
        if request.id not in ("", running.errand.id):
            raise UsageError(f"{request.id!r} does not go on: {running.errand.id!r} does")
        running.stopping.set()
        return Response(request.transaction, data={"cancelled": running.errand.id})

    def _do(self, running: _Running) -> None:
        request, job, said, data = running.request, running.job, "", {}

        def tell(share: float) -> None:
            running.errand = replace(running.errand, share=min(max(share, 0.0), 1.0))

        try:
            data = job.do(running.stopping, tell)
        except EdgespecError as error:
            said = brief(error, MESSAGE_CHARS)
        except OSError as error:
            said = f"it cannot be done: {error.strerror or 'the system refuses'}"
        except Exception as error:
            # Whatever it is, the observer is worth more than what was asked of it.
            _LOG.exception("%s failed", running.errand.id)
            said = f"it failed, the log says how: {type(error).__name__}"
        response = Response(request.transaction, said, {"errand": running.errand.id, **data})
        with self._lock:
            self._keep(request, response)
            self._running = None
        asked = {name: one for name, one in asdict(request).items() if one not in (None, "")}
        note_action(
            self._history,
            self._utc_ns(),
            request.command,
            asked,
            {**response.data, **({"error": said} if said else {})},
        )
        _LOG.info("%s has ended%s", running.errand.id, f": {said}" if said else "")
        self._say(request.command, encode_response(response))

    def _keep(self, request: Request, response: Response) -> None:
        if not request.transaction:
            return
        self._answered[request] = response
        while len(self._answered) > _MOST_KEPT:
            self._answered.popitem(last=False)


def check_fields(request: Request, *known: str) -> None:
    """Refuse what a command does nothing with, rather than do something else than was meant.

    Raises:
        UsageError: a field is given that is none of these.
    """
    for name, value in asdict(request).items():
        if name not in ("command", "transaction", *known) and value not in (None, ""):
            raise UsageError(
                f"{request.command!r} has no {name}; it may have {', '.join(known)} and transaction"
            )
