"""A sample of a warm-up is bounded, in order, and near to what was heard."""

import numpy as np
import pytest

from edgespec.observer.kept import heard as module
from edgespec.observer.kept.heard import HeardBuffer
from edgespec.records import Geometry, Score, Segment

GEOMETRY = Geometry(n_bins=8, frame_s=1e-3, n_context=4, n_horizon=2, hop_frames=2)


def filled(rng, n: int, n_expected: int):
    buffer, targets = HeardBuffer(GEOMETRY, n_expected), []
    for number in range(n):
        target = rng.normal(-90.0, 10.0, (2, 8)).astype(np.float32)
        targets.append(target.copy())
        map_db = np.full((2, 8), float(number), np.float32)
        scores = (Score("zscore", -1.0, map_db), Score("forecast", float(number), map_db))
        buffer.add(Segment(target, target, np.arange(6)), scores[: 1 + (number % 3 > 0)])
        # The segmenter overwrites it.
        target[:] = np.nan
    return buffer.heard(), np.array(targets)


def test_all_is_kept_that_fits(rng) -> None:
    heard, targets = filled(rng, 20, 20)
    np.testing.assert_allclose(heard.targets_dbfs, targets, atol=0.04)
    np.testing.assert_allclose(heard.rows_dbfs(), targets.mean(axis=1), atol=0.04)
    for number, (scores, target) in enumerate(heard.lessons()):
        np.testing.assert_allclose(target, targets[number], atol=0.04)
        assert [(one.detector, one.value) for one in scores] == (
            [("forecast", number)] if number % 3 else []
        )
        for score in scores:
            assert score.error_map_db is not None
            np.testing.assert_array_equal(score.error_map_db, np.full((1, 8), number))


@pytest.mark.parametrize("n", [7, 40, 41, 1000])
def test_of_a_long_warm_up_one_of_so_many_is_kept(rng, monkeypatch, n: int) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 20 * 2 * 8 * 2)
    heard, targets = filled(rng, n + 10, n)
    assert n // (n // 20 + 1) <= len(heard) <= 20
    every = -(-n // 20)
    np.testing.assert_allclose(heard.targets_dbfs, targets[:n:every], atol=0.04)


def test_parts_thin_and_shift(rng) -> None:
    heard, targets = filled(rng, 30, 30)
    part = heard.part(slice(10, 20))
    np.testing.assert_allclose(part.targets_dbfs, targets[10:20], atol=0.04)
    thin = heard.thinned(7)
    assert len(thin) == 7
    np.testing.assert_array_equal(thin.targets_dbfs[[0, -1]], heard.targets_dbfs[[0, -1]])
    np.testing.assert_allclose(heard.shifted(-12.0).targets_dbfs, targets - 12.0, atol=0.08)
    assert heard.thinned(30) is heard
