"""The jit decorators of edgespec: every option of Numba is decided here.

Floating-point sums may be reassociated and contracted, but NaN and infinity stay what they are:
the flags ``nnan`` and ``ninf`` are left out, so broken input stays visible in the output.

``kernel`` and ``ahead`` keep machine code (:mod:`edgespec.jit.cache`); what dissolves in them is
not kept a second time. A closure over constants and compiled functions may be a kernel, too.
"""

import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit
from numba.core.compiler import Compiler

from edgespec.jit.cache import kept

__all__ = ["ahead", "apart", "exact", "kernel", "leave_out_blas", "scalar"]

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": False,
    "fastmath": {"contract", "reassoc", "nsz", "arcp", "afn"},
}


def leave_out_blas() -> None:
    """Load Numba's functions of arrays without BLAS, and so without all of scipy.linalg.

    No kernel here multiplies matrices through BLAS, and it would cost a small board 20 MB and half
    a second. It counts for the whole process: ``np.dot`` in a kernel is then refused. For programs;
    a library should not decide that for others. Once the one or the other is loaded, it is too late
    and nothing happens.
    """
    if "numba.np.arraymath" in sys.modules or "scipy.linalg" in sys.modules:
        return
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        del sys.modules["scipy.linalg"]


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile loops over arrays on the first call, or load them from the cache."""
    return cast(Callable[P, R], kept(njit(**_OPTIONS)(function)))


class _Apart(Compiler):  # type: ignore[misc]
    """Tells LLVM that no array of a kernel overlaps another."""

    def define_pipelines(self) -> Any:
        self.state.flags.noalias = True
        return super().define_pipelines()


def apart(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel of which no argument that is written overlaps another; nobody checks that.

    LLVM then keeps sums over an inner loop of constant length in registers, and needs no tests at
    run time before it vectorises. It always dissolves in the caller: handing over eight arrays
    costs as much as a row of a small matrix.
    """
    options = {"forceinline": True, "pipeline_class": _Apart, **_OPTIONS}
    return cast(Callable[P, R], njit(**options)(function))


def ahead(signature: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile for one signature at once, or load it from the cache; other arguments are refused.

    Use it in a function that is called when the kernel is chosen, not at the top of a module.
    """

    def compile_now(function: Callable[P, R]) -> Callable[P, R]:
        dispatcher: Any = kernel(function)
        # With its compiler switched off, Numba hands back the Python function.
        if dispatcher is not function:
            dispatcher.compile(signature)
            dispatcher.disable_compile()
        return cast(Callable[P, R], dispatcher)

    return compile_now


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Compile arithmetic that keeps its order and its roundings wherever it dissolves.

    Nothing is reassociated or contracted with what stands before or behind it in the caller.
    """
    options = _OPTIONS | {"fastmath": False}
    return cast(Callable[P, R], njit(forceinline=True, **options)(function))


def scalar(function: Callable[P, R]) -> Callable[P, R]:
    """Compile arithmetic on a few numbers that always dissolves in the caller's loop."""
    return cast(Callable[P, R], njit(forceinline=True, **_OPTIONS)(function))
