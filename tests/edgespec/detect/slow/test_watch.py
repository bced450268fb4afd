"""Slow changes are told before they are normal, once, and nothing else is."""

import tracemalloc

import numpy as np
import pytest

from edgespec.clock import ClockQuality
from edgespec.kinds import DRIFT, NOISE_FLOOR_RAISED
from edgespec.records import Change, Event, EventType
from tests.made.slow_site import N_BINS, Site, grid_at, in_bins

NEW, UPDATE, END = EventType.NEW, EventType.UPDATE, EventType.END


def of(events: list[Event], event_type: EventType) -> list[Event]:
    return [event for event in events if event.event_type is event_type]


def test_a_site_that_stays_as_it_was_says_nothing(rng: np.random.Generator) -> None:
    assert Site(rng, noise_db=1.0).hear(90) == []


@pytest.mark.parametrize("db_a_minute", [0.1, 1.0, 3.0, -0.3, -2.0])
def test_a_ramp_is_said_once_before_it_is_absorbed(
    rng: np.random.Generator, db_a_minute: float
) -> None:
    site = Site(rng)
    assert site.hear(3) == []
    before = site.watch.levels.first.levels.low_dbfs.copy()
    said = site.hear(8 + 5 / abs(db_a_minute), lambda t: in_bins(20, 23, db_a_minute * t))
    (event,) = of(said, NEW)
    assert (event.kind, event.detector) == (DRIFT, "site")
    assert (event.freq_lower_hz, event.freq_upper_hz) == (19500.0, 23500.0)
    assert event.change is (Change.GAIN if db_a_minute > 0 else Change.LOSS)
    # It was not twice as much in the middle of the ten minutes that it was seen in.
    assert 3.0 <= abs(event.excess_db) <= 6.0
    assert np.sign(event.excess_db) == np.sign(db_a_minute)
    # What it is compared with has stayed where it was.
    np.testing.assert_array_equal(site.watch.levels.first.levels.low_dbfs, before)
    # It says since when: at half of what is told, the ramp was under way.
    assert 0 < event.start_ns < event.end_ns
    assert of(said, END) == []
    (end,) = site.watch.finish()
    assert (end.event_id, end.event_type) == (event.event_id, END)


def test_it_ends_when_the_level_is_back(rng: np.random.Generator) -> None:
    site = Site(rng)
    site.hear(3)
    said = site.hear(15, lambda t: in_bins(5, 6, min(t, 6.0)))
    assert len(of(said, NEW)) == 1
    said = site.hear(12)
    assert [event.event_type for event in said if event.event_type is not UPDATE] == [END]
    assert site.hear(30) == []


def test_what_goes_on_is_said_again_every_ten_minutes(rng: np.random.Generator) -> None:
    site = Site(rng)
    site.hear(3)
    said = site.hear(60, lambda t: in_bins(5, 6, min(t, 6.0)))
    assert len(of(said, NEW)) == 1
    assert 4 <= len(of(said, UPDATE)) <= 6
    assert len({event.event_id for event in said}) == 1


def test_in_an_alarm_it_is_frozen(rng: np.random.Generator) -> None:
    site = Site(rng)
    site.hear(8)
    levels = site.watch.levels
    first, excess_db = levels.first.copy(), levels.excess_db()
    assert site.hear(60, lambda t: in_bins(0, N_BINS - 1, 30.0), is_alarm=True) == []
    np.testing.assert_array_equal(levels.excess_db(), excess_db)
    np.testing.assert_array_equal(levels.first.spread_db, first.spread_db)
    # Ten seconds that were begun before it are not mixed with what came behind it.
    assert site.hear(20) == []


def test_a_step_of_the_gain_is_no_drift(rng: np.random.Generator) -> None:
    site = Site(rng)
    site.hear(10)
    site.watch.follow(-8.0)
    assert site.hear(30, lambda t: in_bins(0, N_BINS - 1, -8.0)) == []


def test_the_same_step_is_one_where_nobody_says_that_it_is_the_gain(
    rng: np.random.Generator,
) -> None:
    site = Site(rng)
    site.hear(10)
    said = site.hear(30, lambda t: in_bins(0, N_BINS - 1, -8.0))
    assert [event.kind for event in of(said, NEW)] == [DRIFT]


def test_a_retune_ends_it_and_forgets_the_site(rng: np.random.Generator) -> None:
    site = Site(rng)
    site.hear(3)
    site.hear(15, lambda t: in_bins(5, 6, min(t, 6.0)))
    (end,) = site.watch.retune(grid_at(1e6))
    assert end.event_type is END
    assert end.freq_upper_hz < 1e6
    assert site.watch.levels.first is None
    # As it is there is how it has always been there.
    assert site.hear(30, lambda t: in_bins(5, 6, 6.0)) == []


def test_what_people_call_normal_ends_and_is_not_said_again(rng: np.random.Generator) -> None:
    normal: list[Event] = []
    site = Site(rng, is_normal=lambda event: any(_is_no_more(event, one) for one in normal))
    site.hear(3)
    (event,) = of(site.hear(15, lambda t: in_bins(5, 6, min(t, 5.0))), NEW)
    normal.append(event)
    before = site.watch.levels.first.levels.low_dbfs.copy()
    (end,) = site.hear(30, lambda t: in_bins(5, 6, 5.0))
    assert (end.event_id, end.event_type) == (event.event_id, END)
    # Nothing was moved for that: what is more than what was called normal is told.
    np.testing.assert_array_equal(site.watch.levels.first.levels.low_dbfs, before)
    assert len(of(site.hear(30, lambda t: in_bins(5, 6, 5.0 + min(t, 8.0))), NEW)) == 1


def _is_no_more(event: Event, other: Event) -> bool:
    return event.peak_dbfs <= other.peak_dbfs + 3.0


def test_traffic_that_grows_is_no_drift(rng: np.random.Generator) -> None:
    site = Site(rng)

    def traffic(share: float) -> list[Event]:
        return site.hear(40, lambda t: in_bins(8, 15, 15.0 * (rng.random() < share)))

    assert [*traffic(0.1), *traffic(0.6), *traffic(0.2)] == []


def test_a_site_that_fades_says_nothing(rng: np.random.Generator) -> None:
    # A shadow of 8 dB, forgotten in 36 s, over all of the signal.
    shadow_db, keep = 0.0, np.exp(-1.0 / 36.0)

    def fade(minute: float) -> object:
        nonlocal shadow_db
        shadow_db = keep * shadow_db + 8.0 * np.sqrt(1.0 - keep**2) * rng.standard_normal()
        return in_bins(8, 23, shadow_db)

    assert Site(rng).hear(120, fade) == []  # type: ignore[arg-type]


def test_a_floor_that_is_raised_for_ten_seconds_is_said(rng: np.random.Generator) -> None:
    site = Site(rng)
    site.hear(3)
    more_db = np.full(N_BINS, 6.0)
    more_db[20:24] = 0.0
    said = site.hear(0.5, lambda t: more_db)
    (event,) = of(said, NEW)
    assert event.kind == NOISE_FLOOR_RAISED
    assert event.excess_db == pytest.approx(6.0, abs=1.0)
    assert [one.event_type for one in site.hear(0.5)] == [END]


def test_for_less_than_ten_seconds_it_is_not(rng: np.random.Generator) -> None:
    site = Site(rng)
    site.hear(3)
    assert site.hear(8 / 60, lambda t: 6.0) == []
    assert site.hear(10) == []


def test_more_gain_is_no_raised_floor(rng: np.random.Generator) -> None:
    site = Site(rng)
    site.hear(3)
    assert site.hear(1, lambda t: 6.0) == []


def test_its_memory_is_bounded(rng: np.random.Generator) -> None:
    site = Site(rng, utc=lambda: ClockQuality.SYNCHRONISED)
    site.hear(30)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    site.hear(120)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 20_000


class TestHours:
    """With a clock, an hour is compared with the same one of the day before."""

    def test_night_is_not_noon(self, rng: np.random.Generator) -> None:
        clock = [ClockQuality.SYNCHRONISED]
        site = Site(rng, utc=lambda: clock[0])
        site.hear(60)
        hours = site.watch.levels.hours
        # What people called normal was learnt in hour 1, and hour 0 knows nothing of it.
        hours.low_dbfs[1], hours.high_dbfs[1] = hours.low_dbfs[0] + 9.0, hours.high_dbfs[0] + 9.0
        hours.n_blocks[1] = 60
        assert site.hear(58, lambda t: 9.0) == []
        clock[0] = ClockQuality.UNSYNCHRONISED
        assert len(of(site.hear(30, lambda t: 9.0), NEW)) == 1

    def test_an_hour_does_not_make_normal_what_comes_in_it(self, rng: np.random.Generator) -> None:
        site = Site(rng, utc=lambda: ClockQuality.SYNCHRONISED)
        said = site.hear(59, lambda t: in_bins(5, 6, 0.2 * t))
        assert [event.kind for event in of(said, NEW)] == [DRIFT]
        # Nor does it from the next day on: what had moved was not learnt.
        hours = site.watch.levels.hours
        usual_dbfs = site.watch.levels.first.levels.low_dbfs
        assert hours.low_dbfs[0, 5] < usual_dbfs[5] + 4.0

    def test_without_a_clock_no_hour_is_learnt(self, rng: np.random.Generator) -> None:
        site = Site(rng)
        site.hear(30)
        assert not site.watch.levels.hours.n_blocks.any()

    def test_what_is_known_follows_by_a_quarter_of_a_decibel_a_day(
        self, rng: np.random.Generator
    ) -> None:
        site = Site(rng, utc=lambda: ClockQuality.SYNCHRONISED)
        site.hear(30)
        before = site.watch.levels.hours.low_dbfs[0].copy()
        site.hear(29, lambda t: 2.5)
        assert np.abs(site.watch.levels.hours.low_dbfs[0] - before).max() < 0.25
