"""Levels of a message in dBm and dBuV/m, and the scale that says so: one form for all messages."""

from typing import Any

from edgespec.level_scale import LevelScale
from edgespec.wire.fields import Fields

__all__ = ["NO_SCALE", "level_payload", "parse_scale", "scale_payload"]

#: What messages say of their scale that are older than it.
NO_SCALE = dict.fromkeys(("full_scale_dbm", "antenna_factor_db", "calibrated", "gain_db"))


def level_payload(name: str, level_dbfs: float, scale: LevelScale) -> dict[str, Any]:
    """Return ``<name>_dbm`` and ``<name>_dbuv_m``, null where nobody knows."""
    level = float(level_dbfs)
    return {f"{name}_dbm": scale.dbm(level), f"{name}_dbuv_m": scale.dbuv_m(level)}


def scale_payload(scale: LevelScale, utc_ns: int) -> dict[str, Any]:
    """Return what levels were calibrated to, and how long before ``utc_ns``; nulls: they were not.

    And the gain, where one is set. A ``utc_ns`` of 0 is a time that nobody knows.
    """
    return {
        "full_scale_dbm": scale.full_scale_dbm,
        "antenna_factor_db": scale.antenna_factor_db,
        "calibrated": None if scale.calibrated is None else scale.calibrated.isoformat(),
        "calibration_age_days": scale.age_days(utc_ns),
        "gain_db": scale.gain_db,
    }


def parse_scale(fields: Fields) -> LevelScale:
    """Return the scale of a message written with :func:`scale_payload`.

    Raises:
        PayloadError: a field is missing or of another type.
    """
    return LevelScale(
        fields.optional_number("full_scale_dbm"),
        fields.optional_number("antenna_factor_db"),
        fields.optional_day("calibrated"),
        fields.optional_number("gain_db"),
    )
