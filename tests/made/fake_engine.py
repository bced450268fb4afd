"""An engine without RabbitMQ: what is sent to queues comes back, in order, to their only reader."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from edgespec.twin.service.entrance.engine import EngineEntrance

__all__ = ["FakeLine"]


class _Channel:
    def __init__(self) -> None:
        self.acknowledged: list[tuple[int, bool]] = []

    def basic_ack(self, tag: int, multiple: bool) -> None:
        self.acknowledged.append((tag, multiple))

    def close(self) -> None: ...


class FakeLine:
    """Takes everything; ``bring`` gives the entrance what its queues hold."""

    url = "amqp://fake"

    def __init__(self) -> None:
        self.unacked: set[int] = set()
        self.said: list[tuple[str, bytes]] = []
        self._queued: deque[tuple[str, str, str, bytes]] = deque()
        self._tags: dict[str, int] = {}
        self._n = 0

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> int:
        assert not set("+#\0") & set(topic), topic
        self.said.append((topic, payload))
        return self._number()

    def send(self, queue: str, kind: str, name: str, payload: bytes) -> int:
        self._queued.append((queue, kind, name, payload))
        return self._number()

    def listen(self, topic: str, hear: Callable[[str, bytes], object]) -> None: ...

    def open_channel(self, on_open: Callable[[Any], None]) -> _Channel:
        return _Channel()

    @contextmanager
    def speaking(self) -> Iterator[None]:
        yield

    def bring(self, entrance: EngineEntrance) -> None:
        while self._queued:
            queue, kind, name, data = self._queued.popleft()
            number = int(queue.rsplit(".", 1)[-1])
            self.give(entrance, number, "reports" in queue, "", kind, name, data)

    def give(
        self, entrance: EngineEntrance, number: int, is_report: bool, topic: str,
        kind: str = "", name: str = "", data: bytes = b"",
    ) -> None:  # fmt: skip
        """Let a partition have a message, as from its queue of reports or of deeds."""
        partition = entrance._partitions[number]
        key = f"{number} {is_report}"
        self._tags[key] = self._tags.get(key, 0) + 1
        take = partition._hear_report if is_report else partition._hear_deed
        take(self._tags[key], topic, kind, name, data)

    def _number(self) -> int:
        self._n += 1
        return self._n
