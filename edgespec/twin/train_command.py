"""``edgespec twin train``: what is normal at a site, and where sources are."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgespec.errors import UsageError
from edgespec.finite import Finite
from edgespec.flags import JSON_OPTION, MQTT_OPTION
from edgespec.output_path import OutputPath
from edgespec.twin.flags import CONFIG, ONE_SITE, SECONDS, config_of, settings_of

if TYPE_CHECKING:
    from edgespec.twin.site import Site

__all__ = ["train"]


@click.command()
@ONE_SITE
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=OutputPath(path_type=Path), required=True, metavar="FILE",
    help="Where to write what was learnt (npz).",
)  # fmt: skip
@click.option(
    "--walk",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Learn a map for locating from a walk: positions and what each unit read there.",
)
@click.option(
    "--power",
    type=Finite(min=-100, max=120),
    default=20.0,
    show_default=True,
    metavar="DBM",
    help="With --walk: power of the transmitter that was carried.",
)
@CONFIG
@MQTT_OPTION
@click.option(
    "--duration",
    type=SECONDS,
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Without REPORTS: how long to listen.",
)
@JSON_OPTION
def train(
    site_path: Path,
    reports: tuple[Path, ...],
    output: Path,
    walk: Path | None,
    power: float,
    config_path: Path | None,
    mqtt: str | None,
    duration: float,
    as_json: bool,
) -> None:
    """Learn what is normal at a site, or with --walk where sources are.

    REPORTS are files with one edgespec.rss/1 object a line, as 'edgespec monitor --json' or
    mosquitto_sub write them; lines of other schemas are left out. Without them, the broker is
    listened to, while nothing unusual should be on the band.

    A walk is a CSV file: a transmitter was carried through the site, and each row has its position
    (x and y in metres, or lat and lon) and a column of levels for each unit. The file of --output
    is then a map, propagation.file of the site with propagation.model = "walk".
    """
    from edgespec.newfile import check_place
    from edgespec.screen.progress import Progress
    from edgespec.twin.learning.plausible import implausible_biases
    from edgespec.twin.service.learn import learn_from_broker, learn_from_files
    from edgespec.twin.site import load_site
    from edgespec.twin.trained import save_trained
    from edgespec.wire.text import encode

    site = load_site(site_path)
    check_place(output)
    if walk is not None:
        if reports:
            raise UsageError(
                f"--walk {walk} teaches where sources are and {reports[0]} what is normal: run the "
                "command for each of them, with an --output each"
            )
        # Kernels are kept where the configuration has its state.
        config_of(config_path, None)
        _train_walk(site, walk, output, power, as_json)
        return
    with Progress() as progress:
        if reports:
            progress.at("learning")
            learnt = learn_from_files(site, reports)
        else:
            settings = settings_of(config_path, mqtt)
            progress.say(f"listening to the units of {site.name} for {duration:g} s")
            learnt = learn_from_broker(site, settings, duration)
    save_trained(learnt, output)
    doubt = implausible_biases(
        learnt.normal.bias_db, site.nodes, site.level_unit == "dBm", site.detect.max_bias_db
    )
    if doubt:
        click.echo(f"warning: {doubt}", err=True)
    if as_json:
        summary = {
            "schema": "edgespec.twin-training/1",
            "site": site.name,
            "file": str(output),
            "n_snapshots": learnt.n_snapshots,
            "n_outliers": learnt.n_outliers,
            "detector": learnt.detector,
        }
        click.echo(encode(summary))
    else:
        click.echo(
            f"{output}: {site.name} learnt from {learnt.n_snapshots} snapshots, "
            f"{learnt.n_outliers} outliers left out; next: edgespec twin run {site_path} "
            f"--trained {output}"
        )


def _train_walk(site: "Site", walk: Path, output: Path, power_dbm: float, as_json: bool) -> None:
    from edgespec.screen.progress import Progress
    from edgespec.twin.service.learn_walk import learn_from_walk
    from edgespec.wire.text import encode

    with Progress() as progress:
        done = learn_from_walk(site, walk, output, power_dbm, progress.at)
    for warning in done.warnings():
        click.echo(f"warning: {warning}", err=True)
    click.echo(encode(done.summary(output)) if as_json else done.line(output))
