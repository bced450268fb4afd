"""Laws of the watch of a cell: what it sees, what it calls it, and what it lets pass."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.detect.cell.lost import LostWatch
from edgespec.detect.cell.sighting import CellScore, CellSighting
from edgespec.detect.cell.watch import CellWatch
from edgespec.lte.reference_slots import ReferenceSlots
from edgespec.records import FrameFlag
from tests.made.levels import N_BINS, SLOT_TICKS, fading, slots_of, still

N_LEARN = 800


def part(slots: ReferenceSlots, first: int, stop: int) -> ReferenceSlots:
    names = ("product", "power", "count", "slot", "flags", "tick_start")
    return ReferenceSlots(
        **{name: getattr(slots, name)[first:stop] for name in names},
        grid=slots.grid,
        span=slots.span,
    )


def through(
    watch: CellWatch, slots: ReferenceSlots, sizes: Iterable[int] = ()
) -> tuple[list[CellScore], list[CellSighting]]:
    """Return all scores and sightings of slots, given in runs of ``sizes``, then of 20."""
    scores, at, left = [], 0, list(sizes)
    while at < slots.n_slots:
        size = left.pop(0) if left else 20
        score = watch.update(part(slots, at, at + size))
        at += size
        if score is not None:
            scores.append(score)
    return scores, [one for score in scores for one in score.sightings]


def watch_after(level: NDArray[np.float64], rng: np.random.Generator) -> CellWatch:
    watch = CellWatch()
    through(watch, slots_of(level, rng))
    assert watch.is_ready
    return watch


def step(level: NDArray[np.float64], at: int, size_db: float, bins: slice) -> NDArray[np.float64]:
    changed = level.copy()
    changed[at:, bins] *= 10 ** (size_db / 10)
    return changed


ALL = slice(None)


@pytest.mark.parametrize("size_db", [-10.0, -5.0, 5.0, 10.0])
@pytest.mark.parametrize("moves", [False, True], ids=["still", "moving"])
def test_a_power_step_is_seen_once_at_its_place_and_with_its_size(
    rng: np.random.Generator, size_db: float, moves: bool
) -> None:
    level = fading(1200, rng, 5.0) if moves else still(1200)
    watch = watch_after(level[:N_LEARN], rng)
    changed = step(level, 1003, size_db, ALL)[N_LEARN:]
    scores, seen = through(watch, slots_of(changed, rng, noise=0.02, first_slot=N_LEARN))
    assert [one.kind for one in seen] == ["power step"]
    (found,) = seen
    assert abs(found.tick / SLOT_TICKS - 1003) <= 2
    assert found.size_db == pytest.approx(size_db, abs=2.0 if moves else 0.3)
    assert found.share > 0.8
    assert max(score.value for score in scores) > watch.limit


@pytest.mark.parametrize(("first", "stop"), [(0, 8), (5, 21), (0, N_BINS)])
def test_carriers_down_have_their_share_and_their_edges(
    rng: np.random.Generator, first: int, stop: int
) -> None:
    watch = watch_after(still(N_LEARN), rng)
    level = still(100)
    level[40:, first:stop] = 0.0
    slots = slots_of(level, rng, first_slot=N_LEARN)
    _, (found, *_) = through(watch, slots)
    assert found.kind == "carriers down"
    assert found.size_db < -10.0
    lower_hz, upper_hz = slots.grid.edges_hz(first, stop - 1)
    assert found.freq_lower_hz == pytest.approx(lower_hz, abs=90e3)
    assert found.freq_upper_hz == pytest.approx(upper_hz, abs=90e3)
    assert found.share == pytest.approx((stop - first) / N_BINS, abs=0.05)


def test_a_step_of_the_gain_moves_noise_alike_and_is_told_apart(rng: np.random.Generator) -> None:
    watch = watch_after(still(N_LEARN), rng)
    quiet = slots_of(still(40), rng, first_slot=N_LEARN)
    through(watch, quiet)
    louder = slots_of(still(100, 4.0), rng, noise=0.2, first_slot=N_LEARN + 40)
    _, seen = through(watch, louder)
    assert [one.kind for one in seen] == ["gain step"]
    assert seen[0].size_db == pytest.approx(6.0, abs=0.2)
    watch.follow(seen[0].size_db)
    again = slots_of(still(100, 4.0), rng, noise=0.2, first_slot=N_LEARN + 140)
    scores, _ = through(watch, again)
    assert max(score.value for score in scores[2:]) < watch.limit


@pytest.mark.parametrize("doppler_hz", [0.0, 5.0, 30.0])
def test_normal_signal_gives_no_sighting(rng: np.random.Generator, doppler_hz: float) -> None:
    level = fading(4000, rng, doppler_hz) if doppler_hz else still(4000)
    watch = CellWatch()
    scores, seen = through(watch, slots_of(level, rng, noise=0.1))
    assert seen == []
    values = np.array([score.value for score in scores])
    # One is what 97% of the windows of the warm-up stayed below.
    assert np.mean(values > 1.0) < 0.3
    assert np.mean(values > 0.3) > 0.3


def test_a_cell_is_lost_only_after_long_enough(rng: np.random.Generator) -> None:
    watch = watch_after(still(N_LEARN), rng)
    level = still(400)
    level[40:80] = 0.0
    level[180:] = 0.0
    slots = slots_of(level, rng, first_slot=N_LEARN)
    _, seen = through(watch, part(slots, 0, 200))
    assert "cell lost" not in [one.kind for one in seen]
    assert not watch.is_lost
    _, seen = through(watch, part(slots, 200, 400))
    assert [one.kind for one in seen].count("cell lost") == 1
    assert watch.is_lost
    back = slots_of(still(200), rng, first_slot=N_LEARN + 400)
    scores, _ = through(watch, back)
    assert not watch.is_lost
    assert scores[-1].coherence > 0.8


def test_a_jammed_cell_is_not_called_lost(rng: np.random.Generator) -> None:
    """Noise 26 dB above the level: the coherence is that of another identity."""
    watch = watch_after(still(N_LEARN), rng)
    _, seen = through(watch, slots_of(still(600), rng, noise=400.0, first_slot=N_LEARN))
    assert "cell lost" not in [one.kind for one in seen]
    assert not watch.is_lost


def test_how_slots_are_cut_into_runs_changes_no_sighting(rng: np.random.Generator) -> None:
    level = step(fading(1500, rng, 8.0), 1100, 6.0, ALL)
    slots = slots_of(level, rng)
    scores, seen = through(CellWatch(), slots)
    assert seen
    # Means drift run by run: by less than 1e-3 here.
    for sizes in ([800] + [1] * 700, [800, 3, 297, 13, 387]):
        other, same = through(CellWatch(), slots, sizes)
        assert [replace(one, score=0.0) for one in same] == [
            replace(one, score=0.0) for one in seen
        ]
        assert [one.score for one in same] == pytest.approx([one.score for one in seen], rel=1e-3)
        assert max(s.value for s in other) == pytest.approx(max(s.value for s in scores), rel=1e-3)


def test_silent_and_flagged_slots_are_passed_over(rng: np.random.Generator) -> None:
    """Time division: four slots of ten are active; and one slot clips, whatever it shows."""
    count = np.where(np.arange(4000) % 10 < 4, 2, 0).astype(np.uint8)
    level = still(4000)
    flags = np.zeros(4000, np.uint8)
    flags[3000] = FrameFlag.CLIPPED
    level[3000] = 50.0
    level[3400:] *= 0.4
    watch = CellWatch()
    _, seen = through(watch, slots_of(level, rng, count=count, flags=flags))
    assert [one.kind for one in seen] == ["power step"]
    assert abs(seen[0].tick / SLOT_TICKS - 3400) <= 10


def test_behind_a_gap_fading_is_no_step(rng: np.random.Generator) -> None:
    level = fading(6000, rng, 8.0)
    watch = watch_after(level[:N_LEARN], rng)
    ends = []
    for first in range(N_LEARN, 6000, 400):
        slots = slots_of(level[first : first + 100], rng, first_slot=first)
        ends += through(watch, slots)[1]
    assert ends == []


def test_timing_that_is_off_turns_the_level_back(rng: np.random.Generator) -> None:
    """Samples lost unseen: 3.2 us turn pilots of 90 kHz by 1.8 rad for two frames."""
    watch = watch_after(still(N_LEARN), rng)
    slots = slots_of(still(100), rng, first_slot=N_LEARN)
    slots.product[30:70] *= np.complex64(np.exp(1.8j))
    _, seen = through(watch, slots)
    assert seen == []


def test_weak_bins_beside_the_cell_do_not_count(rng: np.random.Generator) -> None:
    level = still(1000)
    level[:, :6] = 0.001
    watch = watch_after(level[:N_LEARN], rng)
    changed = level[N_LEARN:].copy()
    changed[50:, :6] = 0.03
    _, seen = through(watch, slots_of(changed, rng, first_slot=N_LEARN))
    assert seen == []


@pytest.mark.parametrize("level", [0.0, 1e-6])
def test_a_site_without_a_cell_loses_none(rng: np.random.Generator, level: float) -> None:
    watch = CellWatch()
    slots = slots_of(still(2000, level), rng)
    # As it would be if all of the little that is there were below zero.
    slots.product[:1000] = -np.abs(slots.product[:1000].real)
    scores, seen = through(watch, slots)
    assert watch.is_ready
    assert not watch.is_lost
    assert "cell lost" not in [one.kind for one in seen]
    assert np.isfinite([score.value for score in scores]).all()


def test_it_settles_for_less_but_not_for_nothing(rng: np.random.Generator) -> None:
    watch = CellWatch()
    slots = slots_of(still(400), rng)
    through(watch, part(slots, 0, 100))
    watch.settle()
    assert not watch.is_ready
    through(watch, part(slots, 100, 300))
    watch.settle()
    assert watch.is_ready
    watch.reset()
    assert not watch.is_ready
    assert watch.update(part(slots, 300, 400)) is None


def test_what_an_interferer_does_to_some_bins_is_no_step(rng: np.random.Generator) -> None:
    """Its power is in two of them, and a part of it in their level."""
    watch = watch_after(still(N_LEARN), rng)
    level = step(still(200), 80, 4.0, slice(10, 12))
    slots = slots_of(level, rng, first_slot=N_LEARN)
    slots.power[80:, 10:13] += 4.0 * float(slots.power.mean())
    _, seen = through(watch, slots)
    assert seen == []
    _, without = through(watch_after(still(N_LEARN), rng), slots_of(level, rng, first_slot=N_LEARN))
    assert [one.kind for one in without] == ["power step"]


@pytest.mark.parametrize("size", [1, 7, 50])
def test_means_over_many_rows_at_once_are_those_of_one_after_the_other(
    rng: np.random.Generator, size: int
) -> None:
    """While every row shows the cell; a row that does not goes the long way."""
    coherence = rng.uniform(0.5, 1.0, 350)
    coherence[150:300] = rng.uniform(0.0, 0.05, 150)
    level, noise = rng.uniform(0.9, 1.1, 350), rng.uniform(0.0, 0.1, 350)
    level[150:300] = 0.0
    one, many = LostWatch(50, 0.9, 1.0), LostWatch(50, 0.9, 1.0)
    for row in range(350):
        one.update(coherence[row : row + 1], level[row : row + 1], noise[row : row + 1])
    lost = []
    for first in range(0, 350, size):
        rows = slice(first, first + size)
        many.update(coherence[rows], level[rows], noise[rows])
        lost.append(many.is_lost)
    assert 0 < sum(lost) < len(lost) / 2
    assert (many.coherence, many.left_db) == pytest.approx((one.coherence, one.left_db), rel=1e-12)
