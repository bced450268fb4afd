"""What a hop of the whole chain costs with more detectors: ``python -m benchmarks.speed.chain``.

A simulated LTE cell as int16 goes hop by hop through chains behind their warm-up: power alone, with
what is left of the cell, and with the watch of the cell, too; in turns on one core, in processor
time. At 5 MS/s the shipped bundle's model is one of the detectors of power; at 1.92 there is none.
A call is of 25 hops, 160 ms, for the watch looks at 40 ms at once. The search for new cells, once
in 30 s of signal, is in no smallest time.
"""

from collections.abc import Callable
from typing import Any

import click

from benchmarks import record
from benchmarks.speed.prefix import HOP_S, Hops, make_signal
from benchmarks.speed.turns import take_turns
from converter.lab.measures.hop_chain import open_hop_chain
from converter.report.markdown_table import markdown_table
from edgespec.config import DetectConfig
from edgespec.errors import QualityError
from edgespec.framing import Recipe
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.scoring.basis import Basis
from edgespec.records import SampleFormat, SourceInfo

__all__ = ["main", "make_chain_call"]

_RATES_HZ = (1.92e6, 5e6)
_WARMUP_S, _BEGIN_S = 1.0, 4.0
N_HOPS = 25
_POWER = ("zscore", "energy")
SETS = {
    "power": _POWER,
    "power, residual": ("residual", *_POWER),
    "power, residual, cell": ("residual", "cell", *_POWER),
}


def make_chain_call(rate_hz: float, detectors: tuple[str, ...]) -> Callable[[int], object]:
    """Return a chain that has learnt its site, as a call that takes the next 25 hops.

    Raises:
        QualityError: it has not found the cell.
    """
    bundle = load_bundle(shipped_bundle_path())
    recipe = bundle.manifest.recipe
    if recipe.framing.sample_rate_hz == rate_hz:
        detect = DetectConfig(detectors=("model", *detectors), warmup_s=_WARMUP_S)
        basis = Basis.of_bundle(bundle, open_backend(bundle, "numba"), detect)
    else:
        recipe = Recipe.for_rate(rate_hz)
        detect = DetectConfig(detectors=detectors, warmup_s=_WARMUP_S)
        basis = Basis.without_bundle(recipe, detect, bundle)
    samples, _ = make_signal(rate_hz)
    info = SourceInfo("sim:", rate_hz, 0.0, SampleFormat.CI16, is_live=False)
    chain, hops = open_hop_chain(basis, info, detect, update_s=1e9), Hops(samples, rate_hz)
    for _ in range(round(_BEGIN_S / HOP_S)):
        list(chain.process(next(hops)))
    if chain.cancelled is not None and chain.cancelled.cell is None:
        raise QualityError(f"at {rate_hz:g} S/s the chain with {detectors} has not found the cell")

    def call(_: int) -> object:
        return [list(chain.process(next(hops))) for _ in range(N_HOPS)]

    return call


def measure(rate_hz: float, n_rounds: int, turn_s: float) -> list[dict[str, Any]]:
    """Return the times of the sets of detectors at one rate, a row each."""
    calls = {name: make_chain_call(rate_hz, detectors) for name, detectors in SETS.items()}
    times = take_turns(calls, n_rounds, turn_s)
    least_s = times["power"].min_s
    return [
        {
            "sample_rate_hz": rate_hz,
            "detectors": name,
            "min_us": 1e6 * time.min_s / N_HOPS,
            "median_us": 1e6 * time.median_s / N_HOPS,
            "n_calls": time.n_calls,
            "more": time.min_s / least_s - 1.0,
        }
        for name, time in times.items()
    ]


@click.command()
@click.option("--rounds", "n_rounds", default=40, help="Turns of each.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_rounds: int, save: bool) -> None:
    """Measure a hop of the chain."""
    record.on_one_core()
    rows = [row for rate_hz in _RATES_HZ for row in measure(rate_hz, n_rounds, 0.05)]
    table = [
        [
            f"{row['sample_rate_hz'] / 1e6:g}",
            row["detectors"],
            f"{row['min_us']:.0f}",
            f"{row['median_us']:.0f}",
            f"{row['more']:+.0%}",
        ]
        for row in rows
    ]
    head = ["MS/s", "detectors", "us a hop, least", "median", "more than power, least"]
    text = markdown_table(head, table, right_from=2)
    click.echo(text)
    if save:
        title = "A hop of the chain beside a cell, one core"
        click.echo(record.save("chain", title, {"machine": record.facts(), "rows": rows}, text))


if __name__ == "__main__":
    main()
