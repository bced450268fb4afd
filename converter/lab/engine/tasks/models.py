"""Steps that make models: training, transfer, conversion, thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from converter.lab.engine.folder import WorkFolder
from converter.lab.engine.task import Task
from converter.lab.experiment import ModelSpec, Quantisation
from converter.models.architectures import MODELS

__all__ = ["CalibrateBundle", "QuantiseModel", "TrainModel", "TransferModel"]

#: Seconds that one core takes to learn from one window, for each layer of an LSTM and for an
#: autoencoder, and to look at it without learning.
_LEARN_S = {
    "lstm": 5.5e-4,
    "ar-lstm": 5.5e-4,
    "offset-lstm": 5.5e-4,
    "autoencoder": 2.5e-4,
}
_LOOK_S = 5e-4
#: Seconds to begin, and of each epoch's look at the validation split.
_BEGIN_S, _EPOCH_S = 5.0, 1.0
#: What a transfer learns, as a share of what a training learns.
_SHARES = {"1L": 0.65, "2L": 0.8, "All-L": 1.0, "self": 1.0}


@dataclass(frozen=True, slots=True)
class TrainModel(Task):
    """A network trained from scratch on a population."""

    is_training: ClassVar[bool] = True

    model: ModelSpec

    @property
    def name(self) -> str:
        """``train.MODEL``."""
        return f"train.{self.model.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Its data set."""
        return (f"dataset.{self.model.population}",)

    @property
    def weight(self) -> float:
        """Every window, every epoch."""
        return _learning_s(self.model)

    def output(self, folder: WorkFolder) -> Path:
        """Return the model's folder."""
        return folder.model(self.model.name)

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Train."""
        from converter.data.dataset import load_dataset
        from converter.training.train import train

        dataset = load_dataset(folder.data(self.model.population))
        card = train(dataset, out, self.model.settings, lambda report: None)
        done = card.training
        return {
            "best_val_loss": min(done["val_losses"]),
            **{key: done[key] for key in ("best_epoch", "epochs", "n_windows", "seconds")},
        }


@dataclass(frozen=True, slots=True)
class TransferModel(Task):
    """A copy of a teacher, fitted to another population with some seconds of it."""

    is_training: ClassVar[bool] = True

    model: ModelSpec
    teacher_task: str

    @property
    def name(self) -> str:
        """``transfer.MODEL``."""
        return f"transfer.{self.model.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The teacher and the data of the new population."""
        return (self.teacher_task, f"dataset.{self.model.population}")

    @property
    def weight(self) -> float:
        """Every window, as often as the method looks at it."""
        if self.model.method in _SHARES:
            return _SHARES[self.model.method] * _learning_s(self.model)
        return _BEGIN_S + _LOOK_S * self.model.n_windows

    def output(self, folder: WorkFolder) -> Path:
        """Return the model's folder."""
        return folder.model(self.model.name)

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Transfer."""
        from converter.data.dataset import load_dataset
        from converter.training.transfer import transfer

        card = transfer(
            folder.model(str(self.model.teacher)),
            load_dataset(folder.data(self.model.population)),
            out,
            str(self.model.method),
            self.model.seconds,
            self.model.settings,
        )
        done = card.training["transfer"]
        keys = ("method", "seconds_of_signal", "n_windows", "seconds")
        return {key: done[key] for key in keys if key in done}


@dataclass(frozen=True, slots=True)
class QuantiseModel(Task):
    """A model as a bundle, without thresholds."""

    quantisation: Quantisation
    model_task: str
    population: str

    @property
    def name(self) -> str:
        """``quantise.NAME``."""
        return f"quantise.{self.quantisation.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The model, and windows of its population to convert with."""
        return (self.model_task, f"dataset.{self.population}")

    @property
    def weight(self) -> float:
        """Some seconds, most of them to load TensorFlow."""
        return 5.0

    def output(self, folder: WorkFolder) -> Path:
        """Return the bundle."""
        return folder.bundle(self.quantisation.name)

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Convert, and compare with Keras."""
        from converter.bundles.quantize import quantize
        from converter.data.dataset import load_dataset

        model = folder.model(self.quantisation.model)
        dataset = load_dataset(folder.data(self.population))
        done = quantize(model, out, self.quantisation.kind, dataset)
        return {"rms_error": done.parity.rms_error, "bytes": out.stat().st_size}


@dataclass(frozen=True, slots=True)
class CalibrateBundle(Task):
    """A bundle with thresholds from the calibration observers of a population."""

    quantisation: str
    population: str
    warmup_s: float
    rates: tuple[float, ...]
    seconds: float

    @property
    def name(self) -> str:
        """``calibrate.NAME@POPULATION``."""
        return f"calibrate.{self.quantisation}@{self.population}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The bundle and the observers."""
        return (f"quantise.{self.quantisation}", f"dataset.{self.population}.calibration")

    @property
    def weight(self) -> float:
        """The observer's chain runs some times faster than real time."""
        return 2.0 + 0.15 * self.seconds

    def output(self, folder: WorkFolder) -> Path:
        """Return the calibrated bundle."""
        return folder.calibrated(self.quantisation, self.population)

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Calibrate."""
        from converter.bundles.calibrate import calibrate
        from converter.data.dataset import load_dataset
        from edgespec.detect.discriminants.discriminant import RMSE

        done = calibrate(
            folder.bundle(self.quantisation),
            load_dataset(folder.data(f"{self.population}.calibration")),
            out,
            false_alarm_rates=self.rates,
            warmup_s=self.warmup_s,
            # What the tables of the laboratory are of.
            discriminant=RMSE,
        )
        return {"sha256": done.sha256, "detectors": sorted(done.manifest.detectors)}


def _learning_s(model: ModelSpec) -> float:
    if not MODELS[model.architecture].descends:
        return _BEGIN_S + _LOOK_S * model.n_windows
    n_layers = model.hyper.get("n_layers", 2) if model.architecture.endswith("lstm") else 1
    window_s = _LEARN_S.get(model.architecture, _LOOK_S) * n_layers
    return _BEGIN_S + model.epochs * (_EPOCH_S + window_s * model.n_windows)
