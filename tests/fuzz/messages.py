"""Everything that arrives over MQTT."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgespec.twin.central import SiteTwin
from edgespec.twin.state import TwinState
from edgespec.wire.event import mark_replayed, parse_event
from edgespec.wire.handover import parse_saved
from edgespec.wire.info import parse_info
from edgespec.wire.member import parse_member
from edgespec.wire.request import parse_request, parse_response
from edgespec.wire.rss import parse_rss
from edgespec.wire.rss_binary import encode_rss_binary
from edgespec.wire.site_event import parse_site_event
from edgespec.wire.state import parse_state
from edgespec.wire.topics import TwinTopics
from edgespec.wire.transmitters import parse_transmitters
from edgespec.wire.verdict import parse_verdict
from tests.edgespec.wire.test_bytes import REPORT, SAYS
from tests.fuzz.target import Call, Target
from tests.made.twin_site import World, hall

__all__ = ["PARSERS", "TARGETS"]

PARSERS: dict[str, Callable[[bytes], object]] = {
    "event": parse_event,
    "replayed": mark_replayed,
    "state": parse_state,
    "info": parse_info,
    "rss": parse_rss,
    "verdict": parse_verdict,
    "site_event": parse_site_event,
    "member": parse_member,
    "handover": parse_saved,
    "transmitters": parse_transmitters,
    "request": lambda data: parse_request("mute", data),
    "response": parse_response,
}


def _message(noun: str) -> Target:
    return Target(lambda: [SAYS[noun].encode()], lambda folder: PARSERS[noun])


def twin_states() -> list[bytes]:
    """Return what a central unit retains, before and after it has learnt."""
    site = hall()
    trained = World(site, np.random.default_rng(3)).trained(100)
    return [SiteTwin(site, trained=one).state().to_bytes() for one in (trained, None)]


def _topics(folder: Path) -> Call:
    topics = TwinTopics("edgespec")
    # The transport gives a topic as text; what is no UTF-8 does not get so far.
    return lambda data: topics.part_of(data.decode(errors="replace"))


TARGETS = {
    **{f"mqtt-{noun}": _message(noun) for noun in PARSERS},
    "mqtt-rss-binary": Target(lambda: [encode_rss_binary(REPORT)], lambda folder: parse_rss),
    "mqtt-twin-state": Target(twin_states, lambda folder: TwinState.from_bytes, cost=4),
    "mqtt-topic": Target(
        lambda: [b"edgespec/twin/hall/state", b"edgespec/twin/members/c-1"], _topics
    ),
}
