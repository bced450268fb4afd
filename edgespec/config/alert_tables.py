"""The tables that say what is told of events, and which of them are alerts."""

from dataclasses import dataclass, field

from edgespec.config.hours import HOURS, Hours, local_time
from edgespec.option import ID, MOST_HZ, MOST_S, about, check_edges, check_record

__all__ = ["AlarmConfig", "AlertConfig"]

_KIND = {"pattern": "[a-z0-9-]+", "pattern_text": "kinds of events, such as 'tone'"}


@dataclass(frozen=True, slots=True)
class AlarmConfig:
    """How often the observer speaks and when it must not alarm."""

    update_s: float = field(
        default=1.0,
        metadata=about(
            "Time between updates of an open event", unit="s", minimum=1e-3, maximum=MOST_S
        ),
    )
    state_s: float = field(
        default=5.0, metadata=about("Time between states", unit="s", minimum=1e-3, maximum=MOST_S)
    )
    test_every_h: float = field(
        default=24.0,
        metadata=about(
            "Time between two tests of a band by itself, the first ten minutes after the start: "
            "a tone added to a copy of what was heard must be found; 0 for none",
            unit="h",
            minimum=0,
            maximum=8_760,
        ),
    )
    quiet_hours: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "Hours in which no event becomes an alert", example=("22:00-06:00", "sun"), **HOURS
        ),
    )
    time_zone: str = field(
        default="UTC",
        metadata=about(
            "Zone of all hours: UTC, local (the system's), or a name such as Europe/Berlin"
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)
        _check_hours(self.quiet_hours)
        local_time(0, self.time_zone)


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """What an event must be to be an alert, as far as one rule says it."""

    bands: tuple[str, ...] = field(
        default=(),
        metadata=about("Ids of its bands; default: every band", example=("band0",), **ID),
    )
    kinds: tuple[str, ...] = field(
        default=(),
        metadata=about("Its kinds; default: every kind", example=("tone", "pulse"), **_KIND),
    )
    mask: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "What the band's mask says of it: listed (within its level), over (it is stronger), "
            "not-listed; default: any",
            example=("over", "not-listed"),
            pattern="listed|over|not-listed",
            pattern_text="listed, over or not-listed",
        ),
    )
    hours: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "Hours in which it goes on; default: all",
            example=("mon-fri 08:00-18:00", "sat"),
            **HOURS,
        ),
    )
    min_excess_db: float = field(
        default=0.0,
        metadata=about(
            "It differs so much from normal at its peak", unit="dB", minimum=0, maximum=1_000
        ),
    )
    min_severity_db: float = field(
        default=0.0,
        metadata=about(
            "... and so much in the mean between its edges", unit="dB", minimum=0, maximum=1_000
        ),
    )
    min_sureness: float = field(default=0.0, metadata=about("It is so sure", minimum=0, maximum=1))
    min_duration_s: float = field(
        default=0.0, metadata=about("It lasts so long", unit="s", minimum=0, maximum=MOST_S)
    )
    lower_hz: float | None = field(
        default=None,
        metadata=about(
            "It reaches above this frequency",
            unit="Hz",
            minimum=-MOST_HZ,
            maximum=MOST_HZ,
            example=805e6,
        ),
    )
    upper_hz: float | None = field(
        default=None,
        metadata=about(
            "... and below this one", unit="Hz", minimum=-MOST_HZ, maximum=MOST_HZ, example=807e6
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)
        _check_hours(self.hours)
        check_edges(self.lower_hz, self.upper_hz)


def _check_hours(texts: tuple[str, ...]) -> None:
    for text in texts:
        Hours.parse(text)
