"""The search for the PSS against its definition."""

import numpy as np
import pytest

from edgespec.dsp.prefix.primary import HALF_FRAME, STEP_HZ, primary_peaks, primary_wave
from tests import naive
from tests.made.lte_cell import noise


def burst(sector, cfo_hz, places, n):
    out = np.zeros(n, np.complex64)
    wave = primary_wave(sector)
    for at in places:
        turn = np.exp(2j * np.pi * cfo_hz / 1.92e6 * (at + np.arange(128)))
        out[at : at + 128] = 11.3 * wave * turn
    return out


@pytest.mark.parametrize("sector", [0, 1, 2])
@pytest.mark.parametrize("step", [-74, -3, 0, 30])
def test_a_peak_has_the_place_the_offset_and_the_coherence_of_the_definition(rng, sector, step):
    n_halves, at = 4, 5000
    n = n_halves * HALF_FRAME + 127
    places = [at + j * HALF_FRAME for j in range(n_halves)]
    samples = burst(sector, step * STEP_HZ, places, n) + noise(rng, n, 0.5)
    peak = primary_peaks(samples, n_halves, range(-75, 76))[0]
    assert (peak.sector, peak.cfo_hz, peak.at, peak.drift) == (sector, step * STEP_HZ, at, 0.0)
    template = primary_wave(sector).astype(complex)
    expected = np.mean([
        naive.primary_coherence(samples.astype(complex), template, peak.cfo_hz, 1.92e6, place)
        for place in places
    ])  # fmt: skip
    # In complex64 over transforms of 2048 points.
    assert peak.coherence == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("drift", [-0.9, -0.33, 0.5, 1.0])
def test_a_clock_that_drifts_is_followed(rng, drift):
    n_halves = 16
    n = n_halves * HALF_FRAME + 200
    places = [300 + round(j * (HALF_FRAME + drift)) for j in range(n_halves)]
    samples = burst(1, 0.0, places, n) + noise(rng, n, 2.0)
    peak = primary_peaks(samples, n_halves, range(-2, 3))[0]
    assert peak.sector == 1
    assert abs(peak.at - 300) <= 1
    assert peak.drift == pytest.approx(drift, abs=1.5 / 15)


def test_masked_places_and_their_neighbours_are_left_out(rng):
    n = 4 * HALF_FRAME + 127
    two = [(1, 400), (1, 7000)]
    samples = noise(rng, n, 0.5)
    for sector, at in two:
        samples += burst(sector, 0.0, [at + j * HALF_FRAME for j in range(4)], n)
    found = {(peak.sector, peak.at) for peak in primary_peaks(samples, 4, [0])[:2]}
    assert found == set(two)
    first = primary_peaks(samples, 4, [0], masked=[two[0]])[0]
    assert (first.sector, first.at) == two[1]


def test_silence_has_no_peak():
    assert primary_peaks(np.zeros(4 * HALF_FRAME + 127, np.complex64), 4, [0]) == []
