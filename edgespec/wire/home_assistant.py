"""What Home Assistant is told, so that it shows an observer without being set up for it.

One device with its components, retained, as of Home Assistant 2024.11
(https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload).
"""

from typing import Any

from edgespec import __version__
from edgespec.wire.fields import LEVEL_UNIT
from edgespec.wire.topics import Topics

__all__ = ["discovery_payload", "discovery_topic"]

#: How the fields of states end whose levels are in a unit.
_FIELDS = {LEVEL_UNIT: "dbfs", "dBm": "dbm", "dBuV/m": "dbuv_m"}


def discovery_topic(node: str) -> str:
    """Return where Home Assistant looks for the device of an observer."""
    return f"homeassistant/device/edgespec_{node}/config"


def discovery_payload(topics: Topics, info: dict[str, Any]) -> dict[str, Any]:
    """Return the device of an observer: alarm, noise floor and level of each band, its radios.

    A calibrated band has its levels in what it is calibrated to.

    Args:
        topics: of the observer.
        info: what it says of itself; ``board`` is told, and ``level_unit`` of the ``bands`` shown.
    """
    device = f"edgespec_{topics.node}"
    units = {band["band"]: band.get("level_unit") for band in info.get("bands", ())}
    components: dict[str, Any] = {}
    for band in topics.bands:
        components[f"alarm_{band}"] = {
            "platform": "binary_sensor",
            "name": f"Alarm {band}",
            "device_class": "problem",
            "state_topic": topics.alarm(band),
        }
        # A band's own topic, where there are several.
        state_topic = topics.states(band)[-1]
        unit = units.get(band) or LEVEL_UNIT
        for level, name in (("noise_floor", "Noise floor"), ("level", "Level")):
            key = f"{level}_{_FIELDS[unit]}"
            components[f"{key}_{band}"] = {
                "platform": "sensor",
                "name": f"{name} {band}",
                "state_topic": state_topic,
                "value_template": f"{{{{ value_json.{key} }}}}",
                "unit_of_measurement": unit,
                "state_class": "measurement",
                "suggested_display_precision": 1,
            }
    for radio in topics.radios:
        components[f"radio_{radio}"] = {
            "platform": "binary_sensor",
            "name": f"Radio {radio}",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "state_topic": topics.radio_availability(radio),
            "payload_on": "online",
            "payload_off": "offline",
        }
    for name, component in components.items():
        component["unique_id"] = f"{device}_{name}"
    return {
        "device": {
            "identifiers": [device],
            "name": f"edgespec {topics.node}",
            "manufacturer": "edgespec",
            "model": str(info.get("board", "observer")),
            "sw_version": __version__,
        },
        "origin": {"name": "edgespec", "sw_version": __version__},
        # online and offline are what Home Assistant expects.
        "availability": [{"topic": topics.availability}],
        "components": components,
        "qos": 1,
    }
