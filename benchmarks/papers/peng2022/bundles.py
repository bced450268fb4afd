"""Bundles of what a run trained: ``python -m benchmarks.papers.peng2022.bundles EXPERIMENT``.

Every network of WORK is converted, held against Keras on sweeps of its band and written with golden
vectors of them; then the bundle is opened and checked as a board does it at each start, and runs
its golden windows on one thread of the runtime that a board has. OUT gets ``bundles.md`` and
``bundles.json``; bundles stay in ``WORK/bundles``, and what is there is not converted again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

import click
import numpy as np

from benchmarks import record
from benchmarks.papers.peng2022.run import model_folder, row_path, sweeps_of
from benchmarks.papers.peng2022.swept_experiment import SweptExperiment, load_swept_experiment
from benchmarks.speed.turns import Times, take_turns
from converter.bundles.quantize import quantize
from converter.data.ingest import file_sha256
from converter.data.model_inputs import ModelInputs
from converter.data.sweeps.band_sweeps import BandSweeps, open_band
from converter.data.sweeps.sweep_windows import SweepWindows
from converter.report.markdown_table import markdown_table
from converter.training.modeldir import load_card
from edgespec.errors import ModelError, QualityError
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import load_bundle
from edgespec.inference.manifest import QUANTISATIONS
from edgespec.newfile import replace_file
from edgespec.records import FloatArray
from edgespec.screen.progress import Progress
from edgespec.side_input import DAYS, HOURS

__all__ = ["Conversion", "convert_network", "main", "sweeps_seen", "trained_of"]

Sides = Mapping[str, FloatArray]

#: Of them 128 fix the ranges of int8, and 32 are held against Keras.
_N_WINDOWS = 256
_COLUMNS = (
    *("network", "inputs", "kind", "parameters", "TFLite, kB", "min ms", "median ms"),
    *("of Keras", "golden, of what is accepted", ""),
)
_WORDS = (
    "`of Keras`: RMS error of the converted network over the RMS of what Keras says, on sweeps of "
    "training places. Golden vectors are checked by the file that was read back; more than 1 is "
    "refused. Times are processor time of one segment.\n"
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A network as one kind: sizes, errors as shares, and why there is none (``refused``).

    ``sha256`` is that of the trained model.
    """

    name: str
    kind: str
    sides: tuple[str, ...]
    n_parameters: int
    sha256: str
    refused: str = ""
    n_bytes: int = 0
    of_keras: float = 0.0
    of_accepted: float = 0.0


def trained_of(experiment: SweptExperiment, work: Path, band: str) -> list[str]:
    """Return the networks of an experiment that a run has trained and measured in a band."""
    return [name for name in experiment.networks if row_path(work, band, name).exists()]


def sweeps_seen(band: BandSweeps, n_windows: int, seed: int) -> tuple[FloatArray, Sides]:
    """Return contexts of train places, and by name the hours and days before each."""
    sides = (DAYS, HOURS)
    windows = SweepWindows(band, ("train",), sides, n_windows=n_windows, seed=seed)
    numbers = np.arange(len(windows))
    rows = windows.sides(numbers)
    names = (side.name for side in sides)
    return np.ascontiguousarray(windows.gather(numbers)[0]), dict(zip(names, rows, strict=True))


def convert_network(
    folder: Path, out: Path, kind: str, contexts: FloatArray, sides: Sides
) -> Conversion:
    """Return what a network comes to as a bundle, which is written; and keep that beside it.

    What was kept of the same trained model is returned as it is.

    Args:
        folder: the trained model.
        out: where the bundle is written.
        kind: one of ``QUANTISATIONS``.
        contexts: standardised sweeps of its training places, ``(n, n_context, n_points)``.
        sides: by name, what was before each, of which it is given what it takes.
    """
    kept, sha256 = out.with_suffix(".json"), file_sha256(folder / "model.keras")
    if kept.exists() and json.loads(kept.read_bytes())["sha256"] == sha256:
        table = json.loads(kept.read_bytes())
        return Conversion(**{**table, "sides": tuple(table["sides"])})
    card = load_card(folder)
    names = tuple(side.name for side in card.side_inputs)
    known = (folder.name, kind, names, int(card.training["n_parameters"]), sha256)
    try:
        given = ModelInputs(contexts, tuple(sides[name] for name in names))
        quantize(folder, out, kind, inputs=given)
    except (ModelError, QualityError) as error:
        found = Conversion(*known, refused=str(error))
    else:
        bundle = load_bundle(out)
        parity = bundle.manifest.model.parity
        found = Conversion(
            *known,
            n_bytes=len(bundle.model),
            of_keras=parity["rms_error"] / parity["keras_rms"],
            of_accepted=check_golden(bundle, open_backend(bundle)) / bundle.manifest.golden_atol,
        )
    replace_file(kept, json.dumps(asdict(found)).encode())
    return found


def _call(path: Path) -> Callable[[int], object]:
    """Return what runs the next golden window of a bundle, opened and checked as on a board."""
    bundle = load_bundle(path)
    backend = open_backend(bundle)
    check_golden(bundle, backend)
    windows = cycle(list(bundle.golden_windows()))
    return lambda _: backend.predict(*next(windows))


def _line(row: Conversion, times: Times | None) -> list[str]:
    inputs = " + ".join(("context", *row.sides))
    first = [row.name, inputs, row.kind, f"{row.n_parameters:,}"]
    if times is None:
        # The sentence says what is wrong before it says what to do.
        return [*first, *("-",) * 5, row.refused.split(": ")[0].split(";")[0]]
    return [
        *first,
        f"{row.n_bytes / 1e3:.0f}",
        f"{times.min_s * 1e3:.2f}",
        f"{times.median_s * 1e3:.2f}",
        f"{row.of_keras:.1e}",
        f"{row.of_accepted:.2f}",
        "",
    ]


@click.command(help=__doc__)
@click.argument("experiment", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--work", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--band", help="One of the experiment; default: its first.")
@click.option("--kinds", default=",".join(QUANTISATIONS), show_default=True, help="With commas.")
def main(experiment: Path, work: Path, out: Path, band: str | None, kinds: str) -> None:
    """Convert, check and time what was trained for one band."""
    asked = load_swept_experiment(experiment)
    name = band or asked.bands[0]
    home = work / "bundles" / name
    home.mkdir(parents=True, exist_ok=True)
    found: list[Conversion] = []
    with Progress() as progress:
        dataset = sweeps_of(asked, name, work, progress.say)
        sweeps = open_band(dataset.folder, name, n_context=asked.n_past, n_horizon=asked.n_future)
        progress.say("sweeps that networks are given")
        contexts, sides = sweeps_seen(sweeps, _N_WINDOWS, asked.seed)
        for network in trained_of(asked, work, name):
            for kind in kinds.split(","):
                progress.say(f"{network} as {kind}")
                path, folder = (
                    home / f"{network}-{kind}.edgespec",
                    model_folder(work, name, network),
                )
                found.append(convert_network(folder, path, kind, contexts, sides))
        if not found:
            raise click.UsageError(
                f"{str(work)!r} has no network of the band {name!r}: train them with "
                "`python -m benchmarks.papers.peng2022.run`"
            )
        progress.say("times")
        there = [f"{row.name}-{row.kind}" for row in found if not row.refused]
        times = take_turns({one: _call(home / f"{one}.edgespec") for one in there}, 3, 0.05)
    timed = [times.get(f"{row.name}-{row.kind}") for row in found]
    lines = [_line(row, one) for row, one in zip(found, timed, strict=True)]
    machine = record.facts(["tensorflow", "keras", "ai-edge-litert"])
    page = (
        f"# Bundles of the networks of {asked.name}, {name}\n\nMade by `python -m "
        f"benchmarks.papers.peng2022.bundles {experiment} --work WORK -o OUT`.\n\n"
        f"{markdown_table(_COLUMNS, lines, right_from=3)}\n\n{_WORDS}\n"
        + ", ".join(f"{key} {value}" for key, value in machine.items())
        + ".\n"
    )
    rows = [
        {**asdict(row), "times": asdict(one) if one else None}
        for row, one in zip(found, timed, strict=True)
    ]
    out.mkdir(parents=True, exist_ok=True)
    replace_file(out / "bundles.md", page.encode())
    content = json.dumps({"machine": machine, "rows": rows}, indent=1, allow_nan=False)
    replace_file(out / "bundles.json", f"{content}\n".encode())
    click.echo(page)


if __name__ == "__main__":
    main()
