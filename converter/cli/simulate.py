"""The command that makes recordings or data sets out of nothing: ``simulate``."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from converter.cli.dataset import report_dataset
from converter.cli.geometry import geometry_of, geometry_options
from converter.cli.output import FOLDER, emit, json_option, note
from converter.cli.simulation import seed_option, workers_option
from edgespec.decode import Decoder, parse_toml
from edgespec.errors import UsageError
from edgespec.finite import Finite
from edgespec.screen.progress import Progress
from edgespec.units import parse_quantity

__all__ = ["simulate"]


@click.command()
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder to write to.")
@click.option(
    "--observers", type=click.IntRange(1), default=3, show_default=True, help="Recordings to make."
)
@click.option(
    "--duration",
    type=Finite(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Seconds of each.",
)
@click.option("--sample-rate", default="5M", show_default=True)
@click.option("--mixture", help="plain (default), varied or uplink.")
@click.option("--direction", type=click.Choice(["dl", "ul"]), help="Default: of the mixture.")
@click.option(
    "--population",
    metavar="TOML",
    help="Instead of a mixture, such as 'band = \"b7\", hours = [18, 20]'.",
)
@click.option("--kind", help="Interferer to add, such as tone or qpsk.")
@click.option(
    "--isr-db", type=Finite(), default=0.0, show_default=True, help="Interferer over wanted signal."
)
@click.option("--offset", default="0", show_default=True, help="Interferer from the centre, Hz.")
@click.option(
    "--start",
    type=Finite(min=0),
    default=1.0,
    show_default=True,
    help="Seconds, of interferer and fault.",
)
@click.option("--stop", type=Finite(), help="Seconds; default: to the end.")
@click.option(
    "--every",
    type=Finite(min=0),
    default=0.0,
    show_default=True,
    help="Interferer again each so often, s.",
)
@click.option("--fault", help="power-step, frequencies-down or station-lost.")
@click.option(
    "--step-db", type=Finite(), default=3.0, show_default=True, help="Of the fault power-step."
)
@click.option(
    "--share",
    type=Finite(0, 1),
    default=1.0,
    show_default=True,
    help="Of the frequencies that are down.",
)
@seed_option
@workers_option
@click.option("--frames", is_flag=True, help="Write a data set, without recordings in between.")
@click.option(
    "--fractions",
    default="0.5,0.15,0.15,0.2",
    show_default=True,
    help="Shares of the splits, with --frames.",
)
@geometry_options
@json_option
def simulate(
    out: Path,
    observers: int,
    duration: float,
    sample_rate: str,
    mixture: str | None,
    direction: str | None,
    population: str | None,
    kind: str | None,
    isr_db: float,
    offset: str,
    start: float,
    stop: float | None,
    every: float,
    fault: str | None,
    step_db: float,
    share: float,
    seed: int,
    workers: int,
    frames: bool,
    fractions: str,
    as_json: bool,
    **sizes: Any,
) -> None:
    """Make what standing, walking and driving observers of LTE-like cells hear.

    It is written as SigMF, or with --frames as the data set that `dataset` would make of that.
    """
    from converter.simulate.additions import with_additions
    from edgespec.simulate.config import FaultConfig, InterfererConfig

    rate_hz = parse_quantity(sample_rate, "--sample-rate")
    if population is not None and (mixture is not None or direction is not None):
        raise UsageError("--population excludes --mixture and --direction; give one of them")
    amount = (observers, duration, rate_hz, seed)
    plain = _of_mixture(mixture, direction, amount)
    if population is not None:
        plain = _of_population(population, amount)
    interferers, faults = [], []
    if kind is not None:
        offset_hz = parse_quantity(offset, "--offset")
        interferers.append(
            InterfererConfig(kind, isr_db, offset_hz, start_s=start, stop_s=stop, every_s=every)
        )
    if fault is not None:
        faults.append(FaultConfig(fault, start, stop, step_db, share))
    specs = with_additions(plain, interferers, faults)
    if frames:
        _write_dataset(out, specs, rate_hz, sizes, fractions, seed, workers, as_json)
    else:
        _write_sigmf(out, specs, workers, as_json)


def _of_mixture(
    mixture: str | None, direction: str | None, amount: tuple[int, float, float, int]
) -> list[Any]:
    from converter.simulate.mixture import choose_mixture
    from converter.simulate.specs import training_specs

    return training_specs(*amount, mixture=choose_mixture(mixture or "plain", direction))


def _of_population(text: str, amount: tuple[int, float, float, int]) -> list[Any]:
    from converter.simulate.population import Population

    try:
        values = parse_toml(f"population = {{ {text} }}", UsageError)["population"]
    except UsageError as error:
        raise UsageError(
            f"--population is {text!r}, which is {error}: write it as "
            "'band = \"b7\", hours = [18, 20]'"
        ) from error
    made = Decoder(UsageError, is_toml=True).decode(Population, values, "--population")
    return made.contaminated(made.specs(*amount), amount[3])


def _write_sigmf(out: Path, specs: Sequence[Any], workers: int, as_json: bool) -> None:
    from converter.simulate.dataset import each_in_turn
    from converter.simulate.sigmf_files import write_recording
    from converter.simulate.specs import check_names

    check_names(specs)
    paths: list[Path] = []

    def keep(path: Path) -> None:
        note(f"{len(paths) + 1}/{len(specs)} {path.stem}: {specs[len(paths)].duration_s:g} s")
        paths.append(path)
        progress.at(f"{len(paths)}/{len(specs)} recordings", len(paths) / len(specs))

    with Progress() as progress:
        progress.at(f"0/{len(specs)} recordings")
        each_in_turn(partial(write_recording, out), specs, workers, keep)
    emit(
        {"recordings": [str(path) for path in paths]},
        as_json,
        f"{len(paths)} recordings in {out}",
    )


def _write_dataset(
    out: Path,
    specs: Sequence[Any],
    rate_hz: float,
    sizes: dict[str, Any],
    fractions: str,
    seed: int,
    workers: int,
    as_json: bool,
) -> None:
    from converter.data.ingest import PreparedRecording
    from converter.data.splits import split_by_fraction
    from converter.simulate.dataset import simulate_dataset

    shares = [parse_quantity(share, "--fractions") for share in fractions.split(",")]
    split = split_by_fraction([spec.name for spec in specs], shares, seed)
    names = [spec.name for spec in specs]

    def tell(done: PreparedRecording) -> None:
        n_done = names.index(done.name) + 1
        note(f"{n_done}/{len(names)} {done.name}: {done.n_frames} frames")
        progress.at(f"{n_done}/{len(names)} recordings", n_done / len(names))

    recipe = geometry_of(rate_hz, **sizes)
    with Progress() as progress:
        progress.at(f"0/{len(names)} recordings")
        made = simulate_dataset(specs, out, recipe, split, workers, tell)
    report_dataset(made, as_json)
