"""Events of drawn hours are counted as the device counts them, and normal bands raise none."""

import numpy as np
import pytest

from benchmarks.detection.any_band_hours import BANDS, count_events, listen


def test_two_of_three_hops_open_an_event_and_a_hold_off_ends_it() -> None:
    high = np.zeros(1000, np.bool_)
    assert count_events(high, 0.0064) == 0
    high[[10, 400]] = True
    assert count_events(high, 0.0064) == 0
    high[[12, 13, 60, 61]] = True
    assert count_events(high, 0.0064) == 1
    high[[401, 990, 992]] = True
    assert count_events(high, 0.0064) == 3


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("band", list(BANDS))
def test_a_drawn_band_is_learnt_and_watched(band: str) -> None:
    heard = listen(band, 10, 64.0, 7)
    assert heard.learnt_s == pytest.approx(60.0, abs=0.1)
    assert 3.0 / 3600.0 < heard.hours < 4.1 / 3600.0
    assert heard.highest < 16.0
