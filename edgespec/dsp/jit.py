"""The decorators of :mod:`edgespec.jit` under the name that this room has for them."""

from edgespec.jit import ahead, apart, exact, kernel, scalar

__all__ = ["ahead", "apart", "exact", "kernel", "scalar"]
