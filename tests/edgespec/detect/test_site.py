"""Laws of a site's scale: its own scores lie around 0 with a spread of 1."""

import numpy as np
import pytest

from edgespec.detect.site import SiteScale
from edgespec.records import Score


def settled(scale: SiteScale, values: list[float]) -> SiteScale:
    for value in values:
        scale.learn(Score("forecast", value))
    scale.settle()
    return scale


def applied(scale: SiteScale, value: float) -> float:
    return scale.apply(Score("forecast", value)).value


def test_a_score_is_told_in_standard_deviations_of_the_site(rng: np.random.Generator) -> None:
    raw = rng.normal(3.0, 0.5, 200)
    scale = settled(SiteScale(), raw.tolist())
    scores = np.array([applied(scale, value) for value in raw])
    assert scores.mean() == pytest.approx(0.0, abs=1e-5)
    assert scores.std(ddof=1) == pytest.approx(1.0, rel=1e-5)


def test_a_score_keeps_its_detector_and_its_map() -> None:
    error_db = np.zeros((2, 3), np.float32)
    score = SiteScale().apply(Score("forecast", 1.5, error_db))
    assert (score.detector, score.error_map_db) == ("forecast", error_db)


def test_nothing_is_changed_before_the_site_is_known() -> None:
    assert applied(SiteScale(), 1.5) == 1.5


def test_a_quiet_warm_up_does_not_make_traffic_an_anomaly() -> None:
    assert settled(SiteScale(0.5), [3.0, 3.1, 2.9]).std == 0.5
    # A site that is more lively than the usual one keeps its own spread.
    assert settled(SiteScale(0.5), [2.0, 3.0, 4.0]).std == 1.0


@pytest.mark.parametrize("level", [3.0, -3.0])
def test_scores_that_never_change_have_a_spread_of_a_thousandth(level: float) -> None:
    scale = settled(SiteScale(), [level] * 5)
    assert scale.std == pytest.approx(3e-3, rel=1e-3)
    assert settled(SiteScale(), [0.0] * 5).std == pytest.approx(1e-6)


def test_a_site_that_was_cleared_leaves_no_trace() -> None:
    moved = settled(SiteScale(), [100.0, 300.0])
    moved.clear()
    new = [3.0, 4.0, 5.0]
    fresh, moved = settled(SiteScale(), new), settled(moved, new)
    assert (moved.mean, moved.std) == (fresh.mean, fresh.std) == (4.0, 1.0)
