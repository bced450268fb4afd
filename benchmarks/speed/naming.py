"""What a name costs: a look at samples, and features and probabilities of what is known.

``python -m benchmarks.speed.naming``. A look comes when an event opens and in its 4th, 6th, 10th,
18th, ... segment with an alarm, a name with every message; neither while all is quiet.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.detect.description import N_HORIZONS, Description, features_of
from edgespec.detect.naming import shipped_namer
from edgespec.detect.regions import Region
from edgespec.dsp.look import BlockLook
from edgespec.framing import Recipe

__all__ = ["calls", "main"]

_RATES_HZ = (1.92e6, 5e6, 19.2e6)


def calls(recipe: Recipe) -> dict[str, Callable[[int], object]]:
    """Return a look and a name at the worst: noise over all of the band, for 16 horizons."""
    rng = np.random.default_rng(20261128)
    n, n_bins = recipe.hop_samples, recipe.geometry.n_bins
    samples = (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(np.complex64)
    n_frames = N_HORIZONS * recipe.geometry.n_horizon
    frames = rng.gamma(10.0, 1.0, (n_frames, n_bins)).astype(np.float32)
    mean, normal = frames.mean(axis=0), np.ones(n_bins, np.float32)
    region = Region(0, n_bins - 1, 0, 1, 10.0)
    description, namer = Description.empty(), shipped_namer()

    def look(number: int) -> object:
        return description.add(BlockLook(samples, recipe.framing), normal, region)

    def name(number: int) -> object:
        features = features_of(
            description, frames, mean, normal, region, is_broad=False, roams=False
        )
        return namer.name(features)

    return {"look": look, "name": name}


@click.command()
@click.option("--rounds", "n_rounds", default=20, help="Turns of each.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_rounds: int, save: bool) -> None:
    """Measure what a name costs."""
    record.on_one_core()
    rows: list[dict[str, Any]] = []
    for rate_hz in _RATES_HZ:
        recipe = Recipe.for_rate(rate_hz)
        for what, times in take_turns(calls(recipe), n_rounds, 0.05).items():
            share = times.min_s / recipe.geometry.hop_s
            rows.append({"sample_rate_hz": rate_hz, "what": what, **asdict(times), "hops": share})
    table = [
        [f"{row['sample_rate_hz'] / 1e6:g}", row["what"], f"{row['min_s'] * 1e3:.2f}",
         f"{row['median_s'] * 1e3:.2f}", f"{row['hops']:.2f}"]
        for row in rows
    ]  # fmt: skip
    text = markdown_table(["MS/s", "what", "least ms", "median ms", "least, in hops"], table)
    title = "What the name of an event costs"
    click.echo(text)
    if save:
        click.echo(record.save("naming", title, {"machine": record.facts(), "rows": rows}, text))


if __name__ == "__main__":
    main()
