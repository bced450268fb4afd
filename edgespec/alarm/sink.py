"""Where events and states go."""

from typing import Protocol

from edgespec.records import Event, ObserverState, RssReport

__all__ = ["Sink"]


class Sink(Protocol):
    """Takes what the monitor says; never waits for the network and never raises because of it."""

    def event(self, event: Event) -> None:
        """Take one message of an event's life."""
        ...

    def state(self, state: ObserverState) -> None:
        """Take the periodic state."""
        ...

    def rss(self, report: RssReport) -> None:
        """Take the received power of a second; only an observer of a site has some."""
        ...

    def close(self) -> None:
        """Deliver what can be delivered within a few seconds, keep the rest, and stop."""
        ...
