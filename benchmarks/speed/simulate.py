"""Processor time of a second of simulated signal: ``python -m benchmarks.speed.simulate``.

Observers of simulated LTE cells as :mod:`benchmarks.detection.hours` plays them, still, walking and
driving, with and without a neighbour cell, frame by frame into the format of their receivers.
"""

from collections.abc import Callable

import click

from benchmarks.record import facts, save_rows
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec
from edgespec.simulate.resample import frame_samples
from edgespec.simulate.scene import Scene

__all__ = ["main"]

_SEED = 7_110_000
_FRAMES_PER_S = 100


def player(spec: RecordingSpec) -> Callable[[int], object]:
    """Return what plays the next 10 ms of an observer."""
    source, receiver = Scene(spec.scene, spec.seed), spec.scene.receiver
    buffer = receiver.sample_format.empty(frame_samples(spec.scene.sample_rate_hz))
    return lambda _: source.read_into(buffer)


@click.command()
@click.option("--observers", "n_observers", default=6, help="Still, walking, driving, and again.")
@click.option("--rate", "rate_hz", default=1.92e6, help="Sample rate, S/s.")
@click.option("--rounds", "n_rounds", default=10, help="Turns of each observer.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_observers: int, rate_hz: float, n_rounds: int, save: bool) -> None:
    """Time the simulator, observer by observer."""
    specs = Population().specs(n_observers, 1.0, rate_hz, _SEED)
    times = take_turns({spec.name: player(spec) for spec in specs}, n_rounds, 0.2)
    rows = [
        {
            "observer": spec.name,
            "n_neighbours": len(spec.scene.neighbours),
            "min_s": times[spec.name].min_s * _FRAMES_PER_S,
            "median_s": times[spec.name].median_s * _FRAMES_PER_S,
        }
        for spec in specs
    ]
    table = markdown_table(
        ["observer", "neighbours", "s of processor per s, median", "at best"],
        [
            [
                str(row["observer"]),
                str(row["n_neighbours"]),
                f"{row['median_s']:.3f}",
                f"{row['min_s']:.3f}",
            ]
            for row in rows
        ],
    )
    title = f"A second of simulated signal at {rate_hz / 1e6:g} MS/s"
    click.echo(save_rows("simulate", title, facts(), rows, table, save=save))


if __name__ == "__main__":
    main()
