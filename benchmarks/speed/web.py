"""What the page costs the observer, a block at a time: ``python -m benchmarks.speed.web``.

A block is a hop of 25 frames, 6.4 ms, and 13 slots beside a cell of 25 subbands. Nobody looks, and
somebody does; both come on top of what the band computes anyway.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.detect.scan.site import Site
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.grid import Grid, Span
from edgespec.records import Spectrogram
from edgespec.web.feed import BandFeed
from edgespec.web.feed_memory import BandLook, FeedMemory

__all__ = ["main", "make_calls"]

_N_BINS = (128, 512, 1024)
_FRAME_S, _N_FRAMES = 2.56e-4, 25
_N_SUBBANDS, _N_SLOTS, _SLOT_TICKS = 25, 13, 960
_NEVER_NS = 1 << 62


def make_calls(n_bins: int) -> dict[str, Callable[[int], object]]:
    """Return what is done with the block of a number, by plane and by whether somebody looks."""
    rng = np.random.default_rng(20261129)
    power = rng.normal(-70.0, 5.0, (_N_FRAMES, n_bins)).astype(np.float32)
    ticks, flags = np.empty(_N_FRAMES, np.int64), np.zeros(_N_FRAMES, np.uint8)
    steps = np.arange(_N_FRAMES) * 256
    grid = Grid(np.arange(n_bins) * 1e4, 1e4, 256, 256 / _FRAME_S)
    places, bands = np.ones((20, _N_SUBBANDS)), np.ones(_N_SUBBANDS)
    site = Site(places, 0.1 * places, places, 10.0 * bands, 1.0, bands, 0.1)
    left = rng.gamma(10.0, 0.1, (_N_SLOTS, _N_SUBBANDS)).astype(np.float32)
    slot_grid = Grid(np.arange(_N_SUBBANDS) * 1.8e5, 1.8e5, _SLOT_TICKS, 1.92e6)
    slot_steps = np.arange(_N_SLOTS) * _SLOT_TICKS
    calls: dict[str, Callable[[int], object]] = {}
    for whether, until_ns in (("nobody looks", 0), ("somebody looks", _NEVER_NS)):
        memory = FeedMemory(1).band(0)
        BandLook(memory).look(until_ns)
        feed = BandFeed(memory)

        def of_power(number: int, own: BandFeed = feed) -> object:
            start = number * _N_FRAMES * 256
            np.add(steps, start, out=ticks)
            span = Span(start, _N_FRAMES * 256, 0, 1)
            return own.power(Spectrogram(power, flags, ticks, grid, span, is_whole=True))

        def of_residual(number: int, own: BandFeed = feed) -> object:
            start = number * _N_SLOTS * _SLOT_TICKS
            span = Span(start, _N_SLOTS * _SLOT_TICKS, 0, 1)
            slots = PrefixSlots(
                left, left, np.arange(_N_SLOTS), flags[:_N_SLOTS], slot_steps + start, 0.0,
                slot_grid, span,
            )  # fmt: skip
            return own.residual(slots, site)

        calls[f"power, {whether}"] = of_power
        calls[f"residual, {whether}"] = of_residual

    def nothing(number: int) -> object:
        start = number * _N_FRAMES * 256
        np.add(steps, start, out=ticks)
        span = Span(start, _N_FRAMES * 256, 0, 1)
        return Spectrogram(power, flags, ticks, grid, span, is_whole=True)

    calls["the record of a block alone"] = nothing
    return calls


@click.command()
@click.option("--rounds", "n_rounds", default=20, help="Turns of each.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_rounds: int, save: bool) -> None:
    """Measure what the feed of the page costs a band."""
    record.on_one_core()
    rows: list[dict[str, Any]] = [
        {"n_bins": n_bins, "what": what, **asdict(times)}
        for n_bins in _N_BINS
        for what, times in take_turns(make_calls(n_bins), n_rounds, 0.02).items()
    ]
    table = [
        [row["n_bins"], row["what"], f"{row['min_s'] * 1e6:.1f}", f"{row['median_s'] * 1e6:.1f}"]
        for row in rows
    ]
    text = markdown_table(["bins", "a block", "min us", "median us"], table)
    click.echo(text)
    if save:
        title = "What the page costs the observer"
        click.echo(record.save("web", title, {"machine": record.facts(), "rows": rows}, text))


if __name__ == "__main__":
    main()
