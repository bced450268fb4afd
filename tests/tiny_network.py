"""A network small enough to write by hand, and a calibrated bundle around it.

It expects of every bin of the horizon the mean of that bin over the context, which is what a
forecaster comes to that has learnt nothing else. The tests that use it are about the observer,
not about how well a model forecasts, and need no TensorFlow.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import flatbuffers
import numpy as np
import tiny
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgespec.config import BandConfig, DetectConfig
from edgespec.detect.threshold import fit_thresholds
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, load_bundle, write_bundle
from edgespec.inference.manifest import Calibration
from edgespec.pipeline import Pipeline
from edgespec.records import Geometry
from edgespec.sources import open_source

#: The cell that normal signal comes from; a test's own source continues it with its options.
CELL = "sim:lte-dl?sample_rate=1e6&bits=8&load=1"
FALSE_ALARM_RATES = (0.01, 0.001)
_FEATURES = {"MEAN": ("ReducerOptions", "MEAN"), "TILE": ("TileOptions", "TILE")}


def network(geometry: Geometry = tiny.GEOMETRY) -> bytes:
    """Return a TFLite file with two operators: the mean over the context, repeated."""
    n_context, n_horizon, n_bins = geometry.n_context, geometry.n_horizon, geometry.n_fft
    model = schema.ModelT()
    model.version = 3
    axis, times = np.array([1], np.int32), np.array([1, n_horizon, 1], np.int32)
    # Buffer 0 stands for "no data"; the runtime wants it to be there.
    model.buffers = [schema.BufferT(), _buffer(axis), _buffer(times)]
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor("window", (1, n_context, n_bins)),
        _tensor("axis", axis.shape, buffer=1, kind=schema.TensorType.INT32),
        _tensor("mean", (1, 1, n_bins)),
        _tensor("times", times.shape, buffer=2, kind=schema.TensorType.INT32),
        _tensor("expected", (1, n_horizon, n_bins)),
    ]
    graph.inputs, graph.outputs = [0], [4]
    reduce = schema.ReducerOptionsT()
    reduce.keepDims = True
    graph.operators = [
        _operator(0, [0, 1], 2, schema.BuiltinOptions.ReducerOptions, reduce),
        _operator(1, [2, 3], 4, schema.BuiltinOptions.TileOptions, schema.TileOptionsT()),
    ]
    model.subgraphs = [graph]
    model.operatorCodes = [
        _code(schema.BuiltinOperator.MEAN),
        _code(schema.BuiltinOperator.TILE),
    ]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


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
