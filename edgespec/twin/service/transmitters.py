"""Who transmits at a site, as a message of whoever knows the network.

An xApp of an O-RAN near-real-time controller or an adapter to the core's AMF publishes it,
retained; see docs/twin.md.
"""

from dataclasses import fields as fields_of
from typing import Any

from edgespec.alarm.fields import Fields, PayloadError, decode
from edgespec.errors import ConfigError
from edgespec.twin.site import Transmitter
from edgespec.units import format_utc

__all__ = ["TRANSMITTERS_SCHEMA", "parse_transmitters", "transmitters_payload"]

TRANSMITTERS_SCHEMA = "edgespec.transmitters/1"
_LISTS = ("freq_lower_hz", "freq_upper_hz")
_TEXTS = ("id", "antenna")


def transmitters_payload(
    site: str, transmitters: tuple[Transmitter, ...], utc_ns: int
) -> dict[str, Any]:
    """Return the object of schema ``edgespec.transmitters/1``; what is None is left out."""
    return {
        "schema": TRANSMITTERS_SCHEMA,
        "site": site,
        "time": format_utc(utc_ns),
        "transmitters": [
            {
                field.name: list(value) if isinstance(value, tuple) else value
                for field in fields_of(Transmitter)
                for value in (getattr(one, field.name),)
                if value is not None
            }
            for one in transmitters
        ],
    }


def parse_transmitters(data: bytes | str) -> tuple[int, tuple[Transmitter, ...]]:
    """Return time and transmitters; keys that are not known are left alone.

    Raises:
        PayloadError: it is no such message, or one of its transmitters is not possible.
    """
    payload = decode(data)
    utc_ns = Fields.of(payload, TRANSMITTERS_SCHEMA).utc_ns("time")
    items = payload.get("transmitters")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise PayloadError(f"{TRANSMITTERS_SCHEMA}: transmitters must be a list of objects")
    transmitters = tuple(_transmitter(item, index) for index, item in enumerate(items))
    names = [one.id for one in transmitters]
    if len(set(names)) < len(names):
        raise PayloadError(f"{TRANSMITTERS_SCHEMA}: transmitters has an id twice: {names!r:.80}")
    return utc_ns, transmitters


def _transmitter(item: dict[str, Any], index: int) -> Transmitter:
    where = f"{TRANSMITTERS_SCHEMA}: transmitters[{index}]"
    fields = Fields(item, where)
    values: dict[str, Any] = {}
    for field in fields_of(Transmitter):
        name = field.name
        if item.get(name) is None and name not in ("id", "x_m", "y_m", "z_m", "power_dbm"):
            continue
        if name in _LISTS:
            values[name] = _numbers(item[name], f"{where}.{name}")
        elif name in _TEXTS:
            values[name] = fields.text(name)
        elif name == "active":
            values[name] = fields.flag(name)
        else:
            values[name] = fields.number(name)
    try:
        return Transmitter(**values)
    except ConfigError as error:
        raise PayloadError(f"{where}.{error}") from error


def _numbers(values: object, where: str) -> tuple[float, ...]:
    if isinstance(values, list) and all(type(value) in (int, float) for value in values):
        return tuple(float(value) for value in values)
    raise PayloadError(f"{where} is {values!r:.60}; it must be a list of numbers")
