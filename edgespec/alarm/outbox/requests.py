"""What is asked of an observer over its broker, and the way back of the answers."""

import logging
from collections import deque
from collections.abc import Callable

from edgespec.mqtt.session import Session
from edgespec.wire.topics import Topics

__all__ = ["Requests"]

_LOG = logging.getLogger(__name__)
#: What comes while these wait is lost: whoever asks sees no answer, and asks again.
_MOST_WAITING = 32
_MAX_BYTES = 65_536


class Requests:
    """Hears requests and publishes responses, for one thread.

    A request that the broker has kept (retained) is none: it would be done again after every
    outage. Alarms do not depend on it: where a broker refuses the subscription, that is said once.

    Args:
        topics: of the observer.
        answer: returns the response to a command and its payload, None for none; never raises.
    """

    def __init__(self, topics: Topics, answer: Callable[[str, bytes], bytes | None]) -> None:
        self._topics = topics
        self._answer = answer
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._later: deque[tuple[str, bytes]] = deque(maxlen=_MOST_WAITING)
        self._prefix = topics.request("")
        self._has_said = False

    @property
    def n_later(self) -> int:
        """Responses that wait for a connection."""
        return len(self._later)

    def say(self, topic: str, payload: bytes) -> None:
        """Let what was asked for be published, from any thread; it waits for a connection."""
        self._later.append((topic, payload))

    def opened(self, session: Session) -> None:
        """Ask for requests on a new connection.

        Raises:
            BrokerError: the link is lost.
        """
        self._waiting.clear()
        session.listen(self._hear, takes_retained=False)
        session.ask([self._topics.request("+")], qos=1, is_vital=False)

    def serve(self, session: Session) -> None:
        """Answer what was heard.

        Raises:
            BrokerError: the link is lost.
        """
        if session.refused and not self._has_said:
            self._has_said = True
            _LOG.warning(
                "the broker does not let this observer read %s: nobody can mute or acknowledge "
                "over it; allow it, or set mqtt.requests = false",
                session.refused[0],
            )
        while self._waiting:
            command, data = self._waiting.popleft()
            response = self._answer(command, data)
            if response is not None:
                session.publish(self._topics.response(command), response, qos=1)
        while self._later:
            session.publish(*self._later[0], qos=1)
            self._later.popleft()

    def _hear(self, topic: str, data: bytes) -> None:
        command = topic.removeprefix(self._prefix)
        # The response's topic is made of it, so it is a plain word.
        if (
            command.isascii()
            and command.isalpha()
            and len(command) <= 32
            and len(data) <= _MAX_BYTES
            and len(self._waiting) < _MOST_WAITING
        ):
            self._waiting.append((command, data))
