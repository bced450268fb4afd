"""Who transmits at a site, as a message of whoever knows the network.

An xApp of an O-RAN near-real-time controller or an adapter to the core's AMF publishes it,
retained; see docs/twin.md.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from edgespec.errors import ConfigError
from edgespec.option import ID, about, check_record
from edgespec.units import format_utc
from edgespec.wire.fields import Fields
from edgespec.wire.text import PayloadError, decode

__all__ = [
    "MAX_TRANSMITTERS_BYTES",
    "PLACE",
    "TRANSMITTERS_SCHEMA",
    "Transmitter",
    "parse_transmitters",
    "transmitters_payload",
]

TRANSMITTERS_SCHEMA = "edgespec.transmitters/1"
#: A thousand transmitters; a longer list is not even looked at.
MAX_TRANSMITTERS_BYTES = 256 * 1024

#: Bounds of a coordinate.
PLACE = {"unit": "m", "minimum": -1e5, "maximum": 1e5}


@dataclass(frozen=True, slots=True)
class Transmitter:
    """A legitimate transmitter, from the site file or from whoever knows the network.

    ``power_dbm`` is the EIRP in the direction of ``azimuth_deg`` (clockwise from north, +y), spread
    evenly over the frequencies it occupies: ``freq_lower_hz[i]`` to ``freq_upper_hz[i]`` for each
    run of resource blocks, or the whole band where none is given.
    """

    id: str = field(metadata=about("Name of the transmitter", **ID))
    x_m: float = field(metadata=about("Position, east", **PLACE))
    y_m: float = field(metadata=about("Position, north", **PLACE))
    z_m: float = field(metadata=about("Height", **PLACE))
    power_dbm: float = field(metadata=about("EIRP", unit="dBm", minimum=-100, maximum=120))
    azimuth_deg: float | None = field(
        default=None,
        metadata=about("Where a sector antenna looks", unit="deg", minimum=-360, maximum=360),
    )
    antenna: str = field(
        default="isotropic", metadata=about("Kind of antenna", choices=("isotropic", "sector"))
    )
    width_deg: float = field(
        default=65.0,
        metadata=about("Half-power width of a sector antenna", unit="deg", above=0, maximum=360),
    )
    freq_lower_hz: tuple[float, ...] = field(
        default=(), metadata=about("Lower edges of what it occupies", unit="Hz", minimum=0)
    )
    freq_upper_hz: tuple[float, ...] = field(
        default=(), metadata=about("Upper edges of what it occupies", unit="Hz", minimum=0)
    )
    active: bool = field(default=True, metadata=about("Whether it transmits"))

    def __post_init__(self) -> None:
        check_record(self)
        if len(self.freq_lower_hz) != len(self.freq_upper_hz):
            raise ConfigError(
                f"freq_lower_hz has {len(self.freq_lower_hz)} edges and freq_upper_hz "
                f"{len(self.freq_upper_hz)}; give both edges of every run of resource blocks"
            )
        for low_hz, high_hz in zip(self.freq_lower_hz, self.freq_upper_hz, strict=True):
            if high_hz <= low_hz:
                raise ConfigError(f"freq_upper_hz is {high_hz:g}; it must be above {low_hz:g} Hz")
        if self.antenna == "sector" and self.azimuth_deg is None:
            raise ConfigError("azimuth_deg is missing; a sector antenna looks somewhere")

    @property
    def xyz_m(self) -> tuple[float, float, float]:
        """Position in metres."""
        return self.x_m, self.y_m, self.z_m


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
                name: list(value) if isinstance(value, tuple) else value
                for name, value in asdict(one).items()
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
    fields = Fields.of(decode(data, MAX_TRANSMITTERS_BYTES), TRANSMITTERS_SCHEMA)
    transmitters = fields.records("transmitters", Transmitter)
    names = [one.id for one in transmitters]
    if len(set(names)) < len(names):
        raise PayloadError(f"{TRANSMITTERS_SCHEMA}: transmitters has an id twice: {names!r:.80}")
    return fields.utc_ns("time"), transmitters
