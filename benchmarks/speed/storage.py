"""Whether weights of 16 or 8 bits pay: ``python -m benchmarks.speed.storage``.

The product of a vector and a matrix is timed as the kernels of the model do it, with weights as
float32, as float16 and as int8 with one scale a column; the last two become float32 in registers.
Numba compiles it for this processor, for AVX2, and for registers of four floats, as small boards
have them; what is read per weight then shrinks while what is done per weight grows.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.instructions import TARGETS
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.errors import EdgespecError, QualityError
from edgespec.inference.kernels import add_product
from edgespec.inference.packing import packed_columns
from edgespec.inference.registers import NARROW, WIDE
from edgespec.jit import apart, kernel, scalar
from edgespec.memory import aligned_floats
from edgespec.records import FloatArray

__all__ = ["Storage", "halves_of", "main", "products"]

_NATIVE = "this processor"
#: Rows and columns: recurrent weights, the LSTM's last layer, the autoencoder's first.
_SIZES = {"recurrent": (64, 256), "last layer": (64, 3200), "autoencoder": (3200, 256)}
_N_REPEATS = 50
#: Largest error over that of the float32 product's RMS.
_RTOL = {"float32": 1e-5, "float16": 1e-3, "int8": 5e-2}

_SIGN, _REST = np.uint32(0x8000), np.uint32(0x7FFF)
#: Exponents of float16 begin at -14, those of float32 at -126.
_EXPONENT = np.float32(2.0**112)


@dataclass(frozen=True, slots=True)
class Storage:
    """One product of a vector and a matrix; ``ratio`` is float32's time over this one's."""

    target: str
    size: str
    weights: str
    kbytes: float
    us: float
    ratio: float


@scalar
def _float_of_half(half):  # type: ignore[no-untyped-def]
    bits = np.uint32(half)
    bits = ((bits & _SIGN) << np.uint32(16)) | ((bits & _REST) << np.uint32(13))
    return np.uint32(bits).view(np.float32) * _EXPONENT


@apart
def _add_halves(x, panel, out):  # type: ignore[no-untyped-def]
    for n in range(len(x)):
        factor, w = x[n], panel[n * WIDE :]
        for j in range(WIDE):
            out[j] += factor * _float_of_half(w[j])


@apart
def _add_bytes(x, panel, out):  # type: ignore[no-untyped-def]
    for n in range(len(x)):
        factor, w = x[n], panel[n * WIDE :]
        for j in range(WIDE):
            out[j] += factor * np.float32(w[j])


@kernel
def _floats(n_times, x, rows, matrix, scale, out):  # type: ignore[no-untyped-def]
    for _ in range(n_times):
        out[:] = 0.0
        add_product(x, rows, len(x), matrix, len(x), len(out), out)


@kernel
def _halves(n_times, x, rows, matrix, scale, out):  # type: ignore[no-untyped-def]
    for _ in range(n_times):
        out[:] = 0.0
        for column in range(0, len(out), WIDE):
            _add_halves(x, matrix[column * len(x) :], out[column:])


@kernel
def _bytes(n_times, x, rows, matrix, scale, out):  # type: ignore[no-untyped-def]
    for _ in range(n_times):
        out[:] = 0.0
        for column in range(0, len(out), WIDE):
            _add_bytes(x, matrix[column * len(x) :], out[column:])
        for j in range(len(out)):
            out[j] *= scale[j]


def halves_of(matrix: FloatArray) -> Any:
    """Return float16 as the integers that hold it."""
    return matrix.astype(np.float16).view(np.uint16)


def products(
    n_rows: int, n_columns: int, n_times: int = _N_REPEATS
) -> dict[str, tuple[int, FloatArray, Callable[[int], object]]]:
    """Return by kind of weights: their bytes, where the product is written, what computes it."""
    rng = np.random.default_rng(1)
    # Whole groups of columns for every width of registers.
    n_columns = -(-n_columns // (4 * NARROW)) * 4 * NARROW
    matrix = rng.normal(size=(n_rows, n_columns), scale=0.1).astype(np.float32)
    x = rng.standard_normal(n_rows, np.float32)
    scale = np.abs(matrix).max(axis=0) / np.float32(127)
    stored = {
        "float32": (_floats, matrix),
        "float16": (_halves, halves_of(matrix)),
        "int8": (_bytes, np.round(matrix / scale).astype(np.int8)),
    }
    made = {}
    for name, (loop, weights) in stored.items():
        packed, out = packed_columns(weights, (WIDE,)), aligned_floats(n_columns)
        arguments = x, np.arange(n_rows), packed, scale, out
        made[name] = packed.nbytes, out, _repeated(loop, n_times, *arguments)
    return made


def _repeated(loop: Callable[..., object], *arguments: object) -> Callable[[int], object]:
    return lambda _: loop(*arguments)


def measure(target: str, n_rounds: int) -> list[Storage]:
    """Return the times of all sizes and kinds, as this process compiles them.

    Raises:
        QualityError: a product is wrong.
    """
    found = []
    for size, shape in _SIZES.items():
        made = products(*shape)
        for name, (_, out, run) in made.items():
            run(0)
            expected = made["float32"][1]
            error = float(np.abs(out - expected).max() / np.sqrt(np.mean(expected**2)))
            if not error <= _RTOL[name]:
                raise QualityError(f"{name} is {error:.2g} off: nothing is compared")
        times = take_turns({name: run for name, (_, _, run) in made.items()}, n_rounds, 0.01)
        base_s = times["float32"].min_s
        found += [
            Storage(
                target,
                size,
                name,
                n_bytes / 1e3,
                1e6 * times[name].min_s / _N_REPEATS,
                base_s / times[name].min_s,
            )
            for name, (n_bytes, _, _) in made.items()
        ]
    return found


def _measure_for(target: str, features: str | None, n_rounds: int, cache: Path) -> list[Storage]:
    own = {"NUMBA_CACHE_DIR": str(cache / target.replace(" ", "-"))}
    if features is not None:
        own |= {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": features}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed.storage", "measure", target, str(n_rounds)],
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EdgespecError(f"the measurement for {target} failed: {done.stderr}")
    return [Storage(**row) for row in json.loads(done.stdout)]


def table(found: list[Storage]) -> str:
    """Return Markdown."""
    rows = [
        [s.target, s.size, s.weights, f"{s.kbytes:.0f}", f"{s.us:.2f}", f"{s.ratio:.2f}"]
        for s in found
    ]
    return markdown_table(["compiled for", "matrix", "weights", "kB", "us", "x float32"], rows)


@click.group(invoke_without_command=True)
@click.option("--rounds", default=40, show_default=True, help="Turns of each kind.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
@click.pass_context
def main(context: click.Context, rounds: int, save: bool) -> None:
    """Time products of a vector and a matrix with weights of 32, 16 and 8 bits."""
    if context.invoked_subcommand is not None:
        return
    found: list[Storage] = []
    targets: Mapping[str, str | None] = {_NATIVE: None, **TARGETS}
    with tempfile.TemporaryDirectory() as cache:
        for target, features in targets.items():
            click.echo(f"measuring for {target}", err=True)
            found += _measure_for(target, features, rounds, Path(cache))
    text = table(found)
    result = {"machine": record.facts() | {"rounds": str(rounds)}, "storage": [*map(asdict, found)]}
    click.echo(text)
    if save:
        title = "Weights of 32, 16 and 8 bits, one core"
        click.echo(
            record.save("storage", title, result, text),
            err=True,
        )


@main.command("measure", hidden=True)
@click.argument("target")
@click.argument("n_rounds", type=int)
def measure_here(target: str, n_rounds: int) -> None:
    """Print what this process measures, as JSON."""
    record.on_one_core()
    click.echo(json.dumps([asdict(storage) for storage in measure(target, n_rounds)]))


if __name__ == "__main__":
    main()
