"""Segments of sweeps: never across a gap, never with what was not measured."""

import numpy as np
import pytest

from converter.data.sweeps.windows import gather_windows, window_starts
from edgespec.errors import UsageError
from edgespec.sweep_table import SweepTable


def table(utc_s: np.ndarray) -> SweepTable:
    levels_db = np.arange(2 * len(utc_s), dtype=np.float32).reshape(-1, 2)
    return SweepTable("made", utc_s, np.array([1e8, 2e8]), levels_db, sweep_s=1.8, rbw_hz=1e5)


def test_segments_follow_each_other() -> None:
    whole = table(1.8 * np.arange(20))
    assert window_starts(whole, 4, 2).tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert window_starts(whole, 4, 2, hop=6).tolist() == [0, 6, 12]
    past, future, utc_s = gather_windows(whole, [0, 6], 4, 2)
    np.testing.assert_array_equal(past[1], whole.levels_db[6:10])
    np.testing.assert_array_equal(future[0], whole.levels_db[4:6])
    np.testing.assert_allclose(utc_s, [4 * 1.8, 10 * 1.8])


def test_none_goes_across_a_gap() -> None:
    utc_s = 1.8 * np.array([*range(9), *range(12, 20)])
    starts = window_starts(table(utc_s), 3, 2, hop=1)
    assert starts.tolist() == [0, 1, 2, 3, 4, 9, 10, 11, 12]


def test_none_has_what_was_not_measured() -> None:
    holed = table(1.8 * np.arange(12))
    holed.levels_db[5, 1] = np.nan
    assert window_starts(holed, 3, 2, hop=1).tolist() == [0, 6, 7]


def test_little_has_none() -> None:
    for n in (0, 1, 4):
        assert len(window_starts(table(1.8 * np.arange(n)), 3, 2)) == 0
    past, future, utc_s = gather_windows(table(1.8 * np.arange(9)), [], 3, 2)
    assert past.shape == (0, 3, 2)
    assert future.shape == (0, 2, 2)
    assert utc_s.shape == (0,)
    with pytest.raises(UsageError, match="positive"):
        window_starts(table(1.8 * np.arange(9)), 0, 2)
