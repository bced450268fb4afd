"""The search for the PSS of NR against its definition."""

import numpy as np
import pytest

from edgespec.dsp.ssb.primary import STEP, primary_peaks
from edgespec.nr.block import SYNC_SUBCARRIERS
from edgespec.nr.sequences import primary_sync
from tests import naive
from tests.made.lte_cell import noise


def template(sector):
    spectrum = np.zeros(128, complex)
    spectrum[SYNC_SUBCARRIERS] = primary_sync(sector)
    wave = np.fft.ifft(spectrum)
    return wave / np.linalg.norm(wave)


@pytest.mark.parametrize("sector", [0, 1, 2])
@pytest.mark.parametrize("step", [-20, 0, 9])
def test_a_peak_has_the_place_the_offset_and_the_coherence_of_the_definition(rng, sector, step):
    # At 3.84 MS/s, where the search takes every second sample of what it cut.
    n, at, cfo_hz = 81_000, 30_000, step * STEP * 15e3
    seconds = (np.arange(256) + 0.0) / 3.84e6
    waves = np.exp(2j * np.pi * np.outer(seconds, SYNC_SUBCARRIERS * 15e3 + cfo_hz))
    samples = noise(rng, n, 0.5)
    samples[at : at + 256] += waves @ primary_sync(sector) / np.sqrt(127)
    peak = primary_peaks(samples, 3.84e6, 15e3, 1)[0]
    assert (peak.sector, peak.at) == (sector, at)
    assert peak.cfo_hz == pytest.approx(cfo_hz, abs=1000.0)
    # The same band at 1.92 MS/s by a cut of the whole spectrum.
    turned = samples * np.exp(-2j * np.pi * peak.cfo_hz / 3.84e6 * np.arange(n))
    spectrum = np.fft.fft(turned)
    half = n // 4
    cut = np.fft.ifft(np.concatenate([spectrum[:half], spectrum[-half:]])) / 2
    expected = naive.primary_coherence(cut, template(sector), 0.0, 1.92e6, at // 2)
    # The energy is that of a band up to a fifth of its width beside.
    assert peak.coherence == pytest.approx(expected, rel=0.2)


def test_noise_has_next_to_no_peaks(rng):
    # Few of the exponential values with a mean of 1 / 128 lie above .13, and none far above.
    peaks = primary_peaks(noise(rng, 81_000), 3.84e6, 15e3, 50)
    assert len(peaks) < 10
    assert all(peak.coherence < 0.17 for peak in peaks)
