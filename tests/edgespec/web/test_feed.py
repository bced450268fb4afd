"""The feed of the page: rows are the same whatever the chunks, none is torn, and loss is told."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.detect.scan.site import Site
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.grid import Grid, Span
from edgespec.observer.scoring.scorer import Scorer
from edgespec.records import FrameFlag, Geometry, Segment, Spectrogram
from edgespec.web.axes import MOST_COLUMNS, Columns
from edgespec.web.feed import BandFeed
from edgespec.web.feed_memory import PLANES, BandLook, FeedMemory
from edgespec.web.levels import levels_of_band
from edgespec.web.plane_memory import N_ROWS, PLANE_BYTES, PlaneMemory, PlaneReader
from tests.made.shown import AXES, rows_in

#: 1 ms frames of 100 ticks: a row is 17 of them.
GRID = Grid(np.arange(6) * 1e3 + 8e8, 1e3, 100, 1e5)
N_TOGETHER = 17
FOREVER = 1 << 62


def frames_of(power_dbfs: NDArray[np.float32], first: int = 0, grid: Grid = GRID) -> Spectrogram:
    ticks = (first + np.arange(len(power_dbfs), dtype=np.int64)) * grid.frame_ticks
    start = first * grid.frame_ticks
    return Spectrogram(
        power_dbfs,
        np.zeros(len(power_dbfs), np.uint8),
        ticks,
        grid,
        Span(start, len(power_dbfs) * grid.frame_ticks, round(start / grid.tick_hz * 1e9), 1),
    )


@pytest.fixture
def pair() -> tuple[BandFeed, BandLook]:
    memory = FeedMemory(1).band(0)
    return BandFeed(memory), BandLook(memory)


def shown(look: BandLook, plane: str = "power") -> dict[int, bytes]:
    batches, n_lost = look.planes[plane].take()
    assert n_lost == 0
    return dict(rows_in(batches))


def quiet_site(noise: float, n_subbands: int) -> Site:
    """Return a site where nothing is left of the cell but noise."""
    places, subbands = np.ones((20, n_subbands)), np.ones(n_subbands)
    return Site(noise * places, 0.0 * places, places, subbands, noise, 1e-4 * subbands, 0.01)


def naive_rows(power_dbfs: NDArray[np.float32]) -> dict[int, bytes]:
    """Return the whole rows of frames that begin with tick 0, by the plainest loops."""
    db_min, db_step = PLANES["power"]
    found = {}
    for row in range(len(power_dbfs) // N_TOGETHER):
        values = []
        for column in range(power_dbfs.shape[1]):
            most = max(power_dbfs[row * N_TOGETHER + k, column] for k in range(N_TOGETHER))
            values.append(int(min(max(round(float((most - db_min) / db_step)), 1), 255)))
        found[row] = bytes(values)
    return found


def test_any_chunks_give_the_same_rows(rng: np.random.Generator) -> None:
    power = rng.normal(-70.0, 10.0, (N_TOGETHER * 9, GRID.n_bins)).astype(np.float32)
    wanted = naive_rows(power)
    for n_each in (1, 5, N_TOGETHER, 40, len(power)):
        memory = FeedMemory(1).band(0)
        feed, look = BandFeed(memory), BandLook(memory)
        look.look(FOREVER)
        for start in range(0, len(power), n_each):
            feed.power(frames_of(power[start : start + n_each], start))
        assert shown(look) == wanted


def test_who_looks_later_sees_the_same_rows(
    rng: np.random.Generator, pair: tuple[BandFeed, BandLook]
) -> None:
    feed, look = pair
    power = rng.normal(-70.0, 10.0, (N_TOGETHER * 6, GRID.n_bins)).astype(np.float32)
    begun = 2 * N_TOGETHER + 5
    for start in range(len(power)):
        if start == begun:
            look.look(FOREVER)
        feed.power(frames_of(power[start : start + 1], start))
    wanted = naive_rows(power)
    # The row in which somebody began to look is left out: half of it was not seen.
    assert shown(look) == {row: wanted[row] for row in (3, 4, 5)}


def test_nothing_is_made_while_nobody_looks(pair: tuple[BandFeed, BandLook]) -> None:
    feed, look = pair
    power = np.full((N_TOGETHER * 3, GRID.n_bins), -70.0, np.float32)
    feed.power(frames_of(power))
    assert shown(look) == {}
    assert look.planes["power"].about() is None
    look.look(FOREVER)
    feed.power(frames_of(power))
    assert len(shown(look)) == 3


def test_frames_that_were_not_heard_are_not_shown(pair: tuple[BandFeed, BandLook]) -> None:
    feed, look = pair
    look.look(FOREVER)
    power = np.full((2 * N_TOGETHER, GRID.n_bins), -70.0, np.float32)
    power[0] = 0.0
    frames = frames_of(power)
    frames.flags[0] = FrameFlag.DROPPED
    frames.flags[N_TOGETHER:] = FrameFlag.NONFINITE
    feed.power(frames)
    value = round((-70.0 + 124.0) / 0.5)
    assert shown(look) == {0: bytes([value] * 6), 1: bytes(6)}


def test_rows_say_when_they_began(pair: tuple[BandFeed, BandLook]) -> None:
    feed, look = pair
    look.look(FOREVER)
    feed.power(frames_of(np.zeros((5 * N_TOGETHER, GRID.n_bins), np.float32)))
    (batch,), _ = look.planes["power"].take()
    assert (batch.first, batch.n_rows) == (0, 5)
    feed.power(frames_of(np.zeros((N_TOGETHER, GRID.n_bins), np.float32), 9 * N_TOGETHER))
    (batch,), _ = look.planes["power"].take()
    assert batch.first == 9
    assert batch.utc_s == pytest.approx(9 * N_TOGETHER * 1e-3)


def test_a_sweep_is_a_row_as_soon_as_it_is_over(pair: tuple[BandFeed, BandLook]) -> None:
    feed, look = pair
    look.look(FOREVER)
    sweeps = Grid(np.arange(4 * MOST_COLUMNS) * 1e5 + 1e8, 1e5, 1, 0.1)
    for number in range(3):
        power = np.full((1, sweeps.n_bins), -60.0 - number, np.float32)
        feed.power(frames_of(power, number, sweeps))
        (batch,), _ = look.planes["power"].take()
        assert (batch.first, batch.n_rows, batch.axes.row_s) == (number, 1, 10.0)
        assert batch.values == bytes([round((64.0 - number) / 0.5)] * MOST_COLUMNS)


def test_a_retune_begins_other_axes(pair: tuple[BandFeed, BandLook]) -> None:
    feed, look = pair
    look.look(FOREVER)
    other = Grid(np.arange(4) * 1e3 + 9e8, 1e3, 100, 1e5)
    feed.power(frames_of(np.zeros((N_TOGETHER, 6), np.float32)))
    before, _ = look.planes["power"].take()
    feed.power(frames_of(np.zeros((N_TOGETHER, 4), np.float32), N_TOGETHER, other))
    after, _ = look.planes["power"].take()
    assert [one.axes.n_columns for one in (*before, *after)] == [6, 4]
    assert after[0].axes.lower_hz == pytest.approx(9e8 - 500.0)


def test_a_chain_that_was_replaced_is_shown_no_more_until_it_is_back(
    pair: tuple[BandFeed, BandLook],
) -> None:
    """It hears on beside the one in force, as in a swept band that got another model."""
    feed, _ = pair
    plane = SimpleNamespace(grid=GRID)
    before, after = (SimpleNamespace(front_end=plane, cancelled=None) for _ in range(2))
    feed.install(before)  # type: ignore[arg-type]
    feed.install(after)  # type: ignore[arg-type]
    assert (before.front_end, after.front_end.plane) == (plane, plane)
    feed.install(before)  # type: ignore[arg-type]
    assert (before.front_end.plane, after.front_end) == (plane, plane)


def test_slots_are_shown_over_what_is_expected(pair: tuple[BandFeed, BandLook]) -> None:
    feed, look = pair
    look.look(FOREVER)
    grid = Grid(np.arange(3) * 1e5 + 8e8, 1e5, 960, 1.92e6)
    n_slots = 34
    slots = PrefixSlots(
        np.full((n_slots, 3), 4e-6, np.float32),
        np.full((n_slots, 3), 1e-4, np.float32),
        np.arange(n_slots) % 20,
        np.zeros(n_slots, np.uint8),
        np.arange(n_slots, dtype=np.int64) * 960,
        0.0,
        grid,
        Span(0, n_slots * 960, 0, 1),
    )
    feed.residual(slots, quiet_site(1e-6, 3))
    # Four times what is expected is 6 dB over it.
    db_min, db_step = PLANES["residual"]
    assert shown(look, "residual") == {0: bytes([round((6.02 - db_min) / db_step)] * 3)}
    about = look.planes["residual"].about()
    assert about is not None
    assert about[1] is not None
    assert about[1].reference_db == pytest.approx(-60.0)
    assert about[1].threshold_db is None


def test_an_axis_with_a_hole_is_drawn_evenly() -> None:
    grid = Grid(np.array([0.0, 1.0, 2.0, 6.0, 7.0]), 1.0, 1, 1.0)
    columns = Columns(grid)
    out = np.empty(columns.n_columns, np.float32)
    columns.take(np.arange(5, dtype=np.float32), out)
    assert out.tolist() == [0.0, 1.0, 2.0, -np.inf, -np.inf, -np.inf, 3.0, 4.0]


def test_many_bins_share_columns_by_their_largest() -> None:
    n_bins = 3 * MOST_COLUMNS
    columns = Columns(Grid(np.arange(n_bins, dtype=float), 1.0, 1, 1.0))
    out = np.empty(columns.n_columns, np.float32)
    columns.take(np.arange(n_bins, dtype=np.float32), out)
    assert out.tolist() == [3.0 * k + 2.0 for k in range(MOST_COLUMNS)]


def test_whoever_is_overtaken_is_told_how_many_rows_are_lost() -> None:
    memory = memoryview(bytearray(PLANE_BYTES))
    writer, reader = PlaneMemory(memory), PlaneReader(memory)
    writer.tell(AXES)
    n_rows = 3 * N_ROWS
    for row in range(n_rows):
        writer.put(row, float(row), np.full(AXES.n_columns, row % 251, np.uint8))
    batches, n_lost = reader.take()
    rows = dict(rows_in(batches))
    assert n_lost > 0
    assert len(rows) + n_lost == n_rows
    assert rows == {row: bytes([row % 251] * AXES.n_columns) for row in range(n_lost, n_rows)}


def test_a_row_that_is_being_written_is_not_shown() -> None:
    memory = memoryview(bytearray(PLANE_BYTES))
    writer, readers = PlaneMemory(memory), [PlaneReader(memory) for _ in range(AXES.n_columns)]
    writer.tell(AXES)
    for row in range(3):
        writer.put(row, 0.0, np.full(AXES.n_columns, 7, np.uint8))
    # Every byte of the last row, each wrong by itself, as one finds them half-way.
    start = bytes(memory).rindex(bytes([7] * AXES.n_columns))
    for at, reader in enumerate(readers, start):
        memory[at] = 8
        assert [number for number, _ in rows_in(reader.take()[0])] == [0, 1]
        memory[at] = 7
        assert [number for number, _ in rows_in(reader.take()[0])] == [2]


def test_no_row_is_torn_beside_a_writer() -> None:
    memory = memoryview(bytearray(PLANE_BYTES))
    writer, reader = PlaneMemory(memory), PlaneReader(memory)
    writer.tell(AXES)
    n_rows, found, n_lost = 20_000, 0, 0

    def write() -> None:
        values = np.empty(AXES.n_columns, np.uint8)
        for row in range(n_rows):
            values[:] = row % 251
            writer.put(row, 0.0, values)

    thread = threading.Thread(target=write)
    thread.start()
    while True:
        is_over = not thread.is_alive()
        batches, lost = reader.take()
        n_lost += lost
        for number, values in rows_in(batches):
            assert values == bytes([number % 251] * AXES.n_columns)
            found += 1
        if is_over and not batches and not lost:
            break
    assert found + n_lost == n_rows


def test_levels_say_when_a_bin_alone_is_an_alarm(rng: np.random.Generator) -> None:
    geometry = Geometry(64, 1e-3, n_context=4, n_horizon=8, hop_frames=8)
    scorer = Scorer(None, ("zscore", "energy"), geometry, 60)
    context = np.zeros((4, 64), np.float32)
    target = rng.normal(-70.0, 1.0, (8, 64)).astype(np.float32)
    chain = SimpleNamespace(scorer=scorer, thresholds={"zscore": 9.0})
    # Nothing is known of a band before its warm-up is over.
    assert levels_of_band(chain) is None
    for _ in range(62):
        target = rng.normal(-70.0, 1.0, (8, 64)).astype(np.float32)
        scorer.score(Segment(context, target, np.arange(12)))
    levels = levels_of_band(chain)
    assert levels is not None
    assert levels.threshold_db is not None
    target[:] = -70.0 + rng.normal(0.0, 0.3, target.shape)
    target[3, 20] = levels.threshold_db[20]
    scores = scorer.score(Segment(context, target, np.arange(12)))
    # The bin itself is a part of the mean level: 1/64 of what it rises by.
    assert next(one.value for one in scores if one.detector == "zscore") == pytest.approx(9.0, 0.1)


def test_what_fails_in_showing_costs_the_band_nothing(
    pair: tuple[BandFeed, BandLook], caplog: pytest.LogCaptureFixture
) -> None:
    feed, look = pair
    frames = frames_of(np.zeros((N_TOGETHER, 6), np.float32))
    # It has no scorer to ask for what is normal.
    chain = SimpleNamespace(
        front_end=SimpleNamespace(process=lambda block: frames, grid=GRID), cancelled=None
    )
    feed.install(chain)
    look.look(FOREVER)
    for _ in range(3):
        assert chain.front_end.process(None) is frames
    assert chain.front_end.grid is GRID
    assert caplog.text.count("nothing more of a band can be shown") == 1
    assert len(shown(look)) == 1
