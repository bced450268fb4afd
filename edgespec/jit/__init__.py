"""Compiled loops: every option of Numba, and where machine code is kept."""

from edgespec.jit.cache import cache_folder
from edgespec.jit.decorators import (
    ahead,
    apart,
    at_width,
    exact,
    kernel,
    leave_out_blas,
    packed,
    scalar,
)
from edgespec.jit.octaves import exp2, log2

__all__ = [
    "ahead",
    "apart",
    "at_width",
    "cache_folder",
    "exact",
    "exp2",
    "kernel",
    "leave_out_blas",
    "log2",
    "packed",
    "scalar",
]
