"""Loads Keras and what computes under it when they are first needed, and quietly.

Keras takes its backend from the environment: ``KERAS_BACKEND=jax`` or ``torch`` trains, transfers
and predicts without TensorFlow, which is the default and which only conversion needs.
"""

import importlib
import os
from typing import Any

from edgespec.errors import ModelError

__all__ = ["BACKENDS", "backend_name", "load_keras", "load_tensorflow", "versions"]

#: Backends of Keras that can train, and how they are installed.
BACKENDS = {
    "tensorflow": "'edgespec[converter]'",
    "jax": "keras jax",
    "torch": "keras torch",
}
_CONVERT_WITH_TENSORFLOW = (
    "this needs TensorFlow, but KERAS_BACKEND is {name!r}: run it with KERAS_BACKEND=tensorflow; "
    "it reads models that were trained under any backend"
)


def backend_name() -> str:
    """Return the backend that Keras has or will have.

    Raises:
        ModelError: ``KERAS_BACKEND`` names one that cannot train.
    """
    name = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if name not in BACKENDS:
        raise ModelError(f"KERAS_BACKEND is {name!r}; choose one of {', '.join(BACKENDS)}")
    return name


def load_tensorflow() -> Any:
    """Return the module ``tensorflow``, for what nothing else can do.

    Raises:
        ModelError: it is not installed, or Keras computes by another backend.
    """
    name = backend_name()
    if name != "tensorflow":
        raise ModelError(_CONVERT_WITH_TENSORFLOW.format(name=name))
    return _load_backend()


def load_keras() -> Any:
    """Return the module ``keras``, with its backend under it and our own gate registered.

    Raises:
        ModelError: one of them is not installed.
    """
    _load_backend()
    try:
        import keras
    except ImportError as error:
        raise _missing(error) from error
    import converter.models.gates  # noqa: F401  saved models name its function

    return keras


def versions() -> dict[str, str]:
    """Return the versions of Keras and of its backend, by name.

    Raises:
        ModelError: one of them is not installed.
    """
    return {"keras": load_keras().__version__, backend_name(): str(_load_backend().__version__)}


def _load_backend() -> Any:
    name = backend_name()
    # Each is read once, at import. 2 leaves warnings out and errors in.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # JAX would take three quarters of a GPU at once, and several trainings share one.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    # A GPU would round products to 10 bits; what is measured is float32, as on the device.
    os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")
    os.environ["KERAS_BACKEND"] = name
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise _missing(error) from error


def _missing(error: ImportError) -> ModelError:
    name = backend_name()
    others = " or ".join(other for other in BACKENDS if other != name)
    return ModelError(
        f"Keras with the backend {name!r} is needed for this ({error}): "
        f"pip install {BACKENDS[name]}, or set KERAS_BACKEND to {others}"
    )
