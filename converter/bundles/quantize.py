"""From a trained model to a bundle: conversion, gate against Keras, golden vectors."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from converter.bundles.parity import Parity, check_parity, measure_parity
from converter.bundles.tflite import convert, operators
from converter.bundles.weights import check_weights, weights_for
from converter.data.dataset import Dataset
from converter.data.model_inputs import ModelInputs
from converter.data.sweeps.band_sweeps import BandSweeps
from converter.data.sweeps.sweep_windows import SweepWindows
from converter.data.views import WindowSet
from converter.models.runtime import load_tensorflow
from converter.training.modeldir import ModelCard, load_model
from edgespec.errors import ModelError
from edgespec.framing import Recipe
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle, write_bundle
from edgespec.inference.manifest import Manifest, ModelInfo
from edgespec.sweep_recipe import SweepRecipe

__all__ = ["Conversion", "quantize"]

N_PARITY = 32
N_GOLDEN = 4
N_REPRESENTATIVE = 128
#: Rounding of float32 sums in another order, over the RMS of the output.
GOLDEN_RTOL = 1e-4


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came out: the bundle on disk, and how near it is to Keras.

    ``no_weights`` says why it has none for our own kernels; empty if it has.
    """

    bundle: Bundle
    parity: Parity
    no_weights: str = ""


def quantize(
    model_folder: Path,
    path: Path,
    kind: str,
    dataset: Dataset | BandSweeps | None = None,
    seed: int = 0,
    inputs: ModelInputs | None = None,
) -> Conversion:
    """Convert the model of a folder and write a bundle without thresholds.

    Args:
        model_folder: what ``train`` or ``import-keras`` has written.
        path: where the bundle goes.
        kind: one of ``QUANTISATIONS``.
        dataset: where windows are taken from, from its splits train and calibration, never from
            test. Without it they are white noise, which is what standardised noise looks like;
            ``int8`` needs it.
        seed: chooses the windows.
        inputs: what the model was trained on, in place of a data set's windows, never of what it
            is tested on.

    Raises:
        ModelError: the model cannot be converted to this kind, was trained without the transform,
            does not have the inputs of its card or takes others than those that are given, or Keras
            computes by another backend than TensorFlow.
        QualityError: the result is too far from Keras.
    """
    # Before Keras, whose own message would tell another backend's users to install that.
    load_tensorflow()
    card, model = load_model(model_folder)
    if card.scaling is not None:
        raise ModelError(
            f"the model {str(model_folder)!r} was trained without the transform, but the device "
            "standardises every segment by its context: train it with transform 'context'"
        )
    _check_inputs(card, model, inputs)
    if dataset is not None and _without_hop(dataset.recipe) != _without_hop(card.made_with):
        raise ModelError(
            f"the data set has {dataset.recipe}, but the model {card.made_with}: give the data "
            "set it was trained on"
        )
    rng = np.random.default_rng(seed)
    representative = None
    if inputs is not None:
        parity_inputs = _some(inputs, N_PARITY, rng)
        representative = _some(inputs, N_REPRESENTATIVE, rng)
    else:
        parity_inputs = _inputs(card, dataset, ("train", "calibration"), N_PARITY, rng)
    if inputs is None and dataset is not None:
        representative = _inputs(card, dataset, ("train",), N_REPRESENTATIVE, rng)
    content = convert(model, kind, representative)
    draft = _draft(card, model, kind, content)
    backend = open_backend(draft)
    parity = measure_parity(model, backend, parity_inputs)
    check_parity(parity, kind)
    golden = parity_inputs.some(slice(N_GOLDEN))
    golden_outputs = np.stack([backend.predict(*given).copy() for given in golden])
    info = replace(
        draft.manifest.model,
        parity={
            "max_error": parity.max_error,
            "rms_error": parity.rms_error,
            "keras_rms": parity.keras_rms,
        },
    )
    manifest = replace(draft.manifest, model=info, golden_atol=_golden_atol(parity, kind))
    weights, no_weights = None, ""
    try:
        weights = weights_for(info, content, model)
    except ModelError as error:
        no_weights = str(error)
    if weights is not None:
        checked = replace(
            draft, manifest=manifest, golden_inputs=golden.windows, golden_outputs=golden_outputs
        )
        check_weights(checked, weights)
    bundle = write_bundle(
        path, manifest, content, golden.windows, golden_outputs, weights, golden.sides
    )
    check_golden(bundle, open_backend(bundle))
    return Conversion(bundle, parity, no_weights)


def _without_hop(recipe: Recipe | SweepRecipe) -> Recipe | SweepRecipe:
    return replace(recipe, hop_frames=1)


def _check_inputs(card: ModelCard, model: Any, inputs: ModelInputs | None) -> None:
    """Check that a Keras model has the inputs of its card, and that what it is given fits them.

    Raises:
        ModelError: they differ; the message lists both.
    """
    names = [one.name for one in model.inputs[1:]]
    wanted = [side.name for side in card.side_inputs]
    if names != wanted:
        raise ModelError(
            f"the model has the inputs {', '.join(names) or 'none'} behind its first, but its card "
            f"has the side inputs {', '.join(wanted) or 'none'}: save it with those that it has"
        )
    if inputs is not None:
        given = [array.shape[1:] for array in (inputs.windows, *inputs.sides)]
        taken = [tuple(one.shape[1:]) for one in model.inputs]
        if given != taken:
            raise ModelError(f"inputs have the shapes {given}, but the model takes {taken}")


def _some(inputs: ModelInputs, n_windows: int, rng: np.random.Generator) -> ModelInputs:
    return inputs.some(np.sort(rng.permutation(len(inputs))[:n_windows]))


def _inputs(
    card: ModelCard,
    dataset: Dataset | BandSweeps | None,
    splits: tuple[str, ...],
    n_windows: int,
    rng: np.random.Generator,
) -> ModelInputs:
    geometry = card.geometry
    if dataset is None:
        frames = geometry.n_context if card.role == "forecast" else geometry.n_horizon
        rows = [frames, *(side.n_rows for side in card.side_inputs)]
        window, *sides = (
            rng.standard_normal((n_windows, n_rows, geometry.n_bins), np.float32) for n_rows in rows
        )
        return ModelInputs(window, tuple(sides))
    if isinstance(dataset, BandSweeps):
        sweeps = SweepWindows(
            dataset, splits, card.side_inputs, n_windows=n_windows, seed=int(rng.integers(1 << 31))
        )
        numbers = np.arange(len(sweeps))
        contexts, targets = sweeps.gather(numbers)
        seen = contexts if card.role == "forecast" else targets
        return ModelInputs(np.ascontiguousarray(seen), sweeps.sides(numbers))
    if card.side_inputs:
        raise ModelError(
            "the model has side inputs, which are made of hours and days, and a data set of "
            "recordings has none: give a data set of sweeps, or none"
        )
    windows = WindowSet(dataset, splits, leave_noise_out=True)
    chosen = np.sort(rng.permutation(len(windows))[:n_windows])
    return ModelInputs(np.ascontiguousarray(windows.model_inputs(card.role, chosen)))


def _draft(card: ModelCard, model: Any, kind: str, content: bytes) -> Bundle:
    """Return a bundle in memory that has no golden vectors yet."""
    manifest = Manifest(
        name=card.name,
        created_utc=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        made_with=card.made_with,
        model=ModelInfo(
            architecture=card.architecture,
            role=card.role,
            quantisation=kind,
            gate=card.gate,
            input_shape=(1, *model.inputs[0].shape[1:]),
            output_shape=(1, *model.output_shape[1:]),
            operators=operators(content),
        ),
        training=card.training,
        side_inputs=card.side_inputs,
    )
    empty = np.empty((0, 0, 0), np.float32)
    return Bundle(manifest, content, empty, empty, sha256="", path=Path())


def _golden_atol(parity: Parity, kind: str) -> float:
    """Return what another runtime or machine may differ by on the golden vectors.

    Float kinds compute in float32 everywhere. In integer kinds a value that is rounded the other
    way moves by a whole step, and steps are what the error against Keras is made of.
    """
    atol = GOLDEN_RTOL * parity.keras_rms
    return max(atol, parity.max_error) if kind.endswith("int8") else atol
