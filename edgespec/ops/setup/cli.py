"""``edgespec setup`` on the command line."""

import sys
from pathlib import Path

import click

from edgespec.errors import UsageError
from edgespec.finite import Finite
from edgespec.newfile import check_new, write_new
from edgespec.output_path import OutputPath
from edgespec.sensitivity import SENSITIVITIES, SENSITIVITIES_SAID

__all__ = ["setup"]


@click.command()
@click.option("--source", metavar="URI", help="The radio; without it, the one that is found.")
@click.option("--band", metavar="NAME|FREQUENCY", help="What to watch: lte-b20, ism433 or 806M.")
@click.option("--gain", type=Finite(-200.0, 200.0), metavar="DB", help="Fixed gain of the radio.")
@click.option("--mqtt", metavar="URL", help="Broker that is told of alarms; without, none is.")
@click.option(
    "--sensitivity",
    type=click.Choice(list(SENSITIVITIES)),
    help=f"How many false events a day are bearable: {SENSITIVITIES_SAID}.",
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(dir_okay=False, path_type=Path),
    default=Path("edgespec.toml"),
    show_default=True,
    help="The configuration to write; one that is there is never overwritten.",
)
@click.option(
    "--list", "is_listing", is_flag=True, help="List radios and bands, and write nothing."
)
@click.option("--json", "as_json", is_flag=True, help="With --list: one JSON object.")
def setup(
    source: str | None,
    band: str | None,
    gain: float | None,
    mqtt: str | None,
    sensitivity: str | None,
    output: Path,
    is_listing: bool,
    as_json: bool,
) -> None:
    """Find the radio and write a configuration.

    On a terminal it asks what is not given; elsewhere that is an error, or the default.
    """
    from edgespec.ops.setup.bandplan import BANDS
    from edgespec.ops.setup.found import found_radios
    from edgespec.ops.setup.plan import chosen_source, listing, listing_json, plan_for
    from edgespec.screen.progress import Progress
    from edgespec.screen.table import width_of
    from edgespec.wire.text import encode

    with Progress() as progress:
        progress.at("looking for radios")
        radios = [] if source else found_radios()
    if is_listing:
        click.echo(
            encode(listing_json(radios)) if as_json else listing(radios, width_of(sys.stdout))
        )
        return
    # Before anything is asked.
    check_new(output)
    is_asking = sys.stdin.isatty()
    if source is None and len(radios) > 1 and is_asking:
        click.echo(listing(radios, width_of(sys.stderr)), err=True)
        source = click.prompt("Which radio", default=radios[0].uri, err=True)
    source = chosen_source(source, radios)
    is_radio = source.partition(":")[0] in ("rtlsdr", "rtl_tcp", "soapy")
    if band is None and is_radio and "center_freq=" not in source:
        if not is_asking:
            raise UsageError(
                f"what to watch is not given: add --band with a frequency such as 806M, or one of "
                f"{', '.join(BANDS)}"
            )
        band = click.prompt("Frequency or band (806M, ism433, lte-b20 ...)", err=True)
    if gain is None and source.startswith("soapy:") and "gain" not in source:
        if not is_asking:
            raise UsageError(
                "the gain is not given, and a radio of SoapySDR has no usual one: add --gain with "
                "dB, such as --gain 30"
            )
        gain = click.prompt("Gain in dB, fixed", type=float, default=30.0, err=True)
    if is_asking:
        mqtt = mqtt or click.prompt(
            "Broker for alarms, such as mqtt://localhost (empty: none)",
            default="",
            show_default=False,
            err=True,
        )
        sensitivity = sensitivity or click.prompt(
            "How sensitive", type=click.Choice(list(SENSITIVITIES)), default="medium", err=True
        )
    plan = plan_for(source, band, mqtt or None, sensitivity or "medium", gain)
    write_new(output, plan.as_toml())
    click.echo(plan.as_text(output))
