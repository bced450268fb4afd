"""The program of a fleet: all ears, one writer, and what is shown of it."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from edgespec.config import MqttConfig
from edgespec.fleet.ear import Ear
from edgespec.fleet.hearing import Hearing, topics_of
from edgespec.fleet.screen import FleetScreen
from edgespec.fleet.silence import Silence
from edgespec.fleet.tables import Row
from edgespec.fleet.writer import FleetWriter
from edgespec.units import counted

__all__ = ["FleetService"]

_TICK_S = 2.0


class FleetService:
    """Keeps what observers of some brokers tell, until it is stopped.

    Args:
        brokers: by their names.
        writer: what keeps it; from now on it belongs to the service.
        screen: told of news.
        silent_s: who says nothing for so long is silent.
        identity: the end of the client ids, the same at every start.
        utc_ns: UTC.
    """

    def __init__(
        self,
        brokers: Mapping[str, MqttConfig],
        writer: FleetWriter,
        screen: FleetScreen,
        silent_s: float,
        identity: str,
        utc_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._writer, self._screen = writer, screen
        self._silence = Silence(silent_s)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._ears: list[Ear] = []
        for name, settings in brokers.items():
            hearing = Hearing(name, settings.topic_prefix), threading.Lock()
            client_id = settings.client_id or f"edgespec-fleet-{identity}"
            lasting, passing = topics_of(settings.topic_prefix)
            for end, topics, is_lasting in (("", lasting, True), ("-now", passing, False)):
                self._ears.append(
                    Ear(name, settings, client_id + end, topics, is_lasting, hearing, writer,
                        self._hear, self._silence.forget, utc_ns)
                )  # fmt: skip

    def wait_connected(self, timeout_s: float) -> None:
        """Connect to all brokers before :meth:`run`.

        Raises:
            BrokerError: one refuses, or does not answer in time.
        """
        for ear in self._ears:
            ear.wait_connected(timeout_s)

    def stop(self) -> None:
        """Ask ``run`` to end; safe to call from a signal handler."""
        self._stopped.set()

    def run(self, duration_s: float | None = None) -> None:
        """Listen until ``stop`` or for a time; then write what came, and hang up."""
        until_s = float("inf") if duration_s is None else time.monotonic() + duration_s
        self._writer.start()
        for ear in self._ears:
            ear.start()
        try:
            while (left_s := until_s - time.monotonic()) > 0:
                if self._stopped.wait(min(_TICK_S, left_s)):
                    break
                self._tick()
        finally:
            for ear in self._ears:
                ear.stop()
            self._writer.close()
            for ear in self._ears:
                ear.close()

    def _tick(self) -> None:
        with self._lock:
            for change in self._silence.changes():
                self._screen.observer(*change)
            self._screen.count(self._words())

    def _words(self) -> str:
        n_known, n_silent = self._silence.counts
        away = sorted({ear.name for ear in self._ears if not ear.is_connected})
        parts = [counted(n_known, "observer"), f"{n_silent} silent"]
        parts += [f"no broker {', '.join(away)}"] if away else []
        if self._writer.problem:
            waiting = self._writer.n_waiting_bytes / 1e6
            parts.append(f"the store is away, {waiting:.1f} MB wait on this disk")
        return " | ".join(parts)

    def _hear(self, rows: Sequence[Row]) -> None:
        self._silence.hear(rows)
        for row in rows:
            if row.table in ("events", "site_events"):
                with self._lock:
                    self._screen.event(row.values["broker"], json.loads(row.values["message"]))
