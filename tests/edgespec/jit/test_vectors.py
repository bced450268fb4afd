"""The width of vectors: what there is to choose from, and that a choice is what is compiled."""

import json
import os
import platform
import re
import subprocess
import sys

import numpy as np
import pytest
from numba import njit
from numba.core.codegen import get_host_cpu_features
from numpy.typing import NDArray

from edgespec.inference import kernels
from edgespec.jit import apart, at_width, exact, kernel, scalar
from edgespec.jit.vectors import (
    default_bits,
    sums_in_registers,
    vector_bits,
    vectors_of,
    widths_of,
)
from tests.made.observer import REPOSITORY

FloatArray, IntArray = NDArray[np.float32], NDArray[np.int32]

JIT_OFF = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
NO_CHOICE = "Numba compiles for a processor without AVX-512: vectors have one width"
needs_choice = pytest.mark.skipif(JIT_OFF or len(vector_bits()) < 2, reason=NO_CHOICE)
REGISTER = {512: "%zmm", 256: "%ymm"}


@pytest.mark.parametrize(
    ("features", "widths", "sums"),
    [
        ("+avx,+avx2,+avx512f,+avx512vl,-avx512er", (512, 256), (256, 128)),
        ("+avx,+avx2,+avx512f,-avx512vl", (512,), (256,)),
        ("+avx,+avx2,-avx512f", (256,), (64,)),
        ("+neon,+v8a", (128,), (64,)),
        ("", (128,), (64,)),
    ],
)
def test_registers_decide_on_what_there_is_to_choose(
    features: str, widths: tuple[int, ...], sums: tuple[int, ...]
) -> None:
    assert widths_of(features) == widths
    assert tuple(sums_in_registers(bits, widths[0]) for bits in widths) == sums


def test_where_there_is_one_width_nothing_is_set() -> None:
    assert default_bits() == (vector_bits()[0] if len(vector_bits()) > 1 else 0)
    assert at_width(kernels.project, 0, TILE_COLUMNS=16) is kernels.project


_STEP = 1


@scalar
def _stepped(x):  # type: ignore[no-untyped-def]
    return x + _STEP


@kernel
def stepped(x):  # type: ignore[no-untyped-def]
    """Add the step of this module to an array."""
    for j in range(len(x)):
        x[j] = _stepped(x[j])


@pytest.mark.skipif(JIT_OFF, reason="in plain Python there is one version of a function")
def test_constants_reach_what_a_kernel_calls() -> None:
    x = np.zeros(3, np.float32)
    twin = at_width(stepped, 256, _STEP=10)
    assert twin is at_width(stepped, 256, _STEP=10)
    twin(x)
    stepped(x)
    at_width(stepped, 256, _STEP=100)(x)
    assert x.tolist() == [111.0] * 3


@exact
def plus(one: float, other: float) -> float:
    return one + other


@apart
def add_rows(rows: FloatArray, starts: IntArray, sums: FloatArray) -> None:
    for p in range(8):
        sums[p] = rows[p]
    for i in range(len(starts)):
        first = np.uint64(np.uint32(starts[i]))
        for p in range(8):
            sums[p] = plus(sums[p], rows[first + np.uint64(p)])


@pytest.mark.skipif(JIT_OFF, reason="in plain Python there is no machine code")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="names of its instructions")
@pytest.mark.parametrize("is_packed", [True, False])
def test_short_loops_are_packed_where_that_is_wanted(*, is_packed: bool) -> None:
    @njit(pipeline_class=vectors_of(0, False, is_packed))  # type: ignore[untyped-decorator]
    def add(rows: FloatArray, starts: IntArray, sums: FloatArray) -> None:
        add_rows(rows, starts, sums)

    rows, starts = np.arange(100, dtype=np.float32), np.array([8, 30, 91], np.int32)
    sums = np.zeros(8, np.float32)
    add(rows, starts, sums)
    assert sums.tolist() == [129.0 + 4.0 * p for p in range(8)]
    (text,) = add.inspect_asm().values()
    assert bool(re.search(r"v?addps", text)) == is_packed


def assembly_of_tile(bits: int, columns: int) -> str:
    """What the innermost loop of the projections is compiled to."""
    multiply = at_width(kernels._multiply_four, bits, TILE_COLUMNS=columns)
    rows, panel = np.ones((4, 2), np.float32), np.ones(2 * columns, np.float32)
    tile = np.zeros(4 * columns, np.float32)
    multiply(*rows, 2, panel, tile)
    assert tile.tolist() == [2.0] * len(tile)
    (text,) = multiply.inspect_asm().values()  # type: ignore[attr-defined]
    return str(text)


@needs_choice
@pytest.mark.parametrize("bits", [512, 256])
def test_a_width_is_what_is_compiled(bits: int) -> None:
    columns = sums_in_registers(bits, 512) // 4
    used = set(re.findall(r"%[zy]mm", assembly_of_tile(bits, columns)))
    # The wide code may clear a register by halves.
    assert REGISTER[bits] in used
    assert bits == 512 or REGISTER[512] not in used


@needs_choice
def test_a_processor_that_prefers_narrow_vectors_is_overruled() -> None:
    # As LLVM sees an Intel server up to Cascade Lake.
    features = f"{get_host_cpu_features()},+prefer-256-bit"
    code = (
        "import json\n"
        "from tests.edgespec.jit.test_vectors import assembly_of_tile\n"
        "print(json.dumps([assembly_of_tile(bits, 64).count('%zmm') for bits in (0, 256, 512)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=os.environ | {"NUMBA_CPU_FEATURES": features},
        capture_output=True,
        text=True,
        check=True,
    )
    left_alone, narrow, wide = json.loads(done.stdout)
    assert (left_alone, narrow) == (0, 0)
    assert wide > 0
