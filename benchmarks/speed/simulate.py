"""Simulated signal in a second of processor time: ``python -m benchmarks.speed.simulate``.

Observers as :mod:`benchmarks.detection.hours` plays them, one of each kind: still, walking and
driving, in bursty and in steady traffic, beside a neighbour cell, and one who hears the users of a
cell in its place; frame by frame, into the format of their receivers.
"""

from collections.abc import Callable

import click

from benchmarks import record
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec
from edgespec.simulate.resample import frame_samples
from edgespec.simulate.scene import Scene

__all__ = ["main"]

_SEED = 7_110_000
_N_OBSERVERS = 24
_FRAME_S = 0.01


def scenes(rate_hz: float) -> dict[str, RecordingSpec]:
    """Return the first observer of each kind, named by it."""
    found: dict[str, RecordingSpec] = {}
    for spec in Population().specs(_N_OBSERVERS, 1.0, rate_hz, _SEED):
        traffic = "steady" if spec.scene.cell.user_groups else "bursty"
        beside = ", beside a neighbour" if spec.scene.neighbours else ""
        found.setdefault(f"{spec.context}, {traffic}{beside}", spec)
    (uplink,) = Population("ul").specs(1, 1.0, rate_hz, _SEED)
    return {**dict(sorted(found.items())), f"uplink, {uplink.context}": uplink}


def player(spec: RecordingSpec) -> Callable[[int], object]:
    """Return what plays the next 10 ms of an observer."""
    source, receiver = Scene(spec.scene, spec.seed), spec.scene.receiver
    buffer = receiver.sample_format.empty(frame_samples(spec.scene.sample_rate_hz))
    return lambda _: source.read_into(buffer)


@click.command()
@click.option("--rate", "rate_hz", default=1.92e6, help="Sample rate, S/s.")
@click.option("--rounds", "n_rounds", default=10, help="Turns of each observer.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(rate_hz: float, n_rounds: int, save: bool) -> None:
    """Time the simulator, kind by kind."""
    record.on_one_core()
    times = take_turns(
        {name: player(spec) for name, spec in scenes(rate_hz).items()}, n_rounds, 0.2
    )
    rows = [
        {"scene": name, "min_s": one.min_s / _FRAME_S, "median_s": one.median_s / _FRAME_S}
        for name, one in times.items()
    ]
    table = markdown_table(
        ["scene", "s of signal per s of processor, median", "at best", "ms a frame, at best"],
        [
            [name, f"{_FRAME_S / one.median_s:.1f}", f"{_FRAME_S / one.min_s:.1f}",
             f"{1e3 * one.min_s:.2f}"]
            for name, one in times.items()
        ],
    )  # fmt: skip
    click.echo(table)
    if save:
        title = f"Simulated signal at {rate_hz / 1e6:g} MS/s"
        click.echo(record.save("simulate", title, {"machine": record.facts(), "rows": rows}, table))


if __name__ == "__main__":
    main()
