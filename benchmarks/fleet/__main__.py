"""What a report costs a central unit and its broker, how fast a site is taken over, and a million.

``python -m benchmarks.fleet`` starts a real mosquitto, ``edgespec twin run`` as its user does
and fleets of virtual observers, counts the processor seconds of each process, kills central units,
and writes ``fleet.json`` and ``fleet.md`` to ``benchmarks/results/twin``. Processor time is little
disturbed by other work on the machine; times on the clock are.
"""

import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks import record
from benchmarks.fleet.fleet_report import a_million, report
from benchmarks.fleet.handover import handover
from benchmarks.fleet.load import load
from benchmarks.fleet.parts import parts
from benchmarks.fleet.yard import Yard
from edgespec.wire.rss import ENCODERS

__all__ = ["main"]

RESULTS = record.RESULTS / "twin"


@click.command()
@click.option("--sites", "sizes", multiple=True, type=int, default=(50, 200, 850))
@click.option("--seconds", default=20.0, show_default=True)
@click.option("--kills", default=6, show_default=True)
@click.option(
    "--rss-format", type=click.Choice(list(ENCODERS)), default="binary", show_default=True
)
@click.option("--save/--no-save", default=True, show_default=True)
def main(sizes: tuple[int, ...], seconds: float, kills: int, rss_format: str, save: bool) -> None:
    """Measure and write the results."""
    with tempfile.TemporaryDirectory() as folder:
        yard = Yard(Path(folder), 1)
        cost = parts(yard.sites[0], yard.learnt, 600, rss_format)
    click.echo(cost)
    loads = []
    for n_sites in sizes:
        loads.append(load(n_sites, seconds, rss_format))
        click.echo(loads[-1])
    n_handover_sites, n_centrals = 30, 3
    handovers = handover(n_handover_sites, n_centrals, kills)
    for one in handovers:
        click.echo(one)
    result = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": record.facts(("paho-mqtt",)),
        "rss_format": rss_format,
        "parts": asdict(cost),
        "loads": [asdict(one) for one in loads],
        "n_handover_sites": n_handover_sites,
        "n_centrals": n_centrals,
        "handovers": [asdict(one) for one in handovers],
        "million": a_million(cost, loads[-1]),
    }
    text = report(result)
    click.echo(text)
    if save:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "fleet.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "fleet.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
