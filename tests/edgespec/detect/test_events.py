"""Laws of events: bursts are one, k of n opens, hysteresis keeps, hold-off ends."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from edgespec.detect.events import EventTracker
from edgespec.detect.gain import NoiseSays
from edgespec.detect.rules import STRONG, EventRules
from edgespec.errors import ConfigError
from edgespec.framing import Recipe
from edgespec.kinds import GAIN_STEP
from edgespec.records import BandInfo, Decision, Event, EventType, Score

RECIPE = Recipe(1e6, n_fft=64, n_averages=10, n_context=8, n_horizon=4, hop_frames=4)
FRAMING, GEOMETRY = RECIPE.framing, RECIPE.geometry
BAND = BandInfo("b", FRAMING.grid(100e6))
HOP_SAMPLES = RECIPE.hop_samples
HOP_S = HOP_SAMPLES / 1e6


def tracker(**rules: float) -> EventTracker:
    defaults = {"k": 2, "n": 3, "hysteresis": 0.8, "hold_off_s": 5 * HOP_S, "update_s": 1e9}
    return EventTracker(BAND, EventRules(**(defaults | rules)), {}, lambda: 0)  # type: ignore[arg-type]


def play(tracker: EventTracker, values: Sequence[float], finish: bool = True) -> list[Event]:
    """Feed one score a segment against a threshold of 1; alarms raise bins 20 to 25."""
    return list(_play(tracker, values, finish))


def _play(tracker: EventTracker, values: Sequence[float], finish: bool) -> Iterator[Event]:
    rng = np.random.default_rng(1)
    for index, value in enumerate(values):
        error_db = rng.normal(0, 0.3, (4, 64)).astype(np.float32)
        if value > 0.7:
            error_db[:, 20:26] += 10.0
        score = Score("forecast", value, error_db)
        start = index * HOP_SAMPLES
        decision = Decision((score,), (1.0,), start, HOP_SAMPLES, start * 1000, 0)
        yield from tracker.update(decision, error_db - 60.0)
    if finish:
        yield from tracker.finish()


def types(events: Sequence[Event]) -> list[str]:
    return [event.event_type.value for event in events]


def test_ten_bad_segments_in_a_burst_are_one_event() -> None:
    events = play(tracker(), [0.1] * 30 + [2.0] * 10 + [0.1] * 30)
    assert types(events) == ["new", "end"]
    assert len({event.event_id for event in events}) == 1


def test_a_single_bad_segment_is_no_event() -> None:
    assert play(tracker(), ([0.1] * 9 + [5.0]) * 20) == []


@pytest.mark.parametrize(
    ("ratios", "is_told"),
    [
        ([1.2 * STRONG], True),
        ([0.8 * STRONG], False),
        # Seen often enough while a step of the gain was waited for, if not strongly.
        ([1.5, 1.5], True),
    ],
)
def test_beside_a_cell_a_short_burst_is_told_when_it_was_no_step_of_the_gain(
    ratios: Sequence[float], is_told: bool
) -> None:
    rng = np.random.default_rng(1)
    one, said = tracker(), []
    for index, ratio in enumerate([0.1] * 5 + [*ratios] + [0.1] * 8):
        start = index * HOP_SAMPLES
        is_high = 5 <= index < 5 + len(ratios)
        target_dbfs = rng.normal(-60.0 + 20.0 * is_high, 0.3, (4, 64)).astype(np.float32)
        score = Score("forecast", ratio, target_dbfs + 60.0)
        decision = Decision((score,), (1.0,), start, HOP_SAMPLES, start * 1000, 0)
        events = one.update(decision, target_dbfs, NoiseSays(0.0, may_be=is_high))
        assert not (is_high and events)
        said += events
    assert types(said) == (["new", "end"] if is_told else [])
    for event in said[-1:]:
        assert event.n_samples == len(ratios) * HOP_SAMPLES


def test_one_strong_segment_before_the_cell_is_out_of_step_is_no_event() -> None:
    """Where samples were lost unseen, what is left of the cell fills a part of one segment."""
    for hears_next in (True, False):
        one, said = tracker(), []
        for index in range(12):
            start = index * HOP_SAMPLES
            is_high = index == 5
            target_dbfs = np.full((4, 64), -40.0 if is_high else -60.0, np.float32)
            scores = [Score("energy", 0.1), Score("residual", 9.0 if is_high else 0.1)]
            if index == 6 and not hears_next:
                scores.pop()
            limits = (1.0,) * len(scores)
            decision = Decision(tuple(scores), limits, start, HOP_SAMPLES, start * 1000, 0)
            said += one.update(decision, target_dbfs, NoiseSays(0.0, may_be=is_high))
        assert bool(said) == hears_next


def test_a_step_of_the_gain_that_is_strong_is_said_once_and_is_no_burst() -> None:
    one, said = tracker(), []
    for index in range(12):
        start = index * HOP_SAMPLES
        is_high = index == 5
        target_dbfs = np.full((4, 64), -40.0 if index >= 5 else -60.0, np.float32)
        score = Score("forecast", 2.0 * STRONG if is_high else 0.1, target_dbfs + 60.0)
        decision = Decision((score,), (1.0,), start, HOP_SAMPLES, start * 1000, 0)
        noise = NoiseSays(20.0 if index == 6 else 0.0, may_be=is_high)
        said += one.update(decision, target_dbfs, noise)
    assert [event.kind for event in said] == [GAIN_STEP, GAIN_STEP]


def test_k_of_n_counts_within_n() -> None:
    assert types(play(tracker(k=2, n=3), [0.1] * 9 + [2.0, 0.1, 2.0] + [0.1] * 9)) == ["new", "end"]
    assert play(tracker(k=2, n=3), [0.1] * 9 + [2.0, 0.1, 0.1, 2.0] + [0.1] * 9) == []


def test_the_event_starts_with_its_first_alarming_segment() -> None:
    (new, end) = play(tracker(), [0.1] * 30 + [2.0] * 10 + [0.1] * 30)
    assert new.sample_start == 30 * HOP_SAMPLES
    assert new.start_ns == 30 * HOP_SAMPLES * 1000
    assert end.start_ns == new.start_ns
    assert end.end_ns == 40 * HOP_SAMPLES * 1000
    assert end.n_samples == 10 * HOP_SAMPLES


def test_bursts_apart_are_two_events_and_close_ones_are_one() -> None:
    burst, quiet = [2.0] * 4, [0.1]
    apart = play(tracker(), quiet * 20 + burst + quiet * 12 + burst + quiet * 12)
    close = play(tracker(), quiet * 20 + burst + quiet * 3 + burst + quiet * 12)
    assert types(apart) == ["new", "end", "new", "end"]
    assert len({event.event_id for event in apart}) == 2
    assert types(close) == ["new", "end"]


def test_hysteresis_keeps_an_event_that_hovers_below_the_threshold() -> None:
    values = [0.1] * 20 + [2.0] * 3 + [0.9] * 20 + [0.1] * 20
    (_, kept) = play(tracker(hysteresis=0.8), values)
    (_, dropped) = play(tracker(hysteresis=1.0), values)
    assert kept.n_samples == 23 * HOP_SAMPLES
    assert dropped.n_samples == 3 * HOP_SAMPLES


def test_raising_the_threshold_never_adds_alarming_segments() -> None:
    values = np.random.default_rng(3).gamma(2.0, 0.4, 400)
    covered = []
    for factor in (1.0, 1.5, 2.5):
        events = play(tracker(k=1, n=1, hold_off_s=0.0, hysteresis=1.0), list(values / factor))
        covered.append(sum(e.n_samples for e in events if e.event_type == EventType.END))
    assert covered[0] > covered[1] > covered[2]


def test_updates_come_no_faster_than_asked_and_share_the_id() -> None:
    events = play(tracker(update_s=10 * HOP_S), [0.1] * 20 + [2.0] * 45 + [0.1] * 20)
    assert types(events) == ["new", "update", "update", "update", "update", "end"]
    assert len({event.event_id for event in events}) == 1
    assert [event.end_ns for event in events] == sorted(event.end_ns for event in events)


def test_the_end_of_the_stream_ends_the_event() -> None:
    assert types(play(tracker(), [0.1] * 20 + [2.0] * 5)) == ["new", "end"]
    assert types(play(tracker(), [0.1] * 20 + [2.0] * 5, finish=False)) == ["new"]


def test_frequencies_are_those_of_the_bins() -> None:
    (new, _) = play(tracker(), [0.1] * 40 + [2.0] * 10 + [0.1] * 30)
    bin_hz = 1e6 / 64
    assert new.freq_lower_hz == pytest.approx(100e6 - 0.5e6 + 19.5 * bin_hz)
    assert new.freq_upper_hz == pytest.approx(100e6 - 0.5e6 + 25.5 * bin_hz)
    assert new.freq_lower_hz < new.peak_freq_hz < new.freq_upper_hz
    assert new.excess_db == pytest.approx(10.0, abs=1.0)


def test_the_loss_that_follows_an_interferer_does_not_replace_its_extent() -> None:
    one = tracker(k=1, n=1)
    quiet = np.zeros((4, 64), np.float32)
    there, gone = quiet.copy(), quiet.copy()
    there[:, 20:26] += 10.0
    gone[:, 10:40] -= 25.0
    events: list[Event] = []
    for index, (zscore, forecast) in enumerate([(0.1, 0.1)] * 25 + [(5.0, 0.1)] * 4 + [(0.1, 2.0)]):
        scores = (
            Score("zscore", zscore, there if zscore > 1 else quiet),
            Score("forecast", forecast, gone if forecast > 1 else quiet),
        )
        start = index * HOP_SAMPLES
        decision = Decision(scores, (1.0, 1.0), start, HOP_SAMPLES, start * 1000, 0)
        events += one.update(decision, (there if zscore > 1 else quiet) - 60.0)
    (new, end) = [*events, *one.finish()]
    assert (end.freq_lower_hz, end.freq_upper_hz) == (new.freq_lower_hz, new.freq_upper_hz)
    assert end.excess_db > 0


def stripes(
    tracker: EventTracker, bins: Sequence[int], start: int = 0, high_db: float = 20.0
) -> list[Event]:
    """Feed quiet segments (0), and alarming ones that are higher in five bins from a bin on."""
    events: list[Event] = []
    for index, bin_ in enumerate(bins, start):
        error_db = np.zeros((4, 64), np.float32)
        if bin_:
            error_db[:, bin_ : bin_ + 5] = high_db
        score = Score("forecast", 2.0 if bin_ else 0.1, error_db)
        at = index * HOP_SAMPLES
        decision = Decision((score,), (1.0,), at, HOP_SAMPLES, at * 1000, 0)
        events += tracker.update(decision, error_db - 60.0)
    return events


def first_bin(event: Event) -> int:
    """The lowest bin of an event's extent."""
    grid = BAND.grid
    return round((event.freq_lower_hz - grid.freqs_hz[0]) / grid.bin_hz + 0.5)


def test_an_event_ends_by_its_samples_however_late_they_come() -> None:
    def lengths(ns_per_sample: int) -> list[tuple[str, int]]:
        one = tracker(hold_off_s=5 * HOP_S, update_s=3 * HOP_S)
        said = []
        for index, value in enumerate([0.1] * 9 + [2.0] * 8 + [0.1] * 9):
            at, score = index * HOP_SAMPLES, Score("energy", value)
            decision = Decision((score,), (1.0,), at, HOP_SAMPLES, at * ns_per_sample, 0)
            events = one.update(decision, np.full((4, 64), -60.0, np.float32))
            said += [(event.event_type.value, index) for event in events]
        return said

    assert lengths(1000) == lengths(0) == lengths(10_000)
    assert [said for said, _ in lengths(1000)] == ["new", "update", "update", "end"]


def test_what_an_event_was_made_of_opens_no_other() -> None:
    one = tracker(k=2, n=5, hold_off_s=HOP_S)
    assert types(play(one, [0.1] * 9 + [2.0] * 2 + [0.1] + [2.0] + [0.1] * 9)) == ["new", "end"]


def test_an_event_says_nothing_of_where_the_one_before_it_was() -> None:
    events = stripes(tracker(), [0] * 30 + [10] * 8 + [0] * 9 + [40] * 2)
    assert types(events) == ["new", "end", "new"]
    assert [first_bin(event) for event in events] == [10, 10, 40]


def test_an_event_after_the_end_of_the_stream_says_nothing_of_the_one_before() -> None:
    one = tracker()
    stripes(one, [0] * 30 + [10] * 8)
    (end,) = one.finish()
    (new,) = stripes(one, [40] * 2, start=50)
    assert (first_bin(end), first_bin(new)) == (10, 40)


@pytest.mark.parametrize(("n_quiet", "bin_"), [(1, 10), (2, 40), (3, 40), (7, 40)])
def test_an_alarm_that_opened_nothing_counts_as_long_as_it_is_among_the_last_n(
    n_quiet: int, bin_: int
) -> None:
    """Two alarms of three in two places are one event around both: 60 dB at bin 10, 20 at 40."""
    one = tracker(k=2, n=3)
    assert stripes(one, [0] * 30 + [10], high_db=60.0) == []
    (new, *_) = stripes(one, [0] * n_quiet + [40] * 2, start=31)
    assert first_bin(new) == bin_


def test_a_detector_without_a_map_reports_the_whole_band() -> None:
    one = tracker(k=1, n=1)
    target = np.full((4, 64), -60.0, np.float32)
    decision = Decision((Score("energy", 3.0),), (1.0,), 0, HOP_SAMPLES, 0, 0)
    (event,) = one.update(decision, target)
    assert event.freq_upper_hz - event.freq_lower_hz == pytest.approx(1e6)


@pytest.mark.parametrize("rules", [{"k": 4, "n": 3}, {"k": 0}, {"hysteresis": 1.2}])
def test_impossible_rules_are_refused(rules: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"must|need"):
        tracker(**rules)


def power_events(
    cell_has_risen: Sequence[bool], scores: dict[str, float], tracker: EventTracker
) -> list[Event]:
    """Feed one segment of 10 dB more power for each answer, all of it above the thresholds of 1."""
    said: list[Event] = []
    for index, has_risen in enumerate(cell_has_risen):
        start = index * HOP_SAMPLES
        found = tuple(Score(name, value) for name, value in scores.items())
        decision = Decision(found, (1.0,) * len(found), start, HOP_SAMPLES, start * 1000, 0)
        target_dbfs = np.full((4, 64), -50.0, np.float32)
        said += tracker.update(
            decision,
            target_dbfs,
            is_cells=lambda region, risen=has_risen: risen,  # type: ignore[misc]
        )
    return said


def test_power_that_is_the_cell_s_own_is_no_event() -> None:
    assert power_events([True] * 10, {"energy": 3.0}, tracker()) == []
    assert types(power_events([False] * 10, {"energy": 3.0}, tracker())) == ["new"]


def test_other_detectors_are_heard_beside_power_that_is_the_cell_s_own() -> None:
    (new,) = power_events([True] * 10, {"energy": 9.0, "zscore": 2.0}, tracker())
    assert new.detector == "zscore"


def test_an_event_ends_where_power_is_the_cell_s_again() -> None:
    said = power_events([False] * 5 + [True] * 9, {"energy": 3.0}, tracker())
    assert types(said) == ["new", "end"]
    assert said[-1].n_samples == 5 * HOP_SAMPLES
