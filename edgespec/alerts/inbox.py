"""Requests that come over a broker: whoever may publish there may publish anything."""

import logging
import time
from collections.abc import Callable
from typing import Protocol

from edgespec.alerts.actions import Actions
from edgespec.door import MESSAGE_CHARS, brief
from edgespec.errors import EdgespecError, UsageError
from edgespec.wire.request import (
    ERRANDS,
    Request,
    Response,
    encode_response,
    parse_request,
    transaction_of,
)
from edgespec.wire.text import PayloadError

__all__ = ["Errands", "Inbox"]

_LOG = logging.getLogger(__name__)
#: So many requests at once, and so many a second in the long run; what is more is not answered.
_BURST, _RATE_HZ = 10.0, 1.0


class Errands(Protocol):
    """Does what takes a while beside the watching."""

    def take(self, request: Request) -> Response:
        """Return the first answer to a request.

        Raises:
            EdgespecError: it cannot be done as it is asked.
        """
        ...


class Inbox:
    """Answers requests, at a bounded rate, and never raises.

    Args:
        actions: what may be asked for.
        clock: seconds, of a clock that never steps.
        errands: of an observer that runs; None: of one that does not.
    """

    def __init__(
        self,
        actions: Actions,
        clock: Callable[[], float] = time.monotonic,
        errands: Errands | None = None,
    ) -> None:
        self._actions, self._errands = actions, errands
        self._clock = clock
        self._left, self._counted_s = _BURST, clock()
        self._is_flooded = False
        self.n_refused = 0

    def answer(self, command: str, data: bytes) -> bytes | None:
        """Return the response to what was published for a command; None where there are too many.

        What fails is an error of the response.
        """
        if not self._may_answer():
            return None
        try:
            request = parse_request(command, data)
        except PayloadError as error:
            return encode_response(Response(transaction_of(data), brief(error, MESSAGE_CHARS)))
        try:
            return encode_response(self._done(request))
        except EdgespecError as error:
            said = brief(error, MESSAGE_CHARS)
        except OSError as error:
            said = f"it cannot be kept: {error.strerror or 'the system refuses'}"
        return encode_response(Response(request.transaction, said))

    def _done(self, request: Request) -> Response:
        if request.command not in ERRANDS:
            return Response(request.transaction, "", self._actions.do(request))
        if self._errands is None:
            raise UsageError(f"{request.command!r} takes an observer that runs")
        return self._errands.take(request)

    def _may_answer(self) -> bool:
        now_s = self._clock()
        self._left = min(_BURST, self._left + _RATE_HZ * (now_s - self._counted_s))
        self._counted_s = now_s
        if self._left >= 1.0:
            self._left -= 1.0
            self._is_flooded = False
            return True
        self.n_refused += 1
        if not self._is_flooded:
            self._is_flooded = True
            _LOG.warning("more requests than %g a second come in: the others are ignored", _RATE_HZ)
        return False
