"""What is left at each place of the windows: the residual's own, a neighbour's at an end."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.search import find_cell
from edgespec.records import IqBlock, SampleFormat
from tests.made.ofdm import OfdmCell, white
from tests.made.simulated import simulated

FRAMES = 10


def plane_and_left(
    cell: OfdmCell, others: NDArray[np.complex64], rng: np.random.Generator
) -> tuple[float, NDArray[np.float64]]:
    """Return what is left in the mean of the slots, and at each place, beside others."""
    n = len(others)
    plane = ResidualPlane(
        cell.rate_hz, SampleFormat.CF32, cell.found(), max_block_samples=n, computing="plain"
    )
    samples = cell.samples(rng, n) + others
    for first in range(0, n, n // FRAMES):
        block = IqBlock(samples[first : first + n // FRAMES], cell.rate_hz, 0.0, first, 0)
        slots = plane.process(block)
    return float(slots.residual.sum(axis=1).mean()), plane.left_by_place(block)


@pytest.mark.parametrize("rate_hz", [1.92e6, 3.84e6, 15.36e6])
def test_its_mean_is_the_residual_of_the_slots(rng: np.random.Generator, rate_hz: float) -> None:
    """Spectra of a window have all of its power (Parseval)."""
    n = FRAMES * round(0.01 * rate_hz)
    cell = OfdmCell(rate_hz, start=100.0, cfo_hz=700.0)
    residual, left = plane_and_left(cell, white(rng, n, 0.02), rng)
    assert left.mean() == pytest.approx(residual, rel=0.1)
    assert left.mean() == pytest.approx(0.02, rel=0.25)


@pytest.mark.parametrize("rate_hz", [5e6, 19.2e6])
def test_a_copy_may_lie_between_samples(rate_hz: float) -> None:
    n = round(0.4 * rate_hz)
    samples = simulated(f"sim:lte-dl?sample_rate={rate_hz:g}&seed=4&snr_db=20&duration_s=0.4", n)
    cell = find_cell(SampleFormat.CI16.to_complex(samples), rate_hz)
    assert cell is not None
    hop = n // 40
    plane = ResidualPlane(rate_hz, SampleFormat.CI16, cell, max_block_samples=hop)
    for first in range(0, n, hop):
        block = IqBlock(samples[first : first + hop], rate_hz, 0.0, first, 0)
        slots = plane.process(block)
    left = plane.left_by_place(block)
    assert left.mean() == pytest.approx(slots.residual.sum(axis=1).mean(), rel=0.15)
    assert left.mean() < 0.03 * slots.power.sum(axis=1).mean()


def test_a_stranger_leaves_as_much_everywhere(rng: np.random.Generator) -> None:
    n = FRAMES * 19_200
    stranger = white(rng, n, 0.3)
    _, left = plane_and_left(OfdmCell(start=100.0), white(rng, n, 0.01) + stranger, rng)
    np.testing.assert_allclose(left, 0.31, rtol=0.25)


@pytest.mark.parametrize(("late", "where"), [(-4.0, slice(4, 5)), (3.0, slice(0, 1))])
def test_a_neighbour_leaves_all_at_the_end_that_his_prefixes_do_not_reach(
    rng: np.random.Generator, late: float, where: slice
) -> None:
    n = FRAMES * 19_200
    cell = OfdmCell(start=100.0)
    other = np.float32(0.5) * replace(cell, start=cell.start + late).samples(rng, n)
    _, left = plane_and_left(cell, white(rng, n, 0.01) + other, rng)
    assert left[where].min() > 0.1
    assert np.delete(left, np.arange(5)[where]).max() < 0.03


def test_nothing_is_told_of_a_block_without_a_prefix(rng: np.random.Generator) -> None:
    cell, n = OfdmCell(start=100.0), 19_200
    plane = ResidualPlane(
        cell.rate_hz, SampleFormat.CF32, cell.found(), max_block_samples=n, computing="plain"
    )
    samples = cell.samples(rng, n + 100)
    plane.process(IqBlock(samples[:n], cell.rate_hz, 0.0, 0, 0))
    short = IqBlock(samples[n:], cell.rate_hz, 0.0, n, 0)
    plane.process(short)
    assert np.isnan(plane.left_by_place(short)).all()
