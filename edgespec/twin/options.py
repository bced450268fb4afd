"""How a site is watched, and how its path gains are known: two tables of a site file."""

from dataclasses import dataclass, field
from pathlib import Path

from edgespec.errors import ConfigError
from edgespec.option import about, check_record

__all__ = ["DETECTORS", "MATERIALS", "PROPAGATION_MODELS", "DetectOptions", "PropagationOptions"]

DETECTORS = ("energy", "matched", "likelihood", "lof")
#: Materials of ITU-R P.2040 that are defined from 1 to 10 GHz.
MATERIALS = (
    *("asphalt_concrete", "brick", "carpet_tile", "ceiling_board", "chipboard", "concrete"),
    *("glass", "marble", "medium_dry_ground", "metal", "plasterboard", "plywood"),
    *("very_dry_ground", "vinyl_tile", "wet_ground", "wood"),
)
PROPAGATION_MODELS = ("log-distance", "maps", "forest", "walk")


@dataclass(frozen=True, slots=True)
class PropagationOptions:
    """Table ``[propagation]``: how much of a transmitter's power arrives at a unit."""

    model: str = field(
        default="log-distance", metadata=about("Kind of model", choices=PROPAGATION_MODELS)
    )
    exponent: float = field(
        default=2.0, metadata=about("Path-loss exponent of log-distance", minimum=1, maximum=8)
    )
    reference_db: float | None = field(
        default=None,
        metadata=about(
            "Gain at 1 m; default: free space at the middle of the band",
            unit="dB",
            minimum=-200,
            maximum=100,
            example=-43.8,
        ),
    )
    file: Path | None = field(
        default=None, metadata=about("File of maps, of a forest or of a walk", example="hall.npz")
    )
    cell_m: float = field(
        default=1.0,
        metadata=about("Cells in which a source is searched", unit="m", above=0, maximum=1000),
    )
    source_height_m: float = field(
        default=1.5,
        metadata=about("Height at which a source is searched", unit="m", minimum=-1e4, maximum=1e4),
    )

    shell: str = field(
        default="concrete",
        metadata=about("What floor, walls and ceiling are of, for ray tracing", choices=MATERIALS),
    )

    gain_error_db: float = field(
        default=4.3,
        metadata=about(
            "How far the gain of a source is usually off", unit="dB", minimum=0, maximum=20
        ),
    )

    learn_gains: bool = field(
        default=False,
        metadata=about(
            "Whether gains of units and gain_error_db are learnt from transmitters that move"
        ),
    )

    power_error_db: float = field(
        default=8.0,
        metadata=about(
            "How far the power of a source is usually from that of the walk",
            unit="dB",
            above=0,
            maximum=40,
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)
        if self.model != "log-distance" and self.file is None:
            raise ConfigError(f"file is missing; the model {self.model!r} is read from one")


@dataclass(frozen=True, slots=True)
class DetectOptions:
    """Table ``[detect]``: when an alarm is raised, and how far units are trusted."""

    detector: str = field(
        default="likelihood", metadata=about("What scores a snapshot", choices=DETECTORS)
    )
    false_alarm_rate: float = field(
        default=1e-5,
        metadata=about("Probability of a false alarm per snapshot", minimum=1e-15, below=0.5),
    )
    source_power_dbm: float = field(
        default=30.0,
        metadata=about(
            "Most power of a source; it is searched from 35 dB below",
            unit="dBm",
            minimum=-50,
            maximum=120,
        ),
    )
    averages: int = field(
        default=10, metadata=about("Snapshots of the long average", minimum=1, maximum=1000)
    )
    interval_s: float = field(
        default=1.0, metadata=about("Length of a snapshot", unit="s", minimum=0.01, maximum=3600)
    )
    grace_s: float = field(
        default=0.5,
        metadata=about("How long a snapshot waits for late units", unit="s", minimum=0, maximum=60),
    )
    max_future_s: float = field(
        default=2.0,
        metadata=about("How far ahead a unit's clock may be", unit="s", minimum=0, maximum=3600),
    )
    min_units: int = field(
        default=4, metadata=about("Units below which nothing is said", minimum=2, maximum=10000)
    )
    witnesses: int = field(
        default=2, metadata=about("Units that must support an alarm", minimum=1, maximum=100)
    )
    learn_snapshots: int = field(
        default=300,
        metadata=about(
            "Normal snapshots to learn from where none were trained", minimum=20, maximum=100_000
        ),
    )
    max_bias_db: float = field(
        default=15.0,
        metadata=about(
            "Most bias that is learnt without `twin train`; of half the units, half of it",
            unit="dB",
            above=0,
            maximum=200,
        ),
    )
    bias_bound_db: float = field(
        default=3.0,
        metadata=about(
            "How far a learnt bias may move from training", unit="dB", minimum=0, maximum=200
        ),
    )
    bias_db_per_hour: float = field(
        default=0.5,
        metadata=about("How fast a learnt bias may move", unit="dB", minimum=0, maximum=1e4),
    )
    implausible_db: float = field(
        default=10.0,
        metadata=about(
            "Lasting difference from all others that distrusts a unit",
            unit="dB",
            above=0,
            maximum=200,
        ),
    )
    clipped_share: float = field(
        default=1e-3,
        metadata=about("Share of clipped frames that saturates a unit", minimum=0, maximum=1),
    )

    def __post_init__(self) -> None:
        check_record(self)
        least = 2 * (self.averages + 20)
        if self.learn_snapshots < least:
            raise ConfigError(
                f"learn_snapshots is {self.learn_snapshots}; with averages = {self.averages} it "
                f"must be at least {least}"
            )
