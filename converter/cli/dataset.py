"""The command that makes a data set of recordings: ``dataset``."""

from pathlib import Path
from typing import Any

import click

from converter.cli.geometry import geometry_of, geometry_options
from converter.cli.output import FOLDER, emit, json_option, note
from converter.cli.split import split_of, split_options
from edgespec.screen.progress import Progress
from edgespec.units import parse_quantity

__all__ = ["dataset", "report_dataset"]


@click.command()
@click.argument("recordings", nargs=-1, required=True)
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the data set.")
@split_options
@click.option("--sample-rate", help="Samples a second; default: of the first recording.")
@geometry_options
@json_option
def dataset(
    recordings: tuple[str, ...],
    out: Path,
    sample_rate: str | None,
    as_json: bool,
    **options: Any,
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
    split = split_of([recording_name(uri) for uri in uris], options)
    rate_hz = (
        parse_quantity(sample_rate, "--sample-rate") if sample_rate else first_sample_rate(uris)
    )
    recipe = geometry_of(rate_hz, **options)

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
