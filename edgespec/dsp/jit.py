"""The jit decorators of edgespec: every option of Numba is decided here.

Floating-point sums may be reassociated and contracted, but NaN and infinity stay what they are:
the flags ``nnan`` and ``ninf`` are left out, so broken input stays visible in the output.

``kernel`` and ``ahead`` keep machine code in ``NUMBA_CACHE_DIR``, beside the source, or in the
user's cache folder where the package is read-only. A closure over plain integers may be a kernel,
too: they are part of the cache's key. What a kernel calls is compiled into it, but the cache looks
only at the file of the kernel itself: whoever changes a file that a kernel calls empties the cache.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit

__all__ = ["ahead", "inlined", "kernel", "scalar"]

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": False,
    "fastmath": {"contract", "reassoc", "nsz", "arcp", "afn"},
}


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile loops over arrays on the first call, or load them from the cache."""
    return cast(Callable[P, R], njit(cache=True, **_OPTIONS)(function))


def ahead(signature: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile for one signature at once, or load it from the cache; other arguments are refused.

    Use it in a function that is called when the kernel is chosen, not at the top of a module.
    """

    def compile_now(function: Callable[P, R]) -> Callable[P, R]:
        return cast(Callable[P, R], njit(signature, cache=True, **_OPTIONS)(function))

    return compile_now


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Copy a function into its caller, so that the caller's constants are constants in it.

    Sizes known at compile time are what lets LLVM see that rows of a workspace do not overlap.
    """
    return cast(Callable[P, R], njit(inline="always", **_OPTIONS)(function))


def scalar(function: Callable[P, R]) -> Callable[P, R]:
    """Compile arithmetic on a few numbers that always dissolves in the caller's loop."""
    return cast(Callable[P, R], njit(forceinline=True, **_OPTIONS)(function))
