"""The decorators of :mod:`edgespec.jit` under the name that this room has for them."""

from edgespec.jit import ahead, inlined, kernel, scalar

__all__ = ["ahead", "inlined", "kernel", "scalar"]
