"""``edgespec history`` on the command line."""

import sys
import time
from pathlib import Path

import click

from edgespec.flags import BAND_OPTION, CONFIG_OPTION, JSON_OPTION, PICTURE_OPTION
from edgespec.when import When

__all__ = ["history"]


@click.command()
@CONFIG_OPTION
@BAND_OPTION
@click.option(
    "--since",
    type=When(),
    default="1d",
    show_default=True,
    metavar="TIME",
    help="From when on: 2h ago, or a date.",
)
@click.option("--until", type=When(), metavar="TIME", help="Up to when; default: now.")
@PICTURE_OPTION
@click.option(
    "--show",
    type=click.Choice(("max", "mean", "median", "occupancy")),
    default="max",
    show_default=True,
    help="Which of them to draw.",
)
@click.option("--day", is_flag=True, help="With -o: a usual day, hour by hour (UTC).")
@click.option("--traces", is_flag=True, help="With --json: every bin of every minute.")
@click.option("--csv", "as_csv", is_flag=True, help="The minutes as a table for other programs.")
@JSON_OPTION
def history(
    config_path: Path | None,
    band: str | None,
    since: int,
    until: int | None,
    output: Path | None,
    show: str,
    day: bool,
    traces: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show what a band was like over hours and days.

    Level, highest bin, floor and occupancy of each stretch of time, and what changed meanwhile;
    with -o as a picture: levels over time and frequency with the events as boxes, and when each
    incident came; with --day each hour of the day as it usually is, over the days since --since,
    and a line a day. It is what an observer of a radio with this configuration remembers on this
    host, up to ten minutes ago; it may go on meanwhile.
    """
    from edgespec.config import load_config
    from edgespec.figures import check_picture
    from edgespec.ops.history.report import band_history, nothing_kept
    from edgespec.screen.progress import Progress
    from edgespec.screen.table import width_of
    from edgespec.wire.text import encode

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other: choose one")
    if day and output is None:
        raise click.UsageError(
            "--day is drawn: give -o FILE.png, and --since for more days than one"
        )
    if output is not None:
        check_picture(output)
    config = load_config(config_path)
    with Progress() as progress:
        progress.at("reading the history")
        found = band_history(config, band, since, time.time_ns() if until is None else until)
        if output is not None:
            from edgespec.ops.history.day_picture import draw_day
            from edgespec.ops.history.picture import draw_history

            if not found.minutes:
                raise nothing_kept(found, config)
            progress.at("drawing")
            (draw_day if day else draw_history)(found, show, output)
    if as_csv:
        click.echo(found.as_csv(), nl=False)
    elif as_json:
        for payload in found.as_json(has_traces=traces):
            click.echo(encode(payload))
    else:
        click.echo("\n".join(found.as_text(width_of(sys.stdout))))
