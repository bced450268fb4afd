"""From a Keras model to the bytes of a TFLite file that has built-in operators and its weights."""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converter.bundles.cell_clip import without_cell_clip
from converter.data.model_inputs import ModelInputs
from converter.models.runtime import load_tensorflow
from edgespec.errors import ModelError

__all__ = ["convert", "operators"]

#: Least bytes of a parameter that was not lost. Small tensors stay float32 in every kind.
WEIGHT_BYTES = {"float32": 4, "float16": 2, "dynamic_int8": 1, "int8": 1}


def convert(model: Any, kind: str, representative: ModelInputs | None = None) -> bytes:
    """Return a TFLite file for a Keras model, with a batch of one.

    Args:
        model: the Keras model.
        kind: one of ``QUANTISATIONS``.
        representative: for ``int8``, what fixes the ranges.

    Raises:
        ModelError: the kind is unknown or not possible for this model, the converter failed, an
            operator is not built in, or weights were lost.
    """
    from converter.bundles.fused_lstm import looped_layers, save_fused

    if kind not in WEIGHT_BYTES:
        raise ModelError(f"kind {kind!r} is unknown; choose one of {', '.join(WEIGHT_BYTES)}")
    # The converter runs the model to see the ranges of its values, and crashes in a loop.
    if kind == "int8" and (looped := looped_layers(model)):
        raise ModelError(
            f"int8 is not possible for {looped[0].name!r}: it stays a loop, in which the "
            "converter crashes, as any recurrent layer does but an LSTM with the usual gates: "
            "choose dynamic_int8, float16 or float32, or another network"
        )
    if kind == "int8" and representative is None:
        raise ModelError(
            "int8 needs windows that show the ranges of its values: give a data set with --dataset"
        )
    tf = load_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        save_fused(model, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        names = ["window", *(one.name for one in model.inputs[1:])]
        KINDS[kind](tf, converter, _samples(representative, names))
        try:
            with warnings.catch_warnings():
                # The converter itself asks that interpreter which sample is whose.
                warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")
                content = bytes(converter.convert())
        except Exception as error:  # the converter raises what it likes, ConverterError included
            reason = " ".join(str(error).split())[:300]
            raise ModelError(
                f"the TFLite converter refused the model as {kind} ({reason}): choose another "
                "kind or network"
            ) from error
    _check_weights(content, model.count_params(), kind)
    return without_cell_clip(content)


_Samples = Callable[[], Iterator[Any]] | None


def _samples(given: ModelInputs | None, names: list[str]) -> _Samples:
    """Return what yields samples as the converter wants them: by name where there are several."""
    if given is None:
        return None

    def samples() -> Iterator[Any]:
        for arrays in given:
            batches = [np.ascontiguousarray(array[np.newaxis]) for array in arrays]
            yield batches if len(names) == 1 else dict(zip(names, batches, strict=True))

    return samples


def _float32(tf: Any, converter: Any, _: _Samples) -> None:
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]


def _float16(tf: Any, converter: Any, _: _Samples) -> None:
    _float32(tf, converter, None)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _dynamic_int8(tf: Any, converter: Any, _: _Samples) -> None:
    _float32(tf, converter, None)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    _keep_old_dense(converter)


def _int8(tf: Any, converter: Any, representative: _Samples) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    _keep_old_dense(converter)
    converter.representative_dataset = representative


def _keep_old_dense(converter: Any) -> None:
    # Scales per channel need version 12 of FULLY_CONNECTED, which tflite-runtime has not.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True


KINDS: Mapping[str, Callable[[Any, Any, _Samples], None]] = {
    "float32": _float32,
    "float16": _float16,
    "dynamic_int8": _dynamic_int8,
    "int8": _int8,
}


def operators(content: bytes) -> tuple[str, ...]:
    """Return the names of the operators of a TFLite file, sorted.

    Raises:
        ModelError: one of them is not built in.
    """
    load_tensorflow()
    from tensorflow.lite.python import schema_py_generated as schema

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
    model = schema.Model.GetRootAs(content, 0)
    found = set()
    for index in range(model.OperatorCodesLength()):
        operator = model.OperatorCodes(index)
        custom = operator.CustomCode()
        if custom is not None:
            raise ModelError(
                f"the model needs the operator {custom.decode(errors='replace')}, which is not "
                "built in: choose another network"
            )
        code = max(operator.BuiltinCode(), operator.DeprecatedBuiltinCode())
        found.add(names.get(code, f"BUILTIN_{code}"))
    return tuple(sorted(found))


def _check_weights(content: bytes, n_parameters: int, kind: str) -> None:
    # Half, because equal tensors share one buffer; a file that lost its weights has a hundredth.
    least = n_parameters * WEIGHT_BYTES[kind] // 2
    if len(content) < least:
        raise ModelError(
            f"the TFLite file has {len(content)} bytes, but {n_parameters} parameters as {kind} "
            f"take at least {least}: weights were lost, report this as an error of edgespec"
        )
