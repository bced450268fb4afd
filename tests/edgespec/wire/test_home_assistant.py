"""What Home Assistant is told goes together with what the observer publishes."""

import json
import re

import pytest

from edgespec.records import ObserverState
from edgespec.wire.home_assistant import discovery_payload, discovery_topic
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode
from edgespec.wire.topics import Topics

BANDS = [("lte",), ("lte", "gsm")]


@pytest.mark.parametrize("bands", BANDS)
def test_every_component_reads_a_topic_and_a_field_that_are_published(
    bands: tuple[str, ...],
) -> None:
    topics = Topics("edgespec", "pi-1", bands, ("r0", "r1"))
    payload = json.loads(encode(discovery_payload(topics, {"board": "aarch64"})))
    state = state_payload(ObserverState(0, 1.0, 2, 3, 4, 5, band="lte"), "pi-1")
    published = {topics.alarm(band) for band in bands}
    published |= {topic for band in bands for topic in topics.states(band)}
    published |= {topics.radio_availability(radio) for radio in topics.radios}
    components = payload["components"].values()
    assert {one["state_topic"] for one in components} <= published
    for one in components:
        if "value_template" in one:
            (field,) = re.findall(r"^{{ value_json\.(\w+) }}$", one["value_template"])
            assert field in state
    assert payload["availability"] == [{"topic": topics.availability}]


@pytest.mark.parametrize("bands", BANDS)
def test_every_component_has_an_id_of_its_own_and_bands_have_topics_of_theirs(
    bands: tuple[str, ...],
) -> None:
    payload = discovery_payload(Topics("edgespec", "pi-1", bands, ("r0",)), {})
    components = payload["components"]
    assert len(components) == 3 * len(bands) + 1
    ids = [one["unique_id"] for one in components.values()]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("edgespec_pi-1_") for one in ids)
    levels = [one["state_topic"] for name, one in components.items() if name.startswith("level")]
    assert len(set(levels)) == len(bands)
    assert payload["device"]["identifiers"] == ["edgespec_pi-1"]


def test_the_topic_is_of_the_node() -> None:
    assert discovery_topic("pi-1") == "homeassistant/device/edgespec_pi-1/config"
