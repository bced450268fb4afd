"""A site as its file says it: sensing units, transmitters, walls, and how it is watched."""

from dataclasses import dataclass, field
from itertools import combinations
from math import dist
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgespec.config.loader import load_record
from edgespec.errors import ConfigError
from edgespec.option import ID, MOST_HZ, NODE_ID, SITE_ID, about, check_record
from edgespec.twin.options import MATERIALS, DetectOptions, PropagationOptions
from edgespec.wire.transmitters import PLACE, Transmitter

__all__ = ["Site", "Unit", "Wall", "load_site"]


#: Sensing units nearer to each other than this are one unit entered twice, in metres.
_SAME_PLACE_M = 0.01


@dataclass(frozen=True, slots=True)
class Unit:
    """A sensing unit: an observer and where its antenna is."""

    node: str = field(metadata=about("Node id of the observer", **NODE_ID))
    x_m: float = field(metadata=about("Position, east", **PLACE))
    y_m: float = field(metadata=about("Position, north", **PLACE))
    z_m: float = field(metadata=about("Height", **PLACE))

    def __post_init__(self) -> None:
        check_record(self)

    @property
    def xyz_m(self) -> tuple[float, float, float]:
        """Position in metres."""
        return self.x_m, self.y_m, self.z_m


@dataclass(frozen=True, slots=True)
class Wall:
    """A box in the way: a path that crosses it loses ``loss_db`` once."""

    lower_m: tuple[float, ...] = field(metadata=about("Lower corner x, y, z", **PLACE))
    upper_m: tuple[float, ...] = field(metadata=about("Upper corner x, y, z", **PLACE))
    loss_db: float = field(metadata=about("Loss of crossing it", unit="dB", minimum=0, maximum=100))
    name: str = field(default="", metadata=about("What it is"))
    material: str = field(
        default="metal", metadata=about("What it is of, for ray tracing", choices=MATERIALS)
    )

    def __post_init__(self) -> None:
        check_record(self)
        for name in ("lower_m", "upper_m"):
            if len(getattr(self, name)) != 3:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be x, y, z in metres")
        if any(low >= high for low, high in zip(self.lower_m, self.upper_m, strict=True)):
            raise ConfigError(f"upper_m is {self.upper_m}; it must be above {self.lower_m} in all")


@dataclass(frozen=True, slots=True)
class Site:
    """One place, one band, the observers that listen to it.

    ``noise_floor_dbm`` is the noise of a unit over the whole band. The K subbands are equally wide.
    """

    name: str = field(metadata=about("Name of the site in MQTT topics", **SITE_ID))
    freq_lower_hz: float = field(
        metadata=about("Lower edge of the band", unit="Hz", above=0, maximum=MOST_HZ)
    )
    freq_upper_hz: float = field(
        metadata=about("Upper edge of the band", unit="Hz", above=0, maximum=MOST_HZ)
    )
    size_m: tuple[float, ...] = field(
        metadata=about("Size x, y, z from the origin", unit="m", above=0, maximum=1e5)
    )
    unit: tuple[Unit, ...] = field(metadata=about("Sensing units"))
    band: str = field(default="band0", metadata=about("Id of the band", **ID))
    n_subbands: int = field(default=8, metadata=about("Subbands", minimum=1, maximum=256))
    noise_floor_dbm: float = field(
        default=-100.0,
        metadata=about("Noise over the whole band", unit="dBm", minimum=-200, maximum=50),
    )
    level_unit: str = field(
        default="dBm", metadata=about("Unit of the reports", choices=("dBm", "dBFS"))
    )
    latitude_deg: float | None = field(
        default=None,
        metadata=about(
            "Latitude of the origin, x = 0, y = 0",
            unit="deg",
            minimum=-85,
            maximum=85,
            example=40.7,
        ),
    )
    longitude_deg: float | None = field(
        default=None,
        metadata=about(
            "Longitude of the origin", unit="deg", minimum=-180, maximum=180, example=-111.9
        ),
    )
    transmitter: tuple[Transmitter, ...] = field(
        default=(), metadata=about("Transmitters until MQTT says more")
    )
    wall: tuple[Wall, ...] = field(default=(), metadata=about("What attenuates"))
    propagation: PropagationOptions = field(
        default=PropagationOptions(), metadata=about("Path gain")
    )
    detect: DetectOptions = field(default=DetectOptions(), metadata=about("How it is watched"))

    def __post_init__(self) -> None:
        check_record(self)
        if self.freq_upper_hz <= self.freq_lower_hz:
            raise ConfigError(
                f"freq_upper_hz is {self.freq_upper_hz:g}; it must be above freq_lower_hz, "
                f"{self.freq_lower_hz:g} Hz"
            )
        if len(self.size_m) != 3:
            raise ConfigError(f"size_m is {self.size_m}; it must be x, y, z in metres")
        self._check_units()
        self._check_transmitters()

    def _check_units(self) -> None:
        if len(self.unit) < self.detect.min_units:
            raise ConfigError(
                f"unit has {len(self.unit)} sensing units and detect.min_units is "
                f"{self.detect.min_units}; add units or lower detect.min_units"
            )
        for one, other in combinations(self.unit, 2):
            if one.node == other.node:
                raise ConfigError(f"unit has the node {one.node!r} twice; name each node once")
            if dist(one.xyz_m, other.xyz_m) < _SAME_PLACE_M:
                raise ConfigError(
                    f"unit {one.node!r} and unit {other.node!r} are in one place, {one.xyz_m}; "
                    "correct the position of one of them"
                )

    def _check_transmitters(self) -> None:
        names = [transmitter.id for transmitter in self.transmitter]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"transmitter has the id {name!r} twice; name each once")

    @property
    def nodes(self) -> tuple[str, ...]:
        """Node ids of the units, in their order."""
        return tuple(unit.node for unit in self.unit)

    @property
    def units_xyz_m(self) -> NDArray[np.float64]:
        """Positions of the units, float64 ``(n_units, 3)``, in metres."""
        return np.array([unit.xyz_m for unit in self.unit], np.float64)

    @property
    def edges_hz(self) -> tuple[float, ...]:
        """The ``n_subbands + 1`` rising edges of the subbands in Hz."""
        return tuple(
            float(edge)
            for edge in np.linspace(self.freq_lower_hz, self.freq_upper_hz, self.n_subbands + 1)
        )

    @property
    def center_freq_hz(self) -> float:
        """Middle of the band in Hz."""
        return 0.5 * (self.freq_lower_hz + self.freq_upper_hz)


def load_site(path: Path) -> Site:
    """Return the site of a TOML file.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or says something that is not accepted.
    """
    return load_record(Site, path, "`edgespec twin init` prints a site")
