"""The table of the configuration that says what is kept of an alert."""

from dataclasses import dataclass, field

from edgespec.option import MOST_BYTES, about, check_record

__all__ = ["EvidenceConfig"]


@dataclass(frozen=True, slots=True)
class EvidenceConfig:
    """What is kept of a radio's samples around an alert."""

    keep: str = field(
        default="samples",
        metadata=about(
            "What is kept around an alert of a radio, in evidence/ of node.state_dir: samples, as "
            "SigMF recordings, or their power alone, as sweeps, in which no content is",
            choices=("samples", "power", "nothing"),
        ),
    )
    before_s: float = field(
        default=1.0,
        metadata=about("How much before an event is kept", unit="s", minimum=0, maximum=60),
    )
    after_s: float = field(
        default=1.0,
        metadata=about("How much from its begin on", unit="s", minimum=0.01, maximum=60),
    )
    pictures: bool = field(
        default=True,
        metadata=about(
            "Whether each recording is drawn beside it, by a process of its own, where matplotlib "
            "is installed"
        ),
    )
    max_bytes: int = field(
        default=200_000_000,
        metadata=about(
            "Bytes of all recordings and pictures; the oldest go",
            minimum=100_000,
            maximum=MOST_BYTES,
        ),
    )
    max_age_days: float = field(
        default=30.0,
        metadata=about("Recordings that are older go", unit="days", minimum=1e-3, maximum=36_500),
    )
    max_memory_bytes: int = field(
        default=64_000_000,
        metadata=about(
            "Memory for what was last heard; where that is too little, less is kept",
            minimum=100_000,
            maximum=MOST_BYTES,
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)
