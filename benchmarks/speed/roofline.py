"""How near our kernels come to what the processor can do: ``python -m benchmarks.speed.roofline``.

Every kernel is timed alone and compared with the lower of two roofs (Williams 2009): the rate of
multiply-adds, and its FLOP per byte times the bandwidth of the memory that its weights lie in.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.ceilings import LEVELS, Ceilings, measure_ceilings
from benchmarks.speed.networks import Case, make_cases
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.computing import Computing
from edgespec.dsp.quality import ClipLimits
from edgespec.dsp.spectrogram import FRAMES
from edgespec.framing import Framing
from edgespec.inference.kernels import dense, project, recur
from edgespec.inference.packing import pack
from edgespec.inference.registers import TILE_ROWS, sums_at
from edgespec.inference.widths import Widths
from edgespec.jit import at_width, kernel
from edgespec.jit.vectors import default_bits, vector_bits
from edgespec.memory import aligned_floats
from edgespec.records import SampleFormat

__all__ = ["Part", "Placed", "main", "parts_of"]

#: A window of the LSTM has so many frames that the last one did not have.
_N_NEW = 25
#: Both quotients of tanh with its limits take 21, a sigmoid 22, what joins them 12.
_CELL_FLOP = 2 * 21 + 3 * 22 + 12
_N_REPEATS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One kernel on one input: its work, and what runs it ``_N_REPEATS`` times.

    ``n_bytes`` is what it reads and writes, weights as often as it reads them; ``reused_bytes`` is
    the size of what is read again and again, which says from where.
    """

    name: str
    flop: float
    n_bytes: float
    reused_bytes: int
    run: Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Placed:
    """One kernel below its roof."""

    name: str
    us: float
    mflop: float
    kbytes: float
    flop_per_byte: float
    gflops: float
    gbps: float
    level: str
    roof_gflops: float
    share: float


@kernel
def _project(n, x, n_in, panels, n_out, start, n_ring, tile, out):  # type: ignore[no-untyped-def]
    for _ in range(n):
        project(x, n_in, panels, n_out, 0, start, n_ring, n_ring, tile, out)


@kernel
def _recur(n, projected, n_ring, offset, recurrent, n_units, is_hard, z, cell, order, out):  # type: ignore[no-untyped-def]
    for _ in range(n):
        recur(
            projected, 0, n_ring, np.float32(1.0), offset,
            recurrent, n_units, is_hard, z, cell, order, out,
        )  # fmt: skip


@kernel
def _dense(n, x, n_in, matrix, n_out, bias, activation, rows, out):  # type: ignore[no-untyped-def]
    for _ in range(n):
        dense(x, n_in, matrix, n_out, bias, activation, rows, out)


def parts_of(case: Case, bits: int = 0) -> Iterator[Part]:
    """Yield the kernels that one segment of a network needs, and the projection with reuse.

    In vectors of ``bits``, 0 for the widest.
    """
    n_sums = sums_at(bits)
    columns, width = n_sums // TILE_ROWS, bits or default_bits()
    packed = pack(case.network, Widths(bits, bits, bits))
    weights, n_frames = packed.weights, case.windows.shape[1]
    tile, rng = aligned_floats(n_sums), np.random.default_rng(1)
    for number, (n_in, n_units, is_hard, panels, recurrent, bias) in enumerate(packed.lstms):
        x = rng.standard_normal(n_frames * n_in, np.float32)
        n_out = 4 * n_units
        projected, z = aligned_floats(n_frames * n_out), aligned_floats(n_out)
        cell, order = aligned_floats(n_units), np.zeros(2 * n_units, np.int64)
        out, title = aligned_floats(n_frames * n_units), f"{case.name}, layer {number + 1}"
        for start in (0, n_frames - _N_NEW) if number == 0 else (0,):
            n_rows = n_frames - start
            yield Part(
                f"{title}, projection of {n_rows} frames",
                2.0 * n_rows * n_in * n_out,
                4.0 * n_rows * (n_in * n_out / TILE_ROWS + n_in * n_out / columns + n_out),
                4 * n_in * columns,
                _repeated(
                    at_width(_project, width, TILE_COLUMNS=columns),
                    x,
                    n_in,
                    weights[panels:],
                    n_out,
                    start,
                    n_frames,
                    tile,
                    projected,
                ),
            )
        state = z, cell, order
        yield Part(
            f"{title}, recurrence",
            (n_frames - 1) * 2.0 * n_units * n_out + n_frames * n_units * _CELL_FLOP,
            (n_frames - 1) * 4.0 * n_units * n_out + 8.0 * n_frames * n_out,
            4 * n_units * n_out,
            _repeated(
                at_width(_recur, width, WIDE=n_sums),
                *(projected, n_frames, weights[bias:], weights[recurrent:], n_units, is_hard),
                *(*state, out),
            ),
        )
    for number, (n_in, n_out, activation, matrix, bias) in enumerate(packed.denses):
        x = rng.standard_normal(n_in, np.float32)
        if number:
            # Behind a rectifier half of the inputs are zero, and their rows are left out.
            x[x < 0.0] = 0.0
        n_rows = int(np.count_nonzero(x))
        rows, out = np.zeros(n_in, np.int64), aligned_floats(n_out)
        yield Part(
            f"{case.name}, dense {n_in} to {n_out}",
            2.0 * n_rows * n_out,
            4.0 * n_rows * n_out + 8.0 * n_out,
            4 * n_rows * n_out,
            _repeated(
                at_width(_dense, width, WIDE=n_sums),
                x,
                n_in,
                weights[matrix:],
                n_out,
                weights[bias:],
                activation,
                rows,
                out,
            ),
        )


def _at_every_width(case: Case) -> Iterator[Part]:
    for bits in vector_bits():
        for part in parts_of(case, bits):
            is_widest = bits == vector_bits()[0]
            yield part if is_widest else replace(part, name=f"{part.name}, {bits} bits")


def _repeated(loop: Callable[..., object], *arguments: object) -> Callable[[int], object]:
    return lambda _: loop(_N_REPEATS, *arguments)


def _front_end() -> Part:
    """Return the spectrogram of 32 frames of int16 samples: two full batches."""
    framing, n_frames = Framing(5e6), 32
    limits = ClipLimits.of(SampleFormat.CI16, 0.1)
    frames = FRAMES[Computing.COMPILED](framing, SampleFormat.CI16, limits)
    n_samples, n_fft = n_frames * framing.frame_samples, framing.n_fft
    samples = np.random.default_rng(1).integers(-3000, 3000, (n_samples, 2), np.int16)
    power, flags = np.empty((n_frames, n_fft), np.float32), np.empty(n_frames, np.uint8)

    def run(_: int) -> None:
        for _n in range(_N_REPEATS):
            frames.compute(samples, n_frames, power, flags)

    # 5 N log2 N for an FFT (Frigo 2005), 2 for the taper, 4 for the power of a sample.
    flop = n_samples * (5.0 * np.log2(n_fft) + 6.0)
    return Part("front end, 32 frames", flop, 4.0 * n_samples + power.nbytes, samples.nbytes, run)


def place(part: Part, seconds: float, ceilings: Ceilings) -> Placed:
    """Return a kernel's figures beside its roof."""
    level = next((name for name, n in _FITS.items() if part.reused_bytes <= n), "RAM")
    intensity = part.flop / part.n_bytes
    roof = min(ceilings.fma_gflops, intensity * ceilings.bandwidth_gbps(level))
    gflops = part.flop / seconds / 1e9
    return Placed(
        part.name,
        1e6 * seconds,
        part.flop / 1e6,
        part.n_bytes / 1e3,
        intensity,
        gflops,
        part.n_bytes / seconds / 1e9,
        level,
        roof,
        gflops / roof,
    )


#: What fits into a level of this machine, in bytes, from the system; else what is usual.
def _cache_bytes() -> dict[str, int]:
    sizes = {"L1": 32 << 10, "L2": 1 << 20, "L3": 32 << 20}
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        level, kind, size = ((index / name).read_text().strip() for name in _CACHE_FILES)
        if kind != "Instruction":
            sizes[f"L{level}"] = int(size.removesuffix("K")) << 10
    return {level: sizes[level] for level in LEVELS if level in sizes}


_CACHE_FILES = ("level", "type", "size")
_FITS = _cache_bytes()


def table(placed: list[Placed], ceilings: Ceilings, blas: str) -> str:
    """Return Markdown: the roofs, and every kernel below them."""
    levels = [
        [level, *(f"{gbps[level]:.0f}" for gbps in (ceilings.read_gbps, ceilings.sgemv_gbps,
                                                    ceilings.copy_gbps))]
        for level in LEVELS
    ]  # fmt: skip
    head = ["kernel", "us", "MFLOP", "kB", "FLOP/byte", "GFLOP/s", "GB/s", "weights in", "of roof"]
    rows = [
        [
            p.name,
            f"{p.us:.1f}",
            f"{p.mflop:.2f}",
            f"{p.kbytes:.0f}",
            f"{p.flop_per_byte:.2f}",
            f"{p.gflops:.0f}",
            f"{p.gbps:.0f}",
            p.level,
            f"{100 * p.share:.0f} %",
        ]
        for p in placed
    ]
    return "\n\n".join(
        [
            _roofs(ceilings, blas),
            markdown_table(["GB/s", "read", "sgemv", "copy"], levels),
            markdown_table(head, rows),
            _NOTES,
        ]
    )


def _roofs(ceilings: Ceilings, blas: str) -> str:
    in_c = f"{ceilings.c_gflops:.0f}" if ceilings.c_gflops else "no compiler here"
    by_width = ", ".join(
        f"{gflops:.0f} {'as LLVM takes them' if bits == '0' else f'of {bits} bits'}"
        for bits, gflops in ceilings.numba_gflops.items()
    )
    return (
        f"Multiply-adds in registers, GFLOP/s: a loop in C {in_c}; sgemm of OpenBLAS ({blas}) "
        f"{ceilings.sgemm_gflops:.0f}; the larger is the roof. The same loop by Numba, in vectors: "
        f"{by_width}."
    )


_NOTES = """\
The roof of a kernel is the lower of the rate of multiply-adds in registers, in which our own
compiler has no part, and of its FLOP/byte times the best bandwidth of the level that holds what it
reads again and again. Bytes count every read of a weight, from wherever it comes. The recurrent
weights do not fit into the first cache; as the kernel reads them to and fro, part of them comes
from there."""


@click.command()
@click.option("--rounds", default=40, show_default=True, help="Turns of each kernel.")
@click.option("--turn-ms", default=10.0, show_default=True, help="Length of a turn.")
@click.option(
    "--work", type=click.Path(path_type=Path), help="Keep models here, or take those that are."
)
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(rounds: int, turn_ms: float, work: Path | None, save: bool) -> None:
    """Measure the roofs of one core and where the kernels lie below them."""
    threads = import_module("threadpoolctl")

    record.on_one_core()
    with tempfile.TemporaryDirectory() as temporary, threads.threadpool_limits(1):
        cases, _ = make_cases(
            work or Path(temporary), None, lambda text: click.echo(text, err=True)
        )
        parts = [_front_end(), *(part for case in cases for part in _at_every_width(case))]
        blas = ", ".join({str(pool.get("architecture")) for pool in threads.threadpool_info()})
        ceilings = measure_ceilings(rounds, turn_ms / 1e3)
        times = take_turns({part.name: part.run for part in parts}, rounds, turn_ms / 1e3)
    placed = [place(part, times[part.name].min_s / _N_REPEATS, ceilings) for part in parts]
    text = table(placed, ceilings, blas)
    machine = record.facts() | {"blas": blas} | {"rounds": str(rounds), "turn_ms": f"{turn_ms:g}"}
    result = {
        "machine": machine,
        "ceilings": asdict(ceilings),
        "cache_bytes": _FITS,
        "kernels": [asdict(p) for p in placed],
    }
    click.echo(text)
    if save:
        title = "Kernels below the roofs of one core"
        click.echo(record.save("roofline", title, result, text), err=True)


if __name__ == "__main__":
    main()
