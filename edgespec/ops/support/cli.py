"""``edgespec support`` on the command line."""

import sys
import time
from pathlib import Path

import click

from edgespec.flags import CONFIG_OPTION, JSON_OPTION
from edgespec.output_path import OutputPath

__all__ = ["support"]


@click.command()
@CONFIG_OPTION
@click.option(
    "-o",
    "--output",
    type=OutputPath(dir_okay=False, path_type=Path),
    help="The archive; default: edgespec-support-NODE-TIME.tar.gz in this folder.",
)
@JSON_OPTION
def support(config_path: Path | None, output: Path | None, as_json: bool) -> None:
    """Write an archive to ask for help with.

    It has the configuration, versions, the machine, what doctor says, the last events, states and
    log lines; no secrets, no samples. What doctor asks the radio and the broker is asked here, too.
    """
    from edgespec.config import load_config
    from edgespec.machine import keep_machine_code
    from edgespec.ops.checks.finding import Machine
    from edgespec.ops.support.archive import write_support
    from edgespec.ops.support.contents import Question
    from edgespec.screen.progress import Progress
    from edgespec.screen.table import width_of
    from edgespec.wire.text import encode

    config = load_config(config_path)
    keep_machine_code(config.node.state_dir)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = output or Path(f"edgespec-support-{config.node.id}-{stamp}.tar.gz")
    with Progress() as progress:
        progress.at("gathering")
        written = write_support(path, Question(config, Machine()))
    click.echo(encode(written.as_json()) if as_json else written.as_text(width_of(sys.stdout)))
