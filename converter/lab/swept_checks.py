"""What the swept tables of an experiment must agree on."""

from converter.lab.experiment import Experiment
from converter.lab.known import check_hyper, check_known
from converter.lab.measures.swept.forecasters import forecasting_baseline
from converter.lab.swept import SweptDetection
from converter.models.architectures import MODELS
from converter.simulate.swept.anomalies import ANOMALY_CLASSES
from converter.simulate.swept.swept_band import SWEEP_S, SWEPT_BANDS
from edgespec.detect.discriminants.discriminant import check_discriminant
from edgespec.errors import ConfigError, EdgespecError
from edgespec.records import Geometry

__all__ = ["check_swept"]


def check_swept(experiment: Experiment) -> None:
    """Check places, networks and detections of swept bands.

    Raises:
        ConfigError: a name that is not there, or a value that is not accepted.
    """
    for name, places in experiment.swept.items():
        path = f"swept.{name}"
        check_known(f"{path}.band", [places.band], SWEPT_BANDS, "swept band")
        if name in experiment.populations:
            raise ConfigError(f"{path} has the name of a population; give it one of its own")
        if not places.first_day < places.days:
            raise ConfigError(
                f"{path}.first_day is {places.first_day:g}, but days {places.days:g}: nothing "
                "would be left to score"
            )
    for name, model in experiment.swept_models.items():
        path = f"swept_models.{name}"
        check_known(f"{path}.population", [model.population], experiment.swept, "swept population")
        check_hyper(path, model)
        if model.teacher is not None:
            raise ConfigError(f"{path}.teacher: networks of sweeps are not transferred; leave out")
        if MODELS[model.architecture].role != "forecast":
            raise ConfigError(
                f"{path}.architecture {model.architecture!r} forecasts nothing: choose another"
            )
        if name in experiment.models or name in experiment.quantisations:
            raise ConfigError(f"{path} has the name of a model; give it one of its own")
    for name, detection in experiment.swept_detections.items():
        _check_detection(experiment, f"swept_detections.{name}", detection)


def _check_detection(experiment: Experiment, path: str, detection: SweptDetection) -> None:
    home = detection.population
    check_known(f"{path}.population", [home], experiment.swept, "swept population")
    own = [name for name, model in experiment.swept_models.items() if model.population == home]
    check_known(f"{path}.models", detection.models, own, f"network of {home!r}")
    check_known(f"{path}.kinds", detection.kinds, ANOMALY_CLASSES, "kind of anomaly")
    if doubled := set(detection.models) & set(detection.baselines):
        raise ConfigError(f"{path}: {doubled.pop()!r} is a network and a baseline; rename one")
    if not (detection.models or detection.baselines) or not (detection.kinds and detection.isrs_db):
        raise ConfigError(
            f"{path} needs a model or a baseline, a kind and an ISR: name one of each"
        )
    places = experiment.swept[home]
    geometry = Geometry(1, SWEEP_S, places.n_past, places.n_future, places.n_future)
    try:
        for name in detection.baselines:
            forecasting_baseline(name, geometry, experiment.seed)
        for name in detection.discriminants:
            check_discriminant(name)
    except EdgespecError as error:
        raise ConfigError(f"{path}: {error}") from None
