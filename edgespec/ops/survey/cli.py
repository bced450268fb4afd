"""``edgespec survey`` on the command line."""

from pathlib import Path

import click

from edgespec.finite import Finite
from edgespec.output_path import OutputPath

__all__ = ["survey"]


@click.command()
@click.option(
    "--source",
    required=True,
    metavar="URI",
    help="As of 'edgespec monitor'; 1.92 MS/s or more, tuned to the middle of an LTE cell within "
    "420 kHz, or to where NR's block is received.",
)
@click.option(
    "--duration",
    type=Finite(min=0.03, max=2.0),
    default=0.64,
    show_default=True,
    metavar="SECONDS",
    help="How much of the signal to look at.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--picture",
    type=OutputPath(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the spectrum and the cells into FILE (.png, .svg or .pdf); needs matplotlib.",
)
def survey(source: str, duration: float, as_json: bool, picture: Path | None) -> None:
    """List the cells of a band, and what else is there.

    Of LTE and 5G NR, and packets of Wi-Fi: identity, duplex, prefix, bandwidth, SNR, clock and
    timing. A band without a cell is no error.
    """
    from edgespec.figures import check_picture
    from edgespec.ops.survey.report import survey as measure
    from edgespec.screen.progress import Progress
    from edgespec.wire.text import encode

    if picture is not None:
        check_picture(picture)
    with Progress("survey") as progress:
        found = measure(source, duration, progress.at)
    click.echo(encode(found.as_json()) if as_json else found.as_text())
    if picture is not None:
        from edgespec.ops.survey.picture import draw_survey

        draw_survey(found, picture)
