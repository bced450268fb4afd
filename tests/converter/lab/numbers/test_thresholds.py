"""Laws of thresholds from calibration observers: rates are kept, sites are made alike."""

import numpy as np
import pytest

from converter.lab.numbers.thresholds import (
    gaussian_threshold,
    pooled_threshold,
    realised_rates,
    second_half_of_warmup,
    site_standardised,
)
from edgespec.detect.site import SiteScale
from edgespec.errors import ModelError, UsageError
from edgespec.records import Score
from tests.made import detection_tables


def test_exchangeable_scores_keep_the_rate(rng: np.random.Generator) -> None:
    # 300 times 2000 new scores: the error of the mean rate is that of 300 thresholds, each with a
    # standard deviation of sqrt(0.02 / 500), and so 0.0004.
    realised = []
    for _ in range(300):
        scores = rng.standard_gamma(2.0, 2500)
        realised.append(np.mean(scores[500:] > pooled_threshold(scores[:500], 0.02)))
    assert np.mean(realised) == pytest.approx(0.02, abs=0.0015)


def test_ties_never_alarm_too_often(rng: np.random.Generator) -> None:
    for _ in range(50):
        scores = rng.integers(0, 6, 200).astype(float)
        for rate in (0.01, 0.1, 0.3):
            threshold = pooled_threshold(scores, rate)
            assert threshold in scores
            # The new score is one of n + 1 that may be among the highest.
            assert np.sum(scores > threshold) + 1 <= rate * (len(scores) + 1)


def test_no_lower_score_keeps_the_rate(rng: np.random.Generator) -> None:
    scores = np.sort(rng.normal(size=999))
    assert pooled_threshold(rng.permutation(scores), 0.01) == scores[-10]
    assert np.sum(scores > scores[-11]) + 1 > 0.01 * (len(scores) + 1)


def test_too_few_scores_are_refused_with_how_many_it_takes() -> None:
    with pytest.raises(ModelError, match="at least 999 are needed"):
        pooled_threshold(np.arange(998.0), 0.001)
    assert pooled_threshold(np.arange(999.0), 0.001) == 998.0
    with pytest.raises(ModelError, match="too few"):
        pooled_threshold(np.arange(10.0), 0.5)


def test_the_gaussian_threshold_is_right_for_a_gaussian_only(rng: np.random.Generator) -> None:
    gaussian, skewed = rng.normal(3.0, 2.0, 100_000), rng.standard_gamma(1.0, 100_000)
    assert gaussian_threshold(gaussian, 0.01) == pytest.approx(3.0 + 2.0 * 2.3263, abs=0.05)
    # An exponential score is above mean + 2.33 std with a probability of exp(-3.33) = 3.6 %.
    assert np.mean(skewed > gaussian_threshold(skewed, 0.01)) == pytest.approx(0.036, abs=0.003)


def test_a_site_is_standardised_as_the_device_does_it(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"a": 1.0}, offset=3.0, scale=5.0)
    found = site_standardised(table, "a")
    is_last = second_half_of_warmup(table, np.zeros(len(found), np.intp))
    assert not is_last.all()
    calibration_std = []
    for name in np.unique(table["observer"]):
        rows = (table["split"] == "calibration") & (table["observer"] == name)
        calibration_std.append(_settled(table, rows, 0.0).std)
    usual = float(np.median(calibration_std))
    rows = (table["split"] == "test") & (table["seed"] == 1) & (table["observer"] == "o3")
    scale = _settled(table, rows, usual)
    expected = [scale.apply(Score("a", float(v))).value for v in table["score:a"][rows]]
    # The device keeps a spread as float32.
    assert found[rows] == pytest.approx(expected, rel=1e-5, abs=1e-5)


def _settled(table: detection_tables.Table, rows: np.ndarray, smallest_std: float) -> SiteScale:
    values = table["score:a"][rows & (table["mode"] == "warmup")]
    scale = SiteScale(smallest_std)
    for value in values[len(values) // 2 :]:
        scale.learn(Score("a", float(value)))
    scale.settle()
    return scale


def test_the_site_takes_away_offset_and_scale(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"a": 1.0})
    found = site_standardised(table, "a")
    number = np.unique(table["observer"], return_inverse=True)[1]
    changed = {**table, "score:a": table["score:a"].astype(float) * 4.0 + number - 100.0}
    assert site_standardised(changed, "a") == pytest.approx(found, abs=1e-9)


def test_the_order_of_rows_does_not_matter(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"a": 1.0})
    mixed = detection_tables.shuffled(table, rng)
    found = dict(zip(mixed["segment"], site_standardised(mixed, "a"), strict=True))
    assert [found[s] for s in table["segment"]] == pytest.approx(
        site_standardised(table, "a").tolist(), rel=1e-12
    )


def test_a_detector_that_still_learns_has_no_part_in_the_site(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"a": 1.0})
    found = site_standardised(table, "a")
    observer = np.unique(
        np.char.add(np.char.add(table["split"], table["observer"]), table["seed"].astype(str)),
        return_inverse=True,
    )[1]
    first = (table["mode"] == "warmup") & ~second_half_of_warmup(table, observer)
    silent = {**table, "score:a": np.where(first, np.nan, table["score:a"])}
    kept = ~first
    assert np.array_equal(site_standardised(silent, "a")[kept], found[kept])


def test_a_quiet_warmup_does_not_make_a_deaf_threshold(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"a": 1.0})
    rows = (table["split"] == "test") & (table["observer"] == "o1") & (table["mode"] == "warmup")
    quiet = {**table, "score:a": np.where(rows, 0.0, table["score:a"])}
    normal = (table["split"] == "test") & (table["observer"] == "o1") & (table["mode"] == "normal")
    # Without a floor the spread would be next to nothing and the scores huge.
    assert np.abs(site_standardised(quiet, "a")[normal]).max() < 6.0


def test_without_a_warmup_there_is_no_site(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"a": 1.0})
    rows = table["mode"] != "warmup"
    with pytest.raises(UsageError, match="make warmup_s longer"):
        site_standardised({name: values[rows] for name, values in table.items()}, "a")
    rows = table["split"] == "test"
    with pytest.raises(UsageError, match="no calibration observer"):
        site_standardised({name: values[rows] for name, values in table.items()}, "a")


def test_realised_rates_are_counted_by_observer() -> None:
    found = realised_rates([1.0, 2.0, 3.0, 2.0], ["a", "a", "b", "b"], 2.0)
    assert found == {"a": (0, 2), "b": (1, 2)}
