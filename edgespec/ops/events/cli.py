"""``edgespec events`` and ``edgespec incidents`` on the command line."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from edgespec.finite import Finite
from edgespec.flags import CONFIG_OPTION, JSON_OPTION
from edgespec.when import When, check_span

if TYPE_CHECKING:
    from edgespec.config import Config

__all__ = ["events", "incidents", "observers"]

P = ParamSpec("P")
R = TypeVar("R")

_MQTT = click.option("--mqtt", metavar="URL", help="Broker; default: mqtt.url.")
_NODE = click.option(
    "--node",
    metavar="ID",
    help="Ask this observer over the broker (it must allow it: mqtt.requests), instead of the one "
    "on this host.",
)
#: No longer than a request may ask for.
_HOURS = Finite(min=0, min_open=True, max=8784)


def _whom(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options of all that asks an observer."""
    for option in (JSON_OPTION, _MQTT, _NODE, CONFIG_OPTION):
        command = option(command)
    return command


def _ask(
    command: str,
    config_path: Path | None,
    node: str | None,
    mqtt: str | None,
    as_json: bool,
    **about: Any,
) -> None:
    """Let an observer do something, and print what it says."""
    from edgespec.alerts.actions import Actions
    from edgespec.alerts.incidents import events_folder
    from edgespec.config import override
    from edgespec.errors import UsageError
    from edgespec.newfile import unwritable
    from edgespec.ops.events.text import answer_lines
    from edgespec.wire.request import Request
    from edgespec.wire.text import PayloadError, encode

    config = override(_load(config_path), mqtt=mqtt)
    try:
        request = Request(command, **about)
    except PayloadError as error:
        # As the command line calls it.
        words = str(error).replace("lower_hz", "--from").replace("upper_hz", "--to")
        raise UsageError(words) from None
    if node is None:
        try:
            answer = Actions.of(config).do(request)
        except OSError as error:
            raise unwritable(events_folder(config.node.state_dir), error) from error
    else:
        from edgespec.mqtt.asking import ask_observer
        from edgespec.screen.progress import Progress

        with Progress() as progress:
            progress.at(f"asking {node}")
            answer = ask_observer(config.mqtt, node, request)
    click.echo(encode(answer) if as_json else "\n".join(answer_lines(answer)))


def _load(config_path: Path | None) -> "Config":
    from edgespec.config import load_config

    return load_config(config_path)


@click.group()
def events() -> None:
    """Look at past events, and say what is to become of their like.

    They are those of live sources that an observer with this configuration has told on this host.
    """


@events.command("list")
@CONFIG_OPTION
@click.option("--band", metavar="ID", help="Only those of this band.")
@click.option("--kind", metavar="KIND", help="Only those of this kind.")
@click.option("--since", type=When(), metavar="TIME", help="Only later ones: 2h ago, or a date.")
@click.option("--until", type=When(), metavar="TIME", help="Only earlier ones.")
@click.option("--alerts", "only_alerts", is_flag=True, help="Only those that were alerts.")
@click.option(
    "-n",
    "--last",
    type=click.IntRange(1, 1_000_000),
    help="So many, the newest last; default: 20, and all where --since or --until is given.",
)
@click.option("--csv", "as_csv", is_flag=True, help="As a table for other programs.")
@JSON_OPTION
def list_events(
    config_path: Path | None,
    band: str | None,
    kind: str | None,
    since: int | None,
    until: int | None,
    only_alerts: bool,
    last: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List past events, each as it was last told.

    The observer may go on meanwhile.
    """
    from edgespec.errors import UsageError
    from edgespec.history.events import EventFilter
    from edgespec.history.past import Past
    from edgespec.kinds import ADVICE
    from edgespec.nearest import advice
    from edgespec.ops.events.text import event_rows, events_csv
    from edgespec.screen.table import width_of
    from edgespec.wire.event import event_payload
    from edgespec.wire.text import encode

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other: choose one")
    if kind is not None and kind not in ADVICE:
        raise UsageError(f"--kind is {kind!r:.60}: {advice(kind, ADVICE)}")
    check_span(since, until)
    if last is None and since is None and until is None:
        last = 20
    config = _load(config_path)
    past = Past(config.node.state_dir)
    known = [*dict.fromkeys((*(one.id for one in config.band), *past.bands()))]
    if band is not None and band not in known:
        raise UsageError(f"--band is {band!r:.80}: {advice(band, known)}")
    wanted = EventFilter(
        () if band is None else (band,),
        () if kind is None else (kind,),
        only_alerts,
        since,
        until,
        last,
    )
    found = past.events(wanted)
    if as_json:
        for message in found:
            click.echo(encode(event_payload(message)).decode())
    elif as_csv:
        click.echo(events_csv(found), nl=False)
    else:
        found_events = (message.event for message in found)
        for row in event_rows(found_events, width_of(sys.stdout)):
            click.echo(row)


@events.command()
@click.argument("event_id", metavar="EVENT")
@_whom
def ack(event_id: str, **whom: Any) -> None:
    """Acknowledge an event: it alarms no more, its next one does."""
    _ask("ack", **whom, id=event_id)


@events.command()
@click.argument("name", metavar="[EVENT|INCIDENT]", required=False, default="")
@click.option("--band", metavar="ID", help="Events of this band.")
@click.option("--kind", metavar="KIND", help="Events of this kind.")
@click.option("--from", "lower", metavar="HZ", help="Events above this, such as 2.4G.")
@click.option("--to", "upper", metavar="HZ", help="Events below this.")
@click.option(
    "--for",
    "hours",
    type=_HOURS,
    metavar="HOURS",
    default=24.0,
    show_default=True,
    help="For how long.",
)
@_whom
def mute(
    name: str,
    band: str | None,
    kind: str | None,
    lower: str | None,
    upper: str | None,
    hours: float,
    **whom: Any,
) -> None:
    """Let events not alarm for a while.

    Those like an event or an incident (its band, kind and frequencies), or all that the options
    name. An event that reaches out of the frequencies alarms all the same.
    """
    from edgespec.units import parse_quantity

    lower_hz = None if lower is None else parse_quantity(lower, "--from")
    upper_hz = None if upper is None else parse_quantity(upper, "--to")
    _ask(
        "mute", **whom, id=name, band=band, kind=kind, lower_hz=lower_hz, upper_hz=upper_hz,
        duration_s=3600.0 * hours,
    )  # fmt: skip


@events.command()
@click.argument("names", metavar="EVENT|INCIDENT...", nargs=-1)
@click.option(
    "--all",
    "is_all",
    is_flag=True,
    help="All that was told so far on this host, but trouble of the receiver.",
)
@click.option("--band", metavar="ID", help="With --all: only what was told of this band.")
@click.option(
    "--for", "hours", type=_HOURS, metavar="HOURS", help="For how long; default: for ever."
)
@_whom
def normal(
    names: tuple[str, ...], is_all: bool, band: str | None, hours: float | None, **whom: Any
) -> None:  # fmt: skip
    """Teach that this is normal here.

    What is like the events of the incident so far alarms no more: in their place, of their kinds,
    no wider, at most 3 dB stronger, at most twice as long. No threshold changes.
    """
    if is_all is bool(names):
        raise click.UsageError("name events or incidents, or say --all of the incidents so far")
    if is_all:
        if whom["node"] is not None:
            raise click.UsageError("--all is of this host: name incidents of another observer")
        names = _told(whom["config_path"], band)
    elif band is not None:
        raise click.UsageError("--band is for --all: an event has its band")
    for name in names:
        _ask("normal", **whom, id=name, duration_s=None if hours is None else 3600.0 * hours)


def _told(config_path: Path | None, band: str | None) -> tuple[str, ...]:
    """Return the incidents that can be called normal, those that came most often first."""
    from edgespec.alerts.actions import Actions
    from edgespec.errors import UsageError

    found = Actions.of(_load(config_path)).teachable(band)
    if not found:
        raise UsageError(
            "nothing was told here that could be called normal, or it is not written yet: "
            "'edgespec incidents' lists what is"
        )
    return tuple(found)


@events.command()
@click.argument("name", metavar="[ID]", required=False, default="")
@_whom
def undo(name: str, **whom: Any) -> None:
    """Take back a mute or what was called normal; default: the last."""
    _ask("undo", **whom, id=name)


@events.command()
@_whom
def silenced(**whom: Any) -> None:
    """List what is muted and what is normal here."""
    _ask("silenced", **whom)


@click.command()
@CONFIG_OPTION
@JSON_OPTION
def incidents(config_path: Path | None, as_json: bool) -> None:
    """List what comes again and again: how often, when, for how long.

    Events of one sign and kind at one place of a band are one incident, last seen last.
    """
    from edgespec.alerts.incident_payload import incident_payload
    from edgespec.alerts.incidents import events_folder, incidents_path, load_incidents
    from edgespec.ops.events.text import incident_lines
    from edgespec.wire.text import encode

    folder = events_folder(_load(config_path).node.state_dir)
    found = load_incidents(incidents_path(folder))
    if not found and not as_json:
        click.echo("no incident is known here")
    for incident in found:
        if as_json:
            click.echo(encode(incident_payload(incident)))
        else:
            click.echo("\n".join(incident_lines(incident, sys.stdout.encoding)))


@click.command()
@CONFIG_OPTION
@_MQTT
@click.option(
    "--within",
    "state_s",
    type=Finite(min=0, min_open=True),
    metavar="SECONDS",
    default=60.0,
    show_default=True,
    help="An observer whose last state is older is silent.",
)
@click.option(
    "--tested",
    "test_h",
    type=Finite(min=0),
    metavar="HOURS",
    default=25.0,
    show_default=True,
    help="So is one that has not found its own test tone for so long; 0: never mind.",
)
@JSON_OPTION
def observers(
    config_path: Path | None, mqtt: str | None, state_s: float, test_h: float, as_json: bool
) -> None:
    """List the observers that a broker knows, and say which are silent.

    The exit code is 7 where one is: for cron, or whatever looks after the others.
    """
    from edgespec.config import override
    from edgespec.errors import ConfigError, QualityError
    from edgespec.ops.observers import observer_lines, observer_payload, seen_observers
    from edgespec.screen.table import width_of
    from edgespec.wire.text import encode

    settings = override(_load(config_path), mqtt=mqtt).mqtt
    if settings.url is None:
        raise ConfigError("no broker is named: add --mqtt URL or mqtt.url to the configuration")
    found = seen_observers(settings, state_s, test_h)
    if as_json:
        for seen in found:
            click.echo(encode(observer_payload(seen)))
    else:
        for line in observer_lines(found, width_of(sys.stdout)):
            click.echo(line)
    silent = [seen.node for seen in found if seen.why]
    if silent or not found:
        said = f"silent: {', '.join(silent)}" if silent else "the broker knows no observer"
        raise QualityError(said)
