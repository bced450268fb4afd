"""``edgespec events`` and ``edgespec incidents`` on the command line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgespec.flags import CONFIG_OPTION

if TYPE_CHECKING:
    from edgespec.config import Config

__all__ = ["events", "incidents"]

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")


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
@click.option("--alerts", "only_alerts", is_flag=True, help="Only those that were alerts.")
@click.option(
    "-n",
    "--last",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="So many, the newest last.",
)
@click.option("--csv", "as_csv", is_flag=True, help="As a table for other programs.")
@_JSON
def list_events(
    config_path: Path | None,
    band: str | None,
    only_alerts: bool,
    last: int,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List past events, each as it was last told."""
    from edgespec.alerts.past import past_events
    from edgespec.ops.events.text import event_rows, events_csv
    from edgespec.wire.event import event_payload
    from edgespec.wire.text import encode

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other: choose one")
    found = [
        message
        for message in past_events(_load(config_path).node.state_dir)
        if (band is None or message.event.band == band)
        and (message.event.alert.is_on or not only_alerts)
    ][-last:]
    if as_json:
        for message in found:
            click.echo(encode(event_payload(message)).decode())
    elif as_csv:
        click.echo(events_csv(found), nl=False)
    else:
        for row in event_rows(message.event for message in found):
            click.echo(row)


@click.command()
@CONFIG_OPTION
@_JSON
def incidents(config_path: Path | None, as_json: bool) -> None:
    """List what comes again and again: how often, when, for how long.

    Events of one sign and kind at one place of a band are one incident, last seen last.
    """
    from edgespec.alerts.past import past_incidents
    from edgespec.ops.events.text import incident_lines, incident_payload

    for incident in past_incidents(_load(config_path).node.state_dir):
        if as_json:
            click.echo(json.dumps(incident_payload(incident)))
        else:
            click.echo("\n".join(incident_lines(incident)))
