"""How fast the model is beside what else could run it: ``python -m benchmarks.speed.model``.

Every runtime gets the same windows and the same weights, in turns, in one process on one core;
their outputs are checked against each other before anything is timed.
"""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.networks import PUBLISHED_PATH, Case, make_cases
from benchmarks.speed.runtimes.bundled import chosen_widths
from benchmarks.speed.runtimes.contestant import Contestant, LeftOutError
from benchmarks.speed.runtimes.contestants import BASELINES, RUNTIMES, TOLERANCES
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.errors import QualityError

__all__ = ["Timing", "main", "measure"]

_PACKAGES = ("llvmlite", "onnxruntime", "torch", "keras", "tensorflow-cpu")
#: Rounding of float32 sums in another order, over the RMS of the output.
_RTOL = 1e-4
_N_CHECKED = 3


@dataclass(frozen=True, slots=True)
class Timing:
    """One runtime with one network.

    ``error`` is the largest difference from LiteRT's float32 output, over its RMS. ``ratios`` say
    how often the smallest time of this one goes into that of each baseline.
    """

    network: str
    runtime: str
    min_us: float
    median_us: float
    n_calls: int
    error: float
    ratios: dict[str, float]


def measure(
    case: Case, n_rounds: int, turn_s: float, progress: Callable[[str], None]
) -> tuple[list[Timing], dict[str, str]]:
    """Return the times of all runtimes, and why others are left out.

    Raises:
        QualityError: one computes something else.
    """
    runs: dict[str, Contestant] = {}
    left_out: dict[str, str] = {}
    for name, make in RUNTIMES.items():
        progress(f"{case.name}: {name}")
        try:
            runs[name] = make(case)
        except LeftOutError as error:
            left_out[name] = str(error)
    errors = _errors(runs)
    progress(f"{case.name}: measuring")
    times = take_turns(runs, n_rounds, turn_s)
    return [
        Timing(
            case.name,
            name,
            1e6 * time.min_s,
            1e6 * time.median_s,
            time.n_calls,
            errors[name],
            {base: times[base].min_s / time.min_s for base in BASELINES if base in times},
        )
        for name, time in times.items()
    ], left_out


def _errors(runs: dict[str, Contestant]) -> dict[str, float]:
    errors: dict[str, float] = {}
    expected = [runs[BASELINES[0]](number).copy().ravel() for number in range(_N_CHECKED)]
    rms = float(np.sqrt(np.mean(np.square(expected))))
    for name, run in runs.items():
        actual = [run(number).copy().ravel() for number in range(_N_CHECKED)]
        errors[name] = float(np.max(np.abs(np.subtract(actual, expected)))) / rms
        if not errors[name] <= TOLERANCES.get(name, _RTOL):
            raise QualityError(f"{name} differs by {errors[name]:.2g} of the RMS: nothing compared")
    return errors


def table(timings: list[Timing], left_out: dict[str, dict[str, str]]) -> str:
    """Return Markdown: for every network one table."""
    parts: list[str] = []
    for network in dict.fromkeys(timing.network for timing in timings):
        own = [timing for timing in timings if timing.network == network]
        bases = list(own[0].ratios)
        head = [network, "us, min", "median", "error", *(f"x {base}" for base in bases)]
        rows = [
            [
                timing.runtime,
                f"{timing.min_us:.1f}",
                f"{timing.median_us:.1f}",
                f"{timing.error:.1g}",
                *(f"{timing.ratios[base]:.2f}" for base in bases),
            ]
            for timing in own
        ]
        parts.append(markdown_table(head, rows))
        reasons = left_out.get(network, {}).items()
        parts += ["\n".join(f"- Left out: {name}: {why}" for name, why in reasons)]
    return "\n\n".join(part for part in parts if part)


def _width_note(widths: dict[str, str]) -> str:
    chosen = "; ".join(f"{network}: {text}" for network, text in widths.items() if text)
    return chosen and f"\n\nBits of a vector that were the fastest here: {chosen}."


@click.command()
@click.option("--rounds", default=40, show_default=True, help="Turns of each runtime.")
@click.option("--turn-ms", default=10.0, show_default=True, help="Length of a turn.")
@click.option("--network", "only", help="Only networks whose name contains this.")
@click.option(
    "--published",
    type=click.Path(path_type=Path),
    default=PUBLISHED_PATH,
    help="The model of Li et al. 2019; default: ../shared/data/LTE_880M.h5 beside the project.",
)
@click.option(
    "--work", type=click.Path(path_type=Path), help="Keep models here, or take those that are."
)
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    rounds: int, turn_ms: float, only: str | None, published: Path, work: Path | None, save: bool
) -> None:
    """Time one segment in every runtime, on one core."""
    record.on_one_core()
    # One model after the other is traced; TensorFlow takes that for a mistake.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)

    def progress(text: str) -> None:
        click.echo(text, err=True)

    with tempfile.TemporaryDirectory() as temporary:
        cases, missing = make_cases(work or Path(temporary), published, progress)
        timings: list[Timing] = []
        left_out: dict[str, dict[str, str]] = {name: {"all": why} for name, why in missing.items()}
        for case in cases:
            if only is None or only in case.name:
                measured, reasons = measure(case, rounds, turn_ms / 1e3, progress)
                timings += measured
                left_out[case.name] = reasons
    widths = {
        case.name: str(chosen_widths(case)) for case in cases if only is None or only in case.name
    }
    text = table(timings, left_out) + _width_note(widths)
    machine = record.facts(_PACKAGES) | {"rounds": str(rounds), "turn_ms": f"{turn_ms:g}"}
    result: dict[str, Any] = {
        "machine": machine,
        "left_out": left_out,
        "widths": widths,
        "timings": [asdict(timing) for timing in timings],
    }
    click.echo(text)
    if save:
        title = "One segment of the model, one core"
        click.echo(record.save("model", title, result, text), err=True)


if __name__ == "__main__":
    main()
