"""Laws of the discriminants: each is its definition, and sees what it is there to see."""

import math
import pickle
import sys

import numpy as np
import pytest
from scipy.spatial.distance import directed_hausdorff

from edgespec.detect.discriminants.discriminant import (
    DISCRIMINANTS,
    check_discriminant,
    open_discriminant,
)
from edgespec.detect.discriminants.percentile import Percentile
from edgespec.detect.discriminants.plain_percentile import PlainPercentile
from edgespec.detect.discriminants.warping import Warping
from edgespec.detect.residual import ForecastError
from edgespec.errors import ModelError
from edgespec.records import FloatArray, Forecast, Geometry, Scaling, Segment
from tests import naive

NAMES = ["rmse", "mae", "dtw", "dtw:0", "dtw:2", "ramp", "ramp:0.5", "hausdorff", "percentile:95"]
#: Sums of float32 over a plane, against float64.
RTOL = 2e-5


def geometry(n_horizon: int = 12, n_bins: int = 16) -> Geometry:
    return Geometry(n_bins, 1e-3, n_context=4, n_horizon=n_horizon)


def planes(rng: np.random.Generator, n_horizon: int = 12, n_bins: int = 16) -> list[FloatArray]:
    """Two walks of all bins of 1 dB a frame, around -80 dB, that differ by 1.4 dB."""
    walk = np.cumsum(rng.normal(0.0, 1.0, (n_horizon, n_bins)), axis=0) - 80.0
    return [(walk + rng.normal(0.0, 1.0, walk.shape)).astype(np.float32) for _ in range(2)]


def definition(name: str, expected: FloatArray, seen: FloatArray) -> float:
    _, value = check_discriminant(name)
    found = {
        "rmse": lambda: math.sqrt(naive.plane_error(expected, seen, 2)),
        "mae": lambda: naive.plane_error(expected, seen, 1),
        "dtw": lambda: naive.warped(expected, seen, value),
        "ramp": lambda: naive.ramp_score(expected, seen, value),
        "hausdorff": lambda: naive.hausdorff(expected, seen),
        "percentile": lambda: naive.percentile(expected, seen, value),
    }[name.partition(":")[0]]()
    return float(found)


def test_every_discriminant_is_tested() -> None:
    assert {name.partition(":")[0] for name in NAMES} == DISCRIMINANTS.keys()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(12, 16), (40, 80), (2, 8), (1, 8)])
def test_is_the_definition_again_and_again(
    name: str, shape: tuple[int, int], rng: np.random.Generator
) -> None:
    distance = open_discriminant(name, geometry(*shape))
    for _ in range(3):
        expected, seen = planes(rng, *shape)
        kept = expected.copy(), seen.copy()
        assert distance(expected, seen) == pytest.approx(
            definition(name, expected, seen), rel=RTOL, abs=1e-5
        )
        np.testing.assert_array_equal((expected, seen), kept)


@pytest.mark.parametrize("name", NAMES)
def test_is_nothing_between_equal_planes_and_the_same_both_ways(
    name: str, rng: np.random.Generator
) -> None:
    distance = open_discriminant(name, geometry())
    expected, seen = planes(rng)
    assert distance(seen, seen.copy()) == 0.0
    assert distance(expected, seen) == pytest.approx(distance(seen, expected), rel=1e-6)
    assert distance(expected, seen) > 0.0


@pytest.mark.parametrize("name", NAMES)
def test_a_stronger_stranger_is_farther(name: str, rng: np.random.Generator) -> None:
    distance = open_discriminant(name, geometry())
    expected, seen = planes(rng)
    values = []
    for step_db in (0.0, 10.0, 20.0, 40.0):
        heard = seen.copy()
        heard[5:9, 3:8] += np.float32(step_db)
        values.append(distance(expected, heard))
    assert values == sorted(set(values))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_number_is_no_small_distance(name: str, rng: np.random.Generator) -> None:
    expected, seen = planes(rng)
    whole = seen.copy()
    seen[:] = np.nan
    found = open_discriminant(name, geometry())(expected, seen)
    assert math.isnan(found) or found > 1e6
    # Nothing of it is left in the scratch.
    distance = open_discriminant(name, geometry())
    distance(expected, seen)
    assert distance(expected, whole) == pytest.approx(
        definition(name, expected, whole), rel=RTOL, abs=1e-5
    )


def test_a_wider_band_is_never_farther_and_none_is_the_rms(rng: np.random.Generator) -> None:
    # In one bin noise alone finds a shorter way; in many, the diagonal is the shortest.
    expected, seen = planes(rng, 12, 1)
    values = [Warping(12, band)(expected, seen) for band in (0, 1, 2, 5, 12)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(definition("rmse", expected, seen), rel=RTOL)
    assert values[-1] < 0.95 * values[0]


def test_what_is_only_late_costs_nothing_to_who_warps_or_forgets_the_order() -> None:
    steps = np.repeat(np.float32([-80.0, -60.0, -75.0, -90.0]), [2, 5, 4, 2])
    expected, seen = (np.tile(steps[at : at + 12, None], (1, 16)) for at in (0, 1))
    assert open_discriminant("rmse", geometry())(expected, seen) > 5.0
    for name in ("dtw", "dtw:1", "hausdorff"):
        assert open_discriminant(name, geometry())(expected, seen) == 0.0


def test_who_stops_early_says_a_bound_beyond_the_limit(rng: np.random.Generator) -> None:
    expected, seen = planes(rng)
    exact = Warping(12, 2)(expected, seen)
    assert Warping(12, 2, exact * 1.01)(expected, seen) == exact
    stopped = Warping(12, 2, 0.4 * exact)(expected, seen)
    assert 0.4 * exact < stopped < exact


def test_frames_in_another_order_are_the_same_set(rng: np.random.Generator) -> None:
    expected, seen = planes(rng)
    distance = open_discriminant("hausdorff", geometry())
    found = distance(expected, seen)
    assert distance(expected, seen[rng.permutation(12)]) == pytest.approx(found)
    scipys = max(directed_hausdorff(expected, seen)[0], directed_hausdorff(seen, expected)[0])
    assert found == pytest.approx(scipys / math.sqrt(16), rel=RTOL)


def test_ramps_do_not_see_a_level_but_a_rise(rng: np.random.Generator) -> None:
    expected, _ = planes(rng)
    distance = open_discriminant("ramp", geometry())
    assert distance(expected, expected + np.float32(8.0)) == pytest.approx(0.0, abs=1e-5)
    rise = np.arange(12, dtype=np.float32)[:, None]
    assert distance(np.zeros((12, 16), np.float32), 3 * rise + np.zeros(16, np.float32)) == 3.0


def test_the_percentile_is_numpys(rng: np.random.Generator) -> None:
    expected, seen = planes(rng)
    for percent in (1.0, 50.0, 95.0, 99.9, 100.0):
        found = Percentile(expected.size, percent)(expected, seen)
        errors = np.abs(seen - expected)
        assert found == np.percentile(errors, percent, method="inverted_cdf")
    few = np.zeros((12, 16), np.float32)
    few[0, :4] = 30.0
    assert Percentile(few.size, 95.0)(np.zeros_like(few), few) == 0.0
    assert Percentile(few.size, 99.0)(np.zeros_like(few), few) == 30.0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dwt", "did you mean 'dtw'"),
        ("mae:3", "takes no number"),
        ("dtw:-1", "from 0 to"),
        ("dtw:nan", "from 0 to"),
        ("percentile:", "from 1 to 100"),
        ("percentile:101", "'101'"),
        ("", "unknown"),
    ],
)
def test_an_unknown_name_is_refused(name: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        open_discriminant(name, geometry())


def test_the_detector_of_a_model_scores_by_it_and_keeps_its_map(rng: np.random.Generator) -> None:
    expected, seen = planes(rng)
    segment = Segment(expected[:4], seen, np.arange(16))
    forecast = Forecast(expected, Scaling(0.0, 1.0))
    for name in NAMES:
        score = ForecastError(geometry(), discriminant=name).score(segment, forecast)
        assert score is not None
        assert score.value == pytest.approx(definition(name, expected, seen), rel=RTOL)
        np.testing.assert_array_equal(score.error_map_db, seen - expected)


@pytest.mark.parametrize("name", NAMES)
def test_one_can_be_sent_to_another_process(name: str, rng: np.random.Generator) -> None:
    expected, seen = planes(rng)
    distance = open_discriminant(name, geometry())
    sent = pickle.loads(pickle.dumps(distance))
    assert sent(expected, seen) == distance(expected, seen)


@pytest.mark.parametrize("percent", [1.0, 50.0, 95.0, 99.0, 100.0])
def test_a_percentile_needs_no_numba(
    percent: float, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "edgespec.detect.discriminants.percentile", None)
    plain = open_discriminant(f"percentile:{percent:g}", geometry())
    assert isinstance(plain, PlainPercentile)
    for _ in range(3):
        expected, seen = planes(rng)
        kept = expected.copy(), seen.copy()
        assert plain(expected, seen) == Percentile(expected.size, percent)(expected, seen)
        np.testing.assert_array_equal((expected, seen), kept)
    monkeypatch.setitem(sys.modules, "edgespec.detect.discriminants.warping", None)
    with pytest.raises(ModelError, match="needs Numba"):
        open_discriminant("dtw", geometry())
