"""Steps that measure; each simulates its observers anew, so that no test signal is ever stored."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from converter.lab.engine.folder import WorkFolder
from converter.lab.engine.task import Task
from converter.lab.engine.tasks.cached import ModelSource, fitted_scorers, opened
from converter.lab.experiment import Detection, Episodes, Poisoning, Real
from converter.lab.measures.windows.stretch_layout import Layout
from converter.simulate.specs import RecordingSpec
from edgespec.framing import Recipe
from edgespec.option import about
from edgespec.records import Spectrogram

__all__ = [
    "DetectionWindows",
    "LearnScores",
    "PlayEpisodes",
    "PlayRamp",
    "PredictionTable",
    "WatchRecordings",
]

#: Seconds that one core takes: to simulate a second, to open a model, for each segment of a model
#: or baseline, and to put one thing on the air in one stretch.
_SIMULATE_S, _OPEN_S, _MODEL_S, _BASELINE_S, _VARIANT_S = 0.36, 1.0, 5e-4, 2.5e-4, 0.04
#: The same of each second of what is added at one ISR, of samples and segments that are scored in
#: order by each, and of interferers made, against a second of signal simulated.
_ADD_S, _HOPS_S, _DETECTOR_S, _MADE = 0.15, 0.03, 0.006, 3.0
#: Splits whose observers hear interferers.
_INJECTED = ("test", "train")
#: Segments of a stretch that are scored.
_N_NAMED = 6


class TableTask(Task):
    """A step whose output is the table at ``place``."""

    __slots__ = ()

    @property
    @abstractmethod
    def place(self) -> tuple[str, ...]:
        """What is measured, and on whom."""

    @property
    def name(self) -> str:
        """The place with dots."""
        return ".".join(self.place)

    def output(self, folder: WorkFolder) -> Path:
        """Return the table."""
        return folder.table(*self.place)


@dataclass(frozen=True, slots=True)
class PredictionTable(TableTask):
    """Prediction errors of some models on all test observers of one population.

    The models share a task because the signal, which takes longest to make, is the same for all.
    """

    prediction: str
    population: str
    models: tuple[ModelSource, ...]
    observers: tuple[tuple[int, RecordingSpec], ...]
    recipe: Recipe = field(metadata=about("How samples become segments", key="geometry"))

    @property
    def place(self) -> tuple[str, ...]:
        """The prediction and the population."""
        return "prediction", self.prediction, self.population

    @property
    def needs(self) -> tuple[str, ...]:
        """The models."""
        return tuple(task for _, task in self.models)

    @property
    def weight(self) -> float:
        """The signal, and each model's look at it."""
        seconds = sum(spec.duration_s for _, spec in self.observers)
        each_s = _OPEN_S + _MODEL_S * seconds / self.recipe.geometry.hop_s
        return _SIMULATE_S * seconds + len(self.models) * each_s

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Simulate, predict, write a row for each model and observer."""
        from converter.lab.measures.prediction_error import prediction_row
        from converter.lab.tables import columns_of, write_table
        from converter.simulate.frames import simulate_frames

        predictors = {source[0]: opened(folder, source) for source in self.models}
        rows = []
        for seed, spec in self.observers:
            frames = _kept(simulate_frames(spec, self.recipe))
            for model, predictor in predictors.items():
                head = {
                    "prediction": self.prediction,
                    "model": model,
                    "population": self.population,
                    "seed": seed,
                    "observer": spec.name,
                    "context": spec.context,
                }
                rows.append(head | prediction_row(predictor, frames))
        return {"rows": write_table(out, columns_of(rows))}


@dataclass(frozen=True, slots=True)
class DetectionWindows(TableTask):
    """Scores of every segment of one observer by every scorer.

    ``train_specs`` are those of the data set that the baselines are fitted on, whose key tells
    them apart already.
    """

    detection: Detection
    split: str
    seed: int
    spec: RecordingSpec
    models: tuple[ModelSource, ...]
    recipe: Recipe = field(metadata=about("How samples become segments", key="geometry"))
    train_specs: tuple[RecordingSpec, ...] = field(default=(), metadata={"key": False})

    @property
    def place(self) -> tuple[str, ...]:
        """The detection, and split, seed and name of the observer."""
        return "detection", self.detection.name, f"{self.split}-{self.seed}-{self.spec.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The models, and what the baselines learn from."""
        data = (f"dataset.{self.detection.population}",) if self.detection.baselines else ()
        return (*(task for _, task in self.models), *data)

    @property
    def weight(self) -> float:
        """The signal, and each scorer's look at it and its changes."""
        detection = self.detection
        n_variants = n_made = 0
        if self.split in _INJECTED:
            n_kinds = len(detection.kinds) * len(detection.isrs_db) + len(detection.faults)
            n_variants = detection.n_stretches * n_kinds
            n_made = detection.n_stretches * (len(detection.kinds) + len(detection.faults))
        layout = Layout.of(self.recipe, detection.persistent_s, detection.lasting_s)
        stretch_s = layout.n_samples / self.recipe.sample_rate_hz
        heard_s = self.spec.duration_s + n_variants * stretch_s
        in_order_s = heard_s * (
            _HOPS_S * len(detection.hops) + _DETECTOR_S * len(detection.detectors)
        )
        n_segments = self.spec.duration_s / self.recipe.geometry.hop_s + _N_NAMED * n_variants
        segment_s = _MODEL_S * len(self.models) + _BASELINE_S * len(detection.baselines)
        simulated_s = _SIMULATE_S * (self.spec.duration_s + _MADE * n_made * stretch_s)
        variants_s = n_variants * (_VARIANT_S + _ADD_S * stretch_s)
        return simulated_s + variants_s + in_order_s + segment_s * n_segments

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Simulate, add what is to be detected, score."""
        from converter.lab.measures.windows.window_scores import observer_windows
        from converter.lab.tables import write_table

        scorers = fitted_scorers(folder, self.detection, self.recipe, self.models, self.train_specs)
        inject = self.split in _INJECTED
        columns = observer_windows(self.spec, self.recipe, self.detection, scorers, inject=inject)
        n_rows = len(next(iter(columns.values())))
        head = {
            "detection": [self.detection.name] * n_rows,
            "population": [self.detection.population] * n_rows,
            "split": [self.split] * n_rows,
            "seed": [self.seed] * n_rows,
            "observer": [self.spec.name] * n_rows,
        }
        return {"rows": write_table(out, {**head, **columns})}


@dataclass(frozen=True, slots=True)
class LearnScores(TableTask):
    """Scores of classifiers for every row of a detection, in the order of its table."""

    detection: str
    windows: tuple[str, ...] = field(metadata={"key": False})

    @property
    def place(self) -> tuple[str, ...]:
        """The detection."""
        return "learned", self.detection

    @property
    def needs(self) -> tuple[str, ...]:
        """The windows of every observer."""
        return self.windows

    @property
    def weight(self) -> float:
        """Some seconds for each family and classifier."""
        return 120.0

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Learn without each family, score."""
        from converter.lab.measures.learned import learned_scores
        from converter.lab.numbers.cells import columns_of
        from converter.lab.tables import read_table, write_table

        table = read_table(folder.table("detection", self.detection).with_suffix(""))
        return {"rows": write_table(out, learned_scores(columns_of(table)))}


@dataclass(frozen=True, slots=True)
class PlayEpisodes(TableTask):
    """Events of the device's chain on one observer."""

    # Says how long it is in alarm, and what falls into a false event.
    version: ClassVar[int] = 3

    episodes: Episodes
    seed: int
    spec: RecordingSpec

    @property
    def place(self) -> tuple[str, ...]:
        """The episodes, and seed and name of the observer."""
        return "episodes", self.episodes.name, f"{self.seed}-{self.spec.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The calibrated bundle."""
        return (f"calibrate.{self.episodes.model}@{self.episodes.population}",)

    @property
    def weight(self) -> float:
        """The signal, and the device, which is some times faster."""
        return (_SIMULATE_S + 0.15) * self.spec.duration_s

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Play the device."""
        from converter.lab.measures.episodes import play_observer
        from converter.lab.tables import columns_of, write_table
        from edgespec.inference.bundle import load_bundle

        bundle = load_bundle(folder.calibrated(self.episodes.model, self.episodes.population))
        rows = play_observer(self.spec, bundle, self.episodes)
        head = {"episodes": self.episodes.name, "seed": self.seed}
        return {"rows": write_table(out, columns_of([head | row for row in rows]))}


@dataclass(frozen=True, slots=True)
class PlayRamp(TableTask):
    """A slow ramp against the device's chain, on one observer."""

    version: ClassVar[int] = 2

    poisoning: Poisoning
    seed: int
    spec: RecordingSpec

    @property
    def place(self) -> tuple[str, ...]:
        """The poisoning, and seed and name of the observer."""
        return "poisoning", self.poisoning.name, f"{self.seed}-{self.spec.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The calibrated bundle."""
        return (f"calibrate.{self.poisoning.model}@{self.poisoning.population}",)

    @property
    def weight(self) -> float:
        """The signal, and the device, which is some times faster."""
        return (_SIMULATE_S + 0.15) * self.poisoning.ramp.duration_s

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Play the ramp."""
        from converter.lab.measures.ramp import play_ramp
        from converter.lab.tables import columns_of, write_table
        from edgespec.config import DetectConfig
        from edgespec.inference.bundle import load_bundle

        bundle = load_bundle(folder.calibrated(self.poisoning.model, self.poisoning.population))
        detect = DetectConfig(detectors=self.poisoning.detectors)
        rows = play_ramp(self.spec, bundle, self.poisoning.ramp, detect)
        head = {"poisoning": self.poisoning.name, "seed": self.seed}
        return {"rows": write_table(out, columns_of([head | row for row in rows]))}


@dataclass(frozen=True, slots=True)
class WatchRecordings(TableTask):
    """Alarms on real recordings: ``files`` are their names and hashes, found below ``root``.

    ``population`` is whose thresholds the bundle has; without a model it is the shipped one.
    """

    real: Real
    files: tuple[tuple[str, str], ...]
    population: str
    shipped_sha256: str
    root: str = field(default="", metadata={"key": False})

    @property
    def place(self) -> tuple[str, ...]:
        """The watch."""
        return "real", self.real.name

    @property
    def needs(self) -> tuple[str, ...]:
        """The calibrated bundle, if it is not the shipped one."""
        return (f"calibrate.{self.real.model}@{self.population}",) if self.real.model else ()

    @property
    def weight(self) -> float:
        """About a second each."""
        return 1.0 + len(self.files)

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Watch every recording that has, or can be brought to, the bundle's sample rate."""
        from converter.data.ingest import first_sample_rate, recording_uri
        from converter.lab.measures.real import can_watch, watch_real
        from converter.lab.tables import columns_of, write_table
        from edgespec.inference.bundle import load_bundle, shipped_bundle_path

        path = shipped_bundle_path()
        if self.real.model:
            path = folder.calibrated(self.real.model, self.population)
        bundle = load_bundle(path)
        rate_hz = bundle.manifest.recipe.sample_rate_hz
        rows: list[dict[str, Any]] = []
        left_out: dict[str, str] = {}
        for file, _ in self.files:
            uri = recording_uri(str(Path(self.root) / file))
            heard_hz = first_sample_rate([uri])
            if not can_watch(heard_hz, rate_hz):
                left_out[file] = f"{heard_hz:g} samples a second, the model takes {rate_hz:g}"
                continue
            watched = watch_real(uri, bundle, self.real.detectors, self.real.warmup_share)
            if not watched:
                left_out[file] = "not one valid segment after the warm-up"
            rows += [{"real": self.real.name} | row | {"file": file} for row in watched]
        return {"rows": write_table(out, columns_of(rows)) if rows else 0, "left_out": left_out}


def _kept(pieces: Iterable[Spectrogram]) -> list[Spectrogram]:
    """Return copies of pieces whose arrays are written over."""
    return [piece.copy() for piece in pieces]
