"""A network as its weights in float32: LSTM layers, then dense layers, an autoregression beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ModelError
from edgespec.inference.arrays import arrays_from_npz, npz_from_arrays
from edgespec.inference.manifest import GATES
from edgespec.records import FloatArray

__all__ = [
    "ACTIVATIONS",
    "Autoregression",
    "Dense",
    "Lstm",
    "Network",
    "network_from_npz",
    "network_to_npz",
]

ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid")


@dataclass(frozen=True, slots=True)
class Lstm:
    """An LSTM layer that starts from zero, with tanh and gates by name; biases are added once.

    ``kernel`` ``(n_inputs, 4 n_units)``, ``recurrent`` ``(n_units, 4 n_units)`` and ``bias``
    ``(4 n_units,)``, the gates in the order of Keras: input, forget, candidate, output.
    """

    gate: str
    kernel: FloatArray
    recurrent: FloatArray
    bias: FloatArray

    def __post_init__(self) -> None:
        n_units = len(self.recurrent)
        gates = (4 * n_units,)
        if self.gate not in GATES:
            raise ModelError(
                f"an LSTM layer has the gate {self.gate!r}; known are {', '.join(GATES)}"
            )
        _check("kernel", self.kernel, (self.n_inputs, *gates))
        _check("recurrent", self.recurrent, (n_units, *gates))
        _check("bias", self.bias, gates)

    @property
    def n_inputs(self) -> int:
        """Inputs of one time step."""
        return len(self.kernel)

    @property
    def n_outputs(self) -> int:
        """Units."""
        return len(self.recurrent)


@dataclass(frozen=True, slots=True)
class Dense:
    """``activation(x @ kernel + bias)``: ``kernel`` ``(n_inputs, n_outputs)``."""

    activation: str
    kernel: FloatArray
    bias: FloatArray

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise ModelError(
                f"a dense layer has the activation {self.activation!r}; known are "
                f"{', '.join(ACTIVATIONS)}"
            )
        _check("kernel", self.kernel, (self.n_inputs, len(self.bias)))
        _check("bias", self.bias, (self.n_outputs,))

    @property
    def n_inputs(self) -> int:
        """Inputs."""
        return len(self.kernel)

    @property
    def n_outputs(self) -> int:
        """Outputs."""
        return len(self.bias)


@dataclass(frozen=True, slots=True)
class Autoregression:
    """``forecast(h, b) = sum over t of kernel(t, h) window(t, b) + bias(h)``, the same in all bins.

    ``kernel`` ``(order, n_horizon)`` is for the last ``order`` frames of the window.
    """

    kernel: FloatArray
    bias: FloatArray

    def __post_init__(self) -> None:
        _check("kernel", self.kernel, (len(self.kernel), len(self.bias)))
        _check("bias", self.bias, (self.n_horizon,))

    @property
    def order(self) -> int:
        """Frames of the window that count."""
        return len(self.kernel)

    @property
    def n_horizon(self) -> int:
        """Frames that are forecast."""
        return len(self.bias)


@dataclass(frozen=True, slots=True)
class Network:
    """LSTM layers, of which the last hands on its last output only, then dense layers.

    Without LSTM layers the first dense layer sees the whole window, frame after frame. What an
    ``autoregression`` forecasts is added to the output of these layers, or is all there is.

    Raises:
        ModelError: there is no dense layer, a layer does not take what the one before gives, or an
            autoregression stands beside dense layers alone.
    """

    lstms: tuple[Lstm, ...]
    denses: tuple[Dense, ...]
    autoregression: Autoregression | None = None

    def __post_init__(self) -> None:
        if not self.denses and (self.lstms or self.autoregression is None):
            raise ModelError("a network must end in a dense layer: convert the model again")
        if self.denses and not self.lstms and self.autoregression is not None:
            raise ModelError(
                "an autoregression stands beside dense layers; it stands alone or beside LSTM "
                "layers: convert the model again"
            )
        layers = self._layers
        for before, after in pairwise(layers):
            if before.n_outputs != after.n_inputs:
                raise ModelError(
                    f"a layer of {before.n_outputs} outputs is followed by one of "
                    f"{after.n_inputs} inputs: convert the model again"
                )

    @property
    def n_inputs(self) -> int:
        """Inputs of the first layer."""
        return self._layers[0].n_inputs

    @property
    def n_outputs(self) -> int:
        """Outputs of the last layer."""
        return self.denses[-1].n_outputs

    @property
    def _layers(self) -> tuple[Lstm | Dense, ...]:
        return (*self.lstms, *self.denses)


def _check(name: str, array: Any, shape: tuple[int, ...]) -> None:
    if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array).all():
        raise ModelError(
            f"{name} of a layer is {array.dtype} {array.shape}; it must be finite float32 {shape}: "
            "convert the model again"
        )


#: Which bins an autoregression is for; there is no other choice yet.
_SHARED = "shared"
_PARTS: Mapping[str, tuple[str, ...]] = {
    "lstm": ("kernel", "recurrent", "bias"),
    "dense": ("kernel", "bias"),
    "autoregression": ("kernel", "bias"),
}


def network_to_npz(network: Network) -> bytes:
    """Return a network as the ``weights.npz`` of a bundle: the same network gives the same bytes.

    Members are called ``NUMBER.lstm.GATE.PART``, ``NUMBER.dense.ACTIVATION.PART`` and
    ``NUMBER.autoregression.shared.PART``. Values that float16 can hold without loss take half the
    room.
    """
    members: dict[str, FloatArray] = {}
    titled: list[tuple[str, Lstm | Dense | Autoregression]] = []
    titled += [(f"lstm.{lstm.gate}", lstm) for lstm in network.lstms]
    titled += [(f"dense.{dense.activation}", dense) for dense in network.denses]
    if network.autoregression is not None:
        titled.append((f"autoregression.{_SHARED}", network.autoregression))
    for number, (title, layer) in enumerate(titled):
        for part in _PARTS[title.partition(".")[0]]:
            members[f"{number:02}.{title}.{part}"] = _narrowed(getattr(layer, part))
    return npz_from_arrays(**members)


def _narrowed(array: FloatArray) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float16)
    return narrow if np.array_equal(narrow.astype(np.float32), array) else array


def network_from_npz(content: bytes, name: str) -> Network:
    """Return the network of a ``weights.npz``; ``name`` stands for it in messages.

    Raises:
        ModelError: the file is damaged, or holds another kind of network.
    """
    arrays = arrays_from_npz(content, name)
    layers: dict[str, dict[str, FloatArray]] = {}
    for member in sorted(arrays):
        layer, _, part = member.rpartition(".")
        layers.setdefault(layer, {})[part] = arrays[member].astype(np.float32)
    lstms: list[Lstm] = []
    denses: list[Dense] = []
    autoregression: Autoregression | None = None
    for title, parts in layers.items():
        _, kind, choice, *rest = (*title.split("."), "", "")
        if kind not in _PARTS or any(rest) or set(parts) != set(_PARTS[kind]):
            raise ModelError(
                f"{name} has the layer {title!r} with {', '.join(parts)}; known are "
                f"{', '.join(f'{kind} with {_listed(known)}' for kind, known in _PARTS.items())}: "
                "convert the model again"
            )
        if kind == "lstm" and denses:
            raise ModelError(f"{name} has an LSTM layer behind a dense one: use another backend")
        if kind == "autoregression":
            if choice != _SHARED or autoregression is not None:
                raise ModelError(
                    f"{name} has the layer {title!r}; one autoregression, which all bins share, "
                    "can be run: use another backend"
                )
            autoregression = Autoregression(**parts)
        elif kind == "lstm":
            lstms.append(Lstm(choice, **parts))
        else:
            denses.append(Dense(choice, **parts))
    return Network(tuple(lstms), tuple(denses), autoregression)


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts)
