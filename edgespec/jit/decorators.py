"""The jit decorators of edgespec: every option of Numba is decided here.

Floating-point sums may be reassociated and contracted, but NaN and infinity stay what they are:
the flags ``nnan`` and ``ninf`` are left out, so broken input stays visible in the output.

``kernel`` and ``ahead`` keep machine code (:mod:`edgespec.jit.cache`); what dissolves in them is
not kept a second time. A closure over constants and compiled functions may be a kernel, too.
:func:`at_width` makes one kernel for several widths of vectors.
"""

import functools
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit

from edgespec.jit.cache import kept
from edgespec.jit.vectors import vectors_of

__all__ = ["ahead", "apart", "at_width", "exact", "kernel", "leave_out_blas", "packed", "scalar"]

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
    return _compiled(function, is_kept=True)


def packed(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel in which short loops of constant length become vectors, too.

    LLVM unrolls such a loop before it looks for vectors, and Numba then lets the lines stand one by
    one. For sums in registers, which :func:`apart` and :func:`exact` keep there.
    """
    return _compiled(function, is_kept=True, is_packed=True)


def apart(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel of which no argument that is written overlaps another; nobody checks that.

    LLVM then keeps sums over an inner loop of constant length in registers, and needs no tests at
    run time before it vectorises. It always dissolves in the caller: handing over eight arrays
    costs as much as a row of a small matrix.
    """
    return _compiled(function, no_overlap=True, forceinline=True)


def ahead(signature: Any, bits: int = 0) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile for one signature at once, or load it from the cache; other arguments are refused.

    Use it in a function that is called when the kernel is chosen, not at the top of a module.
    ``bits`` as in :func:`at_width`, for what dissolves in it.
    """

    def compile_now(function: Callable[P, R]) -> Callable[P, R]:
        made: Any = _compiled(function, is_kept=True, bits=bits)
        # With its compiler switched off, Numba hands back the Python function.
        if made is not function:
            made.compile(signature)
            made.disable_compile()
        return cast(Callable[P, R], made)

    return compile_now


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Compile arithmetic that keeps its order and its roundings wherever it dissolves.

    Nothing is reassociated or contracted with what stands before or behind it in the caller.
    """
    return _compiled(function, forceinline=True, fastmath=False)


def scalar(function: Callable[P, R]) -> Callable[P, R]:
    """Compile arithmetic on a few numbers that always dissolves in the caller's loop."""
    return _compiled(function, forceinline=True)


@functools.cache
def at_width(function: Callable[P, R], bits: int, **constants: int) -> Callable[P, R]:
    """Return a compiled function, with all that it calls, in vectors of ``bits``.

    LLVM prefers 256 bits on processors that lower their clock for 512, wherever the loop stands;
    which is faster has to be measured, kernel by kernel. ``constants`` are named as in the
    function's module and replace what it, and what it calls, finds there: how much fits into the
    registers depends on their width. 0 leaves the width to LLVM.
    """
    original: Any = function
    python = getattr(original, "py_func", None)
    if python is None or not bits:
        return function
    names = dict(python.__globals__)
    for name in python.__code__.co_names:
        if name in constants:
            names[name] = constants[name]
        elif hasattr(names.get(name), "py_func"):
            names[name] = at_width(names[name], bits, **constants)
    twin = FunctionType(python.__code__, names, python.__name__, python.__defaults__)
    # Machine code of both is found by name, in the cache and in memory.
    marks = "".join(f"_{value}" for value in (bits, *constants.values()))
    twin.__qualname__ = python.__qualname__ + marks
    return _compiled(twin, **(original.made_with | {"bits": bits}))


def _compiled(
    function: Callable[P, R],
    *,
    is_kept: bool = False,
    no_overlap: bool = False,
    is_packed: bool = False,
    bits: int = 0,
    **options: Any,
) -> Callable[P, R]:
    pipeline = vectors_of(bits, no_overlap, is_packed)
    made = njit(pipeline_class=pipeline, **(_OPTIONS | options))(function)
    if made is not function:
        how = {"is_kept": is_kept, "no_overlap": no_overlap, "is_packed": is_packed, "bits": bits}
        made.made_with = how | options
    return cast(Callable[P, R], kept(made) if is_kept else made)
