"""Commands for sweeps: simulated, read, with an anomaly, and drawn."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from converter.cli.output import FILE, FOLDER, emit, json_option, note
from converter.cli.simulation import seed_option, workers_option
from converter.cli.split import split_of_bands, split_options
from edgespec.errors import ConfigError, SourceError, UsageError
from edgespec.finite import Finite
from edgespec.screen.progress import Progress
from edgespec.units import parse_quantity
from edgespec.when import When

__all__ = ["aachen_sweeps", "analyse", "dataset_sweeps", "inject_sweeps", "simulate_sweeps"]

_zone_option = click.option(
    "--zone",
    metavar="NAME",
    help="Of the local times in a file, such as Europe/Berlin or UTC.  [default: this machine's]",
)


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
@seed_option
@workers_option
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
    _report(made, as_json)


@click.command("dataset-sweeps")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the data set.")
@click.option("--band", help="Name of the band.  [default: by its frequencies]")
@_zone_option
@split_options
@json_option
def dataset_sweeps(
    files: tuple[Path, ...],
    out: Path,
    band: str | None,
    zone: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Turn FILES of sweeps into a data set, split by recording.

    A file is an npz with utc_s, freqs_hz and levels_db, or what rtl_power, hackrf_sweep or
    soapy_power wrote. What lies at the same points is one band. Fewer than four recordings of a
    band are cut in time. Programs write the time of the clock on the wall: hours and days are right
    only in the zone of that clock, daylight saving included.
    """
    from converter.data.sweeps.sweep_dataset import SweepPart
    from converter.data.sweeps.sweep_ingest import build_sweep_dataset, open_tables

    def tell(part: SweepPart) -> None:
        note(f"{part.name}: {part.n_sweeps} sweeps, {part.split}")

    with Progress() as progress:
        progress.at(f"reading {len(files)} files")
        tables = open_tables(files, band, zone)
        names: dict[str, list[str]] = {}
        for one in tables:
            names.setdefault(one.band, []).append(one.name)
        split = split_of_bands(names, options)
        progress.at("writing")
        made = build_sweep_dataset(tables, out, split, tell)
    _report(made, as_json)


@click.command("aachen-sweeps")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="File to write: NAME.npz.")
@click.option("--from", "lower", required=True, help="First frequency of the band, as 890M.")
@click.option("--to", "upper", required=True, help="Last frequency of the band, as 906M.")
@click.option(
    "--begin",
    type=When(),
    required=True,
    help="When the file of the lowest number begins, as 2007-01-30T12:00Z; hours and days follow.",
)
@click.option(
    "--interval",
    type=Finite(min=0, min_open=True, max=86_400),
    default=1.8,
    show_default=True,
    help="Seconds from one sweep to the next.",
)
@json_option
def aachen_sweeps(
    files: tuple[Path, ...],
    out: Path,
    lower: str,
    upper: str,
    begin: int,
    interval: float,
    as_json: bool,
) -> None:
    """Take a band out of FILES of the campaign of RWTH Aachen, as a file of sweeps.

    FILES are those of one subband, MeasRes_0770_0001.mat and so on. How they are read follows
    public programs that read them, and was not verified on the original files.
    """
    from converter.data.sweeps.aachen import read_aachen
    from converter.data.sweeps.sweep_file import save_sweeps

    band_hz = parse_quantity(lower, "--from"), parse_quantity(upper, "--to")
    with Progress() as progress:
        progress.at(f"reading {len(files)} files")
        table = read_aachen(files, band_hz, begin / 1e9, interval)
    save_sweeps(out, table)
    note("the layout of these files was not verified on the original: look at it with analyse")
    emit(
        {"file": str(out), "sweeps": table.n_sweeps, "points": table.n_points},
        as_json,
        f"{out}: {table.n_sweeps} sweeps of {table.n_points} points",
    )


@click.command("inject-sweeps")
@click.argument("file", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="File to write: NAME.npz.")
@click.option(
    "--kind",
    default="tone",
    show_default=True,
    help="tone, pulse, chirp, wpulse, or two of them, as tone+pulse.",
)
@click.option("--isr", type=Finite(-60, 60), default=0.0, show_default=True, help="In dB.")
@click.option("--first", type=click.IntRange(0), required=True, help="Sweep to begin at.")
@click.option(
    "--sweeps", "n_sweeps", type=click.IntRange(1), default=40, show_default=True, help="How many."
)
@_zone_option
@seed_option
@json_option
def inject_sweeps(
    file: Path,
    out: Path,
    kind: str,
    isr: float,
    first: int,
    n_sweeps: int,
    zone: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Add an anomaly to a file of sweeps, to see what finds it.

    The ISR is its power over that of the band's own signals, which simulated files know; of others
    it is over all that was measured.
    """
    from converter.data.sweeps.open_sweeps import open_sweeps
    from converter.data.sweeps.sweep_file import save_sweeps, signal_of
    from converter.simulate.swept.inject import inject

    table, *others = open_sweeps(file, zone)
    if others:
        raise UsageError(f"{str(file)!r} has {1 + len(others)} tables: give a file of one")
    made = inject(table, kind, isr, first, n_sweeps, seed, signal_of(file))
    save_sweeps(out, made)
    begin = datetime.fromtimestamp(float(made.utc_s[first]), UTC).isoformat(timespec="seconds")
    emit(
        {"file": str(out), "kind": kind, "isr_db": isr, "first": first, "begin": begin},
        as_json,
        f"{out}: {kind} at {isr:g} dB, {n_sweeps} sweeps from {begin} on",
    )


def _report(made: Any, as_json: bool) -> None:
    """Print what is in a data set of sweeps."""
    from converter.data.dataset import SPLITS

    sweeps = {name: sum(part.n_sweeps for part in made.split(name)) for name in SPLITS}
    lines = [
        f"{name}: {len(made.split(name))} recordings, {n} sweeps" for name, n in sweeps.items()
    ]
    result: dict[str, Any] = {
        "dataset": str(made.folder),
        "sha256": made.sha256,
        "bands": list(made.bands),
        "sweeps": sweeps,
    }
    shown = f"data set {made.folder}: {', '.join(made.bands)}"
    emit(result, as_json, "\n".join([*lines, shown]))


@click.command()
@click.argument("file", type=FILE)
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of pictures and numbers.")
@click.option("--table", metavar="GLOB", help="Only those of the file's tables, by name.")
@_zone_option
@json_option
def analyse(file: Path, out: Path, table: str | None, zone: str | None, as_json: bool) -> None:
    """Draw what sweeps have in them: correlations, a trend, the hours of a day, periods.

    FILE is an npz with utc_s, freqs_hz and levels_db, or the text of rtl_power. For each of its
    tables there are NAME.png and NAME.json.
    """
    from fnmatch import fnmatch

    from converter.analysis.analysis import analyse as analyse_table
    from converter.analysis.analysis import numbers
    from converter.analysis.picture import draw_analysis
    from converter.data.sweeps.open_sweeps import open_sweeps
    from edgespec.figures import check_can_draw

    check_can_draw()
    with Progress() as progress:
        progress.at(f"reading {file.name}")
        tables = open_sweeps(file, zone)
        chosen = [one for one in tables if table is None or fnmatch(one.name, table)]
        if not chosen:
            names = ", ".join(one.name for one in tables)
            raise UsageError(f"--table is {table!r}, and {str(file)!r} has {names:.200}")
        _make_folder(out)
        told, n_bad = [], 0
        for one in chosen:
            try:
                found = analyse_table(one, progress.at)
            except SourceError as error:
                # Of many tables, one that is too short keeps nothing from the others.
                if len(chosen) == 1:
                    raise
                n_bad += 1
                note(f"left out: {error}")
                continue
            picture = out / f"{_file_name(one.name)}.png"
            progress.at(f"{one.name}: drawing")
            draw_analysis(found, picture)
            result = {**numbers(found), "picture": str(picture)}
            text = json.dumps(result, indent=1, allow_nan=False) + "\n"
            _write(picture.with_suffix(".json"), text)
            told.append((result, found.stationarity.words))
    if not told:
        raise SourceError(f"none of the {n_bad} tables of {str(file)!r} can be analysed: see above")
    for result, words in told:
        emit(result, as_json, f"{result['name']}: {words} {_periods(result)} {result['picture']}")


def _file_name(name: str) -> str:
    """Return a table's name in letters that a file may have: it comes from a file."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).strip(".")[:80] or "table"


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{str(out)!r} cannot be made: {error.strerror}: give another") from error


def _periods(result: dict[str, Any]) -> str:
    names = [f"{peak['name']} ({peak['share']:.0%})" for peak in result["periods"]]
    return f"Periods: {', '.join(names)}." if names else "No period shows."


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be written: {error.strerror}") from error
