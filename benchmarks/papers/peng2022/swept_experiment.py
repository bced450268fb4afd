"""What is asked of the paper's networks: bands, places, networks, anomalies, as a TOML file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converter.baselines.baselines import BASELINES
from converter.data.sweeps.windows import N_FUTURE, N_PAST
from converter.lab.base import extended_tables
from converter.models.architectures import MODELS
from converter.simulate.swept.swept_band import SWEPT_BANDS
from edgespec.decode import Decoder
from edgespec.detect.discriminants.discriminant import check_discriminant
from edgespec.door import door
from edgespec.errors import ConfigError, EdgespecError
from edgespec.nearest import advice
from edgespec.option import about, check_record

__all__ = ["Network", "SweptExperiment", "load_swept_experiment"]

_DECODER = Decoder(is_toml=True)


@dataclass(frozen=True, slots=True)
class Network:
    """A network to train: its architecture (None: its name), and the parameters of its build.

    ``bands`` are those that it is trained for; empty: each of the experiment.
    """

    name: str
    architecture: str | None = None
    hyper: Mapping[str, Any] = field(default_factory=dict)
    bands: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Its architecture."""
        return self.architecture or self.name


@dataclass(frozen=True, slots=True)
class SweptExperiment:
    """A whole file. Every band has places of its own in train, validation and test.

    Each network is trained for each band, on ``n_windows`` segments; the bars are fitted to as
    many. Of each test place ``n_segments`` behind ``first_day`` are forecast, and ``n_anomalies``
    of them hear each class of anomalies at each ISR. Errors and areas are kept by place. ``note``
    is what whoever reads the report has to know.
    """

    name: str
    seed: int
    bands: tuple[str, ...]
    networks: Mapping[str, Network]
    note: str = ""
    bars: tuple[str, ...] = ("last-frame", "context-mean", "linear-ar", "residual-ar")
    discriminants: tuple[str, ...] = ("rmse", "mae", "dtw", "ramp", "hausdorff", "percentile")
    isrs_db: tuple[float, ...] = (-10.0, -5.0, 0.0, 5.0, 10.0)
    train_places: int = field(default=12, metadata=about("Places to train on", minimum=1))
    validation_places: int = field(default=3, metadata=about("Places to stop by", minimum=1))
    test_places: int = field(default=12, metadata=about("Places to tell of", minimum=2))
    days: float = field(default=10.0, metadata=about("Days of each place", above=0))
    first_day: float = field(
        default=3.0,
        metadata=about("Days before the first test segment: three of them have means", minimum=0),
    )
    n_past: int = field(default=N_PAST, metadata=about("Sweeps that are seen", minimum=1))
    n_future: int = field(default=N_FUTURE, metadata=about("Sweeps that are forecast", minimum=2))
    n_windows: int = field(default=20_000, metadata=about("Segments to train on", minimum=1))
    epochs: int = field(default=30, metadata=about("At most so many", minimum=1))
    patience: int = field(default=4, metadata=about("Epochs without progress", minimum=1))
    batch_size: int = field(default=64, metadata=about("Segments in a batch", minimum=1))
    learning_rate: float = field(default=1e-3, metadata=about("Step of Adam", above=0))
    n_segments: int = field(default=200, metadata=about("Test segments of a place", minimum=8))
    n_anomalies: int = field(default=20, metadata=about("Of a class, an ISR, a place", minimum=1))

    def __post_init__(self) -> None:
        check_record(self)

    def names_in(self, band: str) -> list[str]:
        """Return the bars and networks that are asked for in a band."""
        networks = self.networks.items()
        return [*self.bars, *(name for name, one in networks if band in (one.bands or [band]))]


def load_swept_experiment(path: Path) -> SweptExperiment:
    """Return the experiment of a TOML file, which may extend another (``base``, ``without``).

    Raises:
        ConfigError: it cannot be read, or names what is not there; the message says what to write.
    """
    tables = extended_tables(path)
    with door(f"the experiment {path}", ConfigError, "correct it"):
        experiment = _DECODER.decode(SweptExperiment, tables, str(path))
        try:
            _check(experiment)
        except EdgespecError as error:
            raise ConfigError(f"{path}: {error}") from None
    return experiment


def _check(experiment: SweptExperiment) -> None:
    for key, names, known in (
        ("bands", experiment.bands, SWEPT_BANDS),
        ("bars", experiment.bars, BASELINES),
        ("networks", [network.kind for network in experiment.networks.values()], MODELS),
        *(
            (f"networks.{name}.bands", network.bands, experiment.bands)
            for name, network in experiment.networks.items()
        ),
    ):
        for name in names:
            if name not in known:
                raise ConfigError(f"{key} names {name!r}: {advice(name, known)}")
    for name in experiment.discriminants:
        check_discriminant(name)
    if not experiment.bands or not experiment.isrs_db or not experiment.discriminants:
        raise ConfigError("bands, isrs_db and discriminants are not to be empty: name one of each")
    doubled = set(experiment.networks) & set(experiment.bars)
    if doubled:
        raise ConfigError(f"{doubled.pop()!r} is a network and a bar: give it another name")
