"""onnxruntime, with its LSTM operator, on a graph written by hand from the weights."""

import numpy as np

from benchmarks.speed.networks import Case
from benchmarks.speed.runtimes.contestant import Contestant, installed
from edgespec.inference.network import Dense, Lstm, Network
from edgespec.records import FloatArray

__all__ = ["onnx_bytes", "onnxruntime_contestant"]

_OPSET = 17
#: Gates and outputs of the operator: input, output, forget, candidate; ours: i, f, c, o.
_ORDER = (0, 3, 1, 2)
_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}


def onnxruntime_contestant(case: Case) -> Contestant:
    """Return a session on one thread, its input and output bound once: its fastest use.

    Raises:
        LeftOutError: onnx or onnxruntime is not installed.
    """
    runtime = installed("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(
        onnx_bytes(case.network, case.windows.shape[1:]),
        options,
        providers=["CPUExecutionProvider"],
    )
    window = np.empty(case.windows.shape[1:], np.float32)
    result = np.empty((1, case.network.n_outputs), np.float32)
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, window.shape, window.ctypes.data)
    binding.bind_output("y", "cpu", 0, np.float32, result.shape, result.ctypes.data)
    n = len(case.windows)

    def run(number: int) -> FloatArray:
        np.copyto(window, case.windows[number % n])
        session.run_with_iobinding(binding)
        return result

    return run


def onnx_bytes(network: Network, window_shape: tuple[int, ...]) -> bytes:
    """Return an ONNX model: ``x`` ``(n_frames, n_bins)`` -> ``y`` ``(1, n_outputs)``.

    Raises:
        LeftOutError: onnx is not installed.
    """
    onnx = installed("onnx")
    graph = _Graph()
    n_frames, n_bins = window_shape
    value = "x"
    if network.lstms:
        # (n_frames, 1, n_bins): the operator has the batch in the middle.
        value = graph.node("Unsqueeze", [value, graph.shape(1)])
        for number, lstm in enumerate(network.lstms):
            value = _lstm(graph, lstm, value, is_last=number == len(network.lstms) - 1)
    else:
        value = graph.node("Reshape", [value, graph.shape(1, n_frames * n_bins)])
    for number, dense in enumerate(network.denses):
        value = _dense(graph, dense, value, "y" if number == len(network.denses) - 1 else "")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "network",
            [helper.make_tensor_value_info("x", floats, list(window_shape))],
            [helper.make_tensor_value_info("y", floats, [1, network.n_outputs])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes and constants; every value gets a name of its own."""

    def __init__(self) -> None:
        self._onnx = installed("onnx")
        self.nodes: list[object] = []
        self.constants: list[object] = []

    def constant(self, array: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def shape(self, *sizes: int) -> str:
        return self.constant(np.array(sizes, np.int64))

    def node(
        self, kind: str, inputs: list[str], outputs: list[str] | None = None, **how: object
    ) -> str:
        """Append a node and return the name of its last output."""
        outputs = outputs or [f"v{len(self.nodes)}"]
        self.nodes.append(self._onnx.helper.make_node(kind, inputs, outputs, **how))
        return outputs[-1]


def _lstm(graph: _Graph, layer: Lstm, value: str, is_last: bool) -> str:
    n_units = layer.n_outputs
    bias = np.concatenate([_gates(layer.bias[None], n_units)[:, 0], np.zeros(4 * n_units)])
    how: dict[str, object] = {"hidden_size": n_units}
    if layer.gate == "hard_sigmoid":
        # clip(alpha x + beta, 0, 1) for the gates; tanh has no parameters.
        how["activations"] = ["HardSigmoid", "Tanh", "Tanh"]
        how["activation_alpha"], how["activation_beta"] = [0.2], [0.5]
    inputs = [
        value,
        graph.constant(_gates(layer.kernel, n_units)[None]),
        graph.constant(_gates(layer.recurrent, n_units)[None]),
        graph.constant(bias.astype(np.float32)[None]),
    ]
    name = f"lstm{len(graph.nodes)}"
    # Every output (n_frames, 1, 1, n_units), or the last (1, 1, n_units).
    outputs = ["", name] if is_last else [name]
    graph.node("LSTM", inputs, outputs, **how)
    return graph.node("Squeeze", [name, graph.shape(1 if not is_last else 0)])


def _gates(matrix: FloatArray, n_units: int) -> FloatArray:
    """Return ``(n, 4 n_units)`` as the operator has it: ``(4 n_units, n)`` in its own order."""
    parts = matrix.reshape(len(matrix), 4, n_units)[:, _ORDER]
    return np.ascontiguousarray(parts.reshape(len(matrix), -1).T)


def _dense(graph: _Graph, layer: Dense, value: str, name: str) -> str:
    inputs = [value, graph.constant(layer.kernel), graph.constant(layer.bias)]
    if layer.activation == "linear":
        return graph.node("Gemm", inputs, [name] if name else None)
    value = graph.node("Gemm", inputs)
    return graph.node(_ACTIVATIONS[layer.activation], [value], [name] if name else None)
