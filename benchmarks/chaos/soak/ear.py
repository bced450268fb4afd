"""A subscriber that knows when it heard the first message of each event."""

import bisect
import json
import threading
import time

from paho.mqtt.client import Client, MQTTMessage

from benchmarks.chaos.parties import Ear

__all__ = ["TimedEar"]

#: A first message that comes so long after an interferer began is another one's.
_LATEST_S = 1.5


class TimedEar(Ear):
    """As :class:`~benchmarks.chaos.parties.Ear`, and when it heard the first of each event."""

    def __init__(self, port: int) -> None:
        self._times_s: dict[str, list[float]] = {}
        self._lock = threading.Lock()
        super().__init__(port)

    def first_after(self, band: str, at_s: float) -> float | None:
        """Return when the first event of a band was heard of behind a time; None: not soon."""
        with self._lock:
            times_s = list(self._times_s.get(band, ()))
        place = bisect.bisect_left(times_s, at_s)
        if place == len(times_s) or times_s[place] - at_s > _LATEST_S:
            return None
        return times_s[place]

    def _hear(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        super()._hear(client, userdata, message)
        event = json.loads(message.payload)
        if event["event_type"] == "new" and event["detector"] != "receiver":
            with self._lock:
                self._times_s.setdefault(event["band"], []).append(time.monotonic())
