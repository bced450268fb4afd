"""What a central unit asks of the way by which its reports come."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, Protocol, TypeVar

from edgespec.errors import BrokerError
from edgespec.mqtt.keeper import Keeper, Kept
from edgespec.twin.service.pace import Pace
from edgespec.twin.site import Site

__all__ = ["Enter", "Entrance", "Tenant"]


class _Voice(Kept, Protocol):
    """A kept connection by which something can be said."""

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> int:
        """Send a message and return its number, in ``unacked`` until it is confirmed."""
        ...


V = TypeVar("V", bound=_Voice)


class Tenant(Protocol):
    """Who lives behind an entrance: the central unit."""

    def hear(self, topic: str, data: bytes) -> int | None:
        """Take any message; of a report return the number of the snapshot that it waits for.

        None where there is nothing to wait for.
        """
        ...

    def now_ns(self) -> int:
        """Return the time by its clock, UTC."""
        ...

    def leave_out(self, site: str, reason: str) -> None:
        """Count a report of a site that is not even read."""
        ...

    def enter(self) -> None:
        """There is a link: say who is there."""
        ...

    def lose(self) -> None:
        """The link is lost."""
        ...


class Entrance(ABC, Generic[V]):
    """Reports in, words out, and the sites that are to be looked after here.

    Two ways meet here: one broker whose central units agree on their sites
    (:mod:`edgespec.twin.service.entrance.broker`), and an engine that deals out partitions
    (:mod:`edgespec.twin.service.entrance.engine`). ``session`` is the link while it is up.
    """

    #: Whether the last value on a topic reaches who subscribes later.
    keeps_last = True

    def __init__(self) -> None:
        self.session: V | None = None
        self._keeper: Keeper[V]

    # The link.

    def wait_connected(self, timeout_s: float) -> None:
        """Connect.

        Raises:
            BrokerError: it is refused, or there is no answer in time.
        """
        self._keeper.wait_connected(timeout_s)

    def wake(self) -> None:
        """End a wait; safe to call from a signal handler."""
        self._keeper.waker.wake()

    def step(self, timeout_s: float) -> None:
        """Wait for messages or the timeout, and hand them on. Never raises."""
        self._keeper.step(timeout_s)

    def work(self, task: Callable[[], None]) -> None:
        """Let a task speak, if the link is up; where it fails, the link is lost."""
        self._keeper.work(lambda _: task())

    def close(self, farewell: Callable[[], None]) -> None:
        """Let ``farewell`` say the last words, wait until they are confirmed, hang up."""
        self._keeper.close(lambda _: farewell())

    @property
    def unacked(self) -> Collection[int]:
        """Numbers of the messages that are not confirmed yet."""
        return self._voice.unacked

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> int:
        """Say something and return its number.

        Raises:
            BrokerError: the link is lost.
        """
        return self._voice.publish(topic, payload, qos, retain=retain)

    @property
    def _voice(self) -> V:
        if self.session is None:
            raise BrokerError(f"the link to {self._keeper.url} is lost")
        return self.session

    # The sites.

    @property
    @abstractmethod
    def is_settled(self) -> bool:
        """Whether it is known who looks after which site."""

    @property
    @abstractmethod
    def members(self) -> Sequence[str]:
        """The central units that are known to be there, sorted."""

    @abstractmethod
    def mine(self) -> Sequence[str]:
        """Return the sites that are to be looked after here."""

    @abstractmethod
    def tick(self, now_s: float, judged: Collection[str], *, is_beat: bool) -> bool:
        """Do what is due, several times a second; return whether sites may have moved.

        ``judged`` are the sites on which verdicts were given since this unit last said that it
        is there, which it is about to do again where ``is_beat``.
        """

    @abstractmethod
    def hear_member(self, member: str, data: bytes, judged: Collection[str]) -> bool:
        """Take the presence of a central unit; return whether this one is thought to be gone.

        Raises:
            PayloadError: it is none.
        """

    @abstractmethod
    def take(self, names: Sequence[str]) -> None:
        """Hear these sites from now on, and of each what a former owner left before its reports."""

    @abstractmethod
    def give(self, name: str) -> None:
        """Hear no more of a site."""

    @abstractmethod
    def keep(self, name: str, state: bytes) -> None:
        """Keep for a successor what was learnt of a site."""

    def told(self, name: str, snapshot: int, utc_ns: int, said: Collection[int]) -> None:
        """Note that all there is to say of a snapshot went out, as messages ``said``."""

    def pace(self, name: str) -> Pace | None:
        """Return by what time the reports of a site are late or not; None: the clock's."""
        return None

    def guard(self, name: str) -> bool:
        """Hear only the units of a site that strangers flood; return whether that is new."""
        return False

    @abstractmethod
    def leave(self) -> None:
        """Say what is to be said when all sites were given."""


#: Makes the entrance of a unit: its id, the sites whose files it has, and who is told.
Enter = Callable[[str, Sequence[Site], Tenant], Entrance[Any]]
