"""A network small enough to write by hand, and a calibrated bundle around it.

It expects of every bin of the horizon the mean of that bin over the context, which is what a
forecaster comes to that has learnt nothing else. The tests that use it are about the observer,
not about how well a model forecasts, and need no TensorFlow.
"""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgespec.detect.detectors import PLAIN_DETECTORS
from edgespec.inference.bundle import Bundle, write_bundle
from edgespec.inference.manifest import Calibration
from edgespec.records import Geometry
from tests.made import tiny

#: In standard deviations at the site. Only 0.001 and 0.01 are there.
THRESHOLDS = {
    "0.001": {"quantile": 8.0, "gaussian": 7.0},
    "0.01": {"quantile": 6.0, "gaussian": 5.0},
}


def network(geometry: Geometry = tiny.GEOMETRY) -> bytes:
    """Return a TFLite file with two operators: the mean over the context, repeated."""
    n_context, n_horizon, n_bins = geometry.n_context, geometry.n_horizon, geometry.n_bins
    axis, times = np.array([1], np.int32), np.array([1, n_horizon, 1], np.int32)
    reducer = schema.ReducerOptionsT()
    reducer.keepDims = True
    options = schema.BuiltinOptions
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor("window", (1, n_context, n_bins)),
        _tensor("axis", axis.shape, buffer=1, kind=schema.TensorType.INT32),
        _tensor("mean", (1, 1, n_bins)),
        _tensor("times", times.shape, buffer=2, kind=schema.TensorType.INT32),
        _tensor("expected", (1, n_horizon, n_bins)),
    ]
    graph.inputs, graph.outputs = [0], [4]
    graph.operators = [
        _operator(0, [0, 1], 2, options.ReducerOptions, reducer),
        _operator(1, [2, 3], 4, options.TileOptions, schema.TileOptionsT()),
    ]
    model = schema.ModelT()
    model.version = 3
    # Buffer 0 stands for "no data" (schema.fbs).
    model.buffers = [schema.BufferT(), _buffer(axis), _buffer(times)]
    model.subgraphs = [graph]
    model.operatorCodes = [
        _code(schema.BuiltinOperator.MEAN),
        _code(schema.BuiltinOperator.TILE),
    ]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def write(path: Path, rng: np.random.Generator, **changes: object) -> Bundle:
    """Write a bundle of the network, calibrated for every detector that it can have."""
    calibration = Calibration(0.0, 1.0, 1000, THRESHOLDS, (1.0,) * tiny.GEOMETRY.n_bins)
    values: dict[str, object] = {
        "name": "mean",
        "model": tiny.model_info(
            architecture="mean",
            gate=None,
            output_shape=(1, tiny.GEOMETRY.n_horizon, tiny.GEOMETRY.n_bins),
            operators=("MEAN", "TILE"),
        ),
        "detectors": dict.fromkeys(("forecast", *PLAIN_DETECTORS), calibration),
        **changes,
    }
    manifest = tiny.manifest(**values)
    inputs = rng.standard_normal((2, *manifest.window_shape), np.float32)
    outputs = np.repeat(inputs.mean(axis=1, keepdims=True), manifest.geometry.n_horizon, axis=1)
    return write_bundle(path, manifest, network(), inputs, outputs)


@functools.cache
def bundle() -> Bundle:
    """Return the bundle that tests share."""
    folder = Path(tempfile.mkdtemp(prefix="edgespec-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write(folder / "mean.edgespec", np.random.default_rng(7))


def _buffer(values: NDArray[np.int32]) -> schema.BufferT:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return buffer


def _tensor(
    name: str, shape: tuple[int, ...], buffer: int = 0, kind: int = schema.TensorType.FLOAT32
) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer, tensor.type = name, list(shape), buffer, kind
    return tensor


def _operator(
    code: int, inputs: list[int], output: int, options_type: int, options: object
) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, [output]
    operator.builtinOptionsType, operator.builtinOptions = options_type, options
    return operator


def _code(builtin: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 1
    return code
