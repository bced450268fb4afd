"""A teacher for another cell or band, with little data of it (Li et al. 2019, sec. 5.3 and 7.3).

Every method starts from a copy of the teacher; the teacher's folder is only read.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from converter.data.budget import Budget, spend
from converter.data.dataset import Dataset
from converter.data.views import WindowSet, global_scaling
from converter.models.runtime import load_keras
from converter.training.autoregression import head_of
from converter.training.lastlayer import Head, choose_l2, fit_affine, sum_up
from converter.training.lessons import training_windows
from converter.training.modeldir import ModelCard, load_model, save_model
from converter.training.settings import TrainSettings
from converter.training.train import EpochReport, fit
from edgespec.errors import ModelError, UsageError

__all__ = ["METHODS", "Method", "Task", "freeze_all_but", "transfer"]

#: Overlapping segments look like many and are few: below this the choice could make a model worse.
_LEAST_HORIZONS = 10


@dataclass(frozen=True, slots=True)
class Task:
    """What a method is given: the copy to change in place, the data, and how to train.

    ``windows`` and ``held_out`` are segments of the budget; ``held_out`` is None where the budget
    is too short to hold any out.
    """

    model: Any
    role: str
    windows: WindowSet
    held_out: WindowSet | None
    settings: TrainSettings
    progress: Callable[[EpochReport], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Method:
    """One way to transfer: ``run`` changes the model and says what it did, for the card.

    ``needs_data`` is False where the model stays as it is. ``recalibrate`` says whether the
    method calls for thresholds of its own, by ``calibrate`` on the new cell. ``own_scaling`` says
    that a model without the transform is scaled by the new data, not as its teacher was.
    """

    run: Callable[[Task], Mapping[str, Any]]
    needs_data: bool = True
    recalibrate: bool = True
    own_scaling: bool = False


def _nothing(task: Task) -> Mapping[str, Any]:
    return {}


def _affine(task: Task) -> Mapping[str, Any]:
    """Slope and offset of every bin of the forecast, folded into the last layer."""
    head = Head(task.model)
    affine = fit_affine(head, task.windows, task.role, task.windows.geometry.n_bins)
    head.replace(*affine.folded(*head.weights))
    return {"slope": affine.slope.tolist(), "offset": affine.offset.tolist()}


def _closed_form(task: Task) -> Mapping[str, Any]:
    """Last layer by ridge regression towards the teacher's, the strength by held-out error."""
    head = head_of(task.model)
    teacher = head.weights
    sums = sum_up(head, task.windows, task.role)
    held_out = None if task.held_out is None else sum_up(head, task.held_out, task.role)
    l2 = choose_l2(sums, held_out if _is_telling(task.held_out) else None, teacher)
    if held_out is not None:
        sums.merge(held_out)
    before = sums.mean_square_error(*teacher)
    layer = sums.solve(l2, teacher)
    head.replace(*layer)
    return {"l2": l2, "loss_before": before, "loss_after": sums.mean_square_error(*layer)}


def _is_telling(held_out: WindowSet | None) -> bool:
    """Whether the held-out segments hold enough horizons, side by side, to choose anything by."""
    if held_out is None:
        return False
    n_frames = len(held_out) * held_out.geometry.hop_frames
    return n_frames >= _LEAST_HORIZONS * held_out.geometry.n_horizon


def _tune(n_layers: int | None) -> Callable[[Task], Mapping[str, Any]]:
    """Return gradient descent on the last ``n_layers`` layers; None: on all."""

    def run(task: Task) -> Mapping[str, Any]:
        tuned = freeze_all_but(task.model, n_layers)
        epochs = fit(
            task.model,
            task.windows,
            task.windows if task.held_out is None else task.held_out,
            task.role,
            task.settings,
            task.progress,
        )
        for layer in task.model.layers:
            layer.trainable = True
        return {
            "tuned_layers": tuned,
            "losses": [report.loss for report in epochs],
            "val_losses": [report.val_loss for report in epochs],
        }

    return run


def _self(task: Task) -> Mapping[str, Any]:
    """From scratch: the teacher gives the shape of the network and nothing else."""
    fresh = load_keras().models.clone_model(task.model)
    task.model.set_weights(fresh.get_weights())
    return _tune(None)(task)


METHODS: Mapping[str, Method] = {
    "zero-shot": Method(_nothing, needs_data=False, recalibrate=False),
    "threshold": Method(_nothing, needs_data=False),
    "affine": Method(_affine),
    "1L": Method(_tune(1)),
    "2L": Method(_tune(2)),
    "All-L": Method(_tune(None)),
    "closed-form": Method(_closed_form),
    "self": Method(_self, own_scaling=True),
}


def freeze_all_but(model: Any, n_layers: int | None) -> list[str]:
    """Freeze all but the last ``n_layers`` layers of a model; return the names of those.

    Layers that learn something are counted, from the output; a normalisation belongs to the
    layer before it, and works by its stored statistics where that is frozen.

    Raises:
        ModelError: there are not so many layers.
    """
    normalisation = load_keras().layers.BatchNormalization
    groups: list[list[Any]] = []
    for layer in model.layers:
        if not layer.weights:
            continue
        if isinstance(layer, normalisation) and groups:
            groups[-1].append(layer)
        else:
            groups.append([layer])
    n_tuned = len(groups) if n_layers is None else n_layers
    if n_tuned > len(groups):
        raise ModelError(f"{n_tuned} layers were to be tuned; the model has {len(groups)}")
    for number, group in enumerate(groups):
        for layer in group:
            layer.trainable = number >= len(groups) - n_tuned
    return [layer.name for group in groups[len(groups) - n_tuned :] for layer in group]


def transfer(
    teacher_folder: Path,
    dataset: Dataset,
    out_folder: Path,
    method: str,
    seconds: float | None = None,
    settings: TrainSettings | None = None,
    progress: Callable[[EpochReport], None] = lambda _: None,
) -> ModelCard:
    """Fit a copy of a trained model to another cell and write it to a folder.

    Args:
        teacher_folder: what ``train`` or ``import-keras`` wrote.
        dataset: recordings of the new cell; only the train split is used.
        out_folder: the new model's folder, not the teacher's.
        method: one of :data:`METHODS`.
        seconds: signal to use, shared out over the recordings; None: all there is. What stops
            training and chooses the regularisation is held out of it, not taken in addition.
        settings: hop and number of windows, and epochs, batch, rate, patience and seed of the
            methods that use gradients; architecture, hyper-parameters and transform are always
            the teacher's.
        progress: told of every epoch.

    Returns:
        The card that was written; ``training["transfer"]`` says how, and whether the thresholds
        are to be calibrated on the new cell.

    Raises:
        UsageError: an unknown method, the teacher's own folder, or another amount of data than
            there is.
        ModelError: the data set has another geometry, or the model does not suit the method.
        SourceError: there is not one segment in the data.
        QualityError: training diverged.
    """
    if method not in METHODS:
        raise UsageError(f"method {method!r} is unknown; choose one of {', '.join(METHODS)}")
    if out_folder.resolve() == teacher_folder.resolve():
        raise UsageError(
            f"{str(out_folder)!r} is the teacher's own folder: write the new model elsewhere"
        )
    chosen = METHODS[method]
    card, model = load_model(teacher_folder)
    if replace(dataset.recipe, hop_frames=card.recipe.hop_frames) != card.recipe:
        raise ModelError(
            f"the data set {str(dataset.folder)!r} has the geometry {dataset.recipe}, but the "
            f"teacher has {card.recipe}: build the data set with the teacher's"
        )
    started = time.monotonic()
    done: dict[str, Any] = {"method": method, "recalibrate": chosen.recalibrate}
    if chosen.needs_data:
        settings = settings or TrainSettings()
        load_keras().utils.set_random_seed(settings.seed)
        budget = spend(dataset, seconds)
        if card.scaling is not None and chosen.own_scaling:
            scaling = asdict(global_scaling(budget.fit))
            card = replace(card, training={**card.training, "scaling": scaling})
        task = _task(model, card, budget, settings, progress)
        done |= {
            "dataset_sha256": dataset.sha256,
            "recordings": [part.name for part in budget.fit.parts],
            "seconds_of_signal": round(budget.seconds, 6),
            "n_windows": len(task.windows),
            "n_windows_held_out": 0 if task.held_out is None else len(task.held_out),
            "settings": asdict(settings),
            **chosen.run(task),
        }
    done["seconds"] = round(time.monotonic() - started, 2)
    done["finished_utc"] = datetime.now(UTC).isoformat(timespec="seconds")
    new = replace(card, training={**card.training, "transfer": done})
    save_model(out_folder, new, model)
    return new


def _task(
    model: Any,
    card: ModelCard,
    budget: Budget,
    settings: TrainSettings,
    progress: Callable[[EpochReport], None],
) -> Task:
    windows = training_windows(budget.fit, settings, card.scaling)
    held_out = None
    if budget.held_out.parts:
        same = replace(settings, hop_frames=windows.geometry.hop_frames)
        held_out = training_windows(budget.held_out, same, card.scaling)
    return Task(model, card.role, windows, held_out, settings, progress)
