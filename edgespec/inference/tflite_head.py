"""The last dense layer of a TFLite file: where its numbers lie, and other numbers in their place.

A TFLite file is a FlatBuffer (``schema.fbs``, "TFL3"): tables that name the place of each field,
and buffers of raw numbers. The operators are followed from the output back to the first that
multiplies. Nothing but the bytes of its two buffers is written, so that the file keeps its length,
its graph and whatever else a runtime reads from it.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgespec.door import door
from edgespec.errors import ModelError
from edgespec.inference.network import Dense
from edgespec.records import FloatArray

__all__ = ["head_of_tflite", "with_head_in_tflite"]

#: Fields of the tables, by their order in schema.fbs.
_CODES, _SUBGRAPHS, _BUFFERS = 1, 2, 4
_TENSORS, _OUTPUTS, _OPERATORS = 0, 2, 3
_OPCODE, _INPUTS, _PRODUCED, _OPTIONS = 0, 1, 2, 4
_OLD_CODE, _CODE = 0, 3
_SHAPE, _TYPE, _BUFFER = 0, 1, 2
_ACTIVATION = 0
_DATA = 0
_DEQUANTIZE, _FULLY_CONNECTED = 6, 9
#: RESHAPE, SQUEEZE and EXPAND_DIMS hand on all values in their order.
_PLUMBING = (22, 43, 70)
_DTYPES: dict[int, np.dtype[np.floating[Any]]] = {0: np.dtype("<f4"), 1: np.dtype("<f2")}


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A constant of the file: ``dtype`` numbers from byte ``start``, of a shape."""

    dtype: np.dtype[np.floating[Any]]
    shape: tuple[int, ...]
    start: int

    @property
    def stop(self) -> int:
        """The byte behind them."""
        return self.start + int(np.prod(self.shape)) * self.dtype.itemsize

    def read(self, content: bytes | bytearray) -> FloatArray:
        """Return the numbers as float32."""
        raw = np.frombuffer(content, self.dtype, int(np.prod(self.shape)), self.start)
        return raw.reshape(self.shape).astype(np.float32)

    def write(self, content: bytearray, values: FloatArray) -> None:
        """Put other numbers there, rounded to their type.

        Raises:
            ModelError: one is not finite, or too large for the type.
        """
        with np.errstate(over="ignore"):
            rounded = np.ascontiguousarray(values.reshape(self.shape), self.dtype)
        if not np.isfinite(rounded).all():
            raise ModelError(f"the new last layer has numbers that {self.dtype} cannot hold")
        content[self.start : self.stop] = rounded.tobytes()


def head_of_tflite(content: bytes) -> Dense:
    """Return the last layer of a model, float16 as float32.

    Raises:
        ModelError: the file is damaged, does not end in a dense layer without activation, or holds
            its numbers in another type than float32 and float16.
    """
    kernel, bias = _places(content)
    return Dense("linear", np.ascontiguousarray(kernel.read(content).T), bias.read(content))


def with_head_in_tflite(content: bytes, head: Dense) -> bytes:
    """Return the file with another last layer of the same shape, rounded to the type it has there.

    Raises:
        ModelError: as :func:`head_of_tflite`, or the layer has another shape or too large numbers.
    """
    kernel, bias = _places(content)
    if head.activation != "linear" or head.kernel.shape[::-1] != kernel.shape:
        raise ModelError(
            f"the new last layer is {head.activation} of {head.kernel.shape}; the model has one "
            f"that is linear of {kernel.shape[::-1]}"
        )
    changed = bytearray(content)
    kernel.write(changed, head.kernel.T)
    bias.write(changed, head.bias)
    return bytes(changed)


def _places(content: bytes) -> tuple[_Numbers, _Numbers]:
    """Return where kernel ``(n_outputs, n_inputs)`` and bias ``(n_outputs,)`` lie."""
    with door("the model file", ModelError, "convert the model again"):
        if content[4:8] != b"TFL3":
            raise ValueError("it is no TFLite file")
        return _Graph(content).head()


class _Table:
    """A table of a FlatBuffer: offsets to its fields stand in front of it."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self._at = at
        self._fields = at - _number(content, at, "<i")

    def _field(self, number: int) -> int:
        """Return where a field lies; 0 where it has its default."""
        entry = 4 + 2 * number
        if entry >= _number(self._content, self._fields, "<H"):
            return 0
        offset = _number(self._content, self._fields + entry, "<H")
        return self._at + offset if offset else 0

    def number(self, field: int, kind: str) -> int:
        """Return a field that is a number, 0 by default."""
        at = self._field(field)
        return _number(self._content, at, kind) if at else 0

    def table(self, field: int) -> "_Table | None":
        """Return a field that is a table."""
        at = self._field(field)
        return _Table(self._content, _follow(self._content, at)) if at else None

    def vector(self, field: int) -> tuple[int, int]:
        """Return where a vector's items begin, and how many they are."""
        at = self._field(field)
        if not at:
            return 0, 0
        start = _follow(self._content, at)
        return start + 4, _number(self._content, start, "<I")

    def numbers(self, field: int) -> tuple[int, ...]:
        """Return a field that is a vector of int32."""
        start, n_items = self.vector(field)
        return struct.unpack_from(f"<{n_items}i", self._content, start)

    def tables(self, field: int) -> list["_Table"]:
        """Return a field that is a vector of tables."""
        start, n_items = self.vector(field)
        if not 0 <= n_items <= len(self._content) // 4:
            raise ValueError(f"a list of {n_items} tables")
        places = range(start, start + 4 * n_items, 4)
        return [_Table(self._content, _follow(self._content, at)) for at in places]


class _Graph:
    """The first graph of a TFLite file."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        model = _Table(content, _follow(content, 0))
        self._codes = [
            max(code.number(_OLD_CODE, "<b"), code.number(_CODE, "<i"))
            for code in model.tables(_CODES)
        ]
        self._buffers = model.tables(_BUFFERS)
        graph = model.tables(_SUBGRAPHS)[0]
        self._tensors = graph.tables(_TENSORS)
        self._output = graph.numbers(_OUTPUTS)[0]
        self._producers = {
            tensor: operator
            for operator in graph.tables(_OPERATORS)
            for tensor in operator.numbers(_PRODUCED)
        }

    def head(self) -> tuple[_Numbers, _Numbers]:
        """Return kernel and bias of the last layer."""
        tensor = self._output
        for _ in range(len(self._producers) + 1):
            operator = self._producers[tensor]
            code, inputs = self._code(operator), operator.numbers(_INPUTS)
            if code in _PLUMBING:
                tensor = inputs[0]
                continue
            options = operator.table(_OPTIONS)
            is_linear = options is None or options.number(_ACTIVATION, "<b") == 0
            if code != _FULLY_CONNECTED or len(inputs) < 3 or inputs[2] < 0 or not is_linear:
                break
            kernel, bias = self._constant(inputs[1]), self._constant(inputs[2])
            if len(kernel.shape) != 2 or bias.shape != kernel.shape[:1]:
                raise ValueError(f"shapes {kernel.shape} and {bias.shape}")
            return kernel, bias
        raise ModelError(
            "the model does not end in a dense layer with a bias and without activation, and no "
            "other can be fitted in closed form: take a bundle that does"
        )

    def _code(self, operator: _Table) -> int:
        return self._codes[operator.number(_OPCODE, "<I")]

    def _constant(self, tensor: int) -> _Numbers:
        """Return where the numbers of a constant lie, behind a DEQUANTIZE those it takes."""
        operator = self._producers.get(tensor)
        if operator is not None and self._code(operator) == _DEQUANTIZE:
            tensor = operator.numbers(_INPUTS)[0]
        info = self._tensors[tensor]
        kind, number = info.number(_TYPE, "<b"), info.number(_BUFFER, "<I")
        if kind not in _DTYPES:
            raise ModelError(
                f"the last layer of the model has numbers of type {kind} of TFLite; only float32 "
                "and float16 can be refitted, integers would need new scales: take the bundle as "
                "float16"
            )
        if sum(other.number(_BUFFER, "<I") == number for other in self._tensors) > 1:
            raise ModelError(
                "the last layer of the model shares its numbers with another: convert it again"
            )
        start, n_bytes = self._buffers[number].vector(_DATA)
        found = _Numbers(_DTYPES[kind], info.numbers(_SHAPE), start)
        if found.stop - start != n_bytes or found.stop > len(self._content) or not n_bytes:
            raise ValueError(f"{n_bytes} bytes for the shape {found.shape}")
        return found


def _number(content: bytes, at: int, kind: str) -> int:
    return int(struct.unpack_from(kind, content, at)[0])


def _follow(content: bytes, at: int) -> int:
    """Return where an offset leads to."""
    return at + _number(content, at, "<I")
