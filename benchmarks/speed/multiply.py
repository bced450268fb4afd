"""The rate of multiply-adds of one core, from a loop in C: a roof that is not our compiler's."""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["FLOP_PER_CALL", "c_loops"]

#: Sixteen sums are more than any processor has multiply-adds on the way.
_N_SUMS = 16
_N_TIMES = 100_000
#: Bytes of a vector; a processor without the wide ones takes each in several parts.
_VECTOR_BYTES = (64, 32, 16)
FLOP_PER_CALL = {size: 2 * _N_SUMS * _N_TIMES * size // 4 for size in _VECTOR_BYTES}

_CODE = """
typedef float vector __attribute__((vector_size(SIZE)));

void multiply_add(float *sums, float factor, long n_times)
{
    vector s[N_SUMS], f = factor - (vector){};
    for (int j = 0; j < N_SUMS; j++)
        s[j] = sums[j] - (vector){};
    for (long n = 0; n < n_times; n++)
        for (int j = 0; j < N_SUMS; j++)
            s[j] = f * s[j] + f;
    for (int j = 0; j < N_SUMS; j++)
        sums[j] = s[j][0];
}
"""


def c_loops() -> dict[int, Callable[[int], object]]:
    """Return a loop for each size of vectors, in bytes; none where there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
    if compiler is None:
        return {}
    return {size: _loop(compiler, size) for size in _VECTOR_BYTES}


def _loop(compiler: str, size: int) -> Callable[[int], object]:
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "loop.c", Path(folder) / "loop.so"
        source.write_text(_CODE, encoding="utf-8")
        options = ["-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        defined = [f"-DSIZE={size}", f"-DN_SUMS={_N_SUMS}"]
        subprocess.run(
            [compiler, *options, *defined, str(source), "-o", str(library)],
            check=True,
            capture_output=True,
        )
        # What is loaded stays when its file is gone.
        multiply_add = ctypes.CDLL(str(library)).multiply_add
    multiply_add.argtypes = [ctypes.POINTER(ctypes.c_float), ctypes.c_float, ctypes.c_long]
    multiply_add.restype = None
    sums = (ctypes.c_float * _N_SUMS)()
    return lambda _: multiply_add(sums, 0.5, _N_TIMES)
