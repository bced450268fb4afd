"""How a soak is judged; the soak itself: ``python -m benchmarks.chaos.soak``."""

from typing import Any

import numpy as np
import pytest

from benchmarks.chaos.soak.air import RATE_HZ, Outage, Visit
from benchmarks.chaos.soak.judge import BandFindings, judge_band, memory_slope, pauses, percentiles

VISITS = [Visit(round(s * RATE_HZ), round((s + 1.5) * RATE_HZ)) for s in (6.0, 16.0, 26.0)]
BEGUN_S = 100.0


def told(
    at_s: float, begin_s: float | None = None, band: str = "lower", kind: str = "unknown"
) -> tuple[float, dict[str, Any]]:
    begin_s = at_s if begin_s is None else begin_s
    event = {
        "band": band,
        "event_type": "new",
        "kind": kind,
        "core:sample_start": round(begin_s * RATE_HZ),
        "latency_ms": 3.0,
    }
    return BEGUN_S + at_s + 0.05, event


def judged(*events: tuple[float, dict[str, Any]], outages: tuple[Outage, ...] = ()) -> BandFindings:
    state = {"n_samples": 30 * RATE_HZ, "n_dropped": 0}
    return judge_band("lower", events, state, VISITS, outages, on_air=30 * RATE_HZ, begun_s=BEGUN_S)


def test_every_visit_is_found_by_an_event_of_its_band_while_it_lasts() -> None:
    found = judged(told(6.0), told(16.0), told(26.0))
    assert (found.n_judged, found.n_found, found.n_strangers) == (3, 3, 0)
    assert found.error_ms == (0.0, 0.0, 0.0)
    assert found.counted == found.on_air
    found = judged(told(6.0), told(16.0, band="upper"), told(20.0))
    assert (found.n_found, found.n_strangers) == (1, 1)


def test_what_is_no_news_of_the_band_is_no_event_of_it() -> None:
    found = judged(told(6.0), told(16.0, kind="dropped"), told(20.0, kind="gain-step"))
    assert (found.n_found, found.n_strangers) == (1, 0)


def test_near_an_outage_nothing_is_owed_and_a_clock_that_is_wrong_shows() -> None:
    outage = Outage(12 * RATE_HZ, 13 * RATE_HZ)
    found = judged(told(6.0), told(26.0, begin_s=26.02), outages=(outage,))
    assert (found.n_judged, found.n_found, found.n_else, found.n_found_else) == (2, 2, 1, 0)
    assert found.error_ms == pytest.approx((0.0, 20.0), abs=0.01)
    assert found.n_not_sent == RATE_HZ


def test_memory_that_grows_has_a_slope_once_it_has_settled() -> None:
    grown = [(float(s), 500.0 if s < 100 else 200.0 + s / 3600.0) for s in range(0, 600, 5)]
    slope, least, most = memory_slope(grown)
    assert slope == pytest.approx(1.0)
    assert 200.0 < least < most < 201.0
    assert memory_slope(grown[:2])[0] == 0.0


def test_who_says_nothing_for_too_long_or_at_all_starves_the_watchdog() -> None:
    assert pauses([0.0, 8.0, 15.0], 20.0) == (8.0, True)
    assert pauses([0.0, 8.0], 50.0) == (42.0, False)
    assert pauses([], 50.0)[1] is False


def test_percentiles_of_nothing_are_nothing() -> None:
    assert percentiles([]) == (0.0, 0.0, 0.0)
    assert percentiles(list(np.arange(101.0))) == (50.0, 99.0, 100.0)
