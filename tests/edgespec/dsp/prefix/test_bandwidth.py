"""The bandwidth of a cell, by its reference signals."""

import numpy as np
import pytest

from edgespec.dsp.prefix.bandwidth import Bandwidth, measure_bandwidth
from edgespec.dsp.prefix.search import find_cell
from tests.made.lte_cell import cell_wave, received


@pytest.mark.parametrize(
    ("n_blocks", "rate_hz", "expected"),
    [
        (6, 1.92e6, Bandwidth(6, False)),
        (15, 3.84e6, Bandwidth(15, False)),
        (25, 5e6, Bandwidth(25, False)),
        (50, 15.36e6, Bandwidth(50, False)),
        # More of the cell than the receiver has: the ring that is heard belongs to this size.
        (25, 1.92e6, Bandwidth(15, True)),
        (50, 5e6, Bandwidth(50, True)),
    ],
)
@pytest.mark.parametrize("load", [0.0, 1.0])
def test_the_bandwidth_is_that_of_the_cell_whatever_it_carries(
    rng, n_blocks, rate_hz, expected, load
):
    wave = cell_wave(rng, 311, n_blocks=n_blocks, n_frames=7, load=load)
    samples = received(rng, wave, rate_hz, start=44.0, snr_db=15.0, n_blocks=n_blocks)
    assert measure_bandwidth(samples, find_cell(samples, rate_hz)) == expected


def test_noise_beside_a_narrow_cell_is_not_the_cell(rng):
    wave = cell_wave(rng, 311, n_frames=7)
    samples = received(rng, wave, 5e6, snr_db=15.0)
    cell = find_cell(samples, 5e6)
    # As strong as the cell, over all of the band.
    samples += (0.5 * rng.standard_normal((len(samples), 2)) @ [1, 1j]).astype(np.complex64)
    assert measure_bandwidth(samples, cell) == Bandwidth(6, False)
