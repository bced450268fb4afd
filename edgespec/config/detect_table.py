"""The table of the configuration that says when something is an event."""

from dataclasses import dataclass, field

from edgespec.errors import ConfigError
from edgespec.option import ID, about, check_record
from edgespec.sensitivity import SENSITIVITIES, SENSITIVITIES_SAID

__all__ = ["DetectConfig"]


@dataclass(frozen=True, slots=True)
class DetectConfig:
    """When a score is an alarm and when alarms are an event."""

    detectors: tuple[str, ...] = field(
        default=("residual", "model", "zscore", "energy", "any-band"),
        metadata=about(
            "Detectors, any of which raises the alarm: residual looks at what is left when a cell "
            "is cancelled, cell at that cell itself, any-band at bands without one, the others at "
            "every segment",
            **ID,
        ),
    )
    sensitivity: str = field(
        default="medium",
        metadata=about(
            "How many false events a day are bearable, once `edgespec calibrate` has heard the "
            f"site: {SENSITIVITIES_SAID}",
            choices=tuple(SENSITIVITIES),
        ),
    )
    false_events_per_day: float | None = field(
        default=None,
        metadata=about(
            "The same as a number, which counts before sensitivity",
            minimum=0.1,
            maximum=100,
            example=2.0,
        ),
    )
    keep_budget: bool = field(
        default=False,
        metadata=about(
            "Whether a live observer raises thresholds by itself, up to four times, where those it "
            "has turn out to make more events than that, and so tells weak strangers who come "
            "again and again no longer"
        ),
    )
    false_alarm_rate: float = field(
        default=0.001,
        metadata=about(
            "Until the site is calibrated: share of normal segments that may alarm, by each "
            "detector, as the bundle was calibrated",
            minimum=1e-9,
            below=1,
        ),
    )
    threshold: str = field(
        default="quantile",
        metadata=about(
            "Until then: by the empirical quantile or the Gaussian fit of normal scores",
            choices=("quantile", "gaussian"),
        ),
    )
    k: int = field(
        default=2,
        metadata=about(
            "An event opens when k of the last n segments alarm", minimum=1, maximum=1000
        ),
    )
    n: int = field(default=3, metadata=about("See k", minimum=1, maximum=1000))
    hysteresis: float = field(
        default=0.9,
        metadata=about(
            "While an event is open, thresholds are multiplied by this", minimum=1e-3, maximum=1
        ),
    )
    hold_off_s: float = field(
        default=0.5,
        metadata=about("Quiet time after which an event ends", unit="s", minimum=0, maximum=86_400),
    )
    warmup_s: float = field(
        default=4.0,
        metadata=about(
            "Time after the start in which the observer learns what is normal and nothing alarms; "
            "40% of a recording that is hardly longer",
            unit="s",
            minimum=0,
            maximum=7_200,
        ),
    )
    max_clipped_fraction: float = field(
        default=0.1,
        metadata=about(
            "Frames with a larger share of clipped samples are an overload", minimum=0, maximum=1
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)
        if not self.detectors:
            raise ConfigError("detectors is empty; name at least one, such as 'zscore'")
        if len(set(self.detectors)) < len(self.detectors):
            raise ConfigError(f"detectors is {list(self.detectors)}; name each detector once")
        if self.k > self.n:
            raise ConfigError(
                f"k is {self.k} and n is {self.n}; k of the last n segments open an event, "
                "so k must be at most n"
            )

    @property
    def budget_per_day(self) -> float:
        """False events a day that are bearable."""
        if self.false_events_per_day is not None:
            return self.false_events_per_day
        return SENSITIVITIES[self.sensitivity]
