"""The ``weights.npz`` of a bundle: what our own kernels run, proven on its golden vectors."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from converter.bundles.keras_weights import network_of_keras
from converter.bundles.tflite_weights import network_of_tflite
from converter.training.modeldir import load_model
from edgespec.errors import ModelError
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle, load_bundle, write_bundle
from edgespec.inference.manifest import ModelInfo
from edgespec.inference.network import network_to_npz

__all__ = ["add_weights", "check_weights", "weights_for"]


def weights_for(info: ModelInfo, content: bytes, model: Any) -> bytes:
    """Return ``weights.npz`` for a model and the TFLite file that was made of it.

    Of fused operators the weights are read from the file, as it has rounded them. A loop hides
    them: then they are those of the Keras model, which float32 has not changed.

    Args:
        info: what the manifest says of the file.
        content: the file.
        model: the Keras model; None if there is none any more.

    Raises:
        ModelError: our kernels cannot run this model, or not as this kind; the message says why.
    """
    inputs = [getattr(one, "name", "") for one in getattr(model, "inputs", ())]
    if len(inputs) > 1:
        raise ModelError(f"our kernels take one input, and the model has {', '.join(inputs)}")
    if info.quantisation.endswith("int8"):
        raise ModelError(
            f"{info.quantisation} computes with integers, our kernels with floats: their results "
            "would be those of another model than the one that was checked"
        )
    if "WHILE" not in info.operators:
        return network_to_npz(network_of_tflite(content))
    if info.quantisation != "float32":
        raise ModelError(
            f"the gates of this LSTM make it a loop in the TFLite file, and its {info.quantisation}"
            " weights cannot be read from that: convert it as float32"
        )
    if model is None:
        raise ModelError(
            "the gates of this LSTM make it a loop in the TFLite file, from which weights cannot "
            "be read: give the folder of the Keras model"
        )
    return network_to_npz(network_of_keras(model))


def check_weights(bundle: Bundle, weights: bytes) -> float:
    """Return the largest difference of our kernels from the golden vectors of a bundle.

    Raises:
        ModelError: it is above what the manifest accepts.
    """
    bundle = replace(bundle, weights=weights)
    return check_golden(bundle, open_backend(bundle, "numba"))


def add_weights(path: Path, out: Path, model_folder: Path | None = None) -> Bundle:
    """Write a bundle with the weights of its model; all else stays as it is.

    Args:
        path: the bundle, of a float kind.
        out: where the new one goes; may be ``path``.
        model_folder: what it was converted from; only needed where the TFLite file has a loop.

    Raises:
        ModelError: our kernels cannot run this model, or do not give its golden vectors.
    """
    bundle = load_bundle(path)
    model = None if model_folder is None else load_model(model_folder)[1]
    weights = weights_for(bundle.manifest.model, bundle.model, model)
    check_weights(bundle, weights)
    return write_bundle(
        out,
        bundle.manifest,
        bundle.model,
        bundle.golden_inputs,
        bundle.golden_outputs,
        weights,
        bundle.golden_sides,
    )
