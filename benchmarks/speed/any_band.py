"""Cost of a hop of the detector for bands without a cell: ``python -m benchmarks.speed.any_band``.

Beside ``zscore``, which looks at the same frames; both compiled and in NumPy. Frames are noise. One
hears samples, too, of six carriers of constant envelope: of a hop it looks at 4,096 at any rate.
"""

from collections.abc import Callable

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.turns import turns_by_bins
from converter.report.markdown_table import markdown_table
from edgespec.computing import Computing
from edgespec.detect.any_band.arithmetic import open_arithmetic as open_any_band
from edgespec.detect.any_band.detector import AnyBand, Rhythm
from edgespec.detect.arithmetic import open_arithmetic
from edgespec.detect.reference import BinZScore
from edgespec.records import FloatArray, Geometry, Segment

__all__ = ["main", "make_calls"]

_N_BINS = (128, 512, 1024)
_N_HOPS, _N_WARMUP = 200, 300
_HOP_SAMPLES, _CARRIERS = 6400, (-0.4, -0.25, -0.1, 0.1, 0.25, 0.4)


def make_calls(n_bins: int) -> dict[str, Callable[[int], object]]:
    """Return detectors that take the hop of a number, by what they are and how they compute."""
    rng = np.random.default_rng(20261129)
    geometry = Geometry(n_bins, 2.56e-4)
    shape = (_N_HOPS, geometry.n_horizon, n_bins)
    hops: FloatArray = 10.0 * np.log10(rng.gamma(10.0, 0.1, shape).astype(np.float32))
    turns = np.cumsum(1e-3 * rng.standard_normal((8, 6, _HOP_SAMPLES)), axis=2)
    turns += np.array(_CARRIERS)[:, np.newaxis] * np.arange(_HOP_SAMPLES)
    waves = np.exp(2j * np.pi * turns).sum(axis=1).astype(np.complex64)
    calls: dict[str, Callable[[int], object]] = {}
    no_ticks, no_context = np.empty(0, np.int64), hops[0, :0]
    for how in Computing:
        zscore = BinZScore(geometry, _N_WARMUP, open_arithmetic(how))
        watching, learning = (
            AnyBand(geometry, Rhythm(n, n), 4, open_any_band(how)) for n in (_N_WARMUP, 1 << 40)
        )
        for number in range(_N_WARMUP + 10):
            target = hops[number % _N_HOPS]
            zscore.score(Segment(no_context, target, no_ticks, has_context=False), None)
            watching.take(target, is_alarm=False)
            learning.take(target, is_alarm=False)

        hearing = AnyBand(
            geometry, Rhythm(_N_WARMUP, _N_WARMUP), 0, open_any_band(how), _HOP_SAMPLES
        )
        for number in range(_N_WARMUP):
            hearing.hear(waves[number % len(waves)])
            hearing.take(hops[number % _N_HOPS], is_alarm=False)

        def of_both(number: int, detector: AnyBand = hearing) -> object:
            detector.hear(waves[number % len(waves)])
            return detector.take(hops[number % _N_HOPS], is_alarm=False)

        def of_segment(number: int, detector: BinZScore = zscore) -> object:
            target = hops[number % _N_HOPS]
            return detector.score(Segment(no_context, target, no_ticks, has_context=False), None)

        def of_hop(number: int, detector: AnyBand) -> object:
            return detector.take(hops[number % _N_HOPS], is_alarm=False)

        calls[f"zscore, {how.value}"] = of_segment
        calls[f"any-band, {how.value}"] = lambda number, own=watching: of_hop(number, own)
        n_channels = len(hearing.channels)
        calls[f"any-band, frames and {n_channels} channels, {how.value}"] = of_both
        calls[f"any-band while it learns, {how.value}"] = lambda number, own=learning: of_hop(
            number, own
        )
    return calls


@click.command()
@click.option("--rounds", "n_rounds", default=20, help="Turns of each.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_rounds: int, save: bool) -> None:
    """Measure the detector for bands without a cell."""
    record.on_one_core()
    rows, table = turns_by_bins(make_calls, _N_BINS, n_rounds)
    text = markdown_table(["bins", "detector", "min us", "median us"], table)
    click.echo(text)
    if save:
        title = "A hop of the detector for bands without a cell"
        click.echo(record.save("any_band", title, {"machine": record.facts(), "rows": rows}, text))


if __name__ == "__main__":
    main()
