"""The sink that counts for Prometheus, and the server that Prometheus asks."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import Metric

from edgespec.board import Board
from edgespec.errors import ConfigError
from edgespec.observer.latency import LatencyHistogram
from edgespec.ops.metrics.board import figures_of_board
from edgespec.ops.metrics.figures import figures_of
from edgespec.records import Event, EventType, ObserverState, RssReport

if TYPE_CHECKING:
    from edgespec.observer.startup import Observer

__all__ = ["MetricsServer"]

_NS = 1_000_000_000


class MetricsServer:
    """A sink whose figures are read over HTTP, from a thread of its own, until it is closed.

    Args:
        host: where to listen.
        port: where to listen; 0 for any that is free.

    Attributes:
        port: where it listens.

    Raises:
        ConfigError: nothing can listen there.
    """

    def __init__(self, host: str, port: int) -> None:
        self._states: dict[str, ObserverState] = {}
        self._alarms = LatencyHistogram()
        self._observer: Observer | None = None
        self._board = Board()
        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        registry.register(self)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"metrics.listen: nothing can listen at {host}:{port} ({error}); choose another "
                "port, or leave metrics.listen out"
            ) from None
        self.port = self._server.server_port

    def watch(self, observer: "Observer") -> None:
        """Tell the figures of an observer from now on."""
        self._observer = observer

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of now; before there is an observer, none."""
        if self._observer is not None:
            yield from figures_of(self._observer, self._states, self._alarms)
            yield from figures_of_board(self._board.read())

    def event(self, event: Event) -> None:
        """Count how late an alert is."""
        if event.event_type is EventType.NEW and event.alert.is_on:
            self._alarms.add(round(event.latency_s * _NS))

    def state(self, state: ObserverState) -> None:
        """Keep the last state of a band."""
        self._states[state.band] = state

    def rss(self, report: RssReport) -> None:
        """Nothing: the state has the level."""

    def close(self) -> None:
        """Give out nothing more; a second call does nothing."""
        with suppress(OSError):
            self._server.shutdown()
            self._server.server_close()
        self._thread.join()
