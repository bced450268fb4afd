"""``edgespec look`` on the command line."""

from pathlib import Path

import click

from edgespec.finite import Finite
from edgespec.flags import BAND_OPTION, CONFIG_OPTION, JSON_OPTION, PICTURE_OPTION, SOURCE_OPTION

__all__ = ["look"]


@click.command()
@CONFIG_OPTION
@SOURCE_OPTION
@BAND_OPTION
@PICTURE_OPTION
@click.option(
    "--duration",
    type=Finite(min=0.01, max=10.0),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How much of the signal to look at.",
)
@click.option(
    "--skip",
    type=Finite(min=0.0, max=1e6),
    default=0.0,
    metavar="SECONDS",
    help="How much to leave out before, of a recording.",
)
@click.option(
    "--sweeps",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Of a band that is swept: how many to look at; default: all of a file, 10 of a radio.",
)
@JSON_OPTION
def look(
    config_path: Path | None,
    source: str | None,
    band: str | None,
    output: Path | None,
    duration: float,
    skip: float,
    sweeps: int | None,
    as_json: bool,
) -> None:
    """Show what a band looks like now.

    Level, clipping, what is occupied and the strongest peaks; with -o as a picture: spectrum, and
    power over time, and beside it what is left of a cell that can be cancelled. Where an observer
    of this source has run, its normal and the threshold of a bin are drawn, too; of a recording,
    its annotations are, and so is the mask of the band. A radio must not be in use by an observer
    meanwhile.
    """
    from edgespec.config import load_config, override
    from edgespec.figures import check_picture
    from edgespec.ops.look.opening import band_of, open_view
    from edgespec.ops.look.sweeps import look_at_sweeps
    from edgespec.ops.look.through import look_through
    from edgespec.ops.setup.found import check_sources
    from edgespec.screen.progress import Progress
    from edgespec.sources.schemes import gives_sweeps
    from edgespec.wire.text import encode

    if output is not None:
        check_picture(output)
    config = override(load_config(config_path), source=source)
    check_sources(config, refuse_simulation=False)
    chosen = band_of(config, band)
    if gives_sweeps(config.source_of(chosen).address):
        swept = look_at_sweeps(config.only(chosen), sweeps)
        click.echo(encode(swept.as_json()) if as_json else swept.as_text())
        if output is not None:
            from edgespec.ops.look.sweeps_picture import draw_sweeps

            draw_sweeps(swept, output)
        return
    view = open_view(config, band, check=lambda one: None)
    with Progress("look") as progress:
        found = look_through(view, duration, skip, progress.at)
    click.echo(encode(found.as_json()) if as_json else found.as_text())
    if output is not None:
        from edgespec.ops.look.picture import draw_look

        draw_look(found, output)
