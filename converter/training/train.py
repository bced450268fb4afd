"""Training: Adam, mean squared error, early stopping, and a record of where the model is from."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from converter.data.dataset import Dataset
from converter.data.segment_set import SegmentSet
from converter.data.sweeps.band_sweeps import BandSweeps
from converter.models.architectures import MODELS, build_model
from converter.models.runtime import load_keras, versions
from converter.training.autoregression import Autoregression, Solution, solve
from converter.training.lessons import lessons_of
from converter.training.modeldir import ModelCard, save_model
from converter.training.settings import TrainSettings
from edgespec.errors import QualityError

__all__ = ["EpochReport", "fit", "train"]


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One epoch: mean squared errors in standardised units, and how long it took."""

    epoch: int
    n_epochs: int
    loss: float
    val_loss: float
    best_val_loss: float
    seconds: float


def train(
    dataset: Dataset | BandSweeps,
    folder: Path,
    settings: TrainSettings,
    progress: Callable[[EpochReport], None] = lambda _: None,
    *,
    may_be_stopped: bool = False,
) -> ModelCard:
    """Train a network on the data set's train split and write it to a folder.

    One of sweeps gives it means of hours and days beside each context, where it takes them.

    With ``may_be_stopped``, Ctrl-C ends the training behind its first epoch as if it had learnt
    no more: the best weights so far are kept.

    Returns:
        The card that was written; its ``training`` holds losses, data, versions and seed.

    Raises:
        SourceError: a split has no segment, or nothing is known of hours and days.
        UsageError: sweeps are to be trained on without the transform.
        ModelError: Keras or its backend is missing, or the network does not take the parameters, or
            it takes means of hours and days, which a data set of recordings does not have.
        QualityError: the loss is no longer finite.
    """
    chosen = MODELS[settings.architecture]
    load_keras().utils.set_random_seed(settings.seed)
    role = chosen.role
    lessons = lessons_of(dataset, settings)
    windows, held_out, scaling = lessons.windows, lessons.held_out, lessons.scaling
    model = build_model(settings.architecture, dataset.geometry, settings.hyper)
    started = time.monotonic()
    solution = solve(model, windows, held_out) if chosen.is_solved else None
    if solution is None:
        epochs = fit(
            *(model, windows, held_out, role, settings, progress), may_be_stopped=may_be_stopped
        )
    elif chosen.descends:
        epochs = _fit_residual(model, windows, held_out, role, settings, progress)
    else:
        epochs = [_one_epoch(solution, time.monotonic() - started)]
        progress(epochs[0])
    best = min(epochs, key=lambda report: report.val_loss)
    card = ModelCard(
        name=settings.architecture,
        architecture=settings.architecture,
        role=role,
        gate=chosen.gate,
        made_with=dataset.recipe,
        side_inputs=chosen.side_inputs,
        training={
            "dataset_sha256": dataset.sha256,
            "split_method": dict(dataset.split_method),
            "recordings": _recordings(dataset),
            "settings": asdict(settings),
            "hop_frames": windows.geometry.hop_frames,
            "n_windows": len(windows),
            "n_windows_noise_only": windows.n_noise_only,
            "n_windows_validation": len(held_out),
            "n_parameters": model.count_params(),
            "epochs": len(epochs),
            "best_epoch": best.epoch,
            "losses": [report.loss for report in epochs],
            "val_losses": [report.val_loss for report in epochs],
            "seconds": round(time.monotonic() - started, 1),
            "finished_utc": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions(),
            **lessons.facts,
            **({} if scaling is None else {"scaling": asdict(scaling)}),
            **({} if solution is None else {"autoregression": solution.to_json()}),
        },
    )
    save_model(folder, card, model)
    return card


def fit(
    model: Any,
    windows: SegmentSet,
    held_out: SegmentSet,
    role: str,
    settings: TrainSettings,
    progress: Callable[[EpochReport], None] = lambda _: None,
    *,
    may_be_stopped: bool = False,
) -> list[EpochReport]:
    """Train a Keras model in place, until the held-out loss stops falling, and keep its best.

    With ``may_be_stopped`` so it is where Ctrl-C ends it, behind the first epoch. What is frozen in
    the model stays as it is. The global seed is left to the caller.

    Raises:
        QualityError: the loss is no longer finite.
    """
    keras = load_keras()
    from converter.data.batches import Batches

    epochs: list[EpochReport] = []
    model.compile(keras.optimizers.Adam(settings.learning_rate), loss="mse")
    stopper = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=settings.patience, restore_best_weights=True
    )
    try:
        model.fit(
            Batches(windows, role, settings.batch_size, settings.seed),
            validation_data=Batches(held_out, role, settings.batch_size),
            epochs=settings.epochs,
            callbacks=[
                _reporter(keras, settings, epochs, progress),
                stopper,
                keras.callbacks.TerminateOnNaN(raise_error=False),
            ],
            verbose=0,
        )
    except KeyboardInterrupt:
        if not may_be_stopped or stopper.best_weights is None:
            raise
        model.set_weights(stopper.best_weights)
    _check_finite(epochs, settings)
    return epochs


def _fit_residual(
    model: Any,
    windows: SegmentSet,
    held_out: SegmentSet,
    role: str,
    settings: TrainSettings,
    progress: Callable[[EpochReport], None],
) -> list[EpochReport]:
    """Train what is beside the autoregression, which stays as it was solved."""
    layer = Autoregression(model).layer
    layer.trainable = False
    epochs = fit(model, windows, held_out, role, settings, progress)
    layer.trainable = True
    return epochs


def _one_epoch(solution: Solution, seconds: float) -> EpochReport:
    """Return a solution in closed form as the only epoch there is."""
    return EpochReport(1, 1, solution.loss, solution.val_loss, solution.val_loss, seconds)


def _recordings(dataset: Dataset | BandSweeps) -> dict[str, list[str]]:
    used = ("train", "validation")
    return {name: sorted({part.name for part in dataset.split(name)}) for name in used}


def _reporter(
    keras: Any,
    settings: TrainSettings,
    epochs: list[EpochReport],
    progress: Callable[[EpochReport], None],
) -> Any:
    began = [time.monotonic()]

    def end(epoch: int, logs: Mapping[str, float]) -> None:
        now = time.monotonic()
        losses = [report.val_loss for report in epochs] + [logs["val_loss"]]
        report = EpochReport(
            epoch=epoch + 1,
            n_epochs=settings.epochs,
            loss=float(logs["loss"]),
            val_loss=float(logs["val_loss"]),
            best_val_loss=float(min(losses)),
            seconds=now - began[0],
        )
        began[0] = now
        epochs.append(report)
        progress(report)

    return keras.callbacks.LambdaCallback(on_epoch_end=end)


def _check_finite(epochs: list[EpochReport], settings: TrainSettings) -> None:
    if not epochs or not all(math.isfinite(e.loss) and math.isfinite(e.val_loss) for e in epochs):
        raise QualityError(
            f"training diverged after {len(epochs)} epochs with the learning rate "
            f"{settings.learning_rate}: choose a smaller one"
        )
