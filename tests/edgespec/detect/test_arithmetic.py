"""Compiled loops, whole-array NumPy and the definition in float64 give the same."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.detect import compiled, plain
from edgespec.detect.arithmetic import Arithmetic, open_arithmetic
from edgespec.detect.detectors import DETECTORS, make_detectors
from edgespec.dsp import compiled_transform, transform
from edgespec.dsp.transforms import Transform, open_transform
from edgespec.framing import Recipe
from edgespec.records import FloatArray, Forecast, Scaling, Segment

NAMES = list(Computing)
SHAPES = [(25, 128), (4, 64), (1, 64), (3, 1024)]


@pytest.fixture(params=NAMES)
def arithmetic(request: pytest.FixtureRequest) -> Arithmetic:
    return open_arithmetic(request.param)


@pytest.fixture(params=SHAPES, ids=str)
def power_db(request: pytest.FixtureRequest, rng: np.random.Generator) -> FloatArray:
    """Frames of a loaded carrier: noise at -90 dB, blocks 30 dB above it."""
    power = rng.normal(-90.0, 1.4, request.param)
    power[:, ::3] += 30.0 * (rng.random((request.param[0], 1)) < 0.5)
    return power.astype(np.float32)


def test_residual_is_the_rms_and_the_difference(
    arithmetic: Arithmetic, power_db: FloatArray, rng: np.random.Generator
) -> None:
    expected_db = power_db + rng.normal(0.0, 3.0, power_db.shape).astype(np.float32)
    error_db = np.empty_like(power_db)
    rms_db = arithmetic.residual(power_db, expected_db, error_db)
    difference = power_db.astype(np.float64) - expected_db
    assert rms_db == pytest.approx(math.sqrt(np.mean(difference**2)), rel=1e-6)
    np.testing.assert_allclose(error_db, difference, atol=1e-5)


@pytest.mark.parametrize("shift_db", [-110.0, 0.0, 90.0, 120.0])
def test_mean_power_is_linear(
    arithmetic: Arithmetic, power_db: FloatArray, shift_db: float
) -> None:
    power_db = power_db + np.float32(shift_db)
    mean = arithmetic.mean_power(power_db, np.empty_like(power_db))
    # A part in a million is 4 udB; float32 has a level of 100 dB to 8 udB, a part in 500,000.
    assert mean == pytest.approx(np.mean(10.0 ** (power_db.astype(np.float64) / 10)), rel=5e-6)


def test_mean_power_at_every_level(arithmetic: Arithmetic) -> None:
    """One level a call, so that no large one hides a small one."""
    for level_db in np.arange(-200.0, 60.0, 0.37):
        frame_db = np.full((1, 16), level_db, np.float32)
        mean = arithmetic.mean_power(frame_db, np.empty_like(frame_db))
        assert mean == pytest.approx(10.0 ** (float(frame_db[0, 0]) / 10), rel=5e-6)


def test_shapes_are_frames_less_their_mean(
    arithmetic: Arithmetic, power_db: FloatArray, rng: np.random.Generator
) -> None:
    n_frames, n_bins = power_db.shape
    expected_db = rng.normal(0.0, 5.0, n_bins).astype(np.float32)
    shape_db, frame_db = np.empty_like(power_db), np.empty((n_frames, 1), np.float32)
    levels_db, mean_db = np.empty((2, n_bins), np.float32), np.empty(n_bins, np.float32)
    shape = power_db - power_db.mean(axis=1, keepdims=True, dtype=np.float64)
    arithmetic.shape_extremes(power_db, expected_db, shape_db, levels_db, frame_db)
    np.testing.assert_allclose(shape_db, shape - expected_db, atol=5e-5)
    np.testing.assert_allclose(levels_db, [shape.max(axis=0), shape.min(axis=0)], atol=5e-5)
    shape_db[:] = np.nan
    arithmetic.shape_mean(power_db, expected_db, shape_db, mean_db, frame_db)
    np.testing.assert_allclose(shape_db, shape - expected_db, atol=5e-5)
    np.testing.assert_allclose(mean_db, shape.mean(axis=0), atol=5e-5)


@pytest.mark.parametrize("n_levels", [1, 2])
def test_farthest_takes_only_the_first_row_by_its_absolute_value(
    arithmetic: Arithmetic, n_levels: int, rng: np.random.Generator
) -> None:
    levels_db = rng.normal(0.0, 1.0, (n_levels, 64)).astype(np.float32)
    mean_db = rng.normal(0.0, 0.1, levels_db.shape).astype(np.float32)
    std_db = rng.uniform(0.5, 2.0, levels_db.shape).astype(np.float32)
    for row, bin_, value in ((0, 7, 50.0), (0, 9, -60.0), (n_levels - 1, 3, 80.0)):
        levels_db[row, bin_] = value
        distance = (levels_db.astype(np.float64) - mean_db) / std_db
        distance[0] = np.abs(distance[0])
        scratch = np.empty_like(levels_db)
        found = arithmetic.farthest(levels_db, mean_db, std_db, scratch)
        assert found == pytest.approx(distance.max(), rel=1e-6)
    before = arithmetic.farthest(levels_db, mean_db, std_db, np.empty_like(levels_db))
    if n_levels == 2:
        levels_db[1, 5] = -1e4
        after = arithmetic.farthest(levels_db, mean_db, std_db, np.empty_like(levels_db))
        assert after == before


def test_learning_means_is_learning_of_all(
    arithmetic: Arithmetic, rng: np.random.Generator
) -> None:
    segments = rng.normal(-80.0, 3.0, (200, 4, 16)).astype(np.float32)
    mean, sum_squares, scratch = np.zeros(16), np.zeros(16), np.empty((2, 16))
    for count, rows in enumerate(segments, start=1):
        arithmetic.learn_mean(rows, count, mean, sum_squares, scratch)
    vectors = segments.mean(axis=1, dtype=np.float64)
    np.testing.assert_allclose(mean, vectors.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(sum_squares / 199, vectors.var(axis=0, ddof=1), rtol=1e-4)


def test_a_choice_of_computing_is_kept() -> None:
    assert open_arithmetic(Computing.PLAIN) is plain
    assert open_arithmetic(Computing.COMPILED) is compiled
    assert open_transform(Computing.PLAIN) is transform
    assert open_transform(Computing.COMPILED) is compiled_transform


def kind_of(value: object) -> object:
    """Return what Numba compiles a function anew for."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.ndim, value.flags.c_contiguous
    return type(value)


def test_what_detectors_call_was_compiled_before(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    calls: set[tuple[object, ...]] = set()
    names = [name for name in compiled.__all__ if name != "load"]
    for name in names:
        monkeypatch.setattr(compiled, name, recorder(name, getattr(compiled, name), calls))
    compiled.load()
    assert {name for name, *_ in calls} == set(names)
    loaded = set(calls)
    geometry = Recipe(1e6, n_fft=64, n_context=8, n_horizon=4, hop_frames=4).geometry
    frames = rng.normal(-60.0, 1.4, (12, 64)).astype(np.float32)
    segment = Segment(frames[:8], frames[8:], np.arange(12))
    forecast = Forecast(frames[8:] + np.float32(1.0), Scaling(-60.0, 1.0))
    for detector in make_detectors(tuple(DETECTORS), geometry, 2, compiled):
        for _ in range(4):
            detector.score(segment, forecast)
    assert calls == loaded


def recorder(
    name: str, call: Callable[..., object], calls: set[tuple[object, ...]]
) -> Callable[..., object]:
    def record(*values: object) -> object:
        calls.add((name, *map(kind_of, values)))
        return call(*values)

    return record


# --- the transform


@pytest.fixture
def loops() -> Transform:
    return open_transform(Computing.COMPILED)


@pytest.mark.parametrize("offset_db", [0.0, -150.0])
def test_both_transforms_standardise_alike(
    loops: Transform, power_db: FloatArray, offset_db: float
) -> None:
    context = power_db + np.float32(offset_db)
    fast, plain = np.empty_like(context), np.empty_like(context)
    fast_scaling, scaling = loops.standardise(context, fast), transform.standardise(context, plain)
    assert fast_scaling.mean_db == pytest.approx(scaling.mean_db, rel=1e-6)
    assert fast_scaling.scale_db == pytest.approx(scaling.scale_db, rel=2e-6)
    assert loops.scaling_of(context, np.empty_like(context)) == fast_scaling
    assert transform.scaling_of(context, np.empty_like(context)) == scaling
    np.testing.assert_allclose(fast, plain, atol=2e-5)
    loops.apply(context, scaling, fast)
    np.testing.assert_allclose(fast, plain, atol=1e-6)
    transform.restore(plain, scaling, plain)
    loops.restore(fast, scaling, fast)
    np.testing.assert_allclose(fast, plain, atol=2e-5)


def test_a_first_value_far_off_costs_no_digits(loops: Transform, rng: np.random.Generator) -> None:
    context = rng.normal(-60.0, 1e-2, (100, 128)).astype(np.float32)
    context[0, 0] = -200.0
    out = np.empty_like(context)
    scaling = loops.standardise(context, out)
    wide = context.astype(np.float64)
    assert scaling.mean_db == pytest.approx(wide.mean(), rel=1e-7)
    assert scaling.scale_db == pytest.approx(wide.std(), rel=1e-5)


def test_a_constant_context_gives_zeros(loops: Transform) -> None:
    context = np.full((8, 64), -73.25, np.float32)
    out = np.empty_like(context)
    assert loops.standardise(context, out).scale_db == transform.SCALE_FLOOR_DB
    assert not out.any()
