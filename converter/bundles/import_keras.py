"""Imports a model of Keras 1, 2 or 3: stacked LSTM, batch normalisation and dense layers."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.bundles.keras_file import read_file
from converter.bundles.keras_layers import build_layers, gate_of
from converter.data.ingest import file_sha256
from converter.models.runtime import load_keras
from converter.training.modeldir import ModelCard, save_model
from edgespec.door import brief, door
from edgespec.errors import ModelError, QualityError
from edgespec.framing import Recipe

__all__ = ["REFERENCE_ATOL", "check_reference", "import_keras", "read_model"]

#: Largest difference from reference outputs, in their own unit.
REFERENCE_ATOL = 1e-3
_ADVICE = "give the .h5 or .keras file that model.save has written"
#: The largest reference, inputs and outputs together.
_REFERENCE_BYTES = 1 << 27
_INPUT_SCALING = "unknown: the file does not say how its inputs were scaled"


def import_keras(
    path: Path,
    folder: Path,
    sample_rate_hz: float,
    n_averages: int = 10,
    reference: Path | None = None,
) -> ModelCard:
    """Write a saved Keras model as a model folder that ``quantize`` takes.

    The sizes of context, horizon and bins are those of the model; the rates are not in the file.

    Args:
        path: the ``.h5`` or ``.keras`` file, with architecture and weights.
        folder: where the model goes.
        sample_rate_hz: rate the model was trained at.
        n_averages: power spectra in a frame it was trained on.
        reference: an ``.npz`` with inputs ``x`` and outputs ``y...`` that the model must return.

    Raises:
        ModelError: the file is not such a model.
        QualityError: the reference outputs are not reproduced to :data:`REFERENCE_ATOL`.
    """
    model, gate, version = read_model(path)
    n_context, n_bins = model.input_shape[1:]
    n_outputs = model.output_shape[-1]
    if n_outputs % n_bins:
        raise ModelError(
            f"model {brief(repr(str(path)), 120)} returns {n_outputs} values, which are no whole "
            f"frames of {n_bins} bins: only models that forecast frames can be imported"
        )
    training: dict[str, Any] = {
        "imported_from": path.name,
        "imported_sha256": file_sha256(path),
        "keras_version": version,
        "input_scaling": _INPUT_SCALING,
        "n_parameters": model.count_params(),
    }
    if reference is not None:
        training["reference_max_error"] = check_reference(model, reference)
    recipe = Recipe(
        sample_rate_hz,
        n_bins,
        n_averages,
        n_context=n_context,
        n_horizon=n_outputs // n_bins,
        hop_frames=n_outputs // n_bins,
    )
    card = ModelCard(path.stem, "lstm", "forecast", gate, recipe, training)
    save_model(folder, card, model)
    return card


def check_reference(model: Any, path: Path) -> float:
    """Return the largest difference between a model and reference outputs.

    Raises:
        ModelError: the file has no ``x`` and ``y...``.
        QualityError: the difference is above :data:`REFERENCE_ATOL`.
    """
    with door(f"reference {str(path)!r}", ModelError, "give an .npz with x and y"):
        inputs, outputs = _read_reference(path)
        predicted = model.predict(inputs, verbose=0)
        if outputs.size != predicted.size:
            raise ModelError(
                f"reference {brief(repr(str(path)), 120)} has outputs {outputs.shape}, the model "
                f"{predicted.shape}: give an .npz with x and y of this model"
            )
        error = np.abs(predicted - outputs.reshape(predicted.shape))
    worst = float(np.max(error))
    if not worst <= REFERENCE_ATOL:
        raise QualityError(
            f"the imported model differs from {brief(repr(str(path)), 120)} by {worst:.3g}; at "
            f"most {REFERENCE_ATOL} is accepted: it was made by another version of Keras"
        )
    return worst


def read_model(path: Path) -> tuple[Any, str, str]:
    """Return the Keras 3 model, its gate as the manifest names it, and the version that wrote it.

    Raises:
        ModelError: the file is no model of Keras, or has a layer that cannot be imported.
    """
    with door(f"model {str(path)!r}", ModelError, _ADVICE):
        try:
            stored = read_file(path)
            lstms = [layer for layer in stored.layers if layer.kind == "LSTM"]
            gates = sorted({gate_of(layer, stored.major) for layer in lstms})
            if len(gates) > 1:
                raise ModelError(f"it has the LSTM gates {', '.join(gates)}; one is accepted")
            model = build_layers(load_keras(), stored.layers, stored.major)
        except ModelError as error:
            raise ModelError(f"model {brief(repr(str(path)), 120)} is refused: {error}") from error
        if not gates:
            raise ModelError(f"model {brief(repr(str(path)), 120)} has no LSTM layer")
    return model, gates[0], stored.keras_version


def _read_reference(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return inputs and outputs, after a look at how large they are."""
    with zipfile.ZipFile(path) as archive:
        n_bytes = sum(member.file_size for member in archive.infolist())
        if n_bytes > _REFERENCE_BYTES:
            raise ModelError(
                f"reference {brief(repr(str(path)), 120)} has {n_bytes} bytes, and at most "
                f"{_REFERENCE_BYTES} are read: give fewer windows"
            )
        names = sorted(name.removesuffix(".npy") for name in archive.namelist())
        outputs = next((name for name in names if name.startswith("y")), "y")
        for name in ("x", outputs):
            with archive.open(f"{name}.npy") as file:
                _check_header(file, archive.getinfo(f"{name}.npy").file_size)
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["x"], arrays[outputs]


def _check_header(file: Any, n_bytes: int) -> None:
    """Refuse an array that says it is larger than what stands behind its header."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, _, dtype = read(file)
    if dtype.kind not in "fiu" or int(np.prod(shape, dtype=object)) * dtype.itemsize > n_bytes:
        raise ValueError(f"{shape} of {dtype} in {n_bytes} bytes")
