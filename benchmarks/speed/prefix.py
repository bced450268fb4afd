"""Cost of the residual plane, a hop at a time: ``python -m benchmarks.speed.prefix``.

A hop is 6.4 ms, 12.8 slots, of a simulated cell as int16. Beside the plane, compiled and in NumPy,
stands what one would write with NumPy and scipy.fft: all windows of a hop gathered and transformed
at once, with the timing given, nothing tracked and nothing flagged. At 5 MS/s the scan of the
residual and the power path with the shipped bundle say what the plane is to be measured by.
"""

from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from benchmarks import record
from benchmarks.speed.scan import make_call as make_scan
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.computing import Computing
from edgespec.config import BandConfig, DetectConfig
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.delay import N_TAPS, delay_taps
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import QualityError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.lte.numerology import SLOT_S
from edgespec.observer.opening.making import make_chain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import FloatArray, IqBlock, SampleFormat, SourceInfo
from edgespec.simulate.config import ChannelConfig, SceneConfig
from edgespec.simulate.scene import Scene

__all__ = ["HOP_S", "PEER", "Hops", "main", "make_signal", "measure"]

PEER = "NumPy and scipy.fft, timing given"
PATH = "power: front end and detectors, shipped bundle"
SCAN = "scan of the residual, compiled"
_RATES_HZ = (1.92e6, 5e6, 20e6)
_MODEL_RATE_HZ = 5e6
HOP_S = 6.4e-3
#: A whole number of frames and of hops, so that the signal can begin again where it ends.
_SIGNAL_S = 0.16

Call = Callable[[int], Any]


def make_signal(rate_hz: float) -> tuple[NDArray[np.int16], Cell]:
    """Return 0.16 s of a simulated cell with 20 dB of noise below it, and that cell."""
    config = SceneConfig(rate_hz, channel=ChannelConfig(snr_db=20.0, cfo_hz=300.0))
    samples = np.empty((round(_SIGNAL_S * rate_hz), 2), np.int16)
    Scene(config, 7).read_into(samples)
    cell = Cell("lte", 123, "fdd", "normal", rate_hz, 0.0, 300.0, 0.0, 20.0, 1.0, 3.0)
    return samples, cell


class Hops:
    """The blocks of an endless signal."""

    def __init__(self, samples: NDArray[np.int16], rate_hz: float) -> None:
        self._n_hop, self._rate_hz = round(HOP_S * rate_hz), rate_hz
        self._hops = samples.reshape(-1, self._n_hop, 2)
        self._numbers = count()

    def __next__(self) -> IqBlock:
        number = next(self._numbers)
        hop = self._hops[number % len(self._hops)]
        return IqBlock(hop, self._rate_hz, 0.0, number * self._n_hop, 0)


def make_plane(samples: NDArray[np.int16], cell: Cell, computing: Computing) -> Call:
    """Return the plane as a call that takes the next hop."""
    hops, rate_hz = Hops(samples, cell.sample_rate_hz), cell.sample_rate_hz
    plane = ResidualPlane(
        rate_hz,
        SampleFormat.CI16,
        cell,
        max_block_samples=round(HOP_S * rate_hz),
        computing=computing,
    )
    return lambda _: plane.process(next(hops)).residual


def make_peer(samples: NDArray[np.int16], cell: Cell) -> Call:
    """Return what one would write: the slots that begin in a hop, without those of its end."""
    plan, rate_hz = PrefixPlan(cell.sample_rate_hz), cell.sample_rate_hz
    n, lag = plan.n_window, int(plan.lag_samples)
    taps = delay_taps(plan.lag_samples - lag).astype(np.float32)
    is_whole = plan.lag_samples == lag
    turn = np.exp(-2j * np.pi * cell.cfo_hz / rate_hz * plan.lag_samples).astype(np.complex64)
    hops = Hops(samples, rate_hz)
    offsets = np.floor(plan.prefix_ends).astype(int) - plan.n_guard - n
    before = 0 if is_whole else N_TAPS // 2 - 1
    n_line = n if is_whole else n + N_TAPS - 1

    def call(_: int) -> FloatArray:
        block = next(hops)
        n_slot = round(plan.slot_samples)
        first = -block.sample_start % n_slot
        begins = np.arange(first, block.n_samples - n_slot - N_TAPS, n_slot)[:, None] + offsets
        x = block.samples.astype(np.float32).view(np.complex64)[:, 0] * np.float32(2.0**-15)
        near = x[begins[:, :, None] + np.arange(n)]
        far = x[(begins + lag - before)[:, :, None] + np.arange(n_line)]
        if not is_whole:
            far = np.lib.stride_tricks.sliding_window_view(far, N_TAPS, axis=2) @ taps
        left = np.abs(fft.fft(near - turn * far, axis=2)) ** 2
        there = np.abs(fft.fft(near, axis=2)) ** 2 + np.abs(fft.fft(far, axis=2)) ** 2
        both = 0.5 / n**2 * fft.fftshift(np.stack([left, there]).mean(axis=2), axes=2)
        rows: FloatArray = both.reshape(2, len(begins), plan.n_subbands, -1).sum(axis=3)
        return rows[0]

    return call


def make_path(samples: NDArray[np.int16], rate_hz: float) -> Call:
    """Return the power path with the shipped bundle and its usual detectors."""
    bundle = load_bundle(shipped_bundle_path())
    # What there was before a cell was cancelled.
    detect = DetectConfig(detectors=("model", "zscore", "energy"), warmup_s=1.0)
    source = SourceInfo("sim:", rate_hz, 0.0, SampleFormat.CI16, False)
    front_end = FrontEnd.for_source(
        bundle.manifest.recipe.framing, source, max_block_samples=round(HOP_S * rate_hz)
    )
    basis = Basis.of_bundle(bundle, open_backend(bundle, "numba"), detect)
    chain = make_chain(basis, front_end, BandConfig(), detect)
    hops = Hops(samples, rate_hz)
    while not chain.scorer.is_warm:
        list(chain.process(next(hops)))
    return lambda _: list(chain.process(next(hops)))


def measure(rate_hz: float, n_rounds: int, turn_s: float) -> list[dict[str, Any]]:
    """Return the times of one rate, a row each.

    Raises:
        QualityError: the peer computes something else.
    """
    samples, cell = make_signal(rate_hz)
    calls: dict[str, Call] = {
        f"residual plane, {way}": make_plane(samples, cell, way) for way in Computing
    }
    calls[PEER] = make_peer(samples, cell)
    ours, theirs = np.array(make_plane(samples, cell, Computing.COMPILED)(0)), calls[PEER](0)
    n = min(len(ours), len(theirs))
    # The plane makes good what the filter of a broken lag takes from noise: some percent.
    if not np.allclose(ours[:n].sum(axis=1), theirs[:n].sum(axis=1), rtol=0.1):
        raise QualityError(f"at {rate_hz:g} S/s the peer computes something else")
    if rate_hz == _MODEL_RATE_HZ:
        calls[SCAN] = make_scan(PrefixPlan(rate_hz).n_subbands, Computing.COMPILED)
        calls[PATH] = make_path(samples, rate_hz)
    times = take_turns(calls, n_rounds, turn_s)
    return [
        {
            "sample_rate_hz": rate_hz,
            "what": name,
            **asdict(time),
            "us_per_slot": 1e6 * time.median_s / (HOP_S / SLOT_S),
            "share": time.median_s / HOP_S,
        }
        for name, time in times.items()
    ]


@click.command()
@click.option("--rounds", "n_rounds", default=20, help="Turns of each.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_rounds: int, save: bool) -> None:
    """Measure the residual plane."""
    record.on_one_core()
    rows = [row for rate_hz in _RATES_HZ for row in measure(rate_hz, n_rounds, 0.05)]
    table = [
        [
            f"{row['sample_rate_hz'] / 1e6:g}",
            row["what"],
            f"{row['min_s'] * 1e6:.1f}",
            f"{row['median_s'] * 1e6:.1f}",
            f"{row['us_per_slot']:.2f}",
            f"{row['share']:.2%}",
        ]
        for row in rows
    ]
    head = ["MS/s", "what", "us a hop, min", "median", "us a slot", "share of real time"]
    text = markdown_table(head, table)
    click.echo(text)
    if save:
        title = "The residual plane, a hop of 6.4 ms, one core"
        click.echo(record.save("prefix", title, {"machine": record.facts(), "rows": rows}, text))


if __name__ == "__main__":
    main()
