"""What this processor can do at most on one core: multiply, read and copy, measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.speed.multiply import FLOP_PER_CALL, c_loops
from benchmarks.speed.turns import take_turns
from edgespec.inference.registers import WIDE, sums_at
from edgespec.jit import apart, at_width, kernel
from edgespec.jit.vectors import default_bits, vector_bits
from edgespec.memory import aligned_floats

__all__ = ["LEVELS", "Ceilings", "measure_ceilings"]

#: Bytes that are sure to lie in one level of the memory and not in the one before, on processors
#: with first caches of 32 to 64 KB, second ones of 0.5 to 2 MB and third ones below 64 MB.
LEVELS: Mapping[str, int] = {"L1": 16 << 10, "L2": 256 << 10, "L3": 6 << 20, "RAM": 192 << 20}
_GEMM = 768
_N_FMA = 100_000
#: Bytes that one call handles at least, so that the call itself costs nothing.
_CALL_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Best figures: ``fma_gflops`` is the most multiply-adds in registers that anything but our own
    compiler reaches: a loop in C where ``c_gflops`` is not 0, and ``sgemm_gflops`` of two large
    matrices by BLAS. ``numba_gflops`` is what Numba makes of the same loop, by bits of a vector; 0
    is what LLVM takes by itself. The others are in GB/s by level.

    ``sgemv_gbps`` counts the matrix, ``copy_gbps`` what is read and written, ``read_gbps`` a sum.
    """

    fma_gflops: float
    c_gflops: float
    sgemm_gflops: float
    numba_gflops: dict[str, float]
    sgemv_gbps: dict[str, float]
    copy_gbps: dict[str, float]
    read_gbps: dict[str, float]

    def bandwidth_gbps(self, level: str) -> float:
        """Return the most that anything here has moved from that level."""
        return max(self.sgemv_gbps[level], self.copy_gbps[level], self.read_gbps[level])


def measure_ceilings(n_rounds: int, turn_s: float) -> Ceilings:
    """Return the ceilings. BLAS must have been told to take one thread."""
    rng = np.random.default_rng(1)
    left, right = (rng.standard_normal((_GEMM, _GEMM), np.float32) for _ in range(2))
    product = np.empty_like(left)
    calls: dict[str, Callable[[int], object]] = {"sgemm": lambda _: np.dot(left, right, product)}
    in_c = c_loops()
    calls |= {f"c {size}": loop for size, loop in in_c.items()}
    choices = (0, *vector_bits())
    calls |= {f"numba {bits}": _multiply_adds(bits) for bits in choices}
    moved: dict[str, int] = {}
    for level, n_bytes in LEVELS.items():
        n_times = max(_CALL_BYTES // n_bytes, 1)
        moved[level] = n_times * n_bytes
        calls |= {
            f"{name} {level}": make(n_bytes // 4, n_times)
            for name, make in (("sgemv", _sgemv), ("copy", _copy), ("read", _read))
        }
    times = take_turns(calls, n_rounds, turn_s)

    def gbps(name: str) -> dict[str, float]:
        return {level: moved[level] / times[f"{name} {level}"].min_s / 1e9 for level in LEVELS}

    sgemm_gflops = 2 * _GEMM**3 / times["sgemm"].min_s / 1e9
    c_gflops = max((FLOP_PER_CALL[n] / times[f"c {n}"].min_s / 1e9 for n in in_c), default=0.0)
    return Ceilings(
        max(c_gflops, sgemm_gflops),
        c_gflops,
        sgemm_gflops,
        {
            str(bits): 2 * sums_at(bits) * _N_FMA / times[f"numba {bits}"].min_s / 1e9
            for bits in choices
        },
        gbps("sgemv"),
        gbps("copy"),
        gbps("read"),
    )


def _multiply_adds(bits: int) -> Callable[[int], object]:
    sums, loop = aligned_floats(sums_at(bits)), at_width(_multiply_add, bits, WIDE=sums_at(bits))
    return lambda _: loop(sums, np.float32(0.5), _N_FMA)


@kernel
def _multiply_add(sums, factor, n_times):  # type: ignore[no-untyped-def]
    _multiply_add_apart(sums, factor, n_times)


@apart
def _multiply_add_apart(sums, factor, n_times):  # type: ignore[no-untyped-def]
    for _ in range(n_times):
        for j in range(WIDE):
            sums[j] = factor * sums[j] + factor


def _sgemv(n_items: int, n_times: int) -> Callable[[int], object]:
    # As many columns as the gates of 64 units.
    matrix = aligned_floats(n_items).reshape(-1, 256)
    x, y = np.zeros(len(matrix), np.float32), np.zeros(256, np.float32)
    return lambda _: _multiply(x, matrix, n_times, y)


@kernel
def _multiply(x, matrix, n_times, y):  # type: ignore[no-untyped-def]
    for _ in range(n_times):
        np.dot(x, matrix, y)


def _copy(n_items: int, n_times: int) -> Callable[[int], object]:
    # Both halves together are as large as the level asks for.
    source, target = np.split(aligned_floats(n_items), 2)
    move = at_width(_move, default_bits())
    return lambda _: move(source, target, n_times)


@kernel
def _move(source, target, n_times):  # type: ignore[no-untyped-def]
    for n in range(n_times):
        # To and fro, so that no copy is a repetition of the last.
        if n % 2:
            _move_apart(target, source)
        else:
            _move_apart(source, target)


@apart
def _move_apart(source, target):  # type: ignore[no-untyped-def]
    for k in range(len(source)):
        target[k] = source[k]


def _read(n_items: int, n_times: int) -> Callable[[int], object]:
    array = aligned_floats(n_items)
    total = at_width(_sum, default_bits())
    return lambda _: total(array, n_times)


@kernel
def _sum(array, n_times):  # type: ignore[no-untyped-def]
    total = np.float32(0.0)
    for n in range(n_times):
        # Another factor each time, so that no sum serves for the next.
        part, factor = np.float32(0.0), np.float32(n)
        for k in range(len(array)):
            part += factor * array[k]
        total += part
    return total
