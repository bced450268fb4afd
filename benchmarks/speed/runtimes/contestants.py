"""All runtimes by name, in the order of the table."""

from collections.abc import Mapping
from functools import partial

from benchmarks.speed.runtimes import bundled, keras, onnx, pytorch
from benchmarks.speed.runtimes.contestant import Maker

__all__ = ["BASELINES", "OURS", "REUSE", "RUNTIMES", "TOLERANCES"]

OURS = "edgespec, Numba"
REUSE = "edgespec, Numba, with reuse"
#: What the ratios are over.
BASELINES = ("LiteRT, float32", "onnxruntime")

RUNTIMES: Mapping[str, Maker] = {
    OURS: bundled.ours,
    REUSE: bundled.with_reuse,
    # What the choice of widths is between.
    f"{OURS}, 512 bits": partial(bundled.at_bits, bits=512),
    f"{OURS}, 256 bits": partial(bundled.at_bits, bits=256),
    "LiteRT, float32": partial(bundled.plain, backend="litert", kind="float32"),
    "LiteRT, float16": partial(bundled.plain, backend="litert", kind="float16"),
    "LiteRT, dynamic int8": partial(bundled.plain, backend="litert", kind="dynamic_int8"),
    "tflite-runtime, float32": partial(bundled.plain, backend="tflite_runtime", kind="float32"),
    "onnxruntime": onnx.onnxruntime_contestant,
    "PyTorch": pytorch.pytorch_contestant,
    "TensorFlow, XLA": keras.compiled,
    "Keras predict": keras.predict,
}

#: Largest error that is accepted, over the RMS of the output. Others compute in float32, where
#: only the order of sums differs.
TOLERANCES: Mapping[str, float] = {"LiteRT, float16": 1e-2, "LiteRT, dynamic int8": 0.5}
