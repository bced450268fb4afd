"""Laws of the detectors: high is anomalous, the map is signed, the reference is kept."""

import copy

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.detect.arithmetic import open_arithmetic
from edgespec.detect.detectors import DETECTORS, MODEL_DETECTORS, make_detectors, resolve_names
from edgespec.detect.reference import (
    BinEwma,
    BinZScore,
    EnergyLevel,
    RunningStatistics,
    shrunk_spread,
)
from edgespec.detect.residual import ForecastError
from edgespec.errors import ConfigError, UsageError
from edgespec.framing import Recipe
from edgespec.records import Forecast, Scaling, Segment
from tests import naive

RECIPE = Recipe(1e6, n_fft=64, n_averages=10, n_context=8, n_horizon=4, hop_frames=4)
FRAMING, GEOMETRY = RECIPE.framing, RECIPE.geometry
N_WARMUP = 20


def segment(rng: np.random.Generator, step_db: float = 0.0, bins: slice = slice(None)) -> Segment:
    """Noise of 1.41 dB spread around -60 dBFS, with the target raised in some bins."""
    power = rng.normal(-60.0, 1.41, (GEOMETRY.n_segment, GEOMETRY.n_bins)).astype(np.float32)
    target = power[GEOMETRY.n_context :]
    target[:, bins] += step_db
    start = np.arange(GEOMETRY.n_segment) * FRAMING.frame_samples
    return Segment(power[: GEOMETRY.n_context], target, start)


def flat_forecast() -> Forecast:
    """Expect -60 dBFS everywhere."""
    shape = (GEOMETRY.n_horizon, GEOMETRY.n_bins)
    return Forecast(np.full(shape, -60.0, np.float32), Scaling(-60.0, 1.0))


@pytest.mark.parametrize("name", list(DETECTORS))
@pytest.mark.parametrize("step_db", [6.0, -6.0])
def test_an_anomaly_scores_higher_than_normal(
    name: str, step_db: float, rng: np.random.Generator
) -> None:
    # Energy sees the whole band change, the band's shape sees what changes within it.
    bins = slice(None) if name == "energy" else slice(20, 36)
    (detector,) = make_detectors([name], GEOMETRY, N_WARMUP)
    assert detector.name == name
    for _ in range(N_WARMUP):
        detector.score(segment(rng), flat_forecast())
    normal = [detector.score(segment(rng), flat_forecast()) for _ in range(50)]
    changed = [detector.score(segment(rng, step_db, bins), flat_forecast()) for _ in range(60)]
    highest_normal = max(score.value for score in normal if score)
    # The first ten may pass before a moving average has followed.
    assert all(score is not None and score.value > highest_normal for score in changed[10:])


@pytest.mark.parametrize("name", list(DETECTORS))
def test_who_goes_by_the_reference_of_another_scores_the_same(
    name: str, rng: np.random.Generator
) -> None:
    first, second = (make_detectors([name], GEOMETRY, N_WARMUP)[0] for _ in range(2))
    for _ in range(N_WARMUP):
        first.score(segment(rng), flat_forecast())
    second.take_reference(first.reference())
    segments = [segment(rng, step_db, slice(20, 36)) for step_db in (0.0, 0.0, 6.0, 0.0) * 60]
    for number, one in enumerate(segments):
        mine, its = (one_of.score(one, flat_forecast()) for one_of in (first, second))
        assert mine is not None
        assert its is not None
        # What remembers begins with the mean of the reference.
        if name != "ewma" or number > 200:
            assert its.value == pytest.approx(mine.value, rel=0.02)
    broken = {key: value[:-1] for key, value in first.reference().items()}
    if broken:
        with pytest.raises(ValueError, match="shape"):
            second.take_reference(broken)
        with pytest.raises(LookupError):
            second.take_reference({})


@pytest.mark.parametrize("computing", list(Computing))
@pytest.mark.parametrize("name", ["energy", "zscore", "ewma"])
def test_scores_are_those_of_the_definition_and_begin_anew_at_a_reset(
    name: str, computing: Computing, rng: np.random.Generator
) -> None:
    (detector,) = make_detectors([name], GEOMETRY, N_WARMUP, open_arithmetic(computing))
    # Some bins are far steadier than others, and one never changes at all.
    spread_db = rng.uniform(0.02, 3.0, GEOMETRY.n_bins)
    spread_db[7] = 0.0
    for level_db in (-60.0, -85.0):
        targets = [
            (level_db + spread_db * rng.normal(0.0, 1.0, (GEOMETRY.n_horizon, len(spread_db))))
            .astype(np.float32)
            for _ in range(N_WARMUP + 30)
        ]  # fmt: skip
        targets[-10][:, 20:23] += np.float32(9.0)
        targets[-5][:, 40] -= np.float32(12.0)
        context = np.zeros((GEOMETRY.n_context, GEOMETRY.n_bins), np.float32)
        start = np.arange(GEOMETRY.n_segment) * FRAMING.frame_samples
        values, maps = [], []
        for target in targets:
            score = detector.score(Segment(context, target, start), None)
            if score is not None:
                values.append(score.value)
                maps.append(None if score.error_map_db is None else score.error_map_db.copy())
        if name == "energy":
            expected = naive.energy_scores(targets, N_WARMUP)
            assert maps == [None] * 30
        else:
            expected, expected_maps = naive.shape_scores(name, targets, N_WARMUP)
            np.testing.assert_allclose(maps, expected_maps, atol=1e-4)
        # float32 has a level of 60 dB to 4 udB, and the smallest spread is a tenth of a dB.
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=2e-4)
        detector.reset()


@pytest.mark.parametrize("name", list(DETECTORS))
def test_only_what_has_a_model_needs_a_forecast(name: str) -> None:
    (detector,) = make_detectors([name], GEOMETRY, N_WARMUP)
    assert detector.needs_forecast == (name in MODEL_DETECTORS.values())


@pytest.mark.parametrize("make", [BinZScore, BinEwma])
def test_the_shape_of_the_band_does_not_care_for_its_level(
    make: type[BinZScore | BinEwma], rng: np.random.Generator
) -> None:
    detector = make(GEOMETRY, N_WARMUP)
    for _ in range(N_WARMUP):
        detector.score(segment(rng), None)
    one = segment(rng)
    twin = copy.deepcopy(detector)
    louder = Segment(one.context, one.target + np.float32(30.0), one.tick_start)
    quiet_score, loud_score = detector.score(one, None), twin.score(louder, None)
    assert quiet_score is not None
    assert loud_score is not None
    assert loud_score.value == pytest.approx(quiet_score.value, abs=1e-3)


def test_forecast_error_is_the_root_mean_square_in_db(rng: np.random.Generator) -> None:
    detector = ForecastError(GEOMETRY)
    one = segment(rng)
    score = detector.score(one, flat_forecast())
    assert score is not None
    difference = one.target.astype(np.float64) + 60.0
    assert score.value == pytest.approx(np.sqrt(np.mean(difference**2)), rel=1e-6)
    np.testing.assert_allclose(score.error_map_db, difference, atol=1e-5)


def test_forecast_error_refuses_to_guess(rng: np.random.Generator) -> None:
    with pytest.raises(UsageError, match="forecast"):
        ForecastError(GEOMETRY).score(segment(rng), None)


@pytest.mark.parametrize("make", [EnergyLevel, BinZScore, BinEwma])
def test_plain_detectors_say_nothing_while_warming_up(
    make: type[EnergyLevel | BinZScore | BinEwma], rng: np.random.Generator
) -> None:
    detector = make(GEOMETRY, N_WARMUP)
    assert [detector.score(segment(rng), None) for _ in range(N_WARMUP)] == [None] * N_WARMUP
    assert detector.score(segment(rng), None) is not None
    detector.reset()
    assert detector.score(segment(rng), None) is None


def test_the_reference_does_not_absorb_an_interferer_that_stays(rng: np.random.Generator) -> None:
    detector = BinZScore(GEOMETRY, N_WARMUP)
    for _ in range(N_WARMUP):
        detector.score(segment(rng), None)
    scores = [detector.score(segment(rng, 10.0, slice(20, 23)), None) for _ in range(200)]
    values = [score.value for score in scores if score]
    assert min(values[150:]) > 0.7 * np.median(values[:50])


def test_zscore_points_at_the_bins(rng: np.random.Generator) -> None:
    detector = BinZScore(GEOMETRY, N_WARMUP)
    for _ in range(N_WARMUP):
        detector.score(segment(rng), None)
    score = detector.score(segment(rng, 10.0, slice(20, 23)), None)
    assert score is not None
    assert score.error_map_db is not None
    mean_db = score.error_map_db.mean(axis=0)
    assert set(np.argsort(mean_db)[-3:]) == {20, 21, 22}


def test_running_statistics_are_numpys(rng: np.random.Generator) -> None:
    vectors = rng.normal(-80.0, 3.0, (200, 5)).astype(np.float32)
    running = RunningStatistics(5)
    for vector in vectors:
        running.add(vector)
    np.testing.assert_allclose(running.mean, vectors.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(running.spread(0.0), vectors.std(axis=0, ddof=1), rtol=1e-4)
    assert running.spread(9.0).tolist() == [9.0] * 5
    running.clear()
    running.add(vectors[0])
    assert running.spread(0.5).tolist() == [0.5] * 5
    running.add(vectors[1])
    np.testing.assert_allclose(running.spread(0.0), vectors[:2].std(axis=0, ddof=1), rtol=1e-4)


def test_names_are_resolved_by_the_models_role() -> None:
    assert resolve_names(("model", "zscore"), "forecast") == ("forecast", "zscore")
    assert resolve_names(("model",), "reconstruction") == ("reconstruction",)
    assert resolve_names(("residual", "cell"), "forecast") == ("residual", "cell")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("zscroe",), "did you mean 'zscore'"),
        (("cell", "zscore"), "'cell' without 'residual'"),
        (("reconstruction",), "write 'model'"),
        (("zscore", "zscore"), "each once"),
        (("model", "forecast"), "each once"),
        ((), "at least one"),
    ],
)
def test_bad_names_are_refused(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve_names(names, "forecast")


def test_a_short_warm_up_does_not_believe_a_small_spread_and_a_long_one_does() -> None:
    spread_db = np.array([[1.0, 1.0, 0.1, 1.0, 3.0]], np.float32)
    short, long = shrunk_spread(spread_db, 5), shrunk_spread(spread_db, 20_000)
    assert short[0, 2] > 0.9
    np.testing.assert_allclose(long, spread_db, rtol=0.06)
    np.testing.assert_allclose(shrunk_spread(np.ones((2, 4), np.float32), 5), 1.0, rtol=1e-6)
