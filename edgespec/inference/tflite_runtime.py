"""tflite-runtime, the fallback where LiteRT has no wheel; the only file that imports it.

It ended at 2.14 (2023): Python 3.11 and numpy below 2 at most. With numpy 2 it installs and
imports, and then fails as soon as an interpreter is made.
"""

import numpy as np

from edgespec.errors import ModelError
from edgespec.inference.bundle import Bundle
from edgespec.inference.interpreter import InterpreterBackend

__all__ = ["open_tflite_runtime"]


def open_tflite_runtime(bundle: Bundle, n_threads: int = 1) -> InterpreterBackend:
    """Return the model of a bundle in tflite-runtime.

    Raises:
        ImportError: tflite-runtime is not installed.
        ModelError: it disagrees with the numpy beside it, or the model cannot be loaded.
    """
    from tflite_runtime.interpreter import Interpreter

    if int(np.__version__.partition(".")[0]) >= 2:
        raise ModelError(
            f"tflite-runtime was built for numpy 1 and cannot work with numpy {np.__version__}: "
            "pip install ai-edge-litert"
        )
    return InterpreterBackend("tflite_runtime", Interpreter, bundle, n_threads)
