"""The weights of a float TFLite file for our own kernels, as that file holds them.

The chain of operators is followed from the output back to the input. What float16 has rounded
stays rounded, so that both compute the same model.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from converter.bundles.stack import Affine, as_network
from converter.models.runtime import load_tensorflow
from edgespec.errors import ModelError
from edgespec.inference.network import Autoregression, Dense, Lstm, Network
from edgespec.records import FloatArray

__all__ = ["network_of_tflite"]

#: Inputs of UNIDIRECTIONAL_SEQUENCE_LSTM (schema.fbs): gates input, forget, candidate, output.
_KERNELS, _RECURRENTS, _BIASES = range(1, 5), range(5, 9), range(12, 16)
_PEEPHOLES_AND_PROJECTIONS = (9, 10, 11, 16, 17)
#: Operators that hand on values and their order; of STRIDED_SLICE that takes the last step.
#: What an autoregression is made of, from its output back.
_ON_ITS_SIDE = ["TRANSPOSE", "FULLY_CONNECTED", "TRANSPOSE"]
_PLUMBING = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "STRIDED_SLICE", "DEQUANTIZE")


def network_of_tflite(content: bytes) -> Network:
    """Return the network of a TFLite file of fused LSTM and dense layers, float32 or float16.

    An autoregression that all bins share may be added to them, or stand alone.

    Raises:
        ModelError: it has an operator that our kernels do not have.
    """
    graph = _Graph(content)
    alone = _autoregression(graph, graph.output)
    if alone is not None:
        return Network((), (), alone)
    for tensor, other in graph.summands():
        linear = _autoregression(graph, tensor)
        if linear is not None:
            return replace(as_network(_row(graph, other)), autoregression=linear)
    return as_network(_row(graph, graph.output))


def _row(graph: "_Graph", tensor: int) -> list[Lstm | Dense | Affine]:
    """Return the layers from the input to a tensor, which follow each other."""
    layers: list[Lstm | Dense | Affine] = []
    activation = "linear"
    while tensor != graph.input:
        name, inputs, options = graph.producer(tensor)
        tensor = graph.streamed(inputs)
        if name in _ACTIVATIONS:
            activation = _ACTIVATIONS[name]
        elif name not in _PLUMBING:
            if name not in _READERS:
                raise ModelError(
                    f"operator {name} of the TFLite file is not among those that our kernels "
                    f"have: {', '.join((*_READERS, *_ACTIVATIONS))}"
                )
            layers.append(_READERS[name](graph, inputs, options, activation))
            activation = "linear"
    if activation != "linear":
        raise ModelError("the TFLite file has an activation without a layer before it")
    return layers[::-1]


def _autoregression(graph: "_Graph", tensor: int) -> Autoregression | None:
    """Return the autoregression that a tensor comes from, or None where it is something else.

    Its operators turn the window on its side and back. Which frames a slice before them takes is
    not read: those of the kernel are the last ones, and the golden vectors prove it.
    """
    names: list[str] = []
    found: Dense | None = None
    while tensor != graph.input:
        name, inputs, options = graph.producer(tensor)
        if len(graph.all_streamed(inputs)) != 1:
            return None
        if name == "FULLY_CONNECTED" and names == ["TRANSPOSE"]:
            found = _dense(graph, inputs, options, "linear")
        names += [name] if name != "RESHAPE" else []
        tensor = graph.streamed(inputs)
    if names not in (_ON_ITS_SIDE, [*_ON_ITS_SIDE, "STRIDED_SLICE"]) or found is None:
        return None
    if found.activation != "linear":
        raise ModelError("the TFLite file has an autoregression with an activation")
    return Autoregression(found.kernel, found.bias)


class _Graph:
    """The one graph of a TFLite file."""

    def __init__(self, content: bytes) -> None:
        load_tensorflow()
        from tensorflow.lite.python import schema_py_generated as schema

        self.schema = schema
        self._names = {
            code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()
        }
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        self._graph = self._model.subgraphs[0]
        self.input, self.output = int(self._graph.inputs[0]), int(self._graph.outputs[0])
        self._producers = {
            int(output): operator
            for operator in self._graph.operators
            for output in operator.outputs
        }

    def producer(self, tensor: int) -> tuple[str, list[int], Any]:
        """Return name, inputs and options of the operator that a tensor comes from."""
        operator = self._producers.get(tensor)
        if operator is None:
            raise ModelError("the TFLite file has an output that does not come from its input")
        code = self._model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        name = self._names.get(number, f"BUILTIN_{number}")
        return name, [int(k) for k in operator.inputs], operator.builtinOptions

    def streamed(self, inputs: list[int]) -> int:
        """Return the one input that is not known beforehand."""
        found = self.all_streamed(inputs)
        if len(found) != 1:
            raise ModelError("the TFLite file is not a row of layers: our kernels cannot run it")
        return found[0]

    def all_streamed(self, inputs: list[int]) -> list[int]:
        """Return the inputs that are not known beforehand."""
        return [k for k in inputs if k >= 0 and not self.is_constant(k) and not self._is_state(k)]

    def summands(self) -> list[tuple[int, int]]:
        """Return the two tensors whose sum is the output, in both orders; none if it is no sum."""
        name, inputs, options = self.producer(self.output)
        found = self.all_streamed(inputs)
        if name != "ADD" or options.fusedActivationFunction or len(found) != 2:
            return []
        return [(found[0], found[1]), (found[1], found[0])]

    def is_constant(self, tensor: int) -> bool:
        """Return whether a tensor has the same values for every window."""
        tensor = self._behind_dequantize(tensor)
        data = None if tensor in self._producers else self._data(tensor)
        return data is not None and len(data) > 0

    def floats(self, tensor: int) -> FloatArray:
        """Return the values of a constant, float16 as float32."""
        tensor = self._behind_dequantize(tensor)
        info, types = self._graph.tensors[tensor], self.schema.TensorType
        dtype = {types.FLOAT32: np.float32, types.FLOAT16: np.float16}.get(info.type)
        if dtype is None:
            raise ModelError(
                "the TFLite file has weights of another type than float32 and float16: our kernels "
                "take float models"
            )
        values = np.frombuffer(bytes(self._data(tensor)), dtype)
        shape = () if info.shape is None else tuple(int(size) for size in info.shape)
        return values.reshape(shape).astype(np.float32)

    def _behind_dequantize(self, tensor: int) -> int:
        if tensor in self._producers:
            name, inputs, _ = self.producer(tensor)
            if name == "DEQUANTIZE":
                return inputs[0]
        return tensor

    def _data(self, tensor: int) -> Any:
        return self._model.buffers[self._graph.tensors[tensor].buffer].data

    def _is_state(self, tensor: int) -> bool:
        return bool(self._graph.tensors[tensor].isVariable)


def _lstm(graph: _Graph, inputs: list[int], options: Any, activation: str) -> Lstm:
    inputs = [*inputs, *(-1,) * (24 - len(inputs))]
    if (
        any(inputs[k] >= 0 for k in _PEEPHOLES_AND_PROJECTIONS)
        or options.fusedActivationFunction != graph.schema.ActivationFunctionType.TANH
        or options.cellClip
        or options.projClip
        or activation != "linear"
    ):
        raise ModelError("the TFLite file has an LSTM with settings that our kernels do not have")

    def gates(numbers: range) -> FloatArray:
        # Matrices are stored output by output.
        return np.concatenate([graph.floats(inputs[k]).T for k in numbers], axis=-1)

    return Lstm(
        "sigmoid",
        np.ascontiguousarray(gates(_KERNELS)),
        np.ascontiguousarray(gates(_RECURRENTS)),
        gates(_BIASES),
    )


def _dense(graph: _Graph, inputs: list[int], options: Any, activation: str) -> Dense:
    fused = graph.schema.ActivationFunctionType
    names = {fused.NONE: activation, fused.RELU: "relu", fused.TANH: "tanh"}
    name = names.get(options.fusedActivationFunction, "an unknown activation")
    if options.fusedActivationFunction != fused.NONE and activation != "linear":
        name = f"{name} and {activation}"
    kernel = np.ascontiguousarray(graph.floats(inputs[1]).T)
    has_bias = len(inputs) > 2 and inputs[2] >= 0
    bias = (
        graph.floats(inputs[2]).reshape(-1) if has_bias else np.zeros(kernel.shape[1], np.float32)
    )
    return Dense(name, kernel, bias)


def _affine(name: str) -> Callable[[_Graph, list[int], Any, str], Affine]:
    def read(graph: _Graph, inputs: list[int], options: Any, activation: str) -> Affine:
        (constant,) = (k for k in inputs if graph.is_constant(k))
        values = graph.floats(constant).reshape(-1).astype(np.float64)
        fused = options.fusedActivationFunction
        is_reversed = name == "SUB" and constant == inputs[0]
        if fused or activation != "linear" or is_reversed:
            raise ModelError(f"the TFLite file has a {name} that our kernels do not have")
        if name == "MUL":
            return Affine(values, np.zeros_like(values))
        return Affine(np.ones_like(values), values if name == "ADD" else -values)

    return read


_ACTIVATIONS: Mapping[str, str] = {"RELU": "relu", "TANH": "tanh", "LOGISTIC": "sigmoid"}
_READERS: Mapping[str, Callable[[_Graph, list[int], Any, str], Lstm | Dense | Affine]] = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
    "FULLY_CONNECTED": _dense,
    **{name: _affine(name) for name in ("MUL", "ADD", "SUB")},
}
