"""Event-level scores: what an event would have taken, block by block."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgespec.detect.peaks import BLOCK_S, EventPeaks
from edgespec.detect.rules import STRONG, EventRules
from edgespec.records import Score

NAMES = ("zscore", "energy")


def _peaks(rows: np.ndarray, rules: EventRules, hops: int, by_one: bool = False) -> np.ndarray:
    peaks = EventPeaks(NAMES, rules, BLOCK_S / hops)
    for row in rows:
        scores = [Score(n, float(v)) for n, v in zip(NAMES, row, strict=True) if np.isfinite(v)]
        peaks.add(scores, by_one=by_one)
    return peaks.blocks()


@given(
    st.integers(1, 3),
    st.integers(0, 2),
    st.lists(
        st.tuples(st.floats(-5, 50, width=32), st.floats(-5, 50, width=32)),
        min_size=8,
        max_size=40,
    ),
    st.floats(-5, 50, width=32),
)
def test_k_of_n_alarm_in_a_block_when_its_peak_is_above_the_threshold(k, more, rows, threshold):
    rules, hops = EventRules(k, k + more), 4
    values = np.array(rows)
    found = _peaks(values, rules, hops)
    assert found.shape == (len(rows) // hops, 2)
    above = values > threshold
    for block, peaks in enumerate(found):
        for detector, peak in enumerate(peaks):
            opens = any(
                above[max(hop + 1 - rules.n, 0) : hop + 1, detector].sum() >= k
                for hop in range(block * hops, (block + 1) * hops)
            )
            assert opens == (peak > threshold)


def test_one_high_hop_is_no_event_and_what_is_not_scored_opens_none():
    rows = np.full((8, 2), 1.0)
    rows[2] = 90.0
    rows[:, 1] = -np.inf
    found = _peaks(rows, EventRules(2, 3), 8)
    assert found[0, 0] == pytest.approx(1.0)
    assert found[0, 1] == -np.inf


def test_beside_a_cell_one_high_hop_is_an_event_of_a_threshold_so_much_lower():
    rows = np.full((8, 2), 1.0)
    rows[2] = 90.0
    found = _peaks(rows, EventRules(2, 3), 8, by_one=True)
    assert found[0] == pytest.approx([90.0 / STRONG] * 2)
    rows[3] = 80.0
    assert _peaks(rows, EventRules(2, 3), 8, by_one=True)[0] == pytest.approx([80.0, 80.0])
