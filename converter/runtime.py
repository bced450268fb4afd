"""Loads TensorFlow and Keras when they are first needed, and quietly."""

import os
from typing import Any

from edgespec.errors import ModelError

__all__ = ["load_keras", "load_tensorflow"]


def _prepare() -> None:
    # Read once, at import: 2 leaves warnings out and errors in.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def _missing(error: ImportError) -> ModelError:
    return ModelError(
        f"TensorFlow and Keras are needed for this ({error}): pip install 'edgespec[converter]'"
    )


def load_tensorflow() -> Any:
    """Return the module ``tensorflow``.

    Raises:
        ModelError: it is not installed.
    """
    _prepare()
    try:
        import tensorflow
    except ImportError as error:
        raise _missing(error) from error
    return tensorflow


def load_keras() -> Any:
    """Return the module ``keras``, with TensorFlow under it and our own gate registered.

    Raises:
        ModelError: it is not installed.
    """
    load_tensorflow()
    try:
        import keras
    except ImportError as error:
        raise _missing(error) from error
    import converter.models.gates  # noqa: F401  saved models name its function

    return keras
