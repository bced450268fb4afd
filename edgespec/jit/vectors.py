"""How wide the vectors of a function are, and what LLVM may take for granted about its arrays."""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import config
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import cpu_target

__all__ = ["default_bits", "sums_in_registers", "vector_bits", "vectors_of", "widths_of"]

_FLOAT_BITS = 32


def vector_bits() -> tuple[int, ...]:
    """Return the widths of vectors that one can choose from here, the widest first."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return (_widths()[0],)
    return _widths()


def default_bits() -> int:
    """Return the width to take where none was measured: the widest, 0 where there is one only."""
    return vector_bits()[0] if len(vector_bits()) > 1 else 0


@functools.cache
def _widths() -> tuple[int, ...]:
    # By this, and not by the processor, Numba tells what it has in its cache: one answer for all
    # kernels that share one, whatever NUMBA_CPU_NAME says.
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    return widths_of(str(features))


def widths_of(features: str) -> tuple[int, ...]:
    """Return the widths of a processor, the widest first; ``features`` as LLVM lists them."""
    has = set(features.split(","))
    if "+avx512f" in has:
        return (512, 256) if "+avx512vl" in has else (512,)
    return (256,) if has & {"+avx", "+avx2"} else (128,)


def sums_in_registers(bits: int, widest: int) -> int:
    """Return how many float32 sums the registers hold, with room left for what is added.

    That is half of them: 16 of 32 registers with AVX-512, which has as many of 256 bits, and with
    NEON; 8 of 16 with AVX2.
    """
    n_registers = 16 if widest == 256 else 32
    return n_registers // 2 * bits // _FLOAT_BITS


@functools.cache
def vectors_of(bits: int, no_overlap: bool, is_packed: bool = False) -> type[Compiler]:
    """Return the compiler for a width, 0 for LLVM's own, and arrays that do not overlap, or may.

    Where it packs, arithmetic that stands side by side in straight lines goes into vectors, too.
    """

    class Library(JITCodeLibrary):  # type: ignore[misc]
        def add_ir_module(self, ir_module: Any) -> None:
            for function in ir_module.functions:
                # Numba has no name for it, so it is added past the list of what Numba knows.
                if bits and not function.is_declaration:
                    set.add(function.attributes, f'"prefer-vector-width"="{bits}"')
            super().add_ir_module(ir_module)

        def finalize(self) -> None:
            with _packing(is_packed):
                super().finalize()

    class Pipeline(Compiler):  # type: ignore[misc]
        def define_pipelines(self) -> Any:
            state = self.state
            if no_overlap:
                state.flags.noalias = True
            if (bits or is_packed) and state.library is None:
                codegen = state.targetctx.codegen()
                state.library = Library(codegen, state.func_id.func_qualname)
                state.library.enable_object_caching()
            return super().define_pipelines()

    return Pipeline


@contextmanager
def _packing(is_wanted: bool) -> Iterator[None]:
    """Let LLVM pack straight lines (superword-level parallelism), which Numba leaves off.

    It has a switch for the whole process only, and one compiler at a time.
    """
    before = config.SLP_VECTORIZE
    config.SLP_VECTORIZE = int(is_wanted or before)
    try:
        yield
    finally:
        config.SLP_VECTORIZE = before
