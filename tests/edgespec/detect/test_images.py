"""While a converter clips, what is weaker than the strongest opens no event."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from edgespec.detect.events import EventTracker
from edgespec.detect.rules import EventRules
from edgespec.framing import Recipe
from edgespec.records import BandInfo, Decision, Event, EventType, FloatArray, Score

RECIPE = Recipe(1e6, n_fft=64, n_averages=10, n_context=8, n_horizon=16, hop_frames=16)
GRID = RECIPE.framing.grid(100e6)
HOP = RECIPE.hop_samples
RULES = EventRules(k=2, n=3, hold_off_s=5 * HOP / 1e6, update_s=1e9)
N_LEARNT = 40
#: dBFS a bin: a tone clipped to a square, its images, and what of them a quiet band shows.
TONE, THIRD, FIFTH = (range(30, 33), -5.0), (range(50, 53), -15.0), (range(10, 13), -19.0)

Place = tuple[range, float]


def segment(rng: np.random.Generator, places: Sequence[Place]) -> FloatArray:
    """A band at -60 dBFS that pauses in 3 of 16 frames, and what is in it."""
    rows_db = rng.normal(-60.0, 1.0, (16, 64))
    rows_db[5:8] -= 20.0
    power = 10.0 ** (rows_db / 10.0)
    for bins, level_db in places:
        gamma = rng.gamma(10.0, 0.1, (16, len(bins)))
        power[:, bins.start : bins.stop] += 10.0 ** (level_db / 10.0) * gamma
    level_dbfs: FloatArray = (10.0 * np.log10(power)).astype(np.float32)
    return level_dbfs


def play(segments: Sequence[tuple[Sequence[Place], bool, float]]) -> list[Event]:
    """Feed places, whether the converter clips, and the score, behind a warm-up."""
    rng = np.random.default_rng(3)
    tracker = EventTracker(BandInfo("b", GRID), RULES, {}, lambda: 0)
    events: list[Event] = []
    quiet: list[tuple[Sequence[Place], bool, float]] = [((), False, 0.1)]
    for index, (places, is_clipped, score) in enumerate(quiet * N_LEARNT + [*segments] + quiet * 9):
        target_dbfs = segment(rng, places)
        scores = (Score("zscore", score),)
        decision = Decision(scores, (1.0,), index * HOP, HOP, index * HOP * 1000, 0)
        if index < N_LEARNT:
            tracker.learn_normal(scores, target_dbfs)
        else:
            clips = partial(bool, is_clipped)
            events += tracker.update(decision, target_dbfs, is_clipped=clips)
    return [*events, *tracker.finish()]


def ends(events: Sequence[Event]) -> list[tuple[int, int]]:
    said = sorted((event for event in events if event.event_type is EventType.END),
                  key=lambda event: event.freq_lower_hz)  # fmt: skip
    first_hz = GRID.freqs_hz[0]
    return [
        (
            round((event.freq_lower_hz - first_hz) / GRID.bin_hz + 0.5),
            round((event.freq_upper_hz - first_hz) / GRID.bin_hz - 0.5),
        )
        for event in said
    ]


def test_a_clipped_tone_is_one_event_with_its_own_edges() -> None:
    assert ends(play([((TONE, THIRD, FIFTH), True, 9.0)] * 8)) == [(30, 32)]


def test_without_clipping_the_same_are_three_events() -> None:
    assert ends(play([((TONE, THIRD, FIFTH), False, 9.0)] * 8)) == [(10, 12), (30, 32), (50, 52)]


def test_two_as_strong_as_each_other_are_two_events_even_where_they_clip() -> None:
    other = (range(50, 53), -8.0)
    assert ends(play([((TONE, other), True, 9.0)] * 8)) == [(30, 32), (50, 52)]


def test_what_was_an_event_before_goes_on_while_a_stronger_one_clips() -> None:
    weak = (range(10, 13), -35.0)
    events = play([((weak,), False, 9.0)] * 6 + [((weak, TONE, THIRD), True, 9.0)] * 8)
    assert ends(events) == [(10, 12), (30, 32)]
    long = max(event.n_samples for event in events)
    assert long == pytest.approx(14 * HOP, abs=HOP)


def test_what_a_strong_one_suppresses_is_no_event_while_it_clips() -> None:
    lost = (range(50, 60), -90.0)
    rng = np.random.default_rng(5)
    tracker = EventTracker(BandInfo("b", GRID), RULES, {}, lambda: 0)
    events: list[Event] = []
    for index in range(N_LEARNT + 8):
        target_dbfs = segment(rng, (TONE,) if index >= N_LEARNT else ())
        scores = (Score("zscore", 9.0 if index >= N_LEARNT else 0.1),)
        decision = Decision(scores, (1.0,), index * HOP, HOP, index * HOP * 1000, 0)
        if index < N_LEARNT:
            tracker.learn_normal(scores, target_dbfs)
            continue
        target_dbfs[:, lost[0].start : lost[0].stop] = lost[1]
        events += tracker.update(decision, target_dbfs, is_clipped=lambda: True)
    assert ends([*events, *tracker.finish()]) == [(30, 32)]


@pytest.mark.parametrize("level_db", [-72.0, -66.0, -50.0, -30.0])
def test_edges_are_right_in_the_end_far_below_the_carrier_and_far_above(level_db: float) -> None:
    """Noise of 20 bins: in the carrier's pauses it stands out where its power does not."""
    noise = (range(12, 32), level_db)
    assert ends(play([((noise,), False, 9.0)] * 20)) == [(12, 31)]


def test_a_sweep_that_shows_in_parts_at_first_is_one_event_in_the_end() -> None:
    """Each segment's pauses see another quarter of it; all of them together see it whole."""
    parts = [range(20, 26), range(26, 32), range(32, 38), range(38, 44)]
    segments = [(((parts[k * 3 % 4], -64.0),), False, 9.0) for k in range(60)]
    events = play(segments)
    last = [event for event in events if event.event_type is EventType.END][-1]
    assert last.n_samples == pytest.approx(60 * HOP, abs=4 * HOP)
    assert ends([last]) == [(20, 43)]
