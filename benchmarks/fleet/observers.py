"""Observers of a country that are not there: their states and events, as messages."""

import math
import uuid
from dataclasses import replace

import numpy as np

from edgespec.promise import Promise
from edgespec.records import Change, Event, EventType, ObserverState
from edgespec.units import format_utc
from edgespec.wire.event import EventMessage, event_payload
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode

__all__ = ["Observers"]

_TIME, _NODE = "2026-01-01T00:00:00.000000Z", "observer-00000"
_TIME_NS = 1_767_225_600_000_000_000
_STATE = ObserverState(
    _TIME_NS,
    86_400.0,
    10**10,
    10**6,
    3,
    0,
    level_dbfs=-61.2,
    noise_floor_dbfs=-92.5,
    speed=1.0,
    band="lte",
    scores={"zscore": 1.31, "residual": 0.84},
    thresholds={"zscore": 7.1, "residual": 5.2},
    latency_s={"p50": 0.0021, "p99": 0.0048, "max": 0.021},
    center_freq_hz=806e6,
    mqtt_connected=True,
    promise=Promise(0.4, 0.1, 1.1, 2e5, _TIME_NS),
)
_EVENT = Event(
    "", EventType.NEW, "lte", _TIME_NS, _TIME_NS, 5, 10, 806.0e6, 806.1e6, 806.05e6, -41.0,
    Change.GAIN, 12.0, 9.0, "zscore", 9.3, 7.1, 0.93, "narrowband", latency_s=0.002,
)  # fmt: skip


class Observers:
    """So many observers, each of one band, around a town.

    Args:
        n: of them.
        seed: of all that is random.
    """

    def __init__(self, n: int, seed: int = 1) -> None:
        self.names = [f"observer-{number:05}" for number in range(n)]
        self.rng = np.random.default_rng(seed)
        self._state = encode(state_payload(_STATE, _NODE)).decode()
        self._sequences = dict.fromkeys(self.names, 0)

    def places(self) -> str:
        """Return a table of where they stand: thinner further out."""
        far = 0.25 * np.sqrt(self.rng.random(len(self.names))) * self.rng.random(len(self.names))
        angles = self.rng.uniform(0.0, 2.0 * math.pi, len(self.names))
        rows = [
            f"{name},{52.52 + 0.6 * r * math.sin(a):.5f},{13.40 + r * math.cos(a):.5f}"
            for name, r, a in zip(self.names, far, angles, strict=True)
        ]
        return "\n".join(["node,latitude,longitude", *rows, ""])

    def state(self, name: str, utc_ns: int, **changes: object) -> bytes:
        """Return the state of one; without changes fast, since thousands a second are wanted."""
        if changes:
            return encode(state_payload(replace(_STATE, utc_ns=utc_ns, **changes), name))  # type: ignore[arg-type]
        text = self._state.replace(_NODE, name).replace(
            f'"time":"{_TIME}"', f'"time":"{format_utc(utc_ns)}"'
        )
        return text.encode()

    def event(self, name: str, utc_ns: int, **changes: object) -> tuple[str, bytes]:
        """Return id and message of a new event of one."""
        self._sequences[name] += 1
        event_id = str(changes.pop("event_id", "") or uuid.uuid4())
        event = replace(_EVENT, event_id=event_id, start_ns=utc_ns, end_ns=utc_ns, **changes)  # type: ignore[arg-type]
        message = EventMessage(event, name, self._sequences[name])
        return event_id, encode(event_payload(message))
