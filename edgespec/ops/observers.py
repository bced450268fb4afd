"""Which observers a broker knows, and which of them are silent: seen from the broker's side.

An observer that hangs, a radio that is gone and a network that is down all look alike there:
nothing comes. What is retained tells since when.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgespec.config import MqttConfig
from edgespec.door import brief
from edgespec.mqtt.retained import gather_retained
from edgespec.records import ObserverState
from edgespec.screen.table import Column, Table
from edgespec.units import format_duration, format_utc
from edgespec.wire.state import parse_state
from edgespec.wire.text import PayloadError
from edgespec.wire.topics import Topics

__all__ = ["SeenObserver", "observer_lines", "observer_payload", "seen_observers"]

_NS, _HOUR_S = 1_000_000_000, 3600.0
_ANY = "+"


@dataclass(frozen=True, slots=True)
class SeenObserver:
    """What a broker has of an observer.

    Attributes:
        node: its id.
        state: its last state, of its first band; None where there is none that can be read.
        why: why it counts as silent; '' where it does not.
    """

    node: str
    state: ObserverState | None
    why: str


def seen_observers(
    settings: MqttConfig, state_s: float, test_h: float, utc_ns: int | None = None
) -> list[SeenObserver]:
    """Return the observers that a broker knows, by their ids.

    Args:
        settings: the broker and the first level of the topics.
        state_s: the age of a state from which on its observer is silent.
        test_h: the age of the last test of itself from which on it counts as none; 0 for never.
        utc_ns: now.

    Raises:
        ConfigError: the broker's URL cannot be used.
        BrokerError: the broker cannot be reached, or refuses.
    """
    topics = Topics(settings.topic_prefix, "any", (), ())
    asked = [topic.replace("/any/", f"/{_ANY}/") for topic in (topics.availability, topics.state)]
    return judged(gather_retained(settings, asked), state_s, test_h, utc_ns or time.time_ns())


def judged(
    said: Mapping[str, bytes], state_s: float, test_h: float, utc_ns: int
) -> list[SeenObserver]:
    """Return what retained messages tell of their observers, as :func:`seen_observers`."""
    online: dict[str, bool] = {}
    states: dict[str, ObserverState] = {}
    unread: dict[str, str] = {}
    for topic, data in said.items():
        node, what = topic.split("/")[-2:]
        if what == "availability":
            online[node] = data == b"online"
            continue
        try:
            states[node] = parse_state(data)[1]
        except PayloadError as error:
            unread[node] = f"its state cannot be read ({brief(error, 100)})"
    return [
        SeenObserver(
            node,
            states.get(node),
            unread.get(node, "")
            or _why(states.get(node), state_s, test_h, utc_ns, is_online=online.get(node, True)),
        )
        for node in sorted({*online, *states, *unread})
    ]


def _why(
    state: ObserverState | None, state_s: float, test_h: float, utc_ns: int, *, is_online: bool
) -> str:
    if not is_online:
        return "it is offline"
    if state is None:
        return "it has not said how it is"
    age_s = (utc_ns - state.utc_ns) / _NS
    if age_s > state_s:
        return f"its last state is {format_duration(age_s)} old"
    tested_s = state.uptime_s
    if state.last_test_ns is not None:
        tested_s = (utc_ns - state.last_test_ns) / _NS
    if test_h and tested_s > test_h * _HOUR_S:
        return f"it has not found its test tone for {format_duration(tested_s)}"
    return ""


def observer_payload(seen: SeenObserver) -> dict[str, Any]:
    """Return the object of schema ``edgespec.observer/1``."""
    state = seen.state
    return {
        "schema": "edgespec.observer/1",
        "node": seen.node,
        "silent": bool(seen.why),
        "why": seen.why,
        "last_state": None if state is None else format_utc(state.utc_ns),
        "last_test": (
            None if state is None or state.last_test_ns is None else format_utc(state.last_test_ns)
        ),
        "alarm": None if state is None else state.alarm,
    }


def observer_lines(found: list[SeenObserver], width: int | None) -> Iterator[str]:
    """Yield a table for people."""
    rows = []
    for seen in found:
        told = observer_payload(seen)
        rows.append(
            (
                seen.node,
                (told["last_state"] or "-")[:19],
                (told["last_test"] or "-")[:19],
                f"SILENT: {seen.why}" if seen.why else "alarm" if told["alarm"] else "watching",
            )
        )
    columns = ("observer", "last state (UTC)", "last test (UTC)", "how it is")
    yield from Table([Column(name) for name in columns], rows, width).lines()
