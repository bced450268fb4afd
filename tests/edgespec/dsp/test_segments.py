"""Segments do not depend on how frames arrive, and every position of the grid is accounted for."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.dsp.segments import Segmenter
from edgespec.errors import ModelError
from edgespec.framing import Recipe
from edgespec.records import FrameFlag, Spectrogram
from tests import naive

RECIPE = Recipe(1e6, n_fft=64, n_averages=2, n_context=8, n_horizon=4, hop_frames=3)
FRAMING, GEOMETRY = RECIPE.framing, RECIPE.geometry
N, GRID = FRAMING.frame_samples, FRAMING.grid()


def stream(n_frames, flags=(), shifts=()):
    """Frames whose power is their number; ``shifts`` are (frame, lost samples)."""
    power = np.repeat(np.arange(n_frames, dtype=np.float32)[:, None], 64, axis=1)
    marks = np.zeros(n_frames, np.uint8)
    for frame, flag in flags:
        marks[frame] |= flag
    start = np.arange(n_frames, dtype=np.int64) * N
    for frame, n_lost in shifts:
        start[frame:] += n_lost
    return Spectrogram(power, marks, start, GRID)


def cut(frames, edges):
    for first, stop in zip([0, *edges], [*edges, frames.n_frames], strict=True):
        yield frames.part(slice(first, stop))


def run(parts, geometry=GEOMETRY):
    """First frames of all segments, after checking what they hold, and the skipped counts."""
    segmenter, found = Segmenter(geometry), []
    for part in parts:
        segmenter.push(part)
        for segment in segmenter.segments():
            numbers = np.concatenate([segment.context, segment.target])[:, 0]
            first = int(numbers[0])
            assert numbers.tolist() == list(range(first, first + geometry.n_segment))
            assert len(segment.context) == geometry.n_context
            assert (np.diff(segment.tick_start) == N).all()
            found.append(first)
    return found, segmenter.skipped


def test_one_segment_every_hop():
    found, skipped = run([stream(30)])
    assert found == [0, 3, 6, 9, 12, 15, 18]
    assert not any(skipped.values())


@pytest.mark.parametrize("hop_frames", [1, 3, 12, 20])
def test_any_chunking_gives_the_segments_of_the_definition(rng, hop_frames):
    geometry = replace(GEOMETRY, hop_frames=hop_frames)
    kinds = [FrameFlag.DROPPED, FrameFlag.CLIPPED, FrameFlag.NONFINITE, FrameFlag.CONSTANT]
    for _ in range(20):
        n_frames = 200
        flags = [(int(k), rng.choice(kinds)) for k in rng.integers(0, n_frames, 6)]
        shifts = [(int(k), int(rng.integers(1, 500))) for k in rng.integers(1, n_frames, 2)]
        frames = stream(n_frames, flags, shifts)
        expected = naive.segments(frames.flags, frames.tick_start, N, geometry)
        for edges in (
            [],
            range(1, n_frames),
            np.sort(rng.integers(0, n_frames, 7)).tolist(),
            [150],
        ):
            found, skipped = run(cut(frames, list(edges)), geometry)
            assert found == expected[0]
            # A gap that has come but has no frame behind it yet is not counted yet.
            if not frames.flags[-1] & FrameFlag.DROPPED:
                assert skipped == expected[1]


def test_every_position_is_a_segment_or_counted():
    frames = stream(60, [(20, FrameFlag.CLIPPED), (45, FrameFlag.CLIPPED | FrameFlag.CONSTANT)])
    found, skipped = run([frames])
    assert len(found) + sum(skipped.values()) == (60 - GEOMETRY.n_segment) // 3 + 1
    # Frame 20 is in the segments from 9, 12, 15, 18; frame 45 in those from 36, 39, 42, 45.
    assert skipped == {"dropped": 0, "nonfinite": 0, "clipped": 8, "constant": 0, "retuned": 0}
    assert found == [0, 3, 6, 21, 24, 27, 30, 33, 48]


def test_the_grid_begins_anew_behind_a_dropped_frame():
    found, skipped = run([stream(40, [(13, FrameFlag.DROPPED)])])
    # Segments from 3, 6, 9 and 12 were begun and cut short.
    assert found == [0, *range(14, 29, 3)]
    assert skipped["dropped"] == 4


def test_a_gap_without_a_dropped_frame_is_noticed():
    found, skipped = run([stream(40, shifts=[(14, 77)])])
    assert found == [0, *range(14, 29, 3)]
    assert skipped["dropped"] == 4


def test_segments_are_views_and_the_buffer_stays(rng):
    segmenter = Segmenter(GEOMETRY)
    frames = stream(30)
    addresses = set()
    for _ in range(50):
        for part in cut(frames, [7, 20]):
            segmenter.push(part)
            for segment in segmenter.segments():
                assert segment.context.base is segment.target.base
                addresses.add(segment.context.base.ctypes.data)
    assert len(addresses) == 1


def test_frames_that_nobody_took_are_kept():
    segmenter = Segmenter(GEOMETRY)
    for part in cut(stream(300), list(range(10, 300, 10))):
        segmenter.push(part)
    assert len(list(segmenter.segments())) == (300 - GEOMETRY.n_segment) // 3 + 1


def test_reset_forgets_frames_and_keeps_counts():
    segmenter = Segmenter(GEOMETRY)
    segmenter.push(stream(11))
    segmenter.reset()
    segmenter.push(stream(12))
    assert len(list(segmenter.segments())) == 1
    assert not any(segmenter.skipped.values())


@pytest.mark.parametrize("flags", [(), [(0, FrameFlag.DROPPED)]])
def test_no_segment_lies_on_two_grids(flags):
    """A retune cuts segments short as a gap does and is counted apart, whatever is lost then."""
    before, after = stream(14).part(slice(0, 14)), stream(40, flags).part(slice(0, 26))
    after = replace(after, tick_start=after.tick_start + 14 * N, grid=FRAMING.grid(1e9))
    after = replace(after, power_dbfs=after.power_dbfs + np.float32(14))
    n_lost = len(flags)
    for edges in ([], [1], range(1, 26)):
        found, skipped = run([before, *cut(after, list(edges))])
        assert found == [0, *range(14 + n_lost, 29, 3)]
        assert skipped == dict.fromkeys(skipped, 0) | {"retuned": 4}


def test_frames_of_another_width_are_refused():
    segmenter = Segmenter(replace(GEOMETRY, n_bins=32))
    with pytest.raises(ModelError, match=r"64 bins, but segments of 32"):
        segmenter.push(stream(5))


def watched(parts, geometry):
    """What a watch makes of the frames: see :func:`tests.naive.partial_segments`."""
    segmenter, found = Segmenter(geometry, partial=True), []
    for part in parts:
        segmenter.push(part)
        for segment in segmenter.segments():
            numbers = tuple(int(power) for power in segment.target[:, 0])
            found.append((numbers, segment.has_context, segment.reason))
            assert len(segment.flags) == len(segment.tick_start)
            assert len(segment.flags) == len(segment.context) + geometry.n_horizon
            assert (np.diff(segment.tick_start) == N).all()
    return found


@pytest.mark.parametrize("hop_frames", [1, 3, 4, 12, 20])
def test_a1_no_target_is_lost_to_a_bad_context(rng, hop_frames):
    geometry = replace(GEOMETRY, hop_frames=hop_frames)
    kinds = [FrameFlag.DROPPED, FrameFlag.CLIPPED, FrameFlag.NONFINITE, FrameFlag.CONSTANT]
    for _ in range(20):
        n_frames = 200
        flags = [(int(k), rng.choice(kinds)) for k in rng.integers(0, n_frames, 20)]
        shifts = [(int(k), int(rng.integers(1, 500))) for k in rng.integers(1, n_frames, 3)]
        frames = stream(n_frames, flags, shifts)
        expected = naive.partial_segments(frames.flags, frames.tick_start, N, geometry)
        for edges in ([], range(1, n_frames), np.sort(rng.integers(0, n_frames, 7)).tolist()):
            assert watched(cut(frames, list(edges)), geometry) == expected


def test_of_good_frames_a_watch_makes_the_same_segments():
    frames = stream(100)
    whole = [tuple(range(first + 8, first + 12)) for first in run([frames])[0]]
    assert watched([frames], GEOMETRY) == [(target, True, "") for target in whole]


def test_a1_a_clipped_frame_in_every_target_leaves_all_of_them():
    frames = stream(100, [(frame, FrameFlag.CLIPPED) for frame in range(0, 100, 3)])
    assert run([frames])[0] == []
    found = watched([frames], GEOMETRY)
    assert len(found) == (100 - GEOMETRY.n_segment) // 3 + 1
    assert {reason for _, _, reason in found} == {""}
    assert not any(has_context for _, has_context, _ in found)


@pytest.mark.parametrize("partial", [False, True])
def test_a_pause_cuts_short_what_is_unfinished_and_loses_nothing(partial):
    """The first target behind it begins with its first frame, whatever comes before."""
    for n_before in range(60):
        segmenter = Segmenter(GEOMETRY, partial=partial)
        before, after = stream(max(n_before, 1)), stream(60)
        targets = []
        for n, frames in ((n_before, before), (60, after)):
            shifted = replace(frames, tick_start=frames.tick_start + 10**6 * (frames is after))
            if n:
                segmenter.push(shifted)
            targets += [int(s.tick_start[-GEOMETRY.n_horizon]) for s in segmenter.segments()]
            segmenter.pause()
        assert segmenter.skipped["dropped"] == 0
        first = next(tick for tick in targets if tick >= 10**6)
        assert first == 10**6 + (0 if partial else GEOMETRY.n_context * N)
        # As many as there would be of two streams.
        alone = [len(run([part])[0]) for part in (before, after) if len(part.tick_start)]
        if not partial and n_before:
            assert len(targets) == sum(alone)


def test_a_pause_twice_is_a_pause():
    segmenter = Segmenter(GEOMETRY, partial=True)
    segmenter.push(stream(50))
    list(segmenter.segments())
    for _ in range(2):
        segmenter.pause()
    skipped = dict(segmenter.skipped)
    segmenter.pause()
    assert segmenter.skipped == skipped
    segmenter.push(stream(GEOMETRY.n_horizon))
    assert len(list(segmenter.segments())) == 1


def test_a_retune_begins_a_watch_with_a_context():
    before, after = stream(40), stream(40)
    after = replace(after, tick_start=after.tick_start + 40 * N, grid=FRAMING.grid(1e9))
    after = replace(after, power_dbfs=after.power_dbfs + np.float32(40))
    found = watched([before, after], GEOMETRY)
    assert next(target[0] for target, _, _ in found if target[0] >= 40) == 48
    assert all(has_context for _, has_context, _ in found)


@pytest.mark.parametrize("partial", [False, True])
def test_frames_that_are_known_to_be_whole_need_no_look(rng, partial):
    """``is_whole`` saves work only; a gap before such frames is still seen."""
    for _ in range(20):
        n_frames = 120
        flags = [(int(k), FrameFlag.CONSTANT) for k in rng.integers(0, n_frames, 2)]
        shifts = [(int(k), int(rng.integers(1, 500))) for k in rng.integers(1, n_frames, 2)]
        frames = stream(n_frames, flags, shifts)
        cuts = sorted({*rng.integers(1, n_frames, 12).tolist(), *(frame for frame, _ in shifts)})
        told, looked = (Segmenter(GEOMETRY, partial=partial) for _ in range(2))
        n_whole = 0
        for part in cut(frames, cuts):
            is_whole = not part.flags.any()
            n_whole += is_whole
            told.push(replace(part, is_whole=is_whole))
            looked.push(part)
            pairs = zip(told.segments(), looked.segments(), strict=True)
            for one, other in pairs:
                np.testing.assert_array_equal(one.context, other.context)
                np.testing.assert_array_equal(one.target, other.target)
                np.testing.assert_array_equal(one.tick_start, other.tick_start)
                np.testing.assert_array_equal(one.flags, other.flags)
                assert (one.has_context, one.reason) == (other.has_context, other.reason)
        assert told.skipped == looked.skipped
        assert n_whole > 3
