"""Several events at once: each has its place, its sign, its name and its own end."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from edgespec.clock import ClockQuality, UtcWatch
from edgespec.detect.events import EventTracker
from edgespec.detect.rules import EventRules
from edgespec.framing import Recipe
from edgespec.records import BandInfo, Change, Decision, Event, EventType, Score

RECIPE = Recipe(1e6, n_fft=64, n_averages=10, n_context=8, n_horizon=4, hop_frames=4)
GRID = RECIPE.framing.grid(100e6)
HOP = RECIPE.hop_samples
HOP_S = HOP / 1e6
NS = 1_000_000_000
RULES = EventRules(k=2, n=3, hysteresis=0.9, hold_off_s=5 * HOP_S, update_s=1e9)
N_LEARNT = 40


def play(
    segments: Sequence[tuple[float, float, dict[range, float]]],
    *,
    utc_ns: Callable[[int], int] = lambda index: round(index * HOP_S * NS),
    rules: EventRules = RULES,
    utc: Callable[[], ClockQuality] = lambda: ClockQuality.SYNCHRONISED,
    when: list[int] | None = None,
) -> list[Event]:
    """Feed scores of ``zscore`` and ``forecast`` and what bins have more, behind a warm-up.

    ``when`` takes the segment that each message came with.
    """
    rng = np.random.default_rng(1)
    tracker = EventTracker(BandInfo("b", GRID), rules, {}, lambda: 0, utc)
    events: list[Event] = []
    for index, (zscore, forecast, more) in enumerate([(0.1, 0.1, {})] * N_LEARNT + [*segments]):
        error_db = rng.normal(0.0, 0.3, (4, 64)).astype(np.float32)
        for bins, more_db in more.items():
            error_db[:, bins.start : bins.stop] += more_db
        scores = (Score("zscore", zscore, error_db), Score("forecast", forecast, error_db))
        decision = Decision(scores, (1.0, 1.0), index * HOP, HOP, utc_ns(index), 0)
        if index < N_LEARNT:
            tracker.learn_normal(scores, error_db - 60.0)
        else:
            said = tracker.update(decision, error_db - 60.0)
            events += said
            if when is not None:
                when += [index - N_LEARNT] * len(said)
    return [*events, *tracker.finish()]


def bins_of(event: Event) -> tuple[int, int]:
    lower = (event.freq_lower_hz - GRID.freqs_hz[0]) / GRID.bin_hz + 0.5
    upper = (event.freq_upper_hz - GRID.freqs_hz[0]) / GRID.bin_hz - 0.5
    return round(lower), round(upper)


def of_type(events: Sequence[Event], event_type: EventType) -> list[Event]:
    return [event for event in events if event.event_type == event_type]


HERE, THERE = range(10, 20), range(45, 48)


def test_a3_a_source_at_another_place_is_another_event_with_right_edges_at_once() -> None:
    """A forecast event is open when a tone begins elsewhere; it ends before the tone does."""
    events = play(
        [(0.1, 3.0, {HERE: 9.0})] * 6
        + [(9.0, 3.0, {HERE: 9.0, THERE: 30.0})] * 6
        + [(9.0, 0.1, {THERE: 30.0})] * 10
        + [(0.1, 0.1, {})] * 9
    )
    new, end = of_type(events, EventType.NEW), of_type(events, EventType.END)
    assert [bins_of(event) for event in new] == [(10, 19), (45, 47)]
    assert [bins_of(event) for event in end] == [(10, 19), (45, 47)]
    assert [event.event_id for event in new] == [event.event_id for event in end]
    assert [event.n_samples // HOP for event in end] == [12, 16]
    assert all(event.excess_db > 0 for event in events)


def test_two_sources_that_begin_together_are_two_events() -> None:
    events = play([(9.0, 0.1, {HERE: 12.0, THERE: 30.0})] * 6 + [(0.1, 0.1, {})] * 9)
    assert sorted(bins_of(event) for event in of_type(events, EventType.NEW)) == [
        (10, 19), (45, 47)
    ]  # fmt: skip


def test_gain_and_loss_are_told_apart() -> None:
    events = play([(9.0, 0.1, {HERE: -12.0, THERE: 30.0})] * 6 + [(0.1, 0.1, {})] * 9)
    found = {event.change: event for event in of_type(events, EventType.END)}
    assert found[Change.GAIN].excess_db == pytest.approx(30.0, abs=1.0)
    assert found[Change.LOSS].excess_db == pytest.approx(-12.0, abs=1.0)
    assert found[Change.LOSS].kind == "signal-lost"
    assert all(event.severity_db > 0 for event in events)


def test_what_hops_every_time_is_one_event_around_its_places() -> None:
    places = [range(4, 7), range(50, 53), range(25, 28), range(60, 63), range(15, 18)]
    events = play([(9.0, 0.1, {place: 20.0}) for place in places] + [(0.1, 0.1, {})] * 9)
    (end,) = of_type(events, EventType.END)
    assert bins_of(end) == (4, 62)


def test_an_event_follows_what_drifts() -> None:
    drift = [(9.0, 0.1, {range(10 + step, 16 + step): 20.0}) for step in range(20)]
    events = play(drift + [(0.1, 0.1, {})] * 9)
    assert len({event.event_id for event in events}) == 1


def beside_a_cell(segments: Sequence[tuple[float, dict[range, float], dict[range, float]]]) -> (
    list[Event]
):  # fmt: skip
    """Feed scores of ``residual``, what bins have more, and what subbands have left."""
    rng = np.random.default_rng(1)
    tracker = EventTracker(BandInfo("b", GRID), RULES, {}, lambda: 0)
    events: list[Event] = []
    for index, (score, more, left) in enumerate([(0.1, {}, {})] * N_LEARNT + [*segments]):
        power_db = rng.normal(-60.0, 0.3, (4, 64)).astype(np.float32)
        left_db = np.zeros((4, 64), np.float32)
        for map_db, bins in ((power_db, more), (left_db, left)):
            for place, more_db in bins.items():
                map_db[:, place.start : place.stop] += more_db
        scores = (Score("zscore", 0.1, power_db), Score("residual", score, left_db))
        decision = Decision(scores, (1.0, 1.0), index * HOP, HOP, 0, 0)
        if index < N_LEARNT:
            tracker.learn_normal(scores, power_db)
        else:
            events += tracker.update(decision, power_db)
    return [*events, *tracker.finish()]


@pytest.mark.parametrize("n_on", [4, 12])
def test_an_interferer_that_ends_is_where_it_was_whatever_is_left_of_the_cell_then(
    n_on: int,
) -> None:
    """Until the cell is followed again, subbands all over the band have more left."""
    behind = [range(4, 60), range(8, 36), range(8, 20)]
    events = beside_a_cell(
        [(5.0, {THERE: 30.0}, {range(40, 52): 12.0})] * n_on
        + [(6.0, {THERE: 2.0}, {behind[0]: 9.0})]
        + [(4.0, {}, {place: 12.0}) for place in behind[1:]]
        + [(0.1, {}, {})] * 9
    )
    assert {bins_of(event) for event in events} == {(45, 47)}
    assert len({event.event_id for event in events}) == 1


def test_what_subbands_alone_show_is_followed_where_it_goes() -> None:
    """A source that power never shows, in subbands that it passes one after the other."""
    places = [range(4 + 4 * step, 16 + 4 * step) for step in range(12)]
    events = beside_a_cell([(5.0, {}, {place: 9.0}) for place in places] + [(0.1, {}, {})] * 9)
    (end,) = of_type(events, EventType.END)
    assert bins_of(end)[1] >= 48


def test_a8_sureness_is_that_of_the_event_and_not_of_its_end() -> None:
    def ended(score: float) -> Event:
        events = play([(score, 0.1, {HERE: 12.0})] * 9 + [(0.1, 0.1, {})] * 9)
        return of_type(events, EventType.END)[0]

    assert ended(1.01).sureness == pytest.approx(0.5, abs=0.02)
    assert ended(10.0).sureness == pytest.approx(0.95, abs=0.01)
    assert ended(2.0).sureness == 0.75
    # Every other segment alarms: half as sure.
    events = play([(4.0, 0.1, {HERE: 12.0}), (0.1, 0.1, {})] * 9 + [(0.1, 0.1, {})] * 9)
    assert of_type(events, EventType.END)[0].sureness == pytest.approx(0.875 * 9 / 17)


def test_a4_utc_that_is_set_back_changes_no_duration() -> None:
    """An hour of jamming at a coarse hop, UTC set back in the middle and in the hold-off."""
    rules = EventRules(k=2, n=3, hold_off_s=5 * HOP_S, update_s=10 * HOP_S)
    segments = [(9.0, 0.1, {HERE: 12.0})] * 100 + [(0.1, 0.1, {})] * 12

    def said(steps: dict[int, int]) -> list[tuple[int, str, int, int]]:
        def utc_ns(index: int) -> int:
            set_by_s = sum(s for at, s in steps.items() if index - N_LEARNT >= at)
            return 10_000 * NS + round(index * HOP_S * NS) + set_by_s * NS

        when: list[int] = []
        events = play(segments, utc_ns=utc_ns, rules=rules, when=when)
        assert all(event.end_ns >= event.start_ns for event in events)
        return [
            (at, e.event_type.value, e.n_samples, e.end_ns - e.start_ns)
            for at, e in zip(when, events, strict=True)
        ]

    plain = said({})
    assert [name for _, name, _, _ in plain] == ["new", *["update"] * 9, "end"]
    # The hold-off is over before the segments are.
    assert plain[-1][0] == 104
    for steps in ({103: -60}, {50: -3600}, {50: -1800}, {50: 1800}):
        assert said(steps) == plain


class Clocks:
    """Both clocks of a machine, as a test wants them."""

    def __init__(self) -> None:
        self.monotonic_ns, self.off_ns, self.synchronised = NS, 0, True

    def watch(self) -> UtcWatch:
        return UtcWatch(
            lambda: self.monotonic_ns + self.off_ns,
            lambda: self.monotonic_ns,
            lambda: self.synchronised,
        )


@pytest.mark.parametrize("step_s", [-3600, -60, -1, 1, 1800])
def test_a4_a_step_of_utc_is_said_for_a_minute(step_s: int) -> None:
    clocks = Clocks()
    watch = clocks.watch()
    assert watch.quality() is ClockQuality.SYNCHRONISED
    clocks.monotonic_ns += 5 * NS
    clocks.off_ns += step_s * NS
    for _ in range(11):
        assert watch.quality() is ClockQuality.STEPPED
        clocks.monotonic_ns += 5 * NS
    clocks.monotonic_ns += 10 * NS
    assert watch.quality() is ClockQuality.SYNCHRONISED
    clocks.synchronised = False
    assert watch.quality() is ClockQuality.UNSYNCHRONISED


def test_a_clock_that_is_slewed_was_not_set() -> None:
    clocks = Clocks()
    watch = clocks.watch()
    for _ in range(100):
        clocks.monotonic_ns += 3600 * NS
        clocks.off_ns += round(3600 * 500e-6 * NS)
        assert watch.quality() is ClockQuality.SYNCHRONISED


def test_a4_an_event_carries_the_quality_of_its_time() -> None:
    qualities = itertools.chain([ClockQuality.UNSYNCHRONISED], itertools.repeat("stepped"))
    events = play(
        [(9.0, 0.1, {HERE: 12.0})] * 6 + [(0.1, 0.1, {})] * 9,
        utc=lambda: ClockQuality(next(qualities)),
    )
    assert [event.clock for event in events] == ["unsynchronised", "stepped"]


ALL = range(0, 64)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([{ALL: -12.0}] * 6, id="a loss"),
        pytest.param([{ALL: 6.0}] * 6, id="a rise"),
        # In other places every time: one event around them, which takes what is seen anywhere.
        pytest.param(
            [{range(n, n + 3): -12.0} for n in (2, 58, 12, 46, 22, 36)], id="losses that roam"
        ),
    ],
)
def test_no_event_of_the_whole_band_hides_who_comes_in_it(before: list[dict[range, float]]) -> None:
    """Who is 20 dB above all that goes on is an event of his own, while the other is open."""
    there = before[-1]
    events = play(
        [(9.0, 0.1, more) for more in before]
        + [(9.0, 0.1, {**there, THERE: 20.0 + max(there.get(ALL, 0.0), 0.0)})] * 6
    )
    first, second = of_type(events, EventType.NEW)
    assert bins_of(second) == (45, 47)
    assert second.change == Change.GAIN
    came_at = (N_LEARNT + len(before)) * HOP
    assert came_at <= second.sample_start <= came_at + HOP
    # It went on when he came.
    (end,) = [one for one in of_type(events, EventType.END) if one.event_id == first.event_id]
    assert end.sample_start + end.n_samples >= came_at
