"""LiteRT, the runtime of choice; the only file that imports it."""

from edgespec.inference.bundle import Bundle
from edgespec.inference.interpreter import InterpreterBackend

__all__ = ["open_litert"]


def open_litert(bundle: Bundle, n_threads: int = 1) -> InterpreterBackend:
    """Return the model of a bundle in LiteRT.

    Raises:
        ImportError: LiteRT is not installed.
        ModelError: the model cannot be loaded.
    """
    from ai_edge_litert.interpreter import Interpreter

    return InterpreterBackend("litert", Interpreter, bundle, n_threads)
