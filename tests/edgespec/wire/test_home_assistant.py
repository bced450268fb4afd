"""What Home Assistant is told goes together with what the observer publishes."""

import json
import re

import pytest

from edgespec.level_scale import LevelScale
from edgespec.records import ObserverState
from edgespec.wire.home_assistant import discovery_payload, discovery_topic
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode
from edgespec.wire.topics import Topics

BANDS = [("lte",), ("lte", "gsm")]

#: What Home Assistant knows (homeassistant/components/mqtt/schemas.py, sensor.py, binary_sensor.py
#: and https://www.home-assistant.io/integrations/mqtt): what it does not know it leaves out in
#: silence, so a key that is written wrong is seen nowhere.
TOP = {"device", "components", "origin", "availability", "state_topic", "command_topic", "qos"}
DEVICE = {
    *("identifiers", "connections", "manufacturer", "model", "model_id", "name", "hw_version"),
    *("sw_version", "serial_number", "via_device", "suggested_area", "configuration_url"),
}
ENTITY = {
    *("platform", "name", "unique_id", "state_topic", "value_template", "device_class"),
    *("entity_category", "icon", "enabled_by_default", "expire_after", "force_update"),
}
PLATFORMS = {
    "sensor": {*ENTITY, "unit_of_measurement", "state_class", "suggested_display_precision"},
    "binary_sensor": {*ENTITY, "payload_on", "payload_off", "off_delay"},
}
VALUES = {
    "device_class": {"problem", "connectivity"},
    "state_class": {"measurement", "total", "total_increasing"},
    "entity_category": {"diagnostic", "config"},
}


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


def test_a_calibrated_band_has_its_levels_in_what_arrives() -> None:
    """Home Assistant keeps one unit for one id: what is calibrated is another thing there."""
    topics = Topics("edgespec", "pi-1", ("lte", "gsm", "fm"), ("r0",))
    units = {"lte": "dBFS", "gsm": "dBm", "fm": "dBuV/m"}
    told = [{"band": band, "level_unit": unit} for band, unit in units.items()]
    components = discovery_payload(topics, {"bands": told})["components"]
    state = state_payload(ObserverState(0, 1.0, 2, 3, 4, 5, scale=LevelScale(-30.0, 24.0)), "pi-1")
    for band, end in (("lte", "dbfs"), ("gsm", "dbm"), ("fm", "dbuv_m")):
        for level in ("level", "noise_floor"):
            one = components[f"{level}_{end}_{band}"]
            assert one["unit_of_measurement"] == units[band]
            assert one["value_template"] == f"{{{{ value_json.{level}_{end} }}}}"
            assert isinstance(state[f"{level}_{end}"], float)


@pytest.mark.parametrize("bands", BANDS)
def test_it_has_what_home_assistant_wants_and_nothing_that_it_does_not_know(
    bands: tuple[str, ...],
) -> None:
    payload = discovery_payload(Topics("edgespec", "pi-1", bands, ("r0",)), {"board": "aarch64"})
    assert {"device", "components", "origin"} <= set(payload) <= TOP
    assert {"identifiers", "name"} <= set(payload["device"]) <= DEVICE
    assert {"name"} <= set(payload["origin"]) <= {"name", "sw_version", "support_url"}
    for one in payload["availability"]:
        assert {"topic"} <= set(one) <= {"topic", "payload_available", "payload_not_available"}
    assert payload["qos"] in (0, 1, 2)
    for one in payload["components"].values():
        # An entity without an id of its own is refused in a device.
        assert {"platform", "unique_id", "state_topic"} <= set(one) <= PLATFORMS[one["platform"]]
        assert not set("+#") & set(one["state_topic"])
        assert all(one[name] in known for name, known in VALUES.items() if name in one)
    # The id of a device in a topic: letters, digits, _ and -.
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", discovery_topic("pi-1"))


def test_the_topic_is_of_the_node() -> None:
    assert discovery_topic("pi-1") == "homeassistant/device/edgespec_pi-1/config"
