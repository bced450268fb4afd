"""Loads a part of scikit-learn when a baseline that needs it is fitted."""

import importlib
from typing import Any

from edgespec.errors import ModelError

__all__ = ["load_sklearn"]


def load_sklearn(module: str) -> Any:
    """Return a module of scikit-learn by its full name.

    Raises:
        ModelError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModelError(
            f"scikit-learn is needed for this ({error}): pip install 'edgespec[converter]'"
        ) from error
