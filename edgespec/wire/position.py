"""Where a source probably is, how strong and on which frequencies: a part of several messages."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from edgespec.wire.fields import Fields

__all__ = ["Located", "Position", "located_payload", "parse_located", "rounded"]

_AXES = ("x_m", "y_m", "z_m", "sigma_m")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a source probably is; ``sigma_m`` is the RMS distance of the truth from here.

    ``region_m2`` is the area of the smallest region that holds it with 90%, None if unknown.
    """

    x_m: float
    y_m: float
    z_m: float
    sigma_m: float
    region_m2: float | None = None


class Located(Protocol):
    """A record that says where a source is, as far as it is known."""

    @property
    def source(self) -> Position | None:
        """Where."""
        ...

    @property
    def power_dbm(self) -> float | None:
        """How strong."""
        ...

    @property
    def freq_lower_hz(self) -> float | None:
        """Lower edge of the frequencies that it affects."""
        ...

    @property
    def freq_upper_hz(self) -> float | None:
        """Upper edge of them."""
        ...


def located_payload(record: Located) -> dict[str, Any]:
    """Return the fields of a payload that say where a source is; ``null`` for what is unknown."""
    source = record.source
    place = source and {
        **{name: round(float(getattr(source, name)), 2) for name in _AXES},
        "region_m2": rounded(source.region_m2),
    }
    return {
        "core:freq_lower_edge": rounded(record.freq_lower_hz),
        "core:freq_upper_edge": rounded(record.freq_upper_hz),
        "source": place,
        "power_dbm": rounded(record.power_dbm),
    }


def parse_located(fields: Fields) -> dict[str, Any]:
    """Return the fields of the record written as :func:`located_payload`, by their names.

    Raises:
        PayloadError: a field is missing or of the wrong type.
    """
    source = fields.optional_inner("source")
    return {
        "source": source
        and Position(
            source.number("x_m"),
            source.number("y_m"),
            source.number("z_m"),
            source.number("sigma_m"),
            # Central units of before it was told leave it out.
            source.optional_number("region_m2") if source.has("region_m2") else None,
        ),
        "freq_lower_hz": fields.optional_number("core:freq_lower_edge"),
        "freq_upper_hz": fields.optional_number("core:freq_upper_edge"),
        "power_dbm": fields.optional_number("power_dbm"),
    }


def rounded(value: float | None) -> float | None:
    """Return a number to four decimals, None for none and for NaN."""
    return None if value is None or math.isnan(value) else round(float(value), 4)
