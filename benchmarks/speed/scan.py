"""Cost of a hop of the scan, compiled and in NumPy: ``python -m benchmarks.speed.scan``.

A hop is 6.4 ms, 12.8 slots; what the scan looks at is the same in both. Slots are synthetic: means
of seven squares over traffic of 10 dB, with what a warm-up of 0.4 s taught.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.computing import Computing
from edgespec.detect.scan.arithmetic import open_arithmetic
from edgespec.detect.scan.residual_scan import LEAST_WARMUP, ResidualScan
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.lte.numerology import SLOT_S

__all__ = ["main", "make_call"]

_RATES_HZ = (1.92e6, 5e6, 19.2e6)
_HOP_SLOTS = 13
_N_HOPS = 400


def make_call(n_subbands: int, computing: Computing) -> Callable[[int], object]:
    """Return a scan that has warmed up, as a call that takes the hop of a number."""
    rng = np.random.default_rng(20261128)
    n_slots = LEAST_WARMUP + _N_HOPS * _HOP_SLOTS
    traffic = 10.0 ** rng.uniform(-2.0, -1.0, (n_slots, 1))
    chance = rng.gamma(7.0, 1.0 / 7.0, (2, n_slots, n_subbands))
    residual = ((1e-4 + 4e-3 * traffic) * chance[0]).astype(np.float32)
    power = (traffic + 1e-4 * chance[1]).astype(np.float32)
    place, flags = np.arange(n_slots) % 20, np.zeros(n_slots, np.uint8)
    scan = ResidualScan(n_subbands, LEAST_WARMUP, open_arithmetic(computing))
    scan.score(*(array[:LEAST_WARMUP] for array in (residual, power, place, flags)))

    def call(number: int) -> object:
        first = LEAST_WARMUP + number % _N_HOPS * _HOP_SLOTS
        hop = slice(first, first + _HOP_SLOTS)
        return scan.score(residual[hop], power[hop], place[hop], flags[hop])

    return call


@click.command()
@click.option("--rounds", "n_rounds", default=20, help="Turns of each.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_rounds: int, save: bool) -> None:
    """Measure the scan of the residual."""
    record.on_one_core()
    rows: list[dict[str, Any]] = []
    for rate_hz in _RATES_HZ:
        n_subbands = PrefixPlan(rate_hz).n_subbands
        calls = {how.value: make_call(n_subbands, how) for how in Computing}
        for how, times in take_turns(calls, n_rounds, 0.05).items():
            rows.append(
                {
                    "sample_rate_hz": rate_hz,
                    "n_subbands": n_subbands,
                    "computing": how,
                    **asdict(times),
                    "share": times.median_s / (_HOP_SLOTS * SLOT_S),
                }
            )
    table = [
        [
            f"{row['sample_rate_hz'] / 1e6:g}",
            row["n_subbands"],
            row["computing"],
            f"{row['min_s'] * 1e6:.1f}",
            f"{row['median_s'] * 1e6:.1f}",
            f"{row['share']:.2%}",
        ]
        for row in rows
    ]
    head = ["MS/s", "subbands", "arithmetic", "min us", "median us", "share of the hop"]
    text = markdown_table(head, table)
    click.echo(text)
    if save:
        title = "A hop of the scan of the residual"
        click.echo(record.save("scan", title, {"machine": record.facts(), "rows": rows}, text))


if __name__ == "__main__":
    main()
