"""The command line of a fleet: ``edgespec fleet``."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from edgespec.duration import Duration
from edgespec.finite import Finite
from edgespec.flags import CONFIG_OPTION, JSON_OPTION
from edgespec.signals import stop_on_signals
from edgespec.when import When, check_span

if TYPE_CHECKING:
    from edgespec.config import Config

P = ParamSpec("P")
R = TypeVar("R")

_REQUIRE_BROKER_S = 5.0
#: Over which events are compared with promises.
_DAYS = 7.0
_YEARS_S = 100 * 366 * 86_400.0
_STORE = click.option(
    "--store",
    metavar="URL",
    envvar="EDGESPEC_FLEET_STORE",
    help="A file of SQLite, or postgresql://USER@HOST/DATABASE; default: fleet.sqlite in "
    "node.state_dir. A password is better kept in PGPASSWORD or ~/.pgpass.",
)
_SILENT = click.option(
    "--silent",
    "silent_s",
    type=Duration(86_400.0),
    default="90s",
    show_default=True,
    metavar="TIME",
    help="An observer that was not heard for so long is silent.",
)


@click.group()
def fleet() -> None:
    """Keep what all observers tell in one database.

    \b
    First steps:
      edgespec fleet run --mqtt mqtt://broker       keeps events, states and verdicts
      edgespec fleet status                         who is silent, who tells more than promised
      edgespec fleet events --since 1d --alerts     of all observers
      edgespec fleet export folder                  as Parquet
      edgespec fleet forget roof-1                  which is no more

    It needs the extra edgespec[fleet]. What observers keep themselves stays with them.
    """


def _needing(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options of all that reads a store."""
    for option in (JSON_OPTION, _STORE, CONFIG_OPTION):
        command = option(command)
    return command


def _load(config_path: Path | None, page: str | None = None) -> "Config":
    from importlib.util import find_spec

    from edgespec.config import load_config, override
    from edgespec.errors import ConfigError

    if find_spec("sqlalchemy") is None:
        raise ConfigError("a fleet's store needs SQLAlchemy: pip install 'edgespec[fleet]'")
    return override(load_config(config_path), web=page)


@fleet.command()
@click.option(
    "--mqtt",
    "urls",
    metavar="[NAME=]URL",
    multiple=True,
    help="Broker; of several, each with a name. Default: mqtt.url of the configuration.",
)
@click.option(
    "--keep",
    "keep_s",
    type=Duration(_YEARS_S),
    metavar="TIME",
    help="Forget what was heard longer ago, such as 90d; default: nothing.",
)
@click.option(
    "--places",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="CSV",
    help="Where observers stand: node,latitude,longitude with a heading.",
)
@click.option(
    "--spool-mb",
    type=click.IntRange(1, 1_000_000),
    default=256,
    show_default=True,
    help="Disk for what comes while the database is away.",
)
@click.option(
    "--web",
    "page",
    metavar="HOST:PORT",
    help="Show a page for browsers there, such as 127.0.0.1:8080. It needs edgespec[web].",
)
@_SILENT
@click.option("--duration", type=Finite(min=0, min_open=True), metavar="SECONDS", help="Stop then.")
@click.option(
    "--require-broker",
    is_flag=True,
    help=f"Exit with 6 unless all brokers answer within {_REQUIRE_BROKER_S:g} s.",
)
@_needing
def run(
    config_path: Path | None,
    store: str | None,
    urls: tuple[str, ...],
    keep_s: float | None,
    places: Path | None,
    spool_mb: int,
    page: str | None,
    silent_s: float,
    duration: float | None,
    require_broker: bool,
    as_json: bool,
) -> None:
    """Keep what the observers of one or several brokers tell.

    A broker or a database that goes away is tried again in the background: events wait on this
    machine's disk for the database, and at the broker for this program.
    """
    from edgespec.clock import kernel_synchronised
    from edgespec.fleet.openings import (
        brokers_of,
        hold_spool,
        identity_of,
        left_behind,
        spool_folder,
        store_of,
    )
    from edgespec.fleet.page import fleet_page_beside
    from edgespec.fleet.places import read_places
    from edgespec.fleet.screen import FleetJsonScreen, FleetTextScreen
    from edgespec.fleet.service import FleetService
    from edgespec.fleet.spool import RowSpool
    from edgespec.fleet.store import FleetStore, StoreAwayError
    from edgespec.fleet.writer import FleetWriter

    config = _load(config_path, page)
    brokers, url = brokers_of(config, urls), store_of(config, store)
    placed = [] if places is None else read_places(places, [*brokers])
    identity = identity_of(config, url, brokers)
    folder = spool_folder(config, identity)
    lock = hold_spool(folder)
    base = FleetStore(url, [*brokers])
    try:
        base.open()
    except StoreAwayError as error:
        click.echo(f"the store cannot be used now ({error}): what comes waits for it", err=True)
    for other in left_behind(folder):
        click.echo(
            f"rows wait in {other} for another store, or are of other brokers: a fleet run that "
            "has both as before writes them",
            err=True,
        )
    spool = RowSpool(folder, spool_mb << 20)
    writer = FleetWriter(base, spool, keep_s, is_synchronised=kernel_synchronised)
    writer.put(placed)
    screen = FleetJsonScreen(sys.stdout) if as_json else FleetTextScreen(sys.stdout)
    about = {"node": ", ".join(brokers), "silent_s": silent_s, "days": _DAYS}
    with lock, fleet_page_beside(screen, config.web, url, brokers, about) as told:
        service = FleetService(brokers, writer, told, silent_s, identity)
        stop_on_signals(service.stop)
        if require_broker:
            service.wait_connected(_REQUIRE_BROKER_S)
        service.run(duration)


@fleet.command()
@click.option(
    "--days",
    type=Finite(min=0.1, max=3660),
    default=_DAYS,
    show_default=True,
    metavar="DAYS",
    help="Over how many days events are compared with what was promised.",
)
@_SILENT
@_needing
def status(
    config_path: Path | None, store: str | None, days: float, silent_s: float, as_json: bool
) -> None:
    """Say how all observers and sites are.

    The exit code is 7 where an observer is silent, or tells more events than it promises: for cron.
    """
    from edgespec.errors import QualityError
    from edgespec.fleet.openings import store_of
    from edgespec.fleet.overview import look, overview_lines, overview_payloads
    from edgespec.fleet.store import reading
    from edgespec.screen.table import width_of
    from edgespec.wire.text import encode

    with reading(store_of(_load(config_path), store)) as base:
        found = look(base, silent_s, days)
    if as_json:
        for payload in overview_payloads(found):
            click.echo(encode(payload))
    else:
        for line in overview_lines(found, width_of(sys.stdout)):
            click.echo(line)
    silent = [seen.node for seen in found.observers if seen.why]
    loud = [seen.node for seen in found.observers if any(band.is_more for band in seen.bands)]
    said = [f"silent: {_few(silent)}"] if silent else []
    said += [f"more events than promised: {_few(loud)}"] if loud else []
    if said or not found.observers:
        raise QualityError("; ".join(said) or "the store knows no observer")


def _few(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


@fleet.command()
@click.option("--node", metavar="ID", help="Only those of this observer.")
@click.option("--band", metavar="ID", help="Only those of this band.")
@click.option("--since", type=When(), metavar="TIME", help="Only later ones: 2h ago, or a date.")
@click.option("--until", type=When(), metavar="TIME", help="Only earlier ones.")
@click.option("--alerts", "only_alerts", is_flag=True, help="Only those that are alerts.")
@click.option(
    "-n", "--last", type=click.IntRange(1, 1_000_000), default=50, show_default=True,
    help="So many at most, the newest last.",
)  # fmt: skip
@_needing
def events(
    config_path: Path | None,
    store: str | None,
    node: str | None,
    band: str | None,
    since: int | None,
    until: int | None,
    only_alerts: bool,
    last: int,
    as_json: bool,
) -> None:
    """List events of all observers, each as it was last told.

    Times of --since and --until are when an event was first heard here: observers' clocks may be
    wrong.
    """
    from edgespec.fleet.openings import store_of
    from edgespec.fleet.past import EventsWanted, event_lines, event_payload_of, fleet_events
    from edgespec.fleet.store import reading
    from edgespec.screen.table import width_of
    from edgespec.wire.text import encode

    check_span(since, until)
    wanted = EventsWanted(node, band, since, until, only_alerts, last)
    with reading(store_of(_load(config_path), store)) as base:
        found = fleet_events(base, wanted)[::-1]
    if as_json:
        for one in found:
            click.echo(encode(event_payload_of(one)))
    else:
        for line in event_lines(found, width_of(sys.stdout)):
            click.echo(line)


@fleet.command()
@click.argument("node")
@click.option("--broker", metavar="NAME", help="Of this broker, where several know such a node.")
@click.option(
    "--mqtt",
    "urls",
    metavar="[NAME=]URL",
    multiple=True,
    help="Broker whose last word of it goes, too; default: mqtt.url of the configuration.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_SILENT
@_needing
def forget(
    config_path: Path | None,
    store: str | None,
    node: str,
    broker: str | None,
    urls: tuple[str, ...],
    yes: bool,
    silent_s: float,
    as_json: bool,
) -> None:
    """Forget an observer that is no more.

    NODE would be silent for ever. What its broker keeps of it is emptied, since 'fleet run' would
    hear it at its next start. Its events and states of the past stay as long as all others.
    """
    from edgespec.fleet.forget import broker_knowing, empty_broker, forget_observer
    from edgespec.fleet.openings import brokers_of, store_of
    from edgespec.fleet.store import reading
    from edgespec.units import counted
    from edgespec.wire.text import encode

    config = _load(config_path)
    url = store_of(config, store)
    brokers = brokers_of(config, urls) if urls or config.mqtt.url is not None else {}
    with reading(url) as base:
        name = broker_knowing(base, node, broker, silent_s)
    if not yes:
        click.confirm(f"forget the observer {node} of broker {name}?", abort=True, err=True)
    n_emptied = empty_broker(brokers, name, node) if brokers else None
    forget_observer(url, name, node)
    if as_json:
        told = {"schema": "edgespec.fleet-forgotten/1", "broker": name, "node": node}
        click.echo(encode({**told, "emptied": n_emptied}))
        return
    end = f"{counted(n_emptied or 0, 'topic')} of it at broker {name} emptied"
    if n_emptied is None:
        end = "what its broker keeps of it brings it back: add --mqtt URL to empty that"
    click.echo(f"{node} is forgotten; {end}")


@fleet.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--table", "names", metavar="NAME", multiple=True,
    help="Only this, such as events or states; it may be given again.",
)  # fmt: skip
@click.option("--since", type=When(), metavar="TIME", help="Only what was heard later.")
@click.option("--until", type=When(), metavar="TIME", help="Only what was heard earlier.")
@_needing
def export(
    config_path: Path | None,
    store: str | None,
    folder: Path,
    names: tuple[str, ...],
    since: int | None,
    until: int | None,
    as_json: bool,
) -> None:
    """Write the store to FOLDER as Parquet, a file for each table."""
    from edgespec.errors import UsageError
    from edgespec.fleet.export import EXPORTED, export_store
    from edgespec.fleet.openings import store_of
    from edgespec.fleet.store import reading
    from edgespec.nearest import advice
    from edgespec.screen.progress import Progress
    from edgespec.wire.text import encode

    check_span(since, until)
    url = store_of(_load(config_path), store)
    for name in names:
        if name not in EXPORTED:
            raise UsageError(f"--table is {name!r:.60}: {advice(name, EXPORTED)}")
    with reading(url) as base, Progress("exporting") as progress:
        found = export_store(base, folder, names or EXPORTED, since, until, progress.at)
    if as_json:
        told = {"schema": "edgespec.fleet-export/1", "folder": str(folder), "rows": found}
        click.echo(encode(told))
    else:
        words = ", ".join(f"{name} {n}" for name, n in found.items())
        click.echo(f"{folder}: rows of {words}")
