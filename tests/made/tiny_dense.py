"""A bundle that every runtime can run: one dense layer behind another, random but for the last.

Its TFLite file is written by hand: the hidden layer is what an LSTM would be, the last one is what
is adapted.
"""

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgespec.inference.bundle import Bundle, write_bundle
from edgespec.inference.network import Dense, Network, network_to_npz
from tests.made import tiny, tiny_network

N_HIDDEN = 6
KINDS = {np.float32: schema.TensorType.FLOAT32, np.float16: schema.TensorType.FLOAT16}


def layers(rng: np.random.Generator) -> Network:
    """A layer of rectifiers that sees the whole window, and the last one; float16 holds both."""

    def drawn(*shape: int) -> NDArray[np.float32]:
        values = rng.normal(0.0, 0.3, shape)
        return values.astype(np.float16).astype(np.float32)

    hidden = Dense("relu", drawn(512, N_HIDDEN) * np.float32(0.25), drawn(N_HIDDEN))
    return Network((), (hidden, Dense("linear", drawn(N_HIDDEN, 256), drawn(256))))


def tflite(
    network: Network, half: bool = False, activation: int = 0, shared: bool = False
) -> bytes:
    """Return the network as a TFLite file; ``half``: the last layer in float16, dequantised."""
    first, last = network.denses
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    graph.tensors, graph.operators = [], []

    def tensor(shape: tuple[int, ...], values: NDArray[np.generic] | None = None) -> int:
        one = schema.TensorT()
        one.shape, one.type, one.buffer = list(shape), schema.TensorType.FLOAT32, 0
        one.name = f"t{len(graph.tensors)}"
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
            one.buffer, one.type = len(model.buffers), KINDS[values.dtype.type]
            model.buffers.append(buffer)
        graph.tensors.append(one)
        return len(graph.tensors) - 1

    def operator(code: int, inputs: list[int], output: int, fused: int | None = None) -> None:
        one = schema.OperatorT()
        one.opcodeIndex, one.inputs, one.outputs = code, inputs, [output]
        if fused is not None:
            one.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
            one.builtinOptions = schema.FullyConnectedOptionsT()
            one.builtinOptions.fusedActivationFunction = fused
        graph.operators.append(one)

    def constant(values: NDArray[np.float32]) -> int:
        if not half:
            return tensor(values.shape, values)
        narrow, wide = tensor(values.shape, values.astype(np.float16)), tensor(values.shape)
        operator(1, [narrow], wide)
        return wide

    window, hidden = tensor((1, 512)), tensor((1, N_HIDDEN))
    output = tensor((1, last.n_outputs))
    kernel, bias = (
        tensor(first.kernel.T.shape, first.kernel.T),
        tensor(first.bias.shape, first.bias),
    )
    operator(0, [window, kernel, bias], hidden, schema.ActivationFunctionType.RELU)
    parts = [constant(last.kernel.T), constant(last.bias)]
    if shared:
        graph.tensors[parts[1]].buffer = graph.tensors[parts[0]].buffer
    operator(0, [hidden, *parts], output, activation)
    graph.inputs, graph.outputs = [window], [output]
    model.operatorCodes = [
        _code(schema.BuiltinOperator.FULLY_CONNECTED),
        _code(schema.BuiltinOperator.DEQUANTIZE),
    ]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def outputs(network: Network, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the network makes of windows ``(n, 8, 64)``: ``(n, 4, 64)``."""
    first, last = network.denses
    hidden = np.maximum(windows.reshape(len(windows), -1) @ first.kernel + first.bias, 0.0)
    return (hidden @ last.kernel + last.bias).reshape(-1, 4, 64)


def write(
    path: Path, rng: np.random.Generator, half: bool = False, network: Network | None = None
) -> Bundle:
    """Write the bundle, with weights and golden vectors."""
    network = network or layers(rng)
    info = tiny.model_info(
        architecture="dense", gate=None, input_shape=(1, 512), operators=("FULLY_CONNECTED",),
        quantisation="float16" if half else "float32",
    )  # fmt: skip
    calibrations = dict.fromkeys(
        ("forecast", "energy", "zscore"), tiny.calibration(thresholds=tiny_network.THRESHOLDS)
    )
    manifest = tiny.manifest(model=info, detectors=calibrations)
    windows = rng.standard_normal((2, 8, 64), np.float32)
    return write_bundle(
        path, manifest, tflite(network, half), windows, outputs(network, windows),
        network_to_npz(network),
    )  # fmt: skip


def _code(builtin: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 1
    return code
