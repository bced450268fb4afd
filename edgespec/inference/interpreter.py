"""One adapter for every runtime that has TensorFlow Lite's ``Interpreter``."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ModelError
from edgespec.inference.bundle import Bundle
from edgespec.inference.quiet import without_banner
from edgespec.records import FloatArray

__all__ = ["InterpreterBackend"]

_BANNER = b"INFO: Created TensorFlow Lite XNNPACK delegate"
#: What a runtime raises on a model it cannot load or run.
_RUNTIME_ERRORS = (ValueError, RuntimeError, TypeError)


class InterpreterBackend:
    """A :class:`~edgespec.inference.backend.Backend` around an ``Interpreter`` class.

    Args:
        name: what the backend is called in messages.
        interpreter_class: takes ``model_content`` and ``num_threads``.
        bundle: the model and what it promises.
        n_threads: threads of one inference; 1 leaves the other cores to the radio.

    Raises:
        ModelError: the runtime cannot load the model, or the model is not what the manifest says.
    """

    def __init__(
        self, name: str, interpreter_class: Callable[..., Any], bundle: Bundle, n_threads: int = 1
    ) -> None:
        self.name = name
        manifest = bundle.manifest
        _check_operators(manifest.model.operators)
        try:
            with without_banner(_BANNER):
                self._interpreter = interpreter_class(
                    model_content=bundle.model, num_threads=n_threads
                )
                self._interpreter.allocate_tensors()
        except _RUNTIME_ERRORS as error:
            raise ModelError(
                f"{name} cannot load the model of bundle {manifest.name!r} "
                f"({_one_line(error)}): update the runtime or convert the model again"
            ) from error
        inputs, outputs = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )
        window, sides = _inputs_of(inputs, [side.name for side in manifest.side_inputs])
        self._input = _Port(self._interpreter, window, manifest.model.input_shape)
        self._sides = tuple(
            _Port(self._interpreter, [found], (1, *shape))
            for found, shape in zip(sides, manifest.side_shapes, strict=True)
        )
        self._output = _Port(self._interpreter, outputs, manifest.model.output_shape)
        self._window_shape = manifest.window_shape
        self._side_shapes = manifest.side_shapes
        self._result: FloatArray = np.empty(manifest.output_shape, np.float32)
        self._flat_result = self._result.reshape(self._output.shape)

    def predict(self, window: FloatArray, *sides: FloatArray) -> FloatArray:
        """Return the model's output for one standardised window; see ``Backend.predict``.

        Raises:
            ModelError: the window or a side input is not of the shape of the model, or the runtime
                failed.
        """
        if window.shape != self._window_shape:
            raise ModelError(
                f"the window is {window.shape}, but the model takes {self._window_shape}: monitor "
                "with the geometry of the bundle"
            )
        if len(sides) != len(self._sides):
            raise ModelError(
                f"{len(sides)} side inputs are given, but the model takes {len(self._sides)}: it "
                "is to be given those of its manifest"
            )
        for side, shape in zip(sides, self._side_shapes, strict=True):
            if side.shape != shape:
                raise ModelError(f"a side input is {side.shape}, but the model takes {shape}")
        try:
            # Recurrent operators keep their state between calls; windows must not see each other.
            self._interpreter.reset_all_variables()
            self._input.write(window)
            for port, side in zip(self._sides, sides, strict=True):
                port.write(side)
            self._interpreter.invoke()
            self._output.read(self._flat_result)
        except _RUNTIME_ERRORS as error:
            raise ModelError(
                f"{self.name} failed to run the model ({_one_line(error)}): verify the bundle"
            ) from error
        return self._result


def _inputs_of(
    details: list[dict[str, Any]], names: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the tensor of the window, or what else is there in its place, and those of the sides.

    A file has its inputs in any order; each side input is known by its name.
    """
    if not names:
        return details, []
    named = {_name_of(item): item for item in details}
    missing = [name for name in names if name not in named]
    if missing or len(named) != len(details):
        raise ModelError(
            f"the model file has the inputs {', '.join(sorted(named))}, but its manifest has the "
            f"side inputs {', '.join(names)}: convert the model again"
        )
    window = [item for name, item in named.items() if name not in names]
    return window, [named[name] for name in names]


def _name_of(details: dict[str, Any]) -> str:
    """Return what the signature calls an input: the file has ``serving_default_NAME:0``."""
    return str(details["name"]).removeprefix("serving_default_").partition(":")[0]


class _Port:
    """One tensor at the edge of the model: its memory, its shape, and its scale if quantised."""

    def __init__(
        self, interpreter: Any, details: list[dict[str, Any]], shape: tuple[int, ...]
    ) -> None:
        actual = [tuple(int(size) for size in item["shape"]) for item in details]
        if actual != [shape]:
            raise ModelError(
                f"the model file has the shapes {actual} where its manifest says [{shape}]: "
                "convert the model again"
            )
        self.shape = shape
        # The function is kept, not the array: the runtime refuses to run while a view is alive.
        self._tensor = interpreter.tensor(details[0]["index"])
        self._dtype = np.dtype(details[0]["dtype"])
        scale, zero_point = details[0]["quantization"]
        self._is_float = self._dtype == np.float32
        if not self._is_float and (self._dtype.kind not in "iu" or not scale > 0):
            raise ModelError(
                f"the model file has a tensor of {self._dtype} with the scale {scale}; float32 "
                "and quantised integers are accepted: convert the model again"
            )
        self._scale = np.float32(scale)
        self._zero_point = np.float32(zero_point)
        if not self._is_float:
            limits = np.iinfo(self._dtype)
            self._limits = np.float32(limits.min), np.float32(limits.max)
            self._scratch: FloatArray = np.empty(shape, np.float32)

    def write(self, values: FloatArray) -> None:
        """Put values into the tensor, rounded and limited to its integers if it has those."""
        tensor: NDArray[Any] = self._tensor()
        values = values.reshape(self.shape)
        if self._is_float:
            tensor[...] = values
            return
        scaled = np.divide(values, self._scale, out=self._scratch)
        scaled += self._zero_point
        np.rint(scaled, out=scaled)
        np.clip(scaled, *self._limits, out=scaled)
        tensor[...] = scaled

    def read(self, out: FloatArray) -> None:
        """Copy the tensor into ``out``, of the tensor's shape, in the model's own unit."""
        tensor: NDArray[Any] = self._tensor()
        out[...] = tensor
        if not self._is_float:
            out -= self._zero_point
            out *= self._scale


def _check_operators(operators: tuple[str, ...]) -> None:
    for operator in operators:
        if operator.startswith("Flex"):
            raise ModelError(
                f"the model uses {operator}, which needs all of TensorFlow: convert it again "
                "with built-in operators only"
            )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
