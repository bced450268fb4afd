"""A bundle with another last layer: the same file but for that layer, proved in every runtime.

The layer is changed where the parent holds it, in place in ``model.tflite`` and in ``weights.npz``.
So a runtime neither knows nor pays for it: the child is of the parent's shape, type and speed. A
head beside the model would have to be applied by every backend, at the cost of a product as large
as the last layer itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgespec.errors import ModelError
from edgespec.inference.backend import Backend
from edgespec.inference.backends import BACKENDS, check_golden
from edgespec.inference.bundle import Bundle, pack_bundle
from edgespec.inference.headspace import HeadSpace
from edgespec.inference.network import Dense, network_from_npz, network_to_npz
from edgespec.inference.tflite_head import head_of_tflite, with_head_in_tflite
from edgespec.records import FloatArray

__all__ = ["Reheaded", "head_of", "pack_reheaded", "proved_in"]


@dataclass(frozen=True, slots=True)
class Reheaded:
    """A model with a new last layer, ``head`` as the files hold it, and ``weights`` if it has any.

    ``slopes`` and ``offset`` are what the change adds to the outputs, by features of ``space``.
    """

    space: HeadSpace
    head: Dense
    model: bytes
    weights: bytes | None
    slopes: FloatArray
    offset: FloatArray

    @classmethod
    def of(cls, bundle: Bundle, space: HeadSpace, head: Dense) -> "Reheaded":
        """Return a bundle's model with a new last layer, rounded to the type it has there.

        Raises:
            ModelError: the layer does not fit into the place of the old one.
        """
        model = with_head_in_tflite(bundle.model, head)
        kept = head_of_tflite(model)
        weights = None
        if bundle.weights is not None:
            network = network_from_npz(bundle.weights, "weights.npz")
            weights = network_to_npz(replace(network, denses=(*network.denses[:-1], kept)))
        return cls(space, kept, model, weights, *space.change_to(kept))

    def outputs(self, old: FloatArray) -> FloatArray:
        """Return what the new layer makes of outputs of the old one, ``(n_outputs,)`` each."""
        return np.asarray(old + self.space.features(old) @ self.slopes + self.offset)


def head_of(bundle: Bundle) -> Dense:
    """Return the last layer of a bundle.

    Raises:
        ModelError: it cannot be changed there, or the two files of the bundle differ.
    """
    if bundle.manifest.side_inputs:
        raise ModelError(
            f"bundle {bundle.manifest.name!r} has side inputs, and a last layer is refitted to "
            "windows alone: it cannot be refitted"
        )
    head = head_of_tflite(bundle.model)
    n_outputs = bundle.manifest.output_shape[0] * bundle.manifest.output_shape[1]
    if head.n_outputs != n_outputs:
        raise ModelError(
            f"the last layer of bundle {bundle.manifest.name!r} has {head.n_outputs} outputs where "
            f"its geometry has {n_outputs}: it cannot be refitted"
        )
    if bundle.weights is not None:
        network = network_from_npz(bundle.weights, "weights.npz")
        if network.autoregression is not None or not network.denses:
            raise ModelError(
                f"bundle {bundle.manifest.name!r} has an autoregression beside its last layer: "
                "only a last layer that stands alone can be refitted"
            )
        other = network.denses[-1]
        if other.activation != "linear" or not (
            np.array_equal(other.kernel, head.kernel) and np.array_equal(other.bias, head.bias)
        ):
            raise ModelError(
                f"bundle {bundle.manifest.name!r} has two last layers that differ, in model.tflite "
                "and in weights.npz: convert it again"
            )
    return head


def pack_reheaded(
    path: Path, parent: Bundle, backend: Backend, new: Reheaded, training: Mapping[str, Any]
) -> tuple[Bundle, bytes]:
    """Return the bundle with the new last layer, not yet written, and its bytes.

    Its golden outputs follow from those that the parent's model has in ``backend``, by the algebra
    of :class:`HeadSpace` and not by the new file: they prove that the change arrived.

    Args:
        path: where it is to lie.
        parent: the bundle it came from.
        backend: runs the parent's model.
        new: its new model.
        training: what its manifest says of where it came from.

    Raises:
        ModelError: the bundle would be damaged or too large.
    """
    inputs = parent.golden_inputs
    outputs = np.stack([new.outputs(backend.predict(window).reshape(-1)) for window in inputs])
    manifest = parent.manifest
    # What rounding makes of a sum grows with its terms.
    growth = float(np.linalg.norm(new.head.kernel) / np.linalg.norm(new.space.head.kernel))
    manifest = replace(
        manifest,
        name=_named(manifest.name),
        created_utc=str(training["adapted"]["utc"]),
        golden_atol=manifest.golden_atol * max(growth, 1.0),
        training=dict(training),
    )
    golden = outputs.reshape(parent.golden_outputs.shape).astype(np.float32)
    return pack_bundle(path, manifest, new.model, inputs, golden, new.weights)


def proved_in(bundle: Bundle) -> dict[str, float]:
    """Return the largest difference from the golden vectors in every runtime that is installed.

    Raises:
        ModelError: one of them gives other outputs.
    """
    found = {}
    for name, open_one in BACKENDS.items():
        if name == "numba" and bundle.weights is None:
            continue
        try:
            backend = open_one(bundle, 1)
        except ImportError:
            continue
        found[name] = check_golden(bundle, backend)
    return found


def _named(parent: str) -> str:
    return parent if parent.endswith("-adapted") else f"{parent}-adapted"
