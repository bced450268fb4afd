"""Butterflies and passes of the fast path against the definition of the Fourier transform."""

import naive
import numpy as np
import pytest

from edgespec.dsp import butterflies, passes
from edgespec.dsp.lanes import store_dbfs
from edgespec.dsp.passes import LANES


@pytest.mark.parametrize("size", [4, 8, 16])
def test_butterfly_is_the_transform(rng, size):
    x = rng.normal(size=size) + 1j * rng.normal(size=size)
    function = getattr(butterflies, f"dft{size}")
    # The constants are float32; relative error of a sum of 16 terms.
    np.testing.assert_allclose(function(*x), naive.dft(x), rtol=0, atol=1e-6 * size)


@pytest.mark.parametrize(
    ("n_fft", "plan"),
    [(64, (8, 8)), (128, (8, 16)), (256, (8, 8, 4)), (512, (8, 8, 8)), (1024, (8, 8, 16))],
)
def test_passes_multiply_to_the_size(n_fft, plan):
    assert passes.radices(n_fft) == plan
    assert np.prod(passes.radices(n_fft)) == n_fft


@pytest.mark.parametrize("n_fft", [64, 256])
def test_factors_are_on_the_unit_circle(n_fft):
    factors = passes.twiddles(n_fft)
    np.testing.assert_allclose(np.abs(factors), 1.0, atol=1e-6)
    assert len(factors) == {64: 7 * 8, 256: 7 * 32 + 7 * 4}[n_fft]


def _stored(power):
    """Store power ``(n_bins, LANES)`` and return rows of dB and which of them are finite."""
    n_bins = len(power)
    work = power.astype(np.float32).ravel().copy()
    out, finite = np.empty((LANES, n_bins), np.float32), np.empty(LANES, np.uint8)
    store_dbfs(work, 0, n_bins, out, 0, LANES, finite)
    return out, finite


def test_decibels_over_the_whole_range(rng):
    power = 10.0 ** rng.uniform(-19.9, 30.0, (64, LANES)).astype(np.float32)
    power[0, 0], power[1, 0], power[2, 0] = 1.0, 2.0, np.nextafter(np.float32(1), np.float32(0))
    out, finite = _stored(power)
    expected = np.roll(10.0 * np.log10(power.astype(np.float64)), 32, axis=0).T
    assert finite.all()
    # Half a unit in the last place at 256 dB is 1.5e-5 dB; series and rounding take as much again.
    np.testing.assert_allclose(out, expected, rtol=0, atol=5e-5)


def test_no_power_is_the_floor_and_bad_power_marks_only_its_lane():
    power = np.full((64, LANES), 1.0)
    power[:, 0], power[5, 1], power[6, 2] = 0.0, np.nan, np.inf
    power[:, 3] = 1e-42
    out, finite = _stored(power)
    assert finite.tolist() == [1, 0, 0] + [1] * (LANES - 3)
    assert (out[:4] == -200.0).all()
    np.testing.assert_allclose(out[4:], 0.0, atol=1e-5)
