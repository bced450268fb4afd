"""The table of the configuration that says what is remembered, and for how long."""

from dataclasses import dataclass, field

from edgespec.errors import ConfigError
from edgespec.option import MOST_BYTES, about, check_record

__all__ = ["HistoryConfig"]

_LEAST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class HistoryConfig:
    """What an observer of a radio remembers."""

    max_bytes: int = field(
        default=100_000_000,
        metadata=about(
            "Disk space for events, states and levels of the past, in history.sqlite of "
            "node.state_dir; the oldest levels go first, 0 keeps nothing",
            minimum=0,
            maximum=MOST_BYTES,
        ),
    )
    max_age_days: float = field(
        default=400.0,
        metadata=about("What is older goes", unit="days", minimum=1e-3, maximum=36_500),
    )

    levels: bool = field(
        default=True,
        metadata=about("Whether levels and occupancy of every minute are remembered"),
    )

    def __post_init__(self) -> None:
        check_record(self)
        if 0 < self.max_bytes < _LEAST_BYTES:
            raise ConfigError(
                f"max_bytes is {self.max_bytes}; it must be 0, or at least {_LEAST_BYTES}"
            )
