"""Instructions of one call, which do not depend on the machine's mood.

``python -m benchmarks.speed.instructions`` runs every contestant under valgrind's callgrind, which
counts when all is loaded, compiled and warm. Valgrind knows no AVX-512, so every library takes its
AVX2 code, and Numba is told to. With four lanes it is told to use registers of 128 bits, as an ARM
processor has: nearly what it executes there.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks import record
from benchmarks.speed.networks import PUBLISHED_PATH, make_cases
from benchmarks.speed.peers.counting import compile_switch, counted, run_counted
from benchmarks.speed.runtimes.contestant import LeftOutError
from benchmarks.speed.runtimes.contestants import OURS, REUSE, RUNTIMES
from converter.report.markdown_table import markdown_table
from edgespec.errors import EdgespecError

__all__ = ["PARTS", "TARGETS", "Count", "count_call", "main"]

_AVX2 = (
    "+avx2,+avx,+fma,+f16c,+sse4.2,+sse4.1,+ssse3,+sse3,+sse2,+sse,"
    "+popcnt,+bmi,+bmi2,+cx16,+movbe,+lzcnt"
)
#: What Numba compiles for; other libraries choose by themselves.
TARGETS: Mapping[str, str] = {"AVX2": _AVX2, "four lanes": _AVX2 + ",+prefer-128-bit"}
#: TensorFlow does not come up under valgrind in any useful time.
_WITHOUT = ("TensorFlow, XLA", "Keras predict", "tflite-runtime, float32")
_N_CALLS = 20
_LEFT_OUT = 3
_HOP_SHAPE = (32_000, 2)
CANCELLED = "cell cancelled and scanned, 1.92 MS/s"
#: Hops until segments come and the chain is warm.
_N_PRIMING = 12


@dataclass(frozen=True, slots=True)
class Count:
    """Millions of instructions of one call of ``contestant`` with ``of``, on ``target``."""

    of: str
    contestant: str
    target: str
    millions: float


def count_call(work: Path, of: str, contestant: str, target: str) -> Count | None:
    """Return the instructions of a call, None where the contestant cannot take part.

    Raises:
        EdgespecError: valgrind is not there, or the program ended badly under it.
    """
    environment = os.environ | {
        "PYTHONHASHSEED": "0",
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": TARGETS[target],
        "NUMBA_CACHE_DIR": str(work / "jit" / target.replace(" ", "-")),
    }
    command = [
        *(sys.executable, "-m", "benchmarks.speed.instructions", "call"),
        *(str(work), of, contestant),
    ]
    # Without valgrind first: Numba then finds its machine code in the cache.
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == _LEFT_OUT:
        return None
    if done.returncode:
        raise EdgespecError(f"{contestant} ended with {done.returncode}: {done.stderr}")
    return Count(of, contestant, target, run_counted(command, environment) / _N_CALLS / 1e6)


def _front_end() -> Callable[[int], object]:
    from edgespec.dsp.spectrogram import FrontEnd
    from edgespec.framing import Framing
    from edgespec.records import SampleFormat

    engine = FrontEnd(
        Framing(5e6), SampleFormat.CI16, max_block_samples=_HOP_SHAPE[0], computing="compiled"
    )
    return lambda number: engine.process(_block(number))


def _whole_path() -> Callable[[int], object]:
    from edgespec.config import BandConfig, DetectConfig
    from edgespec.dsp.spectrogram import FrontEnd
    from edgespec.inference.backends import open_backend
    from edgespec.inference.bundle import load_bundle, shipped_bundle_path
    from edgespec.observer.opening.making import make_chain
    from edgespec.observer.scoring.basis import Basis
    from edgespec.records import SampleFormat

    bundle = load_bundle(shipped_bundle_path())
    front_end = FrontEnd(
        bundle.manifest.recipe.framing,
        SampleFormat.CI16,
        max_block_samples=_HOP_SHAPE[0],
        computing="compiled",
    )
    backend = open_backend(bundle, "numba")
    detect = DetectConfig(detectors=("model", "zscore", "energy"), warmup_s=0.0)
    chain = make_chain(Basis.of_bundle(bundle, backend, detect), front_end, BandConfig(), detect)
    for number in range(_N_PRIMING):
        list(chain.process(_block(number)))
    return lambda number: list(chain.process(_block(_N_PRIMING + number)))


def _cancelled() -> Callable[[int], object]:
    """The cell cancelled, and what is left scanned, at the rate of a dongle: 12,288 samples."""
    from benchmarks.speed.prefix import make_plane, make_signal
    from benchmarks.speed.scan import make_call
    from edgespec.computing import Computing

    samples, cell = make_signal(1.92e6)
    plane = make_plane(samples, cell, Computing.COMPILED)
    scan = make_call(5, Computing.COMPILED)
    for number in range(_N_PRIMING):
        plane(number), scan(number)
    return lambda number: (plane(_N_PRIMING + number), scan(_N_PRIMING + number))


def _minute() -> Callable[[int], object]:
    """What the history and the mask of a band add to a hop: its levels, at 5 MS/s."""
    from edgespec.computing import Computing
    from edgespec.dsp.minute import MinuteMeter
    from edgespec.framing import Framing

    grid, n_horizon = Framing(5e6).grid(806e6), 25
    meter = MinuteMeter("lte", grid, n_horizon, Computing.COMPILED)
    rows = np.random.default_rng(1).normal(-80.0, 5.0, (n_horizon, grid.n_bins)).astype(np.float32)
    return lambda number: meter.add(rows, number * n_horizon * grid.frame_ticks, 0)


def _script() -> Callable[[int], object]:
    from benchmarks.speed.peers.observer import ScriptObserver
    from edgespec.inference.bundle import load_bundle, shipped_bundle_path

    observer = ScriptObserver(load_bundle(shipped_bundle_path()), n_warmup=4)
    for number in range(_N_PRIMING):
        observer.hop(_block(number).samples)
    return lambda number: observer.hop(_block(number).samples)


def _block(number: int) -> Any:
    from edgespec.records import IqBlock

    return IqBlock(_noise(), 5e6, 0.0, number * _HOP_SHAPE[0], utc_ns=0)


@functools.cache
def _noise() -> NDArray[np.int16]:
    return np.random.default_rng(1).integers(-3000, 3000, _HOP_SHAPE, np.int16)


#: One hop of noise, int16 at 5 MS/s: 32,000 samples; or of a cell at 1.92 MS/s.
PARTS: Mapping[str, Callable[[], Callable[[int], object]]] = {
    "front end": _front_end,
    "whole path, LSTM": _whole_path,
    CANCELLED: _cancelled,
    "minute of the history": _minute,
    "script of scipy.signal and LiteRT, LSTM": _script,
}
_HOP = "one hop"


def _contestants(networks: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    for of in networks:
        for name in RUNTIMES:
            if name not in _WITHOUT:
                yield of, name, "AVX2"
                if name in (OURS, REUSE):
                    yield of, name, "four lanes"
    for name in PARTS:
        yield _HOP, name, "AVX2"
        yield _HOP, name, "four lanes"


def table(counts: list[Count]) -> str:
    """Return Markdown: millions of instructions of a call, and how often ours go into them."""
    rows = []
    for count in counts:
        own = {c.contestant: c.millions for c in counts if (c.of, c.target) == (count.of, "AVX2")}
        ratio = f"{count.millions / own[OURS]:.2f}" if OURS in own else ""
        rows.append([count.of, count.contestant, count.target, f"{count.millions:.3f}", ratio])
    head = ["network", "contestant", "compiled for", "million instructions", "x ours, plain"]
    return markdown_table(head, rows)


@click.group(invoke_without_command=True)
@click.option(
    "--published",
    type=click.Path(path_type=Path),
    default=PUBLISHED_PATH,
    help="The model of Li et al. 2019; default: ../shared/data/LTE_880M.h5 beside the project.",
)
@click.option(
    "--work", type=click.Path(path_type=Path), help="Keep models here, or take those that are."
)
@click.option("--only", help=f"Count only what this is part of, such as '{_HOP}'; keep the rest.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
@click.pass_context
def main(
    context: click.Context, published: Path, work: Path | None, only: str | None, save: bool
) -> None:
    """Count the instructions of one segment in every runtime, and of one hop of the path."""
    if context.invoked_subcommand is not None:
        return

    def progress(text: str) -> None:
        click.echo(text, err=True)

    machine = record.facts(("onnxruntime", "torch"))
    kept = _kept(record.RESULTS / f"instructions-{record.slug(machine)}.json") if only else {}
    counts: list[Count] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = (work or Path(temporary)).absolute()
        cases, _ = make_cases(folder, published, progress)
        compile_switch(folder)
        # A cache does not see that a file has changed which its kernels call.
        shutil.rmtree(folder / "jit", ignore_errors=True)
        for contestant in _contestants(tuple(case.name for case in cases)):
            if only and only not in " ".join(contestant):
                counts += [kept[contestant]] if contestant in kept else []
                continue
            progress(": ".join(contestant))
            count = count_call(folder, *contestant)
            counts += [count] if count else []
    text = table(counts)
    result = {"machine": machine, "counts": [*map(asdict, counts)]}
    click.echo(text)
    if save:
        title = "Instructions of one call, without AVX-512"
        click.echo(record.save("instructions", title, result, text), err=True)


def _kept(path: Path) -> dict[tuple[str, str, str], Count]:
    counts = json.loads(path.read_text())["counts"] if path.exists() else []
    return {(c["of"], c["contestant"], c["target"]): Count(**c) for c in counts}


@main.command("call", hidden=True)
@click.argument("work", type=click.Path(path_type=Path))
@click.argument("of")
@click.argument("contestant")
def call(work: Path, of: str, contestant: str) -> None:
    """Call one contestant: what is run under valgrind."""
    record.on_one_core()
    try:
        if of == _HOP:
            run = PARTS[contestant]()
        else:
            # The published model is there by now, or was left out.
            cases, _ = make_cases(work, work / "published", lambda text: None)
            run = RUNTIMES[contestant](next(case for case in cases if case.name == of))
    except LeftOutError:
        sys.exit(_LEFT_OUT)
    run(0)
    with counted(work / "callgrind.so"):
        for number in range(_N_CALLS):
            run(1 + number)


if __name__ == "__main__":
    main()
