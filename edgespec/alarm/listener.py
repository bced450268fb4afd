"""The other end of the alarm path: receives events, to show and to test that they arrive."""

import threading
import time
import uuid
from types import TracebackType
from typing import Any

from edgespec.config import MqttConfig
from edgespec.errors import BrokerError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.wire.text import decode

__all__ = ["Listener"]


class Listener:
    """A subscription to one topic, from its making to ``close``; also a context manager.

    Args:
        settings: broker and credentials.
        topic: what to listen to; wildcards are allowed.

    Raises:
        ConfigError: the URL cannot be used.
        BrokerError: the broker cannot be reached or refuses the subscription.
    """

    def __init__(self, settings: MqttConfig, topic: str) -> None:
        self.problem: BrokerError | None = None
        self._received: list[dict[str, Any]] = []
        self._closing = threading.Event()
        link = Link.of(settings, f"edgespec-listener-{uuid.uuid4().hex[:8]}")
        self._session = Session(link)
        self.address = (link.url.host, link.url.port)
        self._session.connect()
        self._session.subscribe(topic, lambda payload: self._received.append(decode(payload)))
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def gather(self, n_messages: int, timeout_s: float) -> list[dict[str, Any]]:
        """Return what was received, after waiting for ``n_messages`` at most ``timeout_s``."""
        until = time.monotonic() + timeout_s
        while len(self._received) < n_messages and time.monotonic() < until:
            if self.problem is not None:
                break
            time.sleep(0.02)
        return list(self._received)

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if not self._closing.is_set():
            self._closing.set()
            self._thread.join()
            self._session.close()

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._session.poll(None, 0.1)
        except BrokerError as error:
            self.problem = error
