"""The page of an observer where the configuration asks for one."""

import logging
import socket
import time
from typing import Any

from edgespec import __version__
from edgespec.config import Config
from edgespec.machine import machine_facts
from edgespec.observer.monitor import Monitor
from edgespec.observer.worker import BandWorker
from edgespec.records import Event, ObserverState, RssReport
from edgespec.units import format_utc
from edgespec.web.feed import Feed
from edgespec.web.feed_memory import PLANES
from edgespec.web.page_process import PageProcess, listen_for_page, page_url
from edgespec.web.rows import row_frames
from edgespec.web.task import Task
from edgespec.web.waiting import WaitingRoom
from edgespec.wire.event import EventMessage, event_payload
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode

__all__ = ["ObserverPageSink", "open_observer_page"]

_LOG = logging.getLogger(__name__)


class ObserverPageSink:
    """A sink whose messages a page shows, by a process of its own, until it is closed.

    Args:
        config: of the observer.
        listening: where browsers call.
        token: that the page asks for, '' for none.
    """

    def __init__(self, config: Config, listening: socket.socket, token: str) -> None:
        self._config, self._listening, self._token = config, listening, token
        self._process: PageProcess | None = None
        self._waiting = WaitingRoom(listening)
        self._workers: dict[str, BandWorker] = {}
        self._said: dict[str, dict[str, Any]] = {}

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def watch(self, monitor: Monitor) -> None:
        """Begin the page of an observer that is about to run."""
        web, workers = self._config.web, monitor.workers
        feed = Feed(len(workers))
        feed.watch(workers)
        host = web.address[0] if web.address is not None else ""
        self._workers = {worker.chain.info.band: worker for worker in workers}
        self._said = {band: _band(worker) for band, worker in self._workers.items()}
        task = Task(
            "observer",
            host,
            self._token,
            web.read_only,
            web.hosts,
            web.max_lookers,
            about={
                "node": self._config.node.id,
                "version": __version__,
                "board": machine_facts().get("machine", ""),
                "started": format_utc(time.time_ns()),
                "state_dir": str(self._config.node.state_dir.absolute()),
                "bands": [*self._said.values()],
            },
        )
        self._waiting.close()
        self._process = PageProcess(self._listening, task, feed.memory)
        _LOG.info("the page is at %s", page_url(host, self._listening))

    def event(self, event: Event) -> None:
        """Show a message of an event."""
        # Numbers count what a broker is told; here they are none.
        message = EventMessage(event, self._config.node.id, 0)
        self._say({"type": "event", "event": event_payload(message)})

    def state(self, state: ObserverState) -> None:
        """Show the state of a band."""
        worker = self._workers.get(state.band)
        if worker is not None and (band := _band(worker)) != self._said[state.band]:
            # By another model, or tuned elsewhere.
            self._said[state.band] = band
            self._say({"type": "band", "band": band}, keep=f"band {state.band}")
        payload = state_payload(state, self._config.node.id)
        self._say({"type": "state", "state": payload}, keep=state.band)

    def rss(self, report: RssReport) -> None:
        """Nothing: the state has the level."""

    def close(self) -> None:
        """End the page; a second call does nothing."""
        self._waiting.close()
        if self._process is not None:
            self._process.close()
        self._listening.close()

    def _say(self, message: dict[str, Any], keep: str = "") -> None:
        if self._process is not None:
            self._process.say(encode(message), keep)


def open_observer_page(config: Config) -> ObserverPageSink | None:
    """Return what shows the page of an observer; None where nobody asks for one.

    Raises:
        ConfigError: it cannot be, as :func:`~edgespec.web.page_process.listen_for_page` says.
    """
    found = listen_for_page(config.web)
    return None if found is None else ObserverPageSink(config, *found)


def _band(worker: BandWorker) -> dict[str, Any]:
    """Return what a page is told of a band, at first and where it has changed."""
    chain = worker.chain
    grid, info = chain.grid, chain.info
    lower_hz, upper_hz = grid.range_hz
    has_cell = chain.cancelled is not None
    return {
        "band": info.band,
        "source": info.source,
        "model": info.model,
        "center_hz": (lower_hz + upper_hz) / 2.0,
        "lower_hz": lower_hz,
        "upper_hz": upper_hz,
        "n_bins": grid.n_bins,
        "row_s": row_frames(grid) * grid.frame_s,
        "planes": [name for name in PLANES if name == "power" or has_cell],
        "swept": worker.is_swept,
        "detectors": [*chain.thresholds],
        "thresholds": {name: float(limit) for name, limit in chain.thresholds.items()},
    }
