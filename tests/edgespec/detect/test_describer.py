"""What an event is described by, and how seldom its samples are looked at."""

import numpy as np
import pytest

from edgespec.detect.describer import Describer
from edgespec.detect.events import EventTracker
from edgespec.detect.naming import Namer, Naming
from edgespec.detect.regions import Region
from edgespec.detect.rules import EventRules
from edgespec.detect.track import Evidence, Sighting, Track
from edgespec.framing import Recipe
from edgespec.kinds import ADVICE
from edgespec.records import BandInfo, Decision, Event, FloatArray, Score

RECIPE = Recipe(1e6, n_fft=64, n_averages=10, n_context=8, n_horizon=4, hop_frames=4)
HOP = RECIPE.hop_samples
N_LEARNT = 40


class Flat:
    """A look in which all bins have the same."""

    power: FloatArray = np.full((40, 64), 1e-3, np.float32)

    def prefix_shares(self, lower_bin: int, upper_bin: int) -> tuple[float, float, float]:
        return 0.0, 0.0, 0.0


class Samples:
    """Samples that are there for the last horizon, from where they were asked for."""

    def __init__(self) -> None:
        self.looked_at: list[int] = []
        self.first: int | None = None

    def keep(self, first: int, n_back: int) -> None:
        self.first = first if self.first is None else self.first

    def let_go(self) -> None:
        self.first = None

    def look(self, tick_start: int, n_ticks: int) -> Flat | None:
        if self.first is None or tick_start < self.first:
            return None
        self.looked_at.append(tick_start // HOP - N_LEARNT)
        return Flat()


class Kept(Namer):
    """Keeps what it is asked to name."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def name(
        self, features: FloatArray, *, is_looked_at: bool = True, was_a_signal: bool = False
    ) -> Naming:
        self.asked.append(is_looked_at)
        return Naming("tone", 0.75)


def play(describer: Describer, hot: list[bool], *, is_over: bool = True) -> list[Event]:
    """Feed a warm-up, and segments in which some bins have more."""
    rng = np.random.default_rng(1)
    rules = EventRules(k=2, n=3, hold_off_s=5 * HOP / 1e6, update_s=1e9)
    info = BandInfo("b", RECIPE.framing.grid(100e6))
    tracker = EventTracker(info, rules, {}, lambda: 0, describer=describer)
    events: list[Event] = []
    for index, is_hot in enumerate([False] * N_LEARNT + hot):
        error_db = rng.normal(0.0, 0.3, (4, 64)).astype(np.float32)
        error_db[:, 20:24] += 20.0 * is_hot
        scores = (Score("zscore", 5.0 if is_hot else 0.1, error_db),)
        decision = Decision(scores, (1.0,), index * HOP, HOP, index, 0)
        if index < N_LEARNT:
            tracker.learn_normal(scores, error_db - 60.0)
        else:
            events += tracker.update(decision, error_db - 60.0)
            events += tracker.look_closer(decision)
    return [*events, *tracker.finish()] if is_over else events


def test_looks_become_rarer_the_longer_an_event_lasts() -> None:
    samples, namer = Samples(), Kept()
    said = play(Describer(samples, namer), [True] * 40 + [False] * 9)
    # Counted from 0: it opens in its second segment, whose samples are kept since the first.
    assert samples.looked_at == [1, 3, 5, 9, 17, 33]
    assert [event.event_type for event in said] == ["new", "update", "end"]
    assert [event.kind for event in said] == ["unknown", "tone", "tone"]
    assert [event.kind_probability for event in said] == [0.0, 0.75, 0.75]
    assert namer.asked == [True, True]
    assert samples.first is None


def test_without_samples_frames_have_to_do() -> None:
    namer = Kept()
    play(Describer(None, namer), [True] * 9 + [False] * 9)
    assert namer.asked == [False, False]


def test_a_segment_that_is_no_event_keeps_samples_for_no_longer_than_it_counts() -> None:
    samples = Samples()
    assert play(Describer(samples, Kept()), [True] + [False] * 2, is_over=False) == []
    assert samples.first is not None
    assert play(Describer(samples, Kept()), [True] + [False] * 3, is_over=False) == []
    assert samples.first is None
    assert samples.looked_at == []


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf])
def test_frames_that_are_not_finite_break_nothing(value: float) -> None:
    describer, decision = Describer(None), Decision((), (), 0, HOP, 0, 0)
    target = np.full((4, 64), -60.0, np.float32)
    target[:, 20:24] = value
    describer.take(decision, target)
    evidence = Evidence("power", None, target, "zscore", 2.0, 1.0, True)
    track = Track.begin(3, decision, Sighting(Region(20, 23, 20, 1, 5.0), evidence, 0))
    for normal in (None, np.full(64, 1e-6, np.float32)):
        features = describer.features(track, normal)
        assert features is not None
        assert np.isfinite(features).all()
        assert describer.name(track, normal).kind in ADVICE
