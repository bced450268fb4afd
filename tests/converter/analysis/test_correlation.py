"""Correlations of columns, some of whose values are missing."""

import numpy as np
import pytest

from converter.analysis import correlation as module
from converter.analysis.correlation import correlate, fewer_columns
from tests import naive


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("mean", [0.0, -95.0])
def test_it_is_that_of_the_definition(
    missing: float, mean: float, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = rng.standard_normal((90, 1))
    values = (mean + common + rng.standard_normal((90, 6)) * [0, 0.1, 1, 3, 9, 1]).astype("f4")
    values[:, 4] *= -1
    values[rng.random(values.shape) < missing] = np.nan
    values[:, 5] = [7.0] * 90
    found = correlate(values)
    np.testing.assert_allclose(found, naive.pearson(values), atol=2e-5)
    assert np.isnan(found[5]).all()
    # Blocks of any length give the same.
    monkeypatch.setattr(module, "_BLOCK_ROWS", 7)
    np.testing.assert_allclose(correlate(values), found, atol=1e-9)


def test_columns_that_never_meet_have_none() -> None:
    values = np.array([[1, np.nan], [2, np.nan], [np.nan, 3], [np.nan, 5]], np.float32)
    found = correlate(values)
    assert found[0, 0] == found[1, 1] == 1
    assert np.isnan(found[0, 1])
    assert np.isnan(correlate(np.full((3, 2), np.nan, np.float32))).all()


def test_how_far_it_is_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_ROWS", 4)
    told: list[float] = []
    correlate(np.ones((10, 2), np.float32), told.append)
    assert told == [0.4, 0.8, 1.0]


def test_fewer_columns_are_means() -> None:
    values = np.arange(14, dtype=np.float32).reshape(2, 7)
    values[0, 0] = values[1, 5] = values[1, 6] = np.nan
    assert fewer_columns(values, 7) is values
    few = fewer_columns(values, 3)
    np.testing.assert_array_equal(few, [[1, 2.5, 5], [7.5, 9.5, 11]])
    assert np.isnan(fewer_columns(values, 6)[1]).any() == np.isnan(values[1, 5:]).all()
