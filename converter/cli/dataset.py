"""The command that makes a data set of recordings: ``dataset``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from converter.cli.geometry import geometry_of, geometry_options
from converter.cli.output import FOLDER, emit, json_option, note
from edgespec.screen.progress import Progress
from edgespec.units import parse_quantity

__all__ = ["dataset", "report_dataset"]


@click.command()
@click.argument("recordings", nargs=-1, required=True)
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the data set.")
@click.option("--train", multiple=True, metavar="GLOB", help="Recordings to train on, by name.")
@click.option("--validation", multiple=True, metavar="GLOB", help="... to stop training by.")
@click.option("--calibration", multiple=True, metavar="GLOB", help="... to set thresholds by.")
@click.option("--test", multiple=True, metavar="GLOB", help="... to report on, never before.")
@click.option(
    "--fractions",
    default="0.5,0.15,0.15,0.2",
    show_default=True,
    help="Shares, if no GLOB is given.",
)
@click.option(
    "--split-time",
    is_flag=True,
    help="Cut every recording in time; so it is, too, where there are fewer than splits.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of the split by shares.",
)
@click.option("--sample-rate", help="Samples a second; default: of the first recording.")
@geometry_options
@json_option
def dataset(
    recordings: tuple[str, ...],
    out: Path,
    train: tuple[str, ...],
    validation: tuple[str, ...],
    calibration: tuple[str, ...],
    test: tuple[str, ...],
    fractions: str,
    split_time: bool,
    seed: int,
    sample_rate: str | None,
    as_json: bool,
    **sizes: Any,
) -> None:
    """Turn RECORDINGS (SigMF paths or source URIs) into a data set, split by recording.

    Fewer than four are cut in time.
    """
    from converter.data.ingest import (
        PreparedRecording,
        build_dataset,
        first_sample_rate,
        recording_name,
        recording_uri,
    )

    uris = [recording_uri(text) for text in recordings]
    patterns = {
        "train": train,
        "validation": validation,
        "calibration": calibration,
        "test": test,
    }
    split = _split([recording_name(uri) for uri in uris], patterns, fractions, split_time, seed)
    rate_hz = (
        parse_quantity(sample_rate, "--sample-rate") if sample_rate else first_sample_rate(uris)
    )
    recipe = geometry_of(rate_hz, **sizes)

    done: list[str] = []

    def tell(one: PreparedRecording) -> None:
        done.append(one.name)
        length_s = one.n_frames * recipe.geometry.frame_s
        note(f"{one.name}: {one.n_frames} frames, {length_s:.2f} s")
        progress.at(f"{len(done)}/{len(uris)} recordings", len(done) / len(uris))

    with Progress() as progress:
        progress.at(f"0/{len(uris)} recordings")
        result = build_dataset(uris, out, recipe, split, tell)
    report_dataset(result, as_json)


def report_dataset(result: Any, as_json: bool) -> None:
    """Print what is in a data set."""
    from converter.data.dataset import SPLITS

    frames = {name: sum(p.n_frames for p in result.split(name)) for name in SPLITS}
    lines = [
        f"{name}: {len(result.split(name))} recordings, {n} frames" for name, n in frames.items()
    ]
    emit(
        {"dataset": str(result.folder), "sha256": result.sha256, "frames": frames},
        as_json,
        "\n".join([*lines, f"data set {result.folder}"]),
    )


def _split(
    names: Sequence[str],
    patterns: dict[str, tuple[str, ...]],
    fractions: str,
    split_time: bool,
    seed: int,
) -> Any:
    from converter.data.splits import split_by_fraction, split_by_name, split_by_time

    if any(patterns.values()):
        if split_time:
            raise click.UsageError("--split-time and patterns exclude each other")
        return split_by_name(names, patterns)
    shares = [parse_quantity(share, "--fractions") for share in fractions.split(",")]
    n_wanted = sum(share > 0 for share in shares)
    if not split_time and len(names) < n_wanted:
        note(
            f"{len(names)} recordings are too few to be split by recording: each is cut in time, "
            f"which says less of another day; {n_wanted} or more are not"
        )
        split_time = True
    return split_by_time(shares) if split_time else split_by_fraction(names, shares, seed)
