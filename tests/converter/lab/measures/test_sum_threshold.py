"""SumThreshold: single peaks by their height, long ones by their sum."""

import numpy as np
import pytest

from converter.lab.measures.windows.segment_detectors import make_segment_detector
from converter.lab.measures.windows.sum_threshold import LENGTHS, RHO, sum_threshold
from edgespec.records import Segment
from tests.made import tiny


def test_a_line_counts_by_its_length(rng: np.random.Generator) -> None:
    for number, length in enumerate(LENGTHS):
        for line in (np.s_[3, 5 : 5 + length], np.s_[5 : 5 + length, 3]):
            deviation = np.full((48, 48), -10.0, np.float32)
            deviation[line] = 2.0
            assert sum_threshold(deviation) == pytest.approx(2.0 * RHO**number)


def test_it_is_the_plain_search(rng: np.random.Generator) -> None:
    deviation = rng.normal(size=(20, 40)).astype(np.float32)
    most = -np.inf
    for lines in (deviation, deviation.T):
        for number, length in enumerate(LENGTHS):
            for line in lines:
                for first in range(len(line) - length + 1):
                    most = max(most, line[first : first + length].mean() * RHO**number)
    assert sum_threshold(deviation) == pytest.approx(most, rel=1e-5)


def test_a_site_is_learnt_before_anything_is_scored(rng: np.random.Generator) -> None:
    detector = make_segment_detector("sum-threshold", tiny.GEOMETRY, 5)
    start = np.zeros(tiny.GEOMETRY.n_segment, np.int64)

    def score(level_db: float) -> float | None:
        frames = rng.normal(-60, 2, (tiny.GEOMETRY.n_segment, 64)).astype(np.float32)
        frames[8:, 20:24] += level_db
        found = detector.score(Segment(frames[:8], frames[8:], start), None)
        return None if found is None else found.value

    assert [score(0.0) for _ in range(5)] == [None] * 5
    usual = [score(0.0) or 0.0 for _ in range(20)]
    assert (score(15.0) or 0.0) > max(usual)
    detector.reset()
    assert score(0.0) is None
