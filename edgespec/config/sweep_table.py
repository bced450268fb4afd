"""The table of the configuration that says how sweeps are judged."""

from dataclasses import dataclass, field

from edgespec.errors import ConfigError
from edgespec.option import about, check_record

__all__ = ["SweepConfig"]


@dataclass(frozen=True, slots=True)
class SweepConfig:
    """What bands that are swept go by; their time is counted in sweeps."""

    warmup_sweeps: int = field(
        default=60,
        metadata=about(
            "Sweeps after the start in which the observer learns what is normal and nothing "
            "alarms, in place of detect.warmup_s; 40% of a file that is hardly longer",
            minimum=8,
            maximum=100_000,
        ),
    )
    k: int = field(
        default=1,
        metadata=about(
            "An event opens when k of the last n sweeps alarm, in place of detect.k",
            minimum=1,
            maximum=1000,
        ),
    )
    n: int = field(default=1, metadata=about("See k", minimum=1, maximum=1000))
    hold_off_sweeps: int = field(
        default=3,
        metadata=about(
            "Quiet sweeps after which an event ends, in place of detect.hold_off_s",
            minimum=0,
            maximum=100_000,
        ),
    )
    before_sweeps: int = field(
        default=60,
        metadata=about(
            "How many sweeps before an alert are kept, in place of evidence.before_s",
            minimum=0,
            maximum=10_000,
        ),
    )
    after_sweeps: int = field(
        default=20,
        metadata=about("How many from its begin on", minimum=1, maximum=10_000),
    )

    def __post_init__(self) -> None:
        check_record(self)
        if self.k > self.n:
            raise ConfigError(
                f"k is {self.k} and n is {self.n}; k of the last n sweeps open an event, so k must "
                "be at most n"
            )
