"""The cut to 1.92 MS/s: times stay, the middle stays, lines are levelled."""

import numpy as np
import pytest

from edgespec.dsp.prefix.rate import to_search_rate
from tests.made.lte_cell import cell_wave, noise, received

RATES_HZ = [1.92e6, 2.048e6, 2.4e6, 3.84e6, 5e6, 19.2e6, 20e6, 2.4001e6]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_samples_lie_where_they_lay(rng, rate_hz):
    wave = cell_wave(rng, 5, n_frames=3)
    there = received(rng, wave, rate_hz, snr_db=60.0)
    expected = received(rng, wave, 1.92e6, snr_db=60.0)
    out = to_search_rate(there, rate_hz)
    assert len(out) == pytest.approx(len(there) * 1.92e6 / rate_hz, abs=2)
    # A tenth of a sample beside it, 1 MHz of signal would match by .995 only.
    inner = slice(300, min(len(out), len(expected)) - 300)
    match = abs(np.vdot(expected[inner], out[inner]))
    match /= np.linalg.norm(expected[inner]) * np.linalg.norm(out[inner])
    assert match > 0.998


@pytest.mark.parametrize("rate_hz", [1.92e6, 5e6])
def test_a_strong_tone_is_levelled_and_noise_is_not(rng, rate_hz):
    n = round(0.1 * rate_hz)
    quiet = noise(rng, n)
    tone = 30 * np.exp(2j * np.pi * 123.4e3 / rate_hz * np.arange(n))
    alone = to_search_rate(quiet, rate_hz)
    both = to_search_rate((quiet + tone).astype(np.complex64), rate_hz)
    left = both - alone
    # 30 dB above all of the noise it comes in, about as strong as the noise it is left.
    assert np.mean(np.abs(left) ** 2) < 1.5 * np.mean(np.abs(alone) ** 2)
    inner = alone[1000:-1000]
    if rate_hz == 1.92e6:
        assert np.mean(np.abs(inner) ** 2) == pytest.approx(1.0, abs=0.03)


def test_what_lies_outside_the_middle_is_gone(rng):
    n = 200_000
    tone = np.exp(2j * np.pi * 1.5e6 / 5e6 * np.arange(n)).astype(np.complex64)
    out = to_search_rate(tone + 1e-3 * noise(rng, n), 5e6)
    assert np.mean(np.abs(out[1000:-1000]) ** 2) < 1e-5


def test_short_input_is_no_error():
    assert len(to_search_rate(np.zeros(0, np.complex64), 5e6)) == 0
    assert len(to_search_rate(np.ones(7, np.complex64), 1.92e6)) == 7


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e38, 1e38 * (1 + 1j), -1e20j])
def test_samples_that_are_no_signal_count_as_nothing(rng, broken):
    clean = noise(rng, 100_000)
    clean[5_000] = 0.0
    spoilt = clean.copy()
    spoilt[5_000] = broken
    np.testing.assert_array_equal(to_search_rate(spoilt, 1.92e6), to_search_rate(clean, 1.92e6))
