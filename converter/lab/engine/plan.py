"""From an experiment to its tasks, each after what it needs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from converter.lab.engine.captures import found_recordings
from converter.lab.engine.task import Task
from converter.lab.engine.tasks.cached import ModelSource
from converter.lab.engine.tasks.data import AssembleDataset, SimulateObserver
from converter.lab.engine.tasks.measures import (
    DetectionWindows,
    LearnScores,
    PlayEpisodes,
    PlayRamp,
    PredictionTable,
    WatchRecordings,
)
from converter.lab.engine.tasks.models import (
    CalibrateBundle,
    QuantiseModel,
    TrainModel,
    TransferModel,
)
from converter.lab.engine.tasks.swept import PlaceScores, SimulatePlaces, TrainOnSweeps
from converter.lab.experiment import (
    Detection,
    Episodes,
    Experiment,
    ModelSpec,
    Poisoning,
)
from converter.lab.observers import calibration_specs, dataset_specs, test_specs
from converter.lab.swept import SweptDetection
from converter.simulate.specs import RecordingSpec
from edgespec.errors import ConfigError

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Tasks by name, each after what it needs, and notes on what is left out."""

    tasks: Mapping[str, Task]
    notes: tuple[str, ...] = ()


def make_plan(experiment: Experiment, recordings: Path) -> Plan:
    """Return all tasks of an experiment; data sets and models that nothing asks for are left out.

    Args:
        experiment: a checked one.
        recordings: where the files of ``real`` are, if they are anywhere.

    Raises:
        ConfigError: a bundle is calibrated in two ways.
    """
    planner = _Planner(experiment, recordings)
    for name in experiment.models:
        planner.model(name)
    for name in experiment.quantisations:
        planner.model(name)
    for prediction in experiment.predictions.values():
        for population in prediction.populations:
            planner.prediction(prediction.name, prediction.models, population)
    for detection in experiment.detections.values():
        planner.detection(detection)
    for episodes in experiment.episodes.values():
        planner.episodes(episodes)
    for poisoning in experiment.poisonings.values():
        planner.poisoning(poisoning)
    for name in experiment.real:
        planner.real(name)
    for swept in experiment.swept_detections.values():
        planner.swept(swept)
    return Plan(planner.tasks, tuple(planner.notes))


@dataclass(slots=True)
class _Planner:
    experiment: Experiment
    recordings: Path
    tasks: dict[str, Task] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def _add(self, task: Task) -> str:
        """Add a task after those that it needs; again is the same."""
        known = self.tasks.setdefault(task.name, task)
        if known != task:
            raise ConfigError(
                f"task {task.name!r} is asked for in two ways: let all that calibrates one bundle "
                "on one population have the same warmup_s and false_alarm_rate"
            )
        return task.name

    def dataset(self, population: str) -> str:
        """Plan the train and validation splits of a population."""
        name = f"dataset.{population}"
        if name in self.tasks:
            return name
        return self._dataset(population, population, dataset_specs(self.experiment, population))

    def calibration_dataset(self, population: str) -> str:
        """Plan the calibration split of a population, as frames on disk."""
        name = f"dataset.{population}.calibration"
        if name in self.tasks:
            return name
        specs = {"calibration": calibration_specs(self.experiment, population)}
        return self._dataset(f"{population}.calibration", population, specs)

    def _dataset(
        self, dataset: str, population: str, splits: Mapping[str, Iterable[RecordingSpec]]
    ) -> str:
        recipe = self.experiment.recipe_of(population)
        shards = tuple(
            (self._add(SimulateObserver(dataset, spec, recipe)), split)
            for split, specs in splits.items()
            for spec in specs
        )
        return self._add(AssembleDataset(dataset, shards, recipe))

    def model(self, name: str) -> ModelSource:
        """Plan a model or a quantised one, with all that it descends from."""
        quantised = self.experiment.quantisations.get(name)
        if quantised is not None:
            population = self.experiment.models[quantised.model].population
            self.dataset(population)
            _, task = self.model(quantised.model)
            return name, self._add(QuantiseModel(quantised, task, population))
        spec: ModelSpec = self.experiment.models[name]
        if spec.teacher is None:
            self.dataset(spec.population)
            return name, self._add(TrainModel(spec))
        _, teacher = self.model(spec.teacher)
        self.dataset(spec.population)
        return name, self._add(TransferModel(spec, teacher))

    def prediction(self, name: str, models: Iterable[str], population: str) -> None:
        """Plan one table of prediction errors."""
        sources = tuple(self.model(model) for model in models)
        observers = tuple(test_specs(self.experiment, population))
        recipe = self.experiment.recipe_of(population)
        self._add(PredictionTable(name, population, sources, observers, recipe))

    def detection(self, detection: Detection) -> None:
        """Plan the windows of every calibration and test observer."""
        population = detection.population
        recipe = self.experiment.recipe_of(population)
        sources = tuple(self.model(model) for model in detection.models)
        train_specs: tuple[RecordingSpec, ...] = ()
        if detection.baselines:
            self.dataset(population)
        if detection.baselines or detection.learn:
            train_specs = tuple(dataset_specs(self.experiment, population)["train"])
        observers = self.experiment.observers_of(population)
        longer = replace(detection, normal_s=observers.calibration_s - detection.warmup_s)
        listened_s = {
            "calibration": observers.calibration_s,
            "test": detection.warmup_s + detection.normal_s,
            "train": detection.warmup_s + detection.normal_s,
        }
        every = [("calibration", 0, s) for s in calibration_specs(self.experiment, population)]
        every += [("test", seed, spec) for seed, spec in test_specs(self.experiment, population)]
        if detection.learn:
            every += [("train", 0, spec) for spec in train_specs]
        tasks = []
        for split, seed, spec in every:
            task = DetectionWindows(
                longer if split == "calibration" else detection,
                split,
                seed,
                replace(spec, duration_s=listened_s[split]),
                sources,
                recipe,
                train_specs if detection.baselines else (),
            )
            tasks.append(self._add(task))
        if detection.learn:
            self._add(LearnScores(detection.name, tuple(tasks)))

    def episodes(self, episodes: Episodes) -> None:
        """Plan the device's run on every test observer."""
        self._calibrated(
            episodes.model, episodes.population, episodes.warmup_s, episodes.false_alarm_rate
        )
        one_s = episodes.on_s + episodes.off_s
        n = len(episodes.kinds) * len(episodes.isrs_db)
        seconds = episodes.warmup_s + episodes.normal_s + n * one_s
        for seed, spec in test_specs(self.experiment, episodes.population):
            self._add(PlayEpisodes(episodes, seed, replace(spec, duration_s=seconds)))

    def poisoning(self, poisoning: Poisoning) -> None:
        """Plan a ramp on the first test observers."""
        usual = Episodes(poisoning.name, poisoning.population, poisoning.model)
        if f"calibrate.{poisoning.model}@{poisoning.population}" not in self.tasks:
            self._calibrated(
                poisoning.model, poisoning.population, usual.warmup_s, usual.false_alarm_rate
            )
        observers = islice(test_specs(self.experiment, poisoning.population), poisoning.n_observers)
        for seed, spec in observers:
            self._add(
                PlayRamp(poisoning, seed, replace(spec, duration_s=poisoning.ramp.duration_s))
            )

    def swept(self, detection: SweptDetection) -> None:
        """Plan the scores of swept places, with the places and networks that they need."""
        experiment, population = self.experiment, detection.population
        places = experiment.swept[population]
        self._add(SimulatePlaces(population, places, experiment.seed))
        for name in detection.models:
            self._add(TrainOnSweeps(experiment.swept_models[name], places))
        self._add(PlaceScores(detection, places, experiment.seed))

    def _calibrated(self, name: str, population: str, warmup_s: float, rate: float) -> None:
        from converter.bundles.calibrate import FALSE_ALARM_RATES

        self.model(name)
        self.calibration_dataset(population)
        observers = self.experiment.observers_of(population)
        rates = tuple(sorted({*FALSE_ALARM_RATES, rate}, reverse=True))
        seconds = observers.calibration * observers.calibration_s
        self._add(CalibrateBundle(name, population, warmup_s, rates, seconds))

    def real(self, name: str) -> None:
        """Plan the watch of real recordings, or note that there are none."""
        from edgespec.inference.bundle import load_bundle, shipped_bundle_path

        real = self.experiment.real[name]
        files, missing = found_recordings(self.recordings, real.files)
        if missing:
            self.notes.append(
                f"real.{name}: nothing matches {', '.join(missing)} in {str(self.recordings)!r}"
            )
        if not files:
            return
        population, shipped = "", ""
        if real.model:
            model = self.experiment.quantisations[real.model].model
            population = self.experiment.models[model].population
            if f"calibrate.{real.model}@{population}" not in self.tasks:
                usual = Episodes(name, population, real.model)
                self._calibrated(real.model, population, usual.warmup_s, usual.false_alarm_rate)
        else:
            shipped = load_bundle(shipped_bundle_path()).sha256
        root = str(self.recordings.absolute())
        self._add(WatchRecordings(real, files, population, shipped, root))
