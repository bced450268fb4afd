"""Standardisation and its inverse, and noise known for what it is."""

import json

import numpy as np
import pytest

from edgespec.dsp.spectrogram import FrontEnd
from edgespec.dsp.transform import (
    SCALE_FLOOR_DB,
    apply,
    log_power_floor_db,
    noise_only,
    restore,
    standardise,
)
from edgespec.framing import Recipe
from edgespec.records import IqBlock, SampleFormat
from tests import naive


def noise_db(rng, n_frames, n_bins, n_averages):
    """Frames of averaged noise: gamma distributed power, in dB."""
    power = rng.gamma(n_averages, 1.0 / n_averages, (n_frames, n_bins))
    return (10.0 * np.log10(power) - 60.0).astype(np.float32)


def test_context_has_mean_zero_and_variance_one(rng):
    context = (rng.normal(size=(100, 128)) * 7.0 - 80.0).astype(np.float32)
    out = np.empty_like(context)
    scaling = standardise(context, out)
    expected, mean, scale = naive.standardise(context)
    assert (scaling.mean_db, scaling.scale_db) == pytest.approx((mean, scale), rel=1e-6)
    # float32 near -80 dB resolves 8e-6 dB.
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-5)


def test_restore_is_the_inverse(rng):
    power = (rng.normal(size=(25, 128)) * 5.0 - 70.0).astype(np.float32)
    scaling = standardise(power, np.empty_like(power))
    out = np.empty_like(power)
    apply(power, scaling, out)
    restore(out, scaling, out)
    np.testing.assert_allclose(out, power, rtol=0, atol=5e-5)


def test_gain_leaves_no_trace(rng):
    context = (rng.normal(size=(100, 64)) * 3.0 - 50.0).astype(np.float32)
    one, other = np.empty_like(context), np.empty_like(context)
    first = standardise(context, one)
    second = standardise(context + np.float32(12.0), other)
    np.testing.assert_allclose(one, other, atol=2e-5)
    assert second.mean_db - first.mean_db == pytest.approx(12.0, abs=1e-4)


def test_in_place_is_the_same(rng):
    context = rng.normal(size=(10, 64)).astype(np.float32)
    out = np.empty_like(context)
    standardise(context, out)
    standardise(context, context)
    np.testing.assert_array_equal(context, out)


def test_constant_context_gives_zeros():
    context = np.full((100, 128), -200.0, np.float32)
    out = np.empty_like(context)
    assert standardise(context, out).scale_db == SCALE_FLOOR_DB
    assert (out == 0.0).all()


@pytest.mark.parametrize(
    ("n_averages", "floor_db"), [(1, 5.57), (3, 2.73), (4, 2.31), (5, 2.04), (10, 1.41)]
)
def test_floor_is_that_of_averaged_noise(rng, n_averages, floor_db):
    assert log_power_floor_db(n_averages) == pytest.approx(floor_db, abs=0.005)
    measured = noise_db(rng, 1000, 100, n_averages).std(dtype=np.float64)
    assert measured == pytest.approx(floor_db, rel=0.02)


@pytest.mark.parametrize("n_averages", [1, 3, 10, 50])
@pytest.mark.parametrize("shape", [(100, 128), (100, 64), (20, 1024)])
def test_noise_is_noise(rng, n_averages, shape):
    edges = np.zeros(shape[1])
    edges[: shape[1] // 16] = -9.0
    offset = np.zeros(shape[1])
    offset[shape[1] // 2] = 25.0
    for extra in (0.0, edges, offset):
        context = noise_db(rng, *shape, n_averages) + extra
        assert noise_only(context.astype(np.float32), n_averages)


def test_one_frame_says_nothing_of_a_spread(rng):
    assert not noise_only(noise_db(rng, 1, 128, 10), 10)


@pytest.mark.parametrize("n_averages", [1, 10])
def test_what_is_not_noise_is_seen(rng, n_averages):
    quiet = noise_db(rng, 100, 128, n_averages)
    rise = 10.0 if n_averages == 1 else 6.0
    carrier, band, bursts, drift = (quiet.copy() for _ in range(4))
    carrier[:, 20] += rise
    band[:, 40:60] += rise
    bursts[rng.random(100) < 0.3] += rise
    drift += np.linspace(0.0, 2.0 * rise, 100, dtype=np.float32)[:, None]
    for context in (carrier, band, bursts, drift, np.full_like(quiet, -200.0)):
        assert not noise_only(context, n_averages)


RECORDINGS = [
    ("rx_noise_1.92M", 0.99, 1.0),
    *(
        (f"lte_tdd_f{mhz}_s1.92_g20_SamplingPPM26.2_1s", 0.0, 0.01)
        for mhz in ("2644.8", "2645.1", "2645.3", "2645")
    ),
    ("synth_srsran_lte25prb_5M_varying", 0.0, 0.01),
    ("synth_srsran_lte6prb_varying", 0.0, 0.01),
]


@pytest.mark.parametrize(("name", "at_least", "at_most"), RECORDINGS)
def test_real_recordings(shared_data, name, at_least, at_most):
    meta = json.loads((shared_data / f"{name}.sigmf-meta").read_text())["global"]
    sample_format = SampleFormat(meta["core:datatype"])
    samples = np.fromfile(shared_data / f"{name}.sigmf-data", sample_format.dtype).reshape(-1, 2)
    recipe = Recipe(meta["core:sample_rate"])
    geometry = recipe.geometry
    front_end = FrontEnd(
        recipe.framing, sample_format, max_block_samples=len(samples), computing="plain"
    )
    frames = front_end.process(IqBlock(samples, recipe.sample_rate_hz, 0.0, 0, 0))
    windows = [
        frames.power_dbfs[first : first + geometry.n_context]
        for first in range(0, frames.n_frames - geometry.n_context + 1, geometry.hop_frames)
    ]
    share = np.mean([noise_only(window, recipe.n_averages) for window in windows])
    assert len(windows) > 50
    assert at_least <= share <= at_most
