"""What a slot of the plane of reference signals costs, beside NumPy doing the same by FFT.

``python -m benchmarks.speed.reference`` gives a simulated cell to the plane in blocks of 10 ms, in
turns with ``numpy.fft`` over the same symbols, on one core and in processor time, and writes the
table to ``benchmarks/results``. NumPy transforms 1/15 kHz in whole samples, as the plane does, and
then needs the reference elements, their products and their sums.
"""

from collections.abc import Callable
from dataclasses import asdict

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.record import facts, on_one_core, save
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.computing import Computing
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.pilot_plan import pilot_plan
from edgespec.dsp.prefix.reference import ReferencePlane
from edgespec.records import IqBlock, SampleFormat
from edgespec.simulate.config import CellConfig, SceneConfig
from edgespec.simulate.scene import Scene

__all__ = ["main"]

_RATES_HZ = (1.92e6, 5e6, 20e6)
_FORMATS = (SampleFormat.CI16, SampleFormat.CF32)
_SLOTS = 20
_SLOT_US = 500.0


def plane_contestant(
    cell: Cell, sample_format: SampleFormat, samples: NDArray[np.generic], computing: Computing
) -> Callable[[int], object]:
    """Return a call that gives the plane the same 10 ms once more, as the next of the stream."""
    plane = ReferencePlane(
        cell,
        sample_format,
        center_freq_hz=0.0,
        max_block_samples=len(samples),
        computing=computing,
    )

    def run(number: int) -> object:
        first = number * len(samples)
        return plane.process(IqBlock(samples, cell.sample_rate_hz, 0.0, first, 0))

    return run


def numpy_contestant(cell: Cell, samples: NDArray[np.complex64]) -> Callable[[int], object]:
    """Return a call that measures the same slots by FFTs of whole symbols, all in one batch."""
    plan = pilot_plan(cell)
    rows = np.arange(_SLOTS - 1)[:, None] * plan.slot_samples + plan.offset_samples
    windows = np.floor(rows).astype(int)[..., None] + np.arange(plan.n_samples)
    bins = np.rint(plan.freqs_hz[0] / 15e3 - 1.5).astype(int) + 6 * np.arange(plan.n_pilots)
    code = plan.sequence[: _SLOTS - 1]

    def run(number: int) -> object:
        pilots = np.fft.fft(samples[windows], axis=-1)[..., bins]
        product = (pilots[..., :-1] * pilots[..., 1:].conj() * code).sum(axis=1)
        power = (pilots.real**2 + pilots.imag**2).sum(axis=1)
        return product, power

    return run


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--turn", default=0.2, show_default=True, help="Seconds of a turn.")
def main(rounds: int, turn: float) -> None:
    """Measure, print and write the table."""
    on_one_core()
    rows, timings = [], []
    for rate_hz in _RATES_HZ:
        cell = Cell("lte", 123, "fdd", "normal", rate_hz, 0.0, 0.0, 0.0, 20.0, 1.0, 2.0)
        scene = Scene(SceneConfig(sample_rate_hz=rate_hz, cell=CellConfig(pci=123)), 1)
        waves = scene.read(round(rate_hz / 100))
        calls = {"NumPy, FFT (cf32)": numpy_contestant(cell, waves)}
        for sample_format in _FORMATS:
            samples = waves
            if sample_format is SampleFormat.CI16:
                pairs = waves.view(np.float32).reshape(-1, 2) * sample_format.full_scale
                samples = pairs.astype(np.int16)
            for computing in Computing:
                name = f"edgespec, {computing} ({sample_format})"
                calls[name] = plane_contestant(cell, sample_format, samples, computing)
        n_pilots = pilot_plan(cell).n_pilots
        for name, times in take_turns(calls, rounds, turn).items():
            slot_us = times.min_s / _SLOTS * 1e6
            timings.append({"rate_hz": rate_hz, "name": name, "slot_us": slot_us, **asdict(times)})
            rows.append(
                [f"{rate_hz / 1e6:g}", n_pilots, name, f"{slot_us:.1f}",
                 f"{times.median_s / _SLOTS * 1e6:.1f}", f"{slot_us / _SLOT_US:.1%}"]
            )  # fmt: skip
    head = ["MS/s", "pilots", "who", "us a slot, best", "median", "of real time, best"]
    text = (
        "Processor time of a slot of 0.5 ms, two symbols with reference signals, in blocks of "
        f"10 ms.\n\n{markdown_table(head, rows)}"
    )
    machine = facts()
    path = save(
        "reference", "Plane of reference signals", {"machine": machine, "timings": timings}, text
    )
    click.echo(f"{text}\n\n{path}")


if __name__ == "__main__":
    main()
