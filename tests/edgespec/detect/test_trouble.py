"""Trouble of the receiver: how soon it is said, what is said, and that blocks do not matter."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edgespec.detect.trouble import TroubleRules, TroubleWatch
from edgespec.framing import Recipe
from edgespec.grid import Span
from edgespec.records import BandInfo, EventType, FrameFlag, Spectrogram
from edgespec.units import POWER_FLOOR_DBFS

RECIPE = Recipe(1.92e6)
GRID = RECIPE.framing.grid(800e6)
N, FRAME_S = GRID.frame_ticks, GRID.frame_s
INFO = BandInfo("cell", GRID)
RULES = TroubleRules()
UTC_NS = 1_700_000_000_000_000_000


def frames_of(flags, n_lost=(), level_dbfs=-50.0) -> Spectrogram:
    """Frames with these flags; ``n_lost`` are pairs of a frame and the ticks lost before it."""
    n_frames = len(flags)
    starts = np.arange(n_frames, dtype=np.int64) * N
    for frame, n_ticks in n_lost:
        starts[frame:] += n_ticks
    power = np.full((n_frames, GRID.n_bins), level_dbfs, np.float32)
    power[:, 40] += 10.0
    return Spectrogram(power, np.asarray(flags, np.uint8), starts, GRID, clipped_share=0.7)


def seconds(frames: Spectrogram, first: int, stop: int) -> Spectrogram:
    """Some of the frames, as the block that completed them."""
    part = frames.part(slice(first, stop))
    start = int(part.tick_start[0])
    return replace(part, span=Span(start, (stop - first) * N, UTC_NS + round(start / 1.92e-3), 1))


def events_of(frames: Spectrogram, edges=(), rules=RULES, normal_dbfs=-30.0):
    watch = TroubleWatch(INFO, rules, lambda: 0)
    events = []
    for first, stop in pairwise([0, *edges, frames.n_frames]):
        if stop > first:
            events += watch.update(seconds(frames, first, stop), lambda: normal_dbfs)
    return events + watch.finish()


def flags(n_before: int, n_bad: int, n_after: int, flag: FrameFlag) -> list[FrameFlag]:
    return [FrameFlag.VALID] * n_before + [flag] * n_bad + [FrameFlag.VALID] * n_after


CASES = {
    "clipped": ("overload", FrameFlag.CLIPPED, -50.0),
    "constant": ("receiver", FrameFlag.CONSTANT, -50.0),
    "zeros": ("receiver", FrameFlag.CONSTANT, -300.0),
    "nonfinite": ("receiver", FrameFlag.NONFINITE, -300.0),
    "half": ("receiver", FrameFlag.HALF, -50.0),
}


@pytest.mark.parametrize("reason", CASES)
@pytest.mark.parametrize("n_before", [0, 1000])
def test_a1_trouble_is_an_event_within_100_ms_and_ends(reason: str, n_before: int) -> None:
    kind, flag, level_dbfs = CASES[reason]
    frames = frames_of(flags(n_before, 600, 1500, flag), level_dbfs=level_dbfs)
    np.maximum(frames.power_dbfs, POWER_FLOOR_DBFS, out=frames.power_dbfs)
    watch = TroubleWatch(INFO, TroubleRules(), lambda: 0)
    said, ends = [], []
    for k in range(frames.n_frames):
        for event in watch.update(seconds(frames, k, k + 1), lambda: -30.0):
            said.append(event)
            ends.append((k + 1 - n_before) * FRAME_S)
    assert [event.event_type for event in said] == [EventType.NEW, EventType.END]
    assert ends[0] <= 0.1
    assert ends[1] == pytest.approx(600 * FRAME_S + 0.5, abs=FRAME_S)
    for event in said:
        assert (event.kind, event.detector, event.band) == (kind, reason, "cell")
        assert (event.freq_lower_hz, event.freq_upper_hz) == GRID.edges_hz(0, GRID.n_bins - 1)
        assert event.score >= event.threshold or event.event_type is EventType.END
    assert said[1].sample_start == n_before * N
    assert said[1].n_samples == pytest.approx(600 * N, abs=5 * N)
    assert said[0].start_ns == UTC_NS + round(n_before * N / 1.92e-3)
    assert not watch.open_kinds


def test_an_overload_says_how_much_clips_and_how_far_the_level_rose() -> None:
    (new, *_) = events_of(frames_of(flags(100, 100, 0, FrameFlag.CLIPPED)))
    assert new.share == 0.7
    power = 10 ** (-4.0) + (GRID.n_bins - 1) * 10 ** (-5.0)
    level_dbfs = 10 * np.log10(power / GRID.enbw_bins)
    assert new.excess_db == pytest.approx(level_dbfs + 30.0, abs=1e-3) or new.excess_db == 0.0
    assert new.excess_db == max(0.0, new.excess_db)
    (quiet, *_) = events_of(frames_of(flags(100, 100, 0, FrameFlag.CLIPPED)), normal_dbfs=-70.0)
    assert quiet.excess_db == pytest.approx(level_dbfs + 70.0, abs=1e-3)
    assert quiet.peak_dbfs == -40.0
    assert quiet.peak_freq_hz == GRID.freqs_hz[40]


def test_any_chunking_gives_the_same_events(rng: np.random.Generator) -> None:
    kinds = [FrameFlag.CLIPPED, FrameFlag.NONFINITE, FrameFlag.CONSTANT]
    for _ in range(10):
        marks = np.zeros(4000, np.uint8)
        for at, length in zip(rng.integers(0, 3500, 6), rng.integers(1, 400, 6), strict=True):
            marks[at : at + length] |= np.uint8(rng.choice(kinds))
        frames = frames_of(marks, [(int(rng.integers(1, 4000)), int(rng.integers(1, 3e6)))])
        found = [
            [
                (event.kind, event.event_type, event.sample_start, event.n_samples, event.score)
                for event in events_of(frames, list(edges), TroubleRules(0.3, 0.2))
            ]
            for edges in ([], range(1, 4000, 7), np.sort(rng.integers(0, 4000, 9)).tolist())
        ]
        assert found[0] == found[1] == found[2]
        assert found[0]


def test_a_short_click_is_no_event() -> None:
    marks = np.zeros(3000, np.uint8)
    marks[::20] = FrameFlag.CLIPPED
    marks[5::300] = FrameFlag.CONSTANT
    assert not events_of(frames_of(marks))


@pytest.mark.parametrize(("lost_s", "n_events"), [(0.1, 0), (0.45, 0), (0.6, 2), (30.0, 2)])
def test_samples_lost_for_long_are_an_event(lost_s: float, n_events: int) -> None:
    marks = flags(1000, 0, 3000, FrameFlag.VALID)
    events = events_of(frames_of(marks, [(1000, round(lost_s * GRID.tick_hz))]))
    assert len(events) == n_events
    if events:
        assert events[0].kind == events[0].detector == "dropped"
        assert events[1].sample_start == pytest.approx(1000 * N, abs=N)
        assert events[1].n_samples / GRID.tick_hz == pytest.approx(lost_s, abs=2 * FRAME_S)


@pytest.mark.parametrize("hold_off_s", [0.0, 0.03, 0.05, 0.5, 2.0])
def test_one_loss_is_one_event_however_short_the_hold_off(hold_off_s: float) -> None:
    """The window that remembers it is longer than the hold-off: it must not open again."""
    lost = frames_of([FrameFlag.VALID] * 6000, [(1500, round(2.2 * 1.92e6))])
    clipped = frames_of(flags(500, 600, 3000, FrameFlag.CLIPPED))
    for frames in (lost, clipped):
        events = events_of(frames, range(25, frames.n_frames, 25), TroubleRules(hold_off_s))
        types = [event.event_type for event in events]
        assert types.count(EventType.NEW) == types.count(EventType.END) == 1


def test_good_frames_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(TroubleWatch, "_take", never)
    assert not events_of(frames_of([0] * 500), range(1, 500))


def test_a_retune_ends_it_with_the_old_edges() -> None:
    watch = TroubleWatch(INFO, TroubleRules(), lambda: 0)
    frames = frames_of(flags(0, 100, 0, FrameFlag.CLIPPED))
    (new,) = watch.update(seconds(frames, 0, 100), lambda: -30.0)
    moved = RECIPE.framing.grid(900e6)
    (end,) = watch.retune(moved)
    assert (end.event_id, end.freq_lower_hz) == (new.event_id, new.freq_lower_hz)
    (other,) = watch.update(replace(seconds(frames, 0, 100), grid=moved), lambda: -30.0)
    assert other.freq_lower_hz == pytest.approx(new.freq_lower_hz + 100e6)


def test_frames_that_are_known_to_be_whole_need_no_look(rng: np.random.Generator) -> None:
    """A gap before them, and trouble that goes on, count all the same."""
    frames = frames_of(
        [*flags(100, 60, 3000, FrameFlag.CLIPPED), *flags(0, 60, 500, FrameFlag.CONSTANT)],
        [(1000, 3000 * N)],
    )
    edges = sorted({*rng.integers(1, frames.n_frames, 60).tolist(), 1000})
    told, looked = (TroubleWatch(INFO, RULES, lambda: 0) for _ in range(2))
    said: list[list[tuple[str, str, int, int]]] = [[], []]
    for first, stop in pairwise([0, *edges, frames.n_frames]):
        part = seconds(frames, first, stop)
        both = (told, replace(part, is_whole=not part.flags.any())), (looked, part)
        for events, (watch, some) in zip(said, both, strict=True):
            for event in watch.update(some, lambda: -30.0):
                events.append((event.kind, event.event_type, event.sample_start, event.n_samples))
    assert said[0] == said[1]
    assert {kind for kind, *_ in said[0]} == {"overload", "receiver", "dropped"}
