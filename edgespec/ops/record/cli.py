"""``edgespec record`` on the command line."""

from pathlib import Path

import click

from edgespec.finite import Finite
from edgespec.flags import BAND_OPTION, CONFIG_OPTION, JSON_OPTION, SOURCE_OPTION
from edgespec.output_path import OutputPath
from edgespec.signals import stop_on_signals

__all__ = ["record"]


@click.command()
@CONFIG_OPTION
@SOURCE_OPTION
@BAND_OPTION
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputPath(path_type=Path),
    metavar="FILE",
    help="Name of the recording: FILE.sigmf-data and FILE.sigmf-meta, which must not exist.",
)
@click.option(
    "--seconds",
    required=True,
    type=Finite(min=0.001, max=1e6),
    metavar="N",
    help="How much signal; Ctrl-C ends it earlier, and keeps it.",
)
@JSON_OPTION
def record(
    config_path: Path | None,
    source: str | None,
    band: str | None,
    output: Path,
    seconds: float,
    as_json: bool,
) -> None:
    """Record a source as SigMF, in its own format.

    Level, peak, clipping and what was lost are shown meanwhile; the recording has annotations of
    what was lost, where it clipped, and of the gain. A radio must not be in use by an observer
    meanwhile.
    """
    from edgespec.config import load_config, override
    from edgespec.evidence.growing import recording_paths
    from edgespec.ops.look.opening import open_view
    from edgespec.ops.record.session import record as write
    from edgespec.ops.setup.found import check_sources
    from edgespec.screen.progress import Progress
    from edgespec.wire.text import encode

    config = override(load_config(config_path), source=source)
    # Before a radio is opened.
    recording_paths(output)
    view = open_view(config, band, check=lambda one: check_sources(one, refuse_simulation=False))
    with Progress() as progress:
        done = write(
            view.source, output, seconds, view.gain, progress.at, stop_on_signals, view.scale
        )
    click.echo(encode(done.as_json()) if as_json else done.as_text())
