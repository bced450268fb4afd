"""What the records of an experiment must agree on: names that exist, values that make sense.

Everything is checked before anything runs: a wrong name in the last table is found at once, not
after two hours.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from converter.baselines.baselines import BASELINES
from converter.lab.experiment import Detection, Experiment, ModelSpec, Observers
from converter.lab.known import check_hyper, check_known
from converter.lab.measures.hops.hop_scorers import HOP_SCORERS
from converter.lab.measures.windows.observer_plan import ObserverPlan
from converter.lab.measures.windows.segment_detectors import SEGMENT_DETECTORS
from converter.lab.measures.windows.stretches import fault_config
from converter.lab.swept_checks import check_swept
from converter.training.transfer import METHODS
from edgespec.detect.any_band.detector import ANY_BAND
from edgespec.detect.detectors import CELL, PLAIN_DETECTORS, RESIDUAL
from edgespec.detect.discriminants.discriminant import check_discriminant
from edgespec.errors import ConfigError, UsageError
from edgespec.inference.manifest import QUANTISATIONS
from edgespec.records import Geometry
from edgespec.simulate.interferers import KINDS

__all__ = ["check_experiment"]


def check_experiment(experiment: Experiment) -> None:
    """Check an experiment as a whole.

    Raises:
        ConfigError: a name that is not there, or a value that is not accepted; the message names
            table, key and value.
    """
    if experiment.seed < 0:
        raise ConfigError(f"seed is {experiment.seed}; it must not be negative")
    for name, observers in experiment.observers.items():
        check_known(f"observers.{name}", [name], experiment.populations, "population")
        _check_observers(f"observers.{name}", observers, experiment.recipe_of(name).geometry)
    for name in experiment.geometries:
        check_known(f"geometries.{name}", [name], experiment.populations, "population")
    for model in experiment.models.values():
        _check_model(experiment, model)
    _check_lineage(experiment.models)
    for name, quantisation in experiment.quantisations.items():
        path = f"quantisations.{name}"
        if name in experiment.models:
            raise ConfigError(f"{path} has the name of a model; give it one of its own")
        check_known(f"{path}.model", [quantisation.model], experiment.models, "model")
        check_known(f"{path}.kind", [quantisation.kind], QUANTISATIONS, "kind")
    for name, prediction in experiment.predictions.items():
        path = f"predictions.{name}"
        _check_populations(experiment, f"{path}.populations", prediction.populations)
        for population in prediction.populations:
            _check_models(experiment, f"{path}.models", prediction.models, population)
    for name, detection in experiment.detections.items():
        _check_detection(experiment, f"detections.{name}", detection)
    _check_device(experiment)
    check_swept(experiment)


def _check_model(experiment: Experiment, model: ModelSpec) -> None:
    path = f"models.{model.name}"
    _check_populations(experiment, f"{path}.population", [model.population])
    check_hyper(path, model)
    if model.teacher is None:
        if model.seconds is not None:
            raise ConfigError(
                f"{path}.seconds is {model.seconds:g}, but the model has no teacher: give it "
                "method = 'self' and the teacher whose shape it takes, or leave seconds out"
            )
        return
    check_known(f"{path}.teacher", [model.teacher], experiment.models, "model")
    check_known(f"{path}.method", [str(model.method)], METHODS, "method")
    teacher = experiment.models[model.teacher]
    recipe = experiment.recipe_of(model.population)
    if experiment.recipe_of(teacher.population) != recipe:
        raise ConfigError(
            f"{path}.teacher {model.teacher!r} hears another geometry than {path}.population "
            f"{model.population!r}; choose one of the same"
        )
    observers = experiment.observers_of(model.population)
    there_s = observers.train * observers.train_s
    if model.seconds is not None and not 0 < model.seconds <= there_s:
        raise ConfigError(
            f"{path}.seconds is {model.seconds:g}; the train split of {model.population!r} has "
            f"{there_s:g} s: raise observers.{model.population}.train or train_s"
        )


def _check_lineage(models: Mapping[str, ModelSpec]) -> None:
    for name, model in models.items():
        seen, at = {name}, model
        while at.teacher is not None:
            if at.teacher in seen:
                raise ConfigError(f"models.{name}.teacher {at.teacher!r} descends from itself")
            seen.add(at.teacher)
            at = models[at.teacher]


def _check_observers(path: str, observers: Observers, geometry: Geometry) -> None:
    segment_s = geometry.n_segment * geometry.frame_s
    for split in ("train", "validation", "calibration", "test"):
        _check_least(f"{path}.{split}", getattr(observers, split), 1)
        _check_least(f"{path}.{split}_s", getattr(observers, f"{split}_s"), segment_s)
    _check_least(f"{path}.n_seeds", observers.n_seeds, 1)


def _check_detection(experiment: Experiment, path: str, detection: Detection) -> None:
    _check_populations(experiment, f"{path}.population", [detection.population])
    _check_models(experiment, f"{path}.models", detection.models, detection.population)
    check_known(f"{path}.baselines", detection.baselines, BASELINES, "baseline")
    check_known(f"{path}.detectors", detection.detectors, SEGMENT_DETECTORS, "detector")
    check_known(f"{path}.hops", detection.hops, HOP_SCORERS, "scorer of samples")
    check_known(f"{path}.kinds", detection.kinds, KINDS, "kind of interferer")
    for name in detection.discriminants:
        _check(f"{path}.discriminants", partial(check_discriminant, name))
    for fault in detection.faults:
        _check(f"{path}.faults", partial(fault_config, fault, 0.0, 1.0))
    scorers = (*detection.models, *detection.baselines)
    if not scorers and not detection.detectors and not detection.hops:
        raise ConfigError(f"{path} has neither models, baselines, detectors nor hops; name one")
    _check_least(f"{path}.persistent_s", detection.persistent_s, 0.0)
    _check_least(f"{path}.lasting_s", detection.lasting_s, 0.0)
    if len(set(detection.discriminants)) < len(detection.discriminants):
        raise ConfigError(f"{path}.discriminants names one twice; name each once")
    doubled = sorted({name for name in scorers if scorers.count(name) > 1})
    if doubled:
        raise ConfigError(f"{path} has two scorers {doubled[0]!r}; a column needs its own name")
    if not detection.isrs_db and detection.kinds:
        raise ConfigError(f"{path}.isrs_db is empty, but there are kinds; name an ISR")
    _check_least(f"{path}.n_stretches", detection.n_stretches, 1)
    recipe = experiment.recipe_of(detection.population)
    if detection.hops and (
        recipe.n_context % recipe.hop_frames or recipe.n_horizon < recipe.hop_frames
    ):
        raise ConfigError(
            f"{path}.hops need a context of whole hops and a horizon of one at least; the geometry "
            f"has n_context = {recipe.n_context}, n_horizon = {recipe.n_horizon} and hop_frames = "
            f"{recipe.hop_frames}"
        )
    _check(path, partial(ObserverPlan.of, recipe, detection, inject=True))
    observers = experiment.observers_of(detection.population)
    _check_warmup(path, detection.warmup_s, detection.population, observers)


def _check_device(experiment: Experiment) -> None:
    """Check what plays bundles as the device does."""
    for name, episodes in experiment.episodes.items():
        path = f"episodes.{name}"
        _check_populations(experiment, f"{path}.population", [episodes.population])
        check_known(f"{path}.model", [episodes.model], experiment.quantisations, "quantisation")
        _check_geometry(experiment, f"{path}.model", episodes.model, episodes.population)
        check_known(f"{path}.kinds", episodes.kinds, KINDS, "kind of interferer")
        _check_detectors(f"{path}.detectors", episodes.detectors, (RESIDUAL, CELL, ANY_BAND))
        observers = experiment.observers_of(episodes.population)
        _check_warmup(path, episodes.warmup_s, episodes.population, observers)
        if not 0 < episodes.false_alarm_rate < 1:
            raise ConfigError(
                f"{path}.false_alarm_rate is {episodes.false_alarm_rate:g}; it must lie between "
                "0 and 1"
            )
        for key in ("normal_s", "on_s", "off_s"):
            _check_least(f"{path}.{key}", getattr(episodes, key), 0.0)
    for name, poisoning in experiment.poisonings.items():
        path = f"poisonings.{name}"
        _check_populations(experiment, f"{path}.population", [poisoning.population])
        check_known(f"{path}.model", [poisoning.model], experiment.quantisations, "quantisation")
        _check_geometry(experiment, f"{path}.model", poisoning.model, poisoning.population)
        check_known(f"{path}.ramp.kind", [poisoning.ramp.kind], KINDS, "kind of interferer")
        _check_detectors(f"{path}.detectors", poisoning.detectors)
        _check_least(f"{path}.n_observers", poisoning.n_observers, 1)
    for name, real in experiment.real.items():
        path = f"real.{name}"
        if real.model:
            check_known(f"{path}.model", [real.model], experiment.quantisations, "quantisation")
        _check_detectors(f"{path}.detectors", real.detectors)
        if not real.files:
            raise ConfigError(f"{path}.files is empty; name a recording or a pattern")
        if not 0 < real.warmup_share < 1:
            raise ConfigError(
                f"{path}.warmup_share is {real.warmup_share:g}; it must lie between 0 and 1"
            )


def _check_detectors(path: str, names: tuple[str, ...], besides: tuple[str, ...] = ()) -> None:
    """Check detectors; ``besides`` are those that hear samples, which only a whole chain has."""
    if not names:
        raise ConfigError(f"{path} is empty; name a detector")
    check_known(path, names, (*besides, "model", *PLAIN_DETECTORS), "detector")


def _check_populations(experiment: Experiment, path: str, names: Iterable[str]) -> None:
    check_known(path, names, experiment.populations, "population")


def _check_models(experiment: Experiment, path: str, names: Iterable[str], population: str) -> None:
    known = (*experiment.models, *experiment.quantisations)
    for name in names:
        check_known(path, [name], known, "model or quantisation")
        _check_geometry(experiment, path, name, population)


def _check_geometry(experiment: Experiment, path: str, name: str, population: str) -> None:
    """Check that a model was trained at the geometry that a population is heard at."""
    if name in experiment.quantisations:
        name = experiment.quantisations[name].model
    home = experiment.models[name].population
    if experiment.recipe_of(home) != experiment.recipe_of(population):
        raise ConfigError(
            f"{path} {name!r} was trained at another geometry than that of {population!r}"
        )


def _check_warmup(path: str, warmup_s: float, population: str, observers: Observers) -> None:
    if not warmup_s < observers.calibration_s:
        raise ConfigError(
            f"{path}.warmup_s is {warmup_s:g}, but observers.{population}.calibration_s "
            f"{observers.calibration_s:g}: nothing would be left to calibrate with"
        )


def _check_least(path: str, value: float, least: float) -> None:
    if not least <= value < float("inf"):
        raise ConfigError(f"{path} is {value:g}; it must be at least {least:g}")


def _check(path: str, call: Callable[[], Any]) -> None:
    try:
        call()
    except UsageError as error:
        raise ConfigError(f"{path}: {error}") from None
