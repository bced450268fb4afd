"""The command line of the central unit: ``edgespec twin``."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
from click.core import ParameterSource

from edgespec.finite import Finite
from edgespec.flags import JSON_OPTION, MQTT_OPTION
from edgespec.newfile import write_new
from edgespec.output_path import OutputPath
from edgespec.signals import stop_on_signals
from edgespec.twin.flags import CONFIG, ONE_SITE, SECONDS, SITES, TRAINED, config_of, settings_of
from edgespec.twin.train_command import train

P = ParamSpec("P")
R = TypeVar("R")

_REQUIRE_BROKER_S = 5.0
#: It may have to make its queues first, on most of its nodes.
_REQUIRE_ENGINE_S = 60.0
#: Within this every central unit says that it is there.
_SPOKEN_S = 6.0
_ENGINE = click.option(
    "--engine",
    metavar="URL",
    help="A RabbitMQ cluster in place of the broker: amqp://[user:password@]host[,host][/vhost],"
    " with as many hosts as it has nodes. It needs edgespec[engine].",
)
_PARTITIONS = click.option(
    "--partitions",
    type=click.IntRange(1, 1024),
    default=16,
    show_default=True,
    metavar="N",
    help="With --engine: in how many parts it deals out the sites; the same for all central units.",
)


def _deviation(flag: str, default: float, of: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    return click.option(
        flag,
        type=Finite(min=0, max=60),
        default=default,
        show_default=True,
        metavar="DB",
        help=f"Standard deviation of {of}",
    )


def _refuse_of_engine(*names: str) -> None:
    """Refuse options that mean nothing without an engine.

    Raises:
        click.UsageError: one of them is given.
    """
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for --engine: a broker deals no sites out; leave "
                "it out, or name an engine"
            )


@click.group()
def twin() -> None:
    """Fuse the observers of a site into one alarm.

    What should they hear, and who is there if they hear something else?

    \b
    First steps:
      edgespec twin init hall.toml                     a commented site: units, transmitters
      edgespec twin run hall.toml --mqtt URL           the central unit
      edgespec twin simulate hall.toml --mqtt URL --jammer 14,20,20,330
                                                       observers to try it with, and a jammer
                                                       when the first 300 snapshots are learnt
      edgespec twin map hall.toml -o hall.png          what the units should hear

    An observer reports to a site when its configuration has node.site.
    """


@twin.command()
@click.argument("path", type=OutputPath(path_type=Path), required=False)
def init(path: Path | None) -> None:
    """Write a commented site to PATH, or to stdout."""
    from edgespec.twin.service.openings import example_site

    if path is None:
        click.echo(example_site(), nl=False)
        return
    write_new(path, example_site())
    click.echo(f"wrote {path}; next: edgespec twin map {path} -o {path.stem}.png", err=True)


@twin.command()
@SITES
@CONFIG
@MQTT_OPTION
@TRAINED
@click.option("--id", "central", metavar="NAME", help="Id of this central unit; default: random.")
@click.option("--duration", type=SECONDS, metavar="SECONDS", help="Stop after this time.")
@click.option(
    "--require-broker",
    is_flag=True,
    help=f"Exit with 6 unless the broker answers within {_REQUIRE_BROKER_S:g} s, an engine within "
    f"{_REQUIRE_ENGINE_S:g} s.",
)
@click.option(
    "--web",
    "page",
    metavar="HOST:PORT",
    help="Show the maps of the sites, live, to browsers: 127.0.0.1:8080. It needs edgespec[web].",
)
@_ENGINE
@_PARTITIONS
@click.option(
    "--catch-up",
    type=SECONDS,
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="With --engine: reports that waited for longer are left out, and counted.",
)
@JSON_OPTION
def run(
    site_paths: tuple[Path, ...],
    config_path: Path | None,
    mqtt: str | None,
    engine: str | None,
    partitions: int,
    catch_up: float,
    trained: Path | None,
    central: str | None,
    duration: float | None,
    require_broker: bool,
    page: str | None,
    as_json: bool,
) -> None:
    """Look after sites: a file each, or a folder of them.

    Several central units may be given the same files: they share the sites among themselves, and
    when one dies the others go on with what it had learnt. Without --trained, a site is first
    learnt from (detect.learn_snapshots). A broker that cannot be reached is tried again in the
    background.

    With --engine, sites beyond what one broker carries are shared by a RabbitMQ cluster: it keeps
    their reports in partitions and deals these out to the central units (docs/twin.md).
    """
    from edgespec.twin.service.garbage import rarely_collected
    from edgespec.twin.service.openings import (
        TwinMaker,
        central_id,
        enter_engine,
        load_sites,
        load_trained_for,
        require_url,
        warm_up,
    )
    from edgespec.twin.service.page import page_beside
    from edgespec.twin.service.screen import JsonScreen, TextScreen
    from edgespec.twin.service.unit import CentralUnit

    config = config_of(config_path, mqtt, page)
    if engine is None:
        _refuse_of_engine("partitions", "catch_up")
        settings, enter = require_url(config.mqtt), None
    else:
        settings, enter = config.mqtt, enter_engine(engine, partitions, catch_up, config.mqtt, mqtt)
    sites = load_sites(site_paths)
    maker = TwinMaker(load_trained_for(sites, trained))
    name = central_id(central)
    screen = (
        JsonScreen(sys.stdout, name, {site.name: site.level_unit for site in sites})
        if as_json
        else TextScreen(sys.stdout, name)
    )
    warm_up(sites[0])
    with page_beside(screen, config.web, name, sites) as told, rarely_collected():
        unit = CentralUnit(settings, sites, maker, told, name, prepare=maker.prepare, enter=enter)
        stop_on_signals(unit.stop)
        if require_broker:
            unit.wait_connected(_REQUIRE_BROKER_S if engine is None else _REQUIRE_ENGINE_S)
        unit.run(duration)


twin.add_command(train)


@twin.command()
@CONFIG
@MQTT_OPTION
@_ENGINE
@JSON_OPTION
def status(config_path: Path | None, mqtt: str | None, engine: str | None, as_json: bool) -> None:
    """Say how all sites and central units are.

    All of it comes from what the broker keeps. An engine keeps nothing of that: it is listened to
    until everybody has spoken.
    """
    from edgespec.twin.service.openings import check_engine
    from edgespec.twin.service.status import read_status, status_lines

    if engine is None:
        report = read_status(settings_of(config_path, mqtt))
    else:
        url = check_engine(engine, mqtt)
        from edgespec.engine.heard import gather_heard

        heard = partial(gather_heard, url, longest_s=_SPOKEN_S)
        report = read_status(config_of(config_path, None).mqtt, heard)
    for line in status_lines(report, as_json):
        click.echo(line)


@twin.command()
@click.argument("site", metavar="SITE")
@CONFIG
@MQTT_OPTION
@_ENGINE
@TRAINED
@click.option("--yes", is_flag=True, help="Do not ask.")
@JSON_OPTION
def forget(
    site: str,
    config_path: Path | None,
    mqtt: str | None,
    engine: str | None,
    trained: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Forget what was learnt of SITE, so that it is learnt anew.

    What the broker keeps of it is emptied, and its central unit begins again; an alarm that is on
    stays on. With --trained, the file of SITE there is deleted, too.
    """
    from edgespec.twin.service.forget import forget_at_engine, forget_site, trained_file
    from edgespec.twin.service.openings import check_engine
    from edgespec.wire.text import encode

    if engine is None:
        settings = settings_of(config_path, mqtt)
    else:
        settings = config_of(config_path, None).mqtt
        check_engine(engine, mqtt)
    file = trained_file(site, trained)
    if not yes:
        also = f" and delete {file}" if file else ""
        click.confirm(f"forget what was learnt of {site}{also}?", abort=True, err=True)
    was_kept: bool | None = None
    if engine is None:
        was_kept = forget_site(settings, site)
    else:
        forget_at_engine(engine, settings, site)
    if file is not None:
        file.unlink()
    if as_json:
        deleted = None if file is None else str(file)
        summary = {"schema": "edgespec.twin-forgotten/1", "site": site, "kept": was_kept}
        click.echo(encode({**summary, "deleted": deleted}))
    else:
        kept = {True: "kept its state", False: "kept nothing of it", None: "was told"}[was_kept]
        click.echo(f"{site} is learnt anew; the {'broker' if engine is None else 'engine'} {kept}")


@twin.command("map")
@ONE_SITE
@click.option(
    "-o", "--output", type=OutputPath(path_type=Path), required=True, metavar="PNG",
    help="Where to write the picture.",
)  # fmt: skip
@CONFIG
@MQTT_OPTION
@click.option(
    "--verdict",
    "verdict_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A recorded edgespec.verdict/1 (the last one of 'edgespec twin run --json' counts).",
)
def map_(
    site_path: Path,
    output: Path,
    config_path: Path | None,
    mqtt: str | None,
    verdict_path: Path | None,
) -> None:
    """Draw a site and a suspected source as a map.

    What is expected, what is measured, and the difference.

    With --verdict or --mqtt the last verdict is drawn, otherwise only the expectation.
    """
    from edgespec.figures import check_picture
    from edgespec.twin.picture import draw_site
    from edgespec.twin.service.status import verdict_from_broker, verdict_from_file
    from edgespec.twin.site import load_site

    check_picture(output)
    site = load_site(site_path)
    verdict = None
    if verdict_path is not None:
        verdict = verdict_from_file(verdict_path, site.name)
    elif mqtt is not None or config_path is not None:
        verdict = verdict_from_broker(settings_of(config_path, mqtt), site.name)
    draw_site(site, verdict, output)
    click.echo(f"wrote {output}", err=True)


@twin.command()
@SITES
@CONFIG
@MQTT_OPTION
@click.option(
    "--jammer",
    "jammers",
    multiple=True,
    metavar="X,Y,DBM[,START[,STOP[,SHARE]]]",
    help="A source that nobody knows of: place in m, power, seconds after the start, covered "
    "share of the band. In every site.",
)
@_deviation("--bias", 3.0, "each unit's lasting error.")
@_deviation("--noise", 1.0, "each level of each report.")
@_deviation("--path-error", 0.0, "each path from a jammer to a unit.")
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Of all that is random."
)
@click.option(
    "--spread",
    type=Finite(min=0, max=3600),
    metavar="SECONDS",
    help="Time over which the reports of a snapshot are sent, no longer than one lasts; default: "
    "0.2, or a whole shorter one.",
)
@click.option("--duration", type=SECONDS, metavar="SECONDS", help="Stop after this time.")
def simulate(
    site_paths: tuple[Path, ...],
    config_path: Path | None,
    mqtt: str | None,
    jammers: tuple[str, ...],
    bias: float,
    noise: float,
    path_error: float,
    seed: int,
    spread: float | None,
    duration: float | None,
) -> None:
    """Report as the units of sites would, without radios.

    One virtual observer for each unit.
    """
    from edgespec.twin.service.fleet import Disturbance, open_fleet, parse_jammer
    from edgespec.twin.service.openings import load_sites

    settings = settings_of(config_path, mqtt)
    sources = [parse_jammer(text) for text in jammers]
    sites = load_sites(site_paths)
    stopped: list[bool] = []
    stop_on_signals(lambda: stopped.append(True))
    with open_fleet(
        sites, settings, Disturbance(bias, noise, path_error), seed, sources, spread
    ) as fleet:
        n_units = sum(len(site.unit) for site in sites)
        click.echo(f"{n_units} virtual observers of {len(sites)} sites report", err=True)
        fleet.run(duration, lambda: bool(stopped))
    click.echo(f"{fleet.n_reports} reports sent", err=True)
