"""How fast the front end is, beside other ways to the same spectrogram.

``python -m benchmarks.speed.front_end`` gives every contestant the same samples, in turns and in
one process on one core, and counts the processor time of that thread, so other work on the machine
does little harm; checks that they agree; prints a table and writes it to ``benchmarks/results``.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.record import RESULTS, facts, on_one_core, slug
from benchmarks.speed.peers.fftw import MissingPeerError, fftw_contestant
from benchmarks.speed.peers.python import PYTHON_PEERS, python_contestant, scipy_signal_contestant
from benchmarks.speed.peers.signal import test_signal
from converter.report.markdown_table import markdown_table
from edgespec.computing import Computing
from edgespec.dsp.quality import ClipLimits
from edgespec.dsp.spectrogram import FRAMES, FrontEnd
from edgespec.dsp.tapers import power_window
from edgespec.errors import QualityError
from edgespec.framing import FFT_SIZES, Framing, Recipe
from edgespec.records import FloatArray, IqBlock, SampleFormat

__all__ = ["main"]

PEER = "FFTW in C"
HOP_PEER = "FFTW in C, a block a hop"
HOP = "edgespec, compiled, a block a hop"
_RATE_HZ = 5e6
_AGREE_DB = 0.01

Contestant = Callable[[NDArray[Any], FloatArray], None]


@dataclass(frozen=True, slots=True)
class Timing:
    """One contestant on one format and size.

    ``ratio`` is its best over the best of FFTW in C with all samples at once; ``hop_ratio``, for
    blocks of one hop, over that of FFTW in C with the same blocks.
    """

    name: str
    sample_format: str
    n_fft: int
    n_averages: int
    best_msps: float
    median_msps: float
    error_db: float
    ratio: float | None
    hop_ratio: float | None


def edgespec_contestant(
    framing: Framing, sample_format: SampleFormat, computing: str, block_samples: int
) -> Contestant:
    """Return the front end as the monitor uses it: blocks in, frames and flags out."""
    engine = FrontEnd(framing, sample_format, max_block_samples=block_samples, computing=computing)

    def run(samples: NDArray[Any], out: FloatArray) -> None:
        engine.reset()
        row = 0
        for start in range(0, len(samples), block_samples):
            part = samples[start : start + block_samples]
            frames = engine.process(IqBlock(part, _RATE_HZ, 0.0, start, 0))
            # Without this copy nothing says that the frames are right; the peers write to `out`.
            out[row : row + frames.n_frames] = frames.power_dbfs
            row += frames.n_frames

    return run


def hop_contestant(recipe: Recipe, whole: Callable[[], Contestant]) -> Contestant:
    """Return a contestant that is given the samples hop by hop, as a live radio delivers them."""
    contestant, n_hop = whole(), recipe.hop_frames

    def run(samples: NDArray[Any], out: FloatArray) -> None:
        for row in range(0, len(out), n_hop):
            start = recipe.samples_in(row)
            part = samples[start : start + recipe.hop_samples]
            contestant(part, out[row : row + n_hop])

    return run


def kernel_contestant(framing: Framing, sample_format: SampleFormat) -> Contestant:
    """Return the compiled kernel alone, on whole batches in one piece."""
    limits = ClipLimits.of(sample_format, 0.1)
    kernel = FRAMES[Computing.COMPILED](framing, sample_format, limits)

    def run(samples: NDArray[Any], out: FloatArray) -> None:
        kernel.compute(samples, len(out), out, np.empty(len(out), np.uint8))

    return run


def contestants(
    recipe: Recipe, sample_format: SampleFormat, block_samples: int
) -> Iterator[tuple[str, Callable[[], Contestant]]]:
    """Yield names and makers; a maker raises MissingPeerError where its library is not here."""
    framing = recipe.framing
    window = power_window(framing, sample_format).astype(np.float32)
    ours = partial(edgespec_contestant, framing, sample_format)
    theirs = partial(python_contestant, framing, sample_format, window)
    fftw = partial(fftw_contestant, framing, sample_format, window)
    yield PEER, fftw
    yield HOP_PEER, partial(hop_contestant, recipe, fftw)
    for computing in Computing:
        yield f"edgespec, {computing}", partial(ours, computing, block_samples)
    yield HOP, partial(ours, Computing.COMPILED, recipe.hop_samples)
    yield "edgespec, kernel alone", partial(kernel_contestant, framing, sample_format)
    for name in PYTHON_PEERS:
        yield name, partial(theirs, name)
    yield "scipy.signal.spectrogram", partial(scipy_signal_contestant, framing, sample_format)


def measure(
    recipe: Recipe,
    sample_format: SampleFormat,
    n_samples: int,
    block_samples: int,
    n_rounds: int,
    missing: dict[str, str],
) -> list[Timing]:
    """Run all contestants in turns; add those that cannot run here, and why, to ``missing``.

    Raises:
        QualityError: a contestant computes something else.
    """
    framing, batch = recipe.framing, recipe.samples_in(16)
    samples = test_signal(sample_format, n_samples // batch * batch)
    out = np.empty((recipe.frames_in(len(samples)), framing.n_fft), np.float32)
    runs: dict[str, Contestant] = {}
    for name, make in contestants(recipe, sample_format, block_samples):
        try:
            runs[name] = make()
        except MissingPeerError as error:
            missing[name] = str(error)
    reference, errors = None, {}
    for name, run in runs.items():
        run(samples, out)
        reference = out.copy() if reference is None else reference
        errors[name] = float(np.abs(out - reference).max())
        if errors[name] > _AGREE_DB:
            raise QualityError(f"{name} differs by {errors[name]:.3g} dB; nothing is compared")
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(n_rounds):
        for name, run in runs.items():
            start = time.thread_time()
            run(samples, out)
            seconds[name].append(time.thread_time() - start)
    best = {name: min(times) for name, times in seconds.items()}

    def ratio(name: str, peer: str) -> float | None:
        return best[peer] / best[name] if peer in best else None

    return [
        Timing(
            name,
            sample_format.value,
            framing.n_fft,
            framing.n_averages,
            len(samples) / best[name] / 1e6,
            len(samples) / float(np.median(times)) / 1e6,
            errors[name],
            ratio(name, PEER),
            ratio(name, HOP_PEER) if name == HOP else None,
        )
        for name, times in seconds.items()
    ]


def table(timings: list[Timing], missing: dict[str, str], machine: dict[str, str]) -> str:
    """Return Markdown: for every size one table, one row a contestant, one column a format."""
    lines: list[str] = []
    for n_fft in dict.fromkeys(t.n_fft for t in timings):
        some = {(t.name, t.sample_format): t for t in timings if t.n_fft == n_fft}
        formats = list(dict.fromkeys(sample_format for _, sample_format in some))
        rows = [
            (name, *(_cell(some[name, sample_format]) for sample_format in formats))
            for name in dict.fromkeys(name for name, _ in some)
        ]
        columns = (f"n_fft {n_fft}: MS/s best (median), x peer", *formats)
        lines += [markdown_table(columns, rows), ""]
    lines += [f"Left out: {name}: {why}.\n" for name, why in missing.items()]
    worst = max(t.error_db for t in timings)
    known = ", ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join([*lines, f"All agree within {worst:.1g} dB. {known}."])


def _cell(timing: Timing) -> str:
    ratio = f" {timing.ratio:.2f}x" if timing.ratio else ""
    hop = f", {timing.hop_ratio:.2f}x hop by hop" if timing.hop_ratio else ""
    return f"{timing.best_msps:.0f} ({timing.median_msps:.0f}){ratio}{hop}"


@click.command()
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice([f.value for f in SampleFormat]),
    help="Sample format; several times for several. Default: all.",
)
@click.option(
    "--n-fft",
    "sizes",
    multiple=True,
    type=click.Choice([str(n) for n in FFT_SIZES]),
    help="FFT size; several times for several. Default: all.",
)
@click.option("--averages", default=10, show_default=True, help="Power spectra in a frame.")
@click.option("--samples", default=5_000_000, show_default=True, help="Length of the signal.")
@click.option("--block-samples", default=320_000, show_default=True, help="Length of a block.")
@click.option("--rounds", default=9, show_default=True, help="How often each contestant runs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    formats: tuple[str, ...],
    sizes: tuple[str, ...],
    averages: int,
    samples: int,
    block_samples: int,
    rounds: int,
    as_json: bool,
    save: bool,
) -> None:
    """Spectrograms of one signal by edgespec, FFTW in C, and Python libraries, on one core."""
    # The peers' libraries start threads; one core for all of them is what is compared.
    on_one_core()
    timings: list[Timing] = []
    missing: dict[str, str] = {}
    cases = list(product(map(int, sizes or map(str, FFT_SIZES)), formats or list(SampleFormat)))
    # The default size of the product comes first, so the table begins with it.
    cases.sort(key=lambda case: (case[0] != 128, case[0]))
    with click.progressbar(cases, label="measuring", file=sys.stderr) as progress:
        for n_fft, name in progress:
            recipe = Recipe(_RATE_HZ, n_fft, averages)
            timings += measure(recipe, SampleFormat(name), samples, block_samples, rounds, missing)
    machine = facts(("llvmlite", "pyfftw", "ducc0")) | {
        "block_samples": str(block_samples),
        "averages": str(averages),
        "rounds": str(rounds),
    }
    result = {
        "schema": "edgespec.benchmark.front_end/1",
        "machine": machine,
        "left_out": missing,
        "timings": [asdict(timing) for timing in timings],
    }
    text = table(timings, missing, machine)
    click.echo(json.dumps(result) if as_json else text)
    if save:
        RESULTS.mkdir(exist_ok=True)
        stem = RESULTS / f"front_end-{slug(machine)}"
        stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        stem.with_suffix(".md").write_text(
            "# Front end, one core\n\nMade by `python -m benchmarks.speed.front_end`.\n\n"
            + text
            + "\n"
        )


if __name__ == "__main__":
    main()
