"""What an experiment file asks for: populations, models, and what is measured on them.

Four sets are kept apart by observer: ``train`` fits, ``validation`` stops and selects,
``calibration`` sets thresholds, ``test`` is measured and chooses nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from converter.lab.swept import SweptDetection, SweptPopulation
from converter.simulate.population import Population
from converter.training.settings import TrainSettings
from edgespec.config import DetectConfig
from edgespec.errors import UsageError
from edgespec.framing import Recipe
from edgespec.option import about

__all__ = [
    "Detection",
    "Episodes",
    "Experiment",
    "ModelSpec",
    "Observers",
    "Poisoning",
    "Prediction",
    "Quantisation",
    "Ramp",
    "Real",
]


@dataclass(frozen=True, slots=True)
class Observers:
    """How many observers of a population there are in each split, and for how many seconds.

    ``train_s`` and the like are seconds of each observer. ``n_seeds`` sets of test observers are
    drawn, each by a simulator seed of its own.
    """

    train: int = 30
    train_s: float = 6.4
    validation: int = 6
    validation_s: float = 4.0
    calibration: int = 12
    calibration_s: float = 8.0
    test: int = 12
    test_s: float = 4.0
    n_seeds: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec(TrainSettings):
    """A model to train, or to transfer from a ``teacher`` by a ``method`` with ``seconds`` of data.

    ``seconds`` None takes all the training data of the population. An experiment trains many
    models, so each gets fewer epochs than one that is trained by itself.
    """

    name: str
    population: str
    teacher: str | None = None
    method: str | None = None
    seconds: float | None = None
    epochs: int = field(default=12, metadata=about("At most so many", minimum=1))
    patience: int = field(default=3, metadata=about("Epochs without progress", minimum=1))

    def __post_init__(self) -> None:
        TrainSettings.__post_init__(self)
        if (self.teacher is None) != (self.method is None):
            raise UsageError(
                f"model {self.name!r} has the teacher {self.teacher!r} and the method "
                f"{self.method!r}; a transfer needs both, a training none of them"
            )

    @property
    def settings(self) -> TrainSettings:
        """How it is trained, without what it is for."""
        return TrainSettings(
            **{item.name: getattr(self, item.name) for item in fields(TrainSettings)}
        )


@dataclass(frozen=True, slots=True)
class Quantisation:
    """A trained model in TFLite, under a name of its own: ``kind`` as ``quantize`` has it."""

    name: str
    model: str
    kind: str = "float16"


@dataclass(frozen=True, slots=True)
class Prediction:
    """Prediction errors in dB of some models on the test observers of some populations."""

    name: str
    models: tuple[str, ...]
    populations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Detection:
    """Scores of segments with and without something on the air, by many scorers.

    ``baselines`` are names of :data:`converter.baselines.baselines.BASELINES`; ``detectors`` those
    of :data:`converter.lab.measures.windows.scorers.SEGMENT_DETECTORS`; ``discriminants`` those of
    :mod:`edgespec.detect.discriminants`, by each of which every model and every baseline that
    forecasts is scored beside its root mean square; ``hops`` those of
    :data:`converter.lab.measures.hops.hop_scorers.HOP_SCORERS`, which look at samples. Baselines
    are fitted on the train split of ``population``. ``kinds`` of interferers at each of
    ``isrs_db``; ``faults`` are written ``power-step:3``, ``frequencies-down:0.33``,
    ``station-lost``. Every observer warms up for ``warmup_s``, is scored for ``normal_s`` without
    anything, and then gives ``n_stretches`` stretches to each kind, in which it is on the air for
    ``persistent_s`` before a horizon is persistent, and for ``lasting_s`` before one is lasting;
    0 leaves the latter out. With ``learn`` the train observers hear interferers as well, and
    classifiers learn from them all features and scores (:mod:`converter.lab.measures.learned`).
    """

    name: str
    population: str
    models: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    detectors: tuple[str, ...] = ()
    hops: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    isrs_db: tuple[float, ...] = (-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0)
    faults: tuple[str, ...] = ()
    warmup_s: float = 4.0
    normal_s: float = 3.0
    n_stretches: int = 3
    persistent_s: float = 0.045
    lasting_s: float = 0.0
    learn: bool = field(default=False, metadata={"late": True})
    discriminants: tuple[str, ...] = field(default=(), metadata={"late": True})


@dataclass(frozen=True, slots=True)
class Episodes:
    """Events of the whole device chain: one model's bundle and detectors, in seconds of signal.

    ``detectors`` are those that it monitors by when nobody names any.
    Every test observer warms up, is watched for ``normal_s``, and hears each kind at each ISR once
    for ``on_s`` with ``off_s`` of normal signal after it.
    """

    name: str
    population: str
    model: str
    detectors: tuple[str, ...] = DetectConfig().detectors
    false_alarm_rate: float = 0.001
    kinds: tuple[str, ...] = ()
    isrs_db: tuple[float, ...] = (-10.0, -5.0, 0.0, 5.0)
    warmup_s: float = 4.0
    normal_s: float = 20.0
    on_s: float = 0.3
    off_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Ramp:
    """An interferer that rises from one ISR to another and then stays for ``hold_s``.

    It begins ``start_s`` after the observer. With ``relearn_s`` the device forgets all and warms
    up again so often, whatever it heard.
    """

    kind: str = "tone"
    rate_db_per_s: float = 1.0
    start_s: float = 5.0
    start_isr_db: float = -30.0
    stop_isr_db: float = 10.0
    hold_s: float = 1.0
    relearn_s: float = 0.0

    def __post_init__(self) -> None:
        if not (self.rate_db_per_s > 0 and self.stop_isr_db > self.start_isr_db):
            raise UsageError(
                f"a ramp from {self.start_isr_db:g} to {self.stop_isr_db:g} dB at "
                f"{self.rate_db_per_s:g} dB/s does not rise; the rate must be positive and the "
                "end above the start"
            )
        if self.start_s < 0 or self.hold_s < 0 or self.relearn_s < 0:
            raise UsageError("start_s, hold_s and relearn_s of a ramp must not be negative")

    @property
    def duration_s(self) -> float:
        """Seconds from the start of the observer to the end of the hold."""
        rise_s = (self.stop_isr_db - self.start_isr_db) / self.rate_db_per_s
        return self.start_s + rise_s + self.hold_s


@dataclass(frozen=True, slots=True)
class Poisoning:
    """A slow ramp against what the device learns by itself, on the first test observers."""

    name: str
    population: str
    model: str
    ramp: Ramp = field(default_factory=Ramp)
    detectors: tuple[str, ...] = ("model", "zscore", "energy", "ewma")
    n_observers: int = 4


@dataclass(frozen=True, slots=True)
class Real:
    """Normal-only false-alarm figures on real recordings: ``files`` are names or glob patterns.

    ``model`` is a quantised model, calibrated on the population it was trained on; empty is the
    bundle that comes with the package. Each recording's first ``warmup_share`` teaches the plain
    detectors and the site's scale. Recordings that are not there are left out, and the report says
    so; so are those of another sample rate than the model's.
    """

    name: str
    files: tuple[str, ...]
    model: str = ""
    detectors: tuple[str, ...] = ("model", "zscore", "energy")
    warmup_share: float = 0.5


@dataclass(frozen=True, slots=True)
class Experiment:
    """A whole experiment file.

    ``geometries`` names the populations that are heard at another geometry than ``geometry``;
    both say how samples become segments. ``swept`` are populations of swept bands, which tables of
    their own train on and measure.
    """

    name: str
    seed: int
    geometry: Recipe
    populations: Mapping[str, Population]
    observers: Mapping[str, Observers]
    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    quantisations: Mapping[str, Quantisation] = field(default_factory=dict)
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    detections: Mapping[str, Detection] = field(default_factory=dict)
    episodes: Mapping[str, Episodes] = field(default_factory=dict)
    poisonings: Mapping[str, Poisoning] = field(default_factory=dict)
    real: Mapping[str, Real] = field(default_factory=dict)
    geometries: Mapping[str, Recipe] = field(default_factory=dict)
    swept: Mapping[str, SweptPopulation] = field(default_factory=dict)
    swept_models: Mapping[str, ModelSpec] = field(default_factory=dict)
    swept_detections: Mapping[str, SweptDetection] = field(default_factory=dict)

    @property
    def hears_samples(self) -> bool:
        """Whether anything but sweeps is asked for."""
        return bool(self.populations) or not self.swept

    def recipe_of(self, population: str) -> Recipe:
        """Return the recipe that a population is heard at."""
        return self.geometries.get(population, self.geometry)

    def observers_of(self, population: str) -> Observers:
        """Return how many observers a population has; the defaults where nothing is said."""
        return self.observers.get(population, Observers())
