"""``edgespec adapt`` on the command line."""

from pathlib import Path

import click

from edgespec.duration import Duration
from edgespec.flags import BAND_OPTION, CONFIG_OPTION, JSON_OPTION, MODEL_OPTION, SOURCE_OPTION
from edgespec.output_path import OutputPath
from edgespec.signals import stop_on_signals

__all__ = ["adapt"]

#: A last layer is known long before.
_LONGEST_S = 600.0


@click.command()
@CONFIG_OPTION
@SOURCE_OPTION
@MODEL_OPTION
@BAND_OPTION
@click.option(
    "--duration",
    type=Duration(_LONGEST_S),
    metavar="TIME",
    help="How much signal to hear, warm-up included: 10s to 5m; default: 60s, or all of a "
    "shorter recording. The last fifth is held back to compare on.",
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(dir_okay=False, path_type=Path),
    metavar="BUNDLE",
    help="The new bundle, FILE.edgespec, which must not exist; default: that of the cell that was "
    "there, in the state directory: monitor takes it whenever it is in this cell.",
)
@JSON_OPTION
def adapt(
    config_path: Path | None,
    source: str | None,
    model: Path | None,
    band: str | None,
    duration: float | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Adapt a model to this place, by seconds of normal signal.

    The last layer of its network is fitted to what is heard, and compared with the old one on
    signal that is held back. Only a better one is written; otherwise the exit code is 7, and
    nothing changes. It refuses signal that raises an event: run it while nothing else than usual
    is on the band.
    """
    from edgespec.config import load_config, override
    from edgespec.machine import keep_machine_code
    from edgespec.ops.adapt.report import adapt_band
    from edgespec.ops.setup.found import check_sources
    from edgespec.screen.progress import Progress
    from edgespec.sources.schemes import refuse_sweeps
    from edgespec.wire.text import encode

    config = override(load_config(config_path), source=source, model=model)
    check_sources(config, refuse_simulation=False)
    for one in config.source:
        refuse_sweeps(one.address, "adapt")
    keep_machine_code(config.node.state_dir)
    with Progress("adapt") as progress:
        done = adapt_band(config, band, duration, output, progress.at, stop_on_signals)
    click.echo(encode(done.as_json()) if as_json else done.as_text())
