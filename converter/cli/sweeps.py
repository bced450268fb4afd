"""The commands that make sweeps and that look at them: ``simulate-sweeps`` and ``analyse``."""

from pathlib import Path
from typing import Any

import click

from converter.cli.output import FOLDER, emit, json_option, note
from edgespec.finite import Finite
from edgespec.screen.progress import Progress
from edgespec.units import parse_quantity

__all__ = ["simulate_sweeps"]


@click.command("simulate-sweeps")
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the data set.")
@click.option("--bands", default="all", show_default=True, help="Names with commas, or all.")
@click.option(
    "--places", type=click.IntRange(4), default=10, show_default=True, help="Recordings of a band."
)
@click.option(
    "--days",
    type=Finite(min=0, min_open=True, max=366),
    default=7.0,
    show_default=True,
    help="Of each recording; 15 MB a day.",
)
@click.option(
    "--fractions", default="0.5,0.15,0.15,0.2", show_default=True, help="Shares of the splits."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is drawn."
)
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Processes that simulate.",
)
@json_option
def simulate_sweeps(
    out: Path,
    bands: str,
    places: int,
    days: float,
    fractions: str,
    seed: int,
    workers: int,
    as_json: bool,
) -> None:
    """Make a data set of swept bands: levels by time and frequency, with UTC.

    Each of its files can be given to `analyse`.
    """
    from converter.data.dataset import SPLITS
    from converter.data.sweeps.sweep_dataset import SweepPart
    from converter.simulate.swept.population import simulate_sweep_dataset, swept_specs
    from converter.simulate.swept.swept_band import SWEPT_BANDS

    names = list(SWEPT_BANDS) if bands == "all" else [name.strip() for name in bands.split(",")]
    specs = swept_specs(names, places, days, seed)
    shares = [parse_quantity(share, "--fractions") for share in fractions.split(",")]
    done: list[str] = []

    def tell(part: SweepPart) -> None:
        done.append(part.name)
        note(f"{part.name}: {part.n_sweeps} sweeps, {part.split}")
        progress.at(f"{len(done)}/{len(specs)} recordings", len(done) / len(specs))

    with Progress() as progress:
        progress.at(f"0/{len(specs)} recordings")
        made = simulate_sweep_dataset(specs, out, shares, seed, workers, tell)
    sweeps = {name: sum(part.n_sweeps for part in made.split(name)) for name in SPLITS}
    lines = [
        f"{name}: {len(made.split(name))} recordings, {n} sweeps" for name, n in sweeps.items()
    ]
    result: dict[str, Any] = {"dataset": str(out), "sha256": made.sha256, "sweeps": sweeps}
    emit(result, as_json, "\n".join([*lines, f"data set {out}"]))
