"""Every baseline is blind to what it must not see, sees what it can, and says what it should."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from converter.baselines.baselines import BASELINES, make_baseline
from converter.baselines.cfar import cell_average, ordered_statistic, reference_cells
from converter.baselines.forecast_error import ForecastError
from converter.baselines.iq import (
    IqStatistics,
    cyclic_prefix_correlation,
    iq_statistics,
    spectral_kurtosis,
)
from converter.baselines.kalman import KalmanFilter, local_level_variances
from converter.baselines.linear import LinearForecast, frames, trend_and_rest
from converter.baselines.normal_range import NormalRange
from converter.baselines.outliers import shape_features
from converter.baselines.pca import PcaReconstruction
from converter.baselines.rss import RssRule, rss_dbfs
from converter.baselines.segments import Segments, context_scaling
from converter.baselines.weighted_mean import WeightedMean, decaying_weights
from edgespec.detect.detectors import DETECTORS
from edgespec.dsp import transform
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import UsageError
from edgespec.framing import Framing, Recipe
from edgespec.records import IqBlock, SampleFormat
from tests.made import tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]

RECIPE = Recipe(
    sample_rate_hz=1.92e6, n_fft=64, n_averages=6, n_context=24, n_horizon=16, hop_frames=16
)
FRAMING, GEOMETRY = RECIPE.framing, RECIPE.geometry
#: A segment is 8 subframes of 1 ms: nothing of a symbol is cut.
N_SUBFRAMES = 8
N_HORIZON_SAMPLES = GEOMETRY.n_horizon * FRAMING.frame_samples

#: Cannot tell a tone from anything.
SEES_NOTHING = {"random": "does not look"}
#: Sees a tone, but hardly.
SEES_LITTLE = {"isolation-forest": "splits on any of 128 features, of which a tone moves six"}
#: Scores that are ratios within the horizon itself do not know how strong it is.
BLIND_TO_LEVEL = {
    "os-cfar": "a bin over its neighbours",
    "ca-cfar": "a bin over its neighbours",
    "spectral-kurtosis": "a ratio of moments of one bin",
    "cyclic-prefix": "a correlation over the power",
}
FORECASTERS = (
    *("last-frame", "context-mean", "weighted-mean", "linear-ar", "residual-ar", "dlinear"),
    "untrained",
)
LEARN_NOTHING = {
    "random",
    "last-frame",
    "context-mean",
    "weighted-mean",
    "rss-rule",
    "cyclic-prefix",
}
DRAW_BY_SEED = {"random", "isolation-forest", "untrained", "pca"}


def ofdm(rng: np.random.Generator, n_subframes: int, load: float = 0.6) -> np.ndarray:
    """LTE's symbols at 1.92 MS/s: 72 carriers in 6 blocks, some 6 dB down for a subframe."""
    n_symbols = n_subframes * 14
    bits = rng.integers(0, 2, (2, n_symbols, 72)) * 2 - 1
    active = np.where(rng.random((n_subframes, 6)) < load, 1.0, 0.5)
    active[:, 2:4] = 1.0
    values = (bits[0] + 1j * bits[1]) * np.repeat(np.repeat(active, 14, axis=0), 12, axis=1)
    grid = np.zeros((n_symbols, 128), complex)
    grid[:, 1:37], grid[:, -36:] = values[:, 36:], values[:, :36]
    symbols = np.fft.ifft(grid, axis=1) * 8.0
    prefixes = np.array([10, *[9] * 6] * 2 * n_subframes)
    pieces = [
        np.concatenate([symbol[-n:], symbol]) for symbol, n in zip(symbols, prefixes, strict=True)
    ]
    return np.concatenate(pieces)


def receive(rng: np.random.Generator, samples: np.ndarray, gain_db: float) -> np.ndarray:
    noise = rng.standard_normal((2, len(samples)))
    return (10 ** (gain_db / 20) * 0.01 * (samples + 0.05 * (noise[0] + 1j * noise[1]))).astype(
        np.complex64
    )


def make_segments(samples: np.ndarray) -> Segments:
    """Segments of complex samples ``(n, n_segment * frame_samples)``, through the front end."""
    n = len(samples)
    front_end = FrontEnd(
        FRAMING, SampleFormat.CF32, max_block_samples=samples.size, computing="plain"
    )
    block = IqBlock(np.ascontiguousarray(samples.reshape(-1)), 1.92e6, 0.0, 0, 0)
    power = front_end.process(block).power_dbfs.reshape(n, GEOMETRY.n_segment, -1).copy()
    return Segments(
        GEOMETRY,
        power[:, : GEOMETRY.n_context],
        power[:, GEOMETRY.n_context :],
        iq_statistics(samples[:, -N_HORIZON_SAMPLES:], RECIPE),
    )


@functools.cache
def recorded() -> tuple[np.ndarray, np.ndarray]:
    """Samples of normal segments to learn from, and of others to test with."""
    rng = np.random.default_rng(5)
    samples = np.stack(
        [receive(rng, ofdm(rng, N_SUBFRAMES), rng.normal(0, 0.5)) for _ in range(160)]
    )
    return samples[:120], samples[120:]


@functools.cache
def normal() -> tuple[Segments, Segments]:
    train, test = recorded()
    return make_segments(train), make_segments(test)


@functools.cache
def with_tone() -> Segments:
    """The same test segments, with a tone 6 dB above the signal in their horizons."""
    samples = recorded()[1].copy()
    horizon = samples[:, -N_HORIZON_SAMPLES:]
    amplitude = 2.0 * np.sqrt(np.mean(np.abs(horizon) ** 2, axis=1, keepdims=True))
    horizon += amplitude * np.exp(2j * np.pi * 0.21 * np.arange(N_HORIZON_SAMPLES))
    return make_segments(samples)


@functools.cache
def fitted(name: str) -> object:
    baseline = make_baseline(name, GEOMETRY, seed=3)
    baseline.fit(normal()[0])
    return baseline


def auc(negative: np.ndarray, positive: np.ndarray) -> float:
    above = positive[:, None] > negative[None, :]
    return float(np.mean(above + 0.5 * (positive[:, None] == negative[None, :])))


def test_no_baseline_has_the_name_of_a_detector_of_the_device() -> None:
    assert not BASELINES.keys() & DETECTORS.keys()


every_baseline = pytest.mark.parametrize("name", BASELINES)


@every_baseline
def test_a_strong_tone_in_the_horizon_scores_high(name: str) -> None:
    baseline = fitted(name)
    area = auc(baseline.score(normal()[1]), baseline.score(with_tone()))
    if name in SEES_NOTHING:
        assert 0.3 < area < 0.7
    else:
        assert area > (0.6 if name in SEES_LITTLE else 0.95)


@every_baseline
def test_scores_are_finite_whatever_comes(name: str) -> None:
    test = normal()[1].take(slice(0, 4))
    flat = np.full_like(test.context, -60.0)
    cases = [
        test,
        with_tone(),
        replace(test, context=flat),
        replace(test, target=np.full_like(test.target, -200.0)),
        replace(test, context=flat, target=np.full_like(test.target, -60.0)),
        replace(test, iq=iq_statistics(np.zeros((4, N_HORIZON_SAMPLES), np.complex64), RECIPE)),
    ]
    for segments in cases:
        scores = fitted(name).score(segments)
        assert scores.shape == (len(segments),)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()


@every_baseline
def test_one_seed_gives_one_score(name: str) -> None:
    train, test = normal()
    again, other = make_baseline(name, GEOMETRY, seed=3), make_baseline(name, GEOMETRY, seed=4)
    again.fit(train)
    other.fit(train)
    scores = fitted(name).score(test)
    assert np.array_equal(scores, again.score(test))
    assert np.array_equal(scores, other.score(test)) != (name in DRAW_BY_SEED)


@every_baseline
def test_a_score_depends_on_its_segment_alone(name: str) -> None:
    """So nothing is learnt or normalised over what is tested: not by fit, not by score."""
    test, baseline = normal()[1], fitted(name)
    scores = baseline.score(test)
    baseline.score(with_tone())
    order = np.random.default_rng(0).permutation(len(test))
    mixed = Segments(
        GEOMETRY,
        np.concatenate([with_tone().context, test.context[order]]),
        np.concatenate([with_tone().target, test.target[order]]),
        IqStatistics(
            np.concatenate([with_tone().iq.kurtosis, test.iq.kurtosis[order]]),
            np.concatenate([with_tone().iq.prefix, test.iq.prefix[order]]),
        ),
    )
    # 2e-4: products of matrices of another size add up in another order, in float32.
    np.testing.assert_allclose(
        baseline.score(mixed)[len(with_tone()) :], scores[order], rtol=2e-4, atol=2e-4
    )
    np.testing.assert_allclose(baseline.score(test.take(slice(0, 1))), scores[:1], rtol=2e-4)


@every_baseline
def test_neither_fit_nor_score_changes_what_it_is_given(name: str) -> None:
    segments = normal()[0].take(np.arange(40))
    arrays = (segments.context, segments.target, segments.iq.kurtosis, segments.iq.prefix)
    before = [array.copy() for array in arrays]
    baseline = make_baseline(name, GEOMETRY)
    baseline.fit(segments)
    baseline.score(segments)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


@every_baseline
def test_the_level_of_the_horizon_is_not_normalised_away(name: str) -> None:
    samples = recorded()[1].copy()
    samples[:, -N_HORIZON_SAMPLES:] *= np.float32(10 ** (10 / 20))
    louder, test, baseline = make_segments(samples), normal()[1], fitted(name)
    if name in BLIND_TO_LEVEL:
        np.testing.assert_allclose(baseline.score(louder), baseline.score(test), rtol=1e-3)
    elif name not in SEES_NOTHING:
        assert auc(baseline.score(test), baseline.score(louder)) > 0.95


@pytest.mark.parametrize("name", FORECASTERS)
def test_a_forecast_is_made_without_the_target(name: str) -> None:
    """The squared error is a parabola of the target with one curvature, wherever it lies."""
    test, baseline = normal()[1].take(slice(0, 8)), fitted(name)

    def square(target: np.ndarray) -> np.ndarray:
        scores = baseline.score(replace(test, target=target.astype(np.float32)))
        return scores.astype(np.float64) ** 2

    for target in (test.target, 2.0 * test.target, test.target[::-1] - 20.0):
        bend = square(target + 8.0) - 2.0 * square(target) + square(target - 8.0)
        np.testing.assert_allclose(bend, 2.0 * 8.0**2, rtol=2e-2)


@every_baseline
def test_what_is_missing_is_said(name: str) -> None:
    test, baseline = normal()[1], make_baseline(name, GEOMETRY)
    if name not in LEARN_NOTHING:
        with pytest.raises(UsageError, match="call fit first"):
            baseline.score(test)
    if fitted(name).needs_iq:
        with pytest.raises(UsageError, match="frames only"):
            fitted(name).score(replace(test, iq=None))
    else:
        without = fitted(name).score(replace(test, iq=None))
        assert np.array_equal(without, fitted(name).score(test))


def test_wrong_segments_and_names_are_refused() -> None:
    test = normal()[1]
    with pytest.raises(UsageError, match="target is"):
        replace(test, target=test.target[:3])
    with pytest.raises(UsageError, match="not of"):
        replace(test, iq=test.iq.take(slice(0, 2)))
    with pytest.raises(UsageError, match="samples are"):
        iq_statistics(np.zeros((2, 100), np.complex64), RECIPE)
    with pytest.raises(UsageError, match="last-frame"):
        make_baseline("oracle", GEOMETRY)
    for name in ("linear-ar", "bin-deviation", "pca", "kalman", "one-class-svm"):
        with pytest.raises(UsageError, match=r"no segments|0 contexts"):
            make_baseline(name, GEOMETRY).fit(test.take(slice(0, 0)))


def test_contexts_are_scaled_as_on_the_device() -> None:
    test = normal()[1]
    mean_db, scale_db = context_scaling(test.context)
    for i, context in enumerate(test.context):
        scaling = transform.standardise(context, np.empty_like(context))
        assert mean_db[i, 0, 0] == pytest.approx(scaling.mean_db, abs=1e-4)
        assert scale_db[i, 0, 0] == pytest.approx(scaling.scale_db, rel=1e-5)


def flat_segments(context_db: np.ndarray, target_db: np.ndarray) -> Segments:
    """Segments whose every frame of context and of target has one level."""
    shape = (len(context_db), GEOMETRY.n_context, GEOMETRY.n_bins)
    context = np.broadcast_to(np.asarray(context_db, np.float32)[:, None, None], shape).copy()
    shape = (len(target_db), GEOMETRY.n_horizon, GEOMETRY.n_bins)
    target = np.broadcast_to(np.asarray(target_db, np.float32)[:, None, None], shape).copy()
    return Segments(GEOMETRY, context, target)


@pytest.mark.parametrize(
    "name", ["last-frame", "context-mean", "weighted-mean", "untrained", "rss-rule"]
)
def test_a_step_of_7_db_is_an_error_of_7_db(name: str) -> None:
    # The network has no biases yet, so it answers a context without any structure with zeros.
    segments = flat_segments([-50.0, -50.0, -80.0], [-50.0, -43.0, -87.0])
    np.testing.assert_allclose(fitted(name).score(segments), [0.0, 7.0, 7.0], atol=1e-3)


def test_random_scores_are_uniform(rng: np.random.Generator) -> None:
    target = rng.standard_normal((2000, 1, 64)).astype(np.float32)
    geometry = replace(GEOMETRY, n_context=1, n_horizon=1)
    scores = make_baseline("random", geometry).score(Segments(geometry, target, target))
    # Kolmogorov-Smirnov: 1.63 / sqrt(n) at 1%.
    expected = (np.arange(2000) + 0.5) / 2000
    assert np.abs(np.sort(scores) - expected).max() < 1.63 / np.sqrt(2000)


def test_weights_halve_and_the_best_alpha_is_kept(rng: np.random.Generator) -> None:
    np.testing.assert_allclose(decaying_weights(0.5, 3), [1 / 7, 2 / 7, 4 / 7], rtol=1e-6)
    walk = np.cumsum(rng.standard_normal((40, 40, 64)), axis=1).astype(np.float32)
    noise = rng.standard_normal((40, 40, 64)).astype(np.float32)
    shares = []
    for power in (walk, noise):
        mean = WeightedMean()
        mean.fit(Segments(GEOMETRY, power[:, :24], power[:, 24:]))
        step = np.zeros((1, 24, 64), np.float32)
        step[:, -1] = 1.0
        shares.append(float(mean.forecast(step)[0, 0, 0]))
    # A random walk is where it was last; noise is around its mean, of 24 frames.
    assert shares[0] == pytest.approx(0.5, abs=0.01)
    assert shares[1] == pytest.approx(0.02 / (1 - 0.98**24), abs=0.01)


def test_linear_forecasts_continue_what_is_linear(rng: np.random.Generator) -> None:
    """A sine obeys a linear recurrence, and a drift on top of it one that is longer."""
    t = np.arange(40)[:, None]
    phase = rng.uniform(0, 2 * np.pi, (60, 1, 64))
    wave = -60 + 6 * np.sin(2 * np.pi * t / 8 + phase)
    drift = 0.2 * rng.standard_normal((60, 1, 64)) * t
    for features in (frames, trend_and_rest):
        for power in (wave, wave + drift):
            segments = Segments(
                GEOMETRY, power[:, :24].astype(np.float32), power[:, 24:].astype(np.float32)
            )
            baseline = ForecastError(LinearForecast(GEOMETRY, features))
            baseline.fit(segments.take(slice(0, 40)))
            test = segments.take(slice(40, 60))
            assert baseline.score(test).max() < 0.2 * np.std(test.target)


def test_an_ar_of_the_residual_is_shrunk_to_the_mean_of_each_bin(rng: np.random.Generator) -> None:
    """Noise around levels that differ from segment to segment has no better forecast."""
    power = rng.normal(0.0, 30.0, (40, 1, 64)) + rng.normal(0.0, 1.0, (40, 40, 64)) - 60.0
    segments = Segments(
        GEOMETRY, power[:, :24].astype(np.float32), power[:, 24:].astype(np.float32)
    )
    residual = LinearForecast(GEOMETRY, frames, of_residual=True)
    residual.fit(segments.take(slice(0, 20)))
    test = segments.take(slice(20, 40))
    mean = test.context.mean(axis=1, keepdims=True)
    error, least = (
        np.sqrt(np.mean((test.target - forecast) ** 2))
        for forecast in (residual.forecast(test.context), mean)
    )
    assert error < 1.02 * least
    # A level that all frames share goes through as it is.
    raised = residual.forecast(test.context + np.float32(12.0))
    np.testing.assert_allclose(raised, residual.forecast(test.context) + 12.0, atol=1e-2)


def test_trend_is_the_moving_average(rng: np.random.Generator) -> None:
    context = rng.standard_normal((2, 30, 3)).astype(np.float32)
    parts = trend_and_rest(context)
    trend, rest = parts[:, :30], parts[:, 30:]
    np.testing.assert_allclose(trend + rest, context, atol=1e-6)
    for t in range(30):
        around = [context[:, min(max(s, 0), 29)] for s in range(t - 12, t + 13)]
        np.testing.assert_allclose(trend[:, t], np.mean(around, axis=0), atol=1e-6)


def test_normal_range_is_mean_and_spread() -> None:
    learnt = NormalRange.of(np.array([[1.0, 5.0], [3.0, 5.0]], np.float32), 0.5)
    assert learnt.distance(np.array([4.0, 4.0], np.float32)).tolist() == [2.0, -2.0]


def test_rss_adds_powers() -> None:
    power = np.full((1, 2, 4), -200.0, np.float32)
    power[0, :, :2] = -10.0
    assert rss_dbfs(power)[0] == pytest.approx(-10.0 + 10 * np.log10(2), abs=1e-4)
    power[0, 1] = -200.0
    assert rss_dbfs(power)[0] == pytest.approx(-10.0, abs=1e-4)
    step = flat_segments([-70.0], [-60.0])
    assert RssRule().score(step)[0] == pytest.approx(10.0, abs=1e-4)


def test_cfar_finds_the_noise_in_the_neighbours(rng: np.random.Generator) -> None:
    cells = rng.permutation(np.arange(1.0, 13.0))[None]
    assert cell_average(cells)[0] == 6.5
    assert ordered_statistic(cells)[0] == 9.0
    power = rng.random((2, 20)).astype(np.float32)
    found = reference_cells(power)
    for b in range(20):
        around = [*range(b - 8, b - 2), *range(b + 3, b + 9)]
        mirrored = [abs(k) if k < 20 else 38 - k for k in around]
        np.testing.assert_array_equal(found[:, b], power[:, mirrored])


def test_kurtosis_of_noise_tone_and_bursts(rng: np.random.Generator) -> None:
    framing = Framing(1e6, n_fft=64, taper="rect")
    n = 64 * 4000
    noise = (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(np.complex64)
    # The estimate has the variance 4 / M (Nita and Gary 2010): 0.03 for 4000 spectra.
    assert spectral_kurtosis(noise, framing) == pytest.approx(np.ones(64), abs=0.2)
    tone = np.exp(2j * np.pi * 5 / 64 * np.arange(n)).astype(np.complex64)
    assert spectral_kurtosis(tone, framing)[32 + 5] == pytest.approx(0.0, abs=1e-5)
    # On for every other spectrum: E[P^2] / E[P]^2 = 2 / 0.5, so SK = 3.
    bursts = noise * np.repeat(np.arange(4000) % 2, 64)
    assert spectral_kurtosis(bursts, framing).mean() == pytest.approx(3.0, abs=0.2)


def test_prefixes_are_found_in_what_has_them(rng: np.random.Generator) -> None:
    signal = ofdm(rng, 100, load=1.0).astype(np.complex64)
    n = len(signal)
    noise = (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(np.complex64)
    noise *= np.sqrt(np.mean(np.abs(signal) ** 2) / 2)
    tone = np.exp(2j * np.pi * 0.1 * np.arange(n)).astype(np.complex64)
    # All of a prefix of 9 repeats itself. Averaged over 8 it is a trapezoid, of which the largest
    # 7.7 values are taken: (2 + 2 * 7/8 + 2 * 6/8 + 1.7 * 5/8) / 7.7. One part in 15 of that, the
    # share of time, is taken off as the mean.
    wanted = (2 + 2 * 7 / 8 + 2 * 6 / 8 + 1.7 * 5 / 8) / 7.7 * 14 / 15
    assert cyclic_prefix_correlation(signal, 1.92e6) == pytest.approx(wanted, abs=0.03)
    assert cyclic_prefix_correlation(signal + noise, 1.92e6) == pytest.approx(wanted / 2, abs=0.03)
    assert cyclic_prefix_correlation(noise, 1.92e6) < 0.15
    assert cyclic_prefix_correlation(tone, 1.92e6) < 1e-3
    shifted = signal[777:] * np.exp(2j * np.pi * 1e-4 * np.arange(n - 777))
    assert cyclic_prefix_correlation(shifted.astype(np.complex64), 1.92e6) > 0.7
    assert cyclic_prefix_correlation(signal[:1000], 1.92e6) == 0.0


def test_pca_leaves_what_its_components_do_not_span(rng: np.random.Generator) -> None:
    basis = np.linalg.qr(rng.standard_normal((16 * 64, 6)))[0].T
    context = rng.standard_normal((80, 24, 64)).astype(np.float32)
    mean_db, scale_db = context_scaling(context)

    def segments(standardised: np.ndarray) -> Segments:
        target = standardised.reshape(-1, 16, 64) * scale_db + mean_db
        return Segments(GEOMETRY, context, target.astype(np.float32))

    within = rng.standard_normal((80, 5)) @ basis[:5]
    pca = PcaReconstruction(seed=0)
    pca.fit(segments(within))
    assert pca.score(segments(within)).max() < 1e-6
    # The sixth direction has length 1, spread over 1024 values; the 19 components that rounding
    # made span a little of it.
    outside = segments(within + 32.0 * basis[5])
    np.testing.assert_allclose(pca.score(outside), 1.0, rtol=0.05)


def test_features_of_novelty_detectors_are_mean_and_spread(rng: np.random.Generator) -> None:
    test = normal()[1]
    features = shape_features(test)
    mean_db, scale_db = context_scaling(test.context)
    levels = (test.target[5] - mean_db[5]) / scale_db[5]
    np.testing.assert_allclose(features[5, :64], levels.mean(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(features[5, 64:], levels.std(axis=0), rtol=1e-4)


def test_kalman_recovers_the_variances_and_finds_normal_normal(rng: np.random.Generator) -> None:
    q, r = np.linspace(0.05, 0.4, 64), np.linspace(2.0, 1.0, 64)

    def walk(n: int) -> Segments:
        level = np.cumsum(rng.normal(0, np.sqrt(q), (n, 40, 64)), axis=1)
        power = (level + rng.normal(0, np.sqrt(r), level.shape)).astype(np.float32)
        return Segments(GEOMETRY, power[:, :24], power[:, 24:])

    normal_walk = walk(1500)
    found_q, found_r = local_level_variances(normal_walk.context)
    np.testing.assert_allclose(found_r, r, rtol=0.1)
    np.testing.assert_allclose(found_q, q, rtol=0.3, atol=0.05)
    kalman = KalmanFilter()
    kalman.fit(normal_walk)
    assert kalman.score(walk(200)).mean() == pytest.approx(1.0, abs=0.02)
    still = flat_segments([-60.0], [-60.0])
    assert kalman.score(still)[0] == 0.0
