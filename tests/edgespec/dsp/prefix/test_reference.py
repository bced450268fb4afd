"""Laws of the plane of reference signals: what it measures, and what does not move it."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.dsp.prefix import pilot_loops, pilot_plain
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.pilot_clock import PilotClock
from edgespec.dsp.prefix.pilot_plan import pilot_plan
from edgespec.dsp.prefix.reference import ReferencePlane
from edgespec.errors import ConfigError, SourceError
from edgespec.lte.reference_slots import ReferenceSlots
from edgespec.records import FrameFlag, IqBlock, SampleFormat
from edgespec.simulate.receiver import quantise
from tests import naive
from tests.made.pilot_signal import cell_of, pilot_signal

CENTER_HZ = 806e6
WAYS = [Computing.PLAIN, pytest.param(Computing.COMPILED, marks=[pytest.mark.slow_without_jit])]
AMPLITUDE = 0.01


def plane_for(
    cell: Cell,
    sample_format: SampleFormat = SampleFormat.CF32,
    computing: Computing = Computing.PLAIN,
    n_blocks: int = 6,
    max_block_samples: int = 400_000,
) -> ReferencePlane:
    return ReferencePlane(
        cell,
        sample_format,
        center_freq_hz=CENTER_HZ,
        max_block_samples=max_block_samples,
        n_blocks=n_blocks,
        computing=computing,
    )


def block_of(
    samples: NDArray[np.generic], rate_hz: float, first: int = 0, n_dropped: int = 0
) -> IqBlock:
    return IqBlock(samples, rate_hz, CENTER_HZ, first, round(first / rate_hz * 1e9), n_dropped)


def copied(slots: ReferenceSlots) -> ReferenceSlots:
    names = ("product", "power", "count", "slot", "flags", "tick_start")
    return replace(slots, **{name: getattr(slots, name).copy() for name in names})


def through(
    plane: ReferencePlane, samples: NDArray[np.generic], sizes: list[int], first: int = 0
) -> list[ReferenceSlots]:
    """Return what comes out of samples in blocks of these sizes, copied."""
    out, at = [], 0
    for size in sizes:
        part = samples[at : at + size]
        if len(part):
            block = block_of(part, plane.cell.sample_rate_hz, first + at)
            out.append(copied(plane.process(block)))
        at += size
    return out


def noise(rng: np.random.Generator, n: int, power: float) -> NDArray[np.complex64]:
    pairs = rng.standard_normal((n, 2)) * np.sqrt(power / 2)
    return pairs.astype(np.float32).view(np.complex64).reshape(-1)


@pytest.mark.parametrize("computing", WAYS)
@pytest.mark.parametrize(
    ("rate_hz", "prefix", "identity"),
    [(1.92e6, "normal", 123), (2.4e6, "extended", 7), (5e6, "normal", 500), (3.84e6, "normal", 8)],
)
def test_it_is_the_plain_sum(
    rng: np.random.Generator, computing: Computing, rate_hz: float, prefix: str, identity: int
) -> None:
    """To float32: pilots of .01 are sums of hundreds of products, exact to some 1e-7 of all."""
    cell = cell_of(rate_hz, identity, prefix=prefix, frame_start=-401.3, cfo_hz=2300.0, ppm=20.0)
    n_samples = int(2.1e-3 * rate_hz)
    samples = pilot_signal(cell, n_samples) + noise(rng, n_samples, 1e-3)
    slots = plane_for(cell, computing=computing).process(block_of(samples, rate_hz))
    assert slots.n_slots >= 3
    for k in range(slots.n_slots):
        slot = int(slots.slot[k])
        product, power = naive.pilot_products(samples, cell, 6, cell.frame_start, cell.ppm, slot)
        np.testing.assert_allclose(slots.product[k], product, atol=2e-9 + 2e-5 * AMPLITUDE**2)
        np.testing.assert_allclose(slots.power[k], power, atol=2e-9 + 2e-5 * AMPLITUDE**2)
        assert slots.count[k] == 2
        assert abs(slots.tick_start[k] - cell.frame_start - slot * rate_hz / 2000) < 1.0


@pytest.mark.parametrize("rate_hz", [1.92e6, 2.4e6, 3.84e6, 5e6, 7.68e6])
@pytest.mark.parametrize("prefix", ["normal", "extended"])
def test_the_level_is_the_power_of_one_element_at_any_rate(rate_hz: float, prefix: str) -> None:
    """Of a fraction of a sample that is left out, less than 1% of the neighbours remains."""
    cell = cell_of(rate_hz, 77, prefix=prefix, frame_start=123.4, cfo_hz=-4100.0)
    samples = pilot_signal(cell, int(5e-3 * rate_hz))
    slots = plane_for(cell).process(block_of(samples, rate_hz))
    level = slots.product.real.sum(axis=0) / slots.count.sum()
    np.testing.assert_allclose(level, AMPLITUDE**2, rtol=0.01)
    np.testing.assert_allclose(slots.power.sum(axis=0) / slots.count.sum(), level.mean(), rtol=0.01)


def test_a_wrong_identity_has_no_level(rng: np.random.Generator) -> None:
    cell = cell_of(1.92e6, 123)
    samples = pilot_signal(cell, 96_000)
    other = plane_for(cell_of(1.92e6, 129)).process(block_of(samples, 1.92e6))
    level = other.product.sum() / other.count.sum() / other.product.shape[1]
    assert abs(level) < 0.05 * AMPLITUDE**2


@pytest.mark.parametrize("computing", WAYS)
@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_any_division_of_the_stream_gives_the_same_bits(
    rng: np.random.Generator, computing: Computing, sample_format: SampleFormat
) -> None:
    cell = cell_of(1.92e6, 21, frame_start=-3000.2, cfo_hz=500.0, ppm=3.0)
    wave = pilot_signal(cell, 60_000) + noise(rng, 60_000, 1e-3)
    samples = sample_format.empty(len(wave))
    quantise(wave, sample_format, 0 if sample_format is SampleFormat.CF32 else 8, samples)
    whole = through(plane_for(cell, sample_format, computing), samples, [60_000])[0]
    assert whole.n_slots > 55
    for largest in (37, 900, 7000):
        sizes = [int(n) for n in rng.integers(1, largest + 1, 2 * 60_000 // largest + 500)]
        sizes.append(60_000)
        parts = through(plane_for(cell, sample_format, computing), samples, sizes)
        for name in ("product", "power", "count", "slot", "flags", "tick_start"):
            joined = np.concatenate([getattr(part, name) for part in parts])
            np.testing.assert_array_equal(joined, getattr(whole, name))


def test_noise_and_traffic_have_no_mean_in_the_level(rng: np.random.Generator) -> None:
    """Noise as strong as the pilots: 40 slots x 2 x 11 products leave 1 / sqrt(880) of it."""
    cell = cell_of()
    quiet = pilot_signal(cell, 40 * 960)
    loud = quiet + noise(rng, len(quiet), 128 * AMPLITUDE**2)
    levels = []
    for samples in (quiet, loud):
        slots = plane_for(cell).process(block_of(samples, 1.92e6))
        levels.append(slots.product.real.sum() / slots.count.sum() / 11)
    assert levels[0] == pytest.approx(AMPLITUDE**2, rel=0.01)
    assert levels[1] == pytest.approx(AMPLITUDE**2, rel=0.2)


@pytest.mark.parametrize("late_us", [-1.0, 0.6])
def test_what_comes_late_is_measured_and_followed(late_us: float) -> None:
    cell = cell_of(1.92e6, 45)
    plane = plane_for(cell)
    samples = pilot_signal(cell, 192_000, late_s=late_us * 1e-6)
    plane.process(block_of(samples[:19_200], 1.92e6))
    assert plane.clock.late_s == pytest.approx(late_us * 1e-6, abs=2e-8)
    assert plane.clock.coherence > 0.95
    for first in range(19_200, 192_000, 19_200):
        plane.process(block_of(samples[first : first + 19_200], 1.92e6, first))
    assert abs(plane.clock.late_s) < 5e-8


def test_a_clock_that_runs_26_ppm_fast_is_found_and_kept() -> None:
    """Unknown to the search, it leaves a prefix in .1 s; a start wrong by .5 us beside it."""
    truth = cell_of(1.92e6, 300, frame_start=50.0, ppm=26.0)
    plane = plane_for(replace(truth, ppm=0.0, frame_start=51.0))
    samples = pilot_signal(truth, 400_000)
    slots = plane.process(block_of(samples, 1.92e6))
    assert plane.clock.ppm == pytest.approx(26.0, abs=0.5)
    n_frames = round((plane.clock.frame_start - 50.0) / 19_200)
    true_start = 50.0 + n_frames * 19_200 * (1 + 26e-6)
    assert plane.clock.frame_start == pytest.approx(true_start, abs=0.2)
    level = slots.product.real[-100:].mean() / 2
    assert level == pytest.approx(AMPLITUDE**2, rel=0.02)


def test_samples_lost_unseen_move_the_start_and_not_the_drift() -> None:
    """Six samples of 1.92 MS/s are 3.1 us: a radio that does that every 80 ms is on record."""
    cell = cell_of(1.92e6, 45, ppm=20.0)
    plane = plane_for(cell)
    samples = pilot_signal(cell, 288_000)
    plane.process(block_of(np.delete(samples, slice(100_000, 100_006)), 1.92e6))
    # Were it drift, it would be 310 ppm for a frame.
    assert plane.clock.ppm == pytest.approx(20.0, abs=1.0)
    assert abs(plane.clock.late_s) < 5e-8
    n_frames = round(plane.clock.frame_start / 19_200)
    true_start = n_frames * 19_200 * (1 + 20e-6) - 6
    assert plane.clock.frame_start == pytest.approx(true_start, abs=0.2)


def test_one_frame_that_is_far_off_moves_nothing() -> None:
    clock = PilotClock(0.0, 19_200.0, 5.0, 90e3)
    for _ in range(10):
        clock.end_frame(1.0 + 0j, 1.0)
    before = clock.frame_start, clock.ppm
    clock.end_frame(1j, 1.0)
    assert clock.late_s == pytest.approx(1 / 4 / 90e3)
    assert clock.frame_start == pytest.approx(before[0] + 19_200 * (1 + 5e-6))
    clock.end_frame(1.0 + 0j, 1.0)
    assert clock.ppm == before[1]


def test_a_frozen_plane_keeps_its_timing() -> None:
    cell = cell_of(1.92e6, 45, ppm=10.0)
    plane = plane_for(cell)
    plane.freeze(True)
    plane.process(block_of(pilot_signal(cell, 192_000, late_s=8e-7), 1.92e6))
    assert plane.clock.ppm == 10.0
    assert plane.clock.frame_start == pytest.approx(10 * 19_200 * (1 + 10e-6))
    assert plane.clock.late_s == pytest.approx(8e-7, abs=5e-8)


def test_without_a_cell_the_clock_runs_on(rng: np.random.Generator) -> None:
    cell = cell_of(1.92e6, 45, ppm=10.0)
    plane = plane_for(cell)
    plane.process(block_of(noise(rng, 192_000, 1e-3), 1.92e6))
    assert plane.clock.ppm == 10.0
    assert plane.clock.coherence < 0.1


@pytest.mark.parametrize("computing", WAYS)
def test_the_pattern_of_a_divided_time_is_learnt(computing: Computing) -> None:
    """Subframes 0, 1 and 5 to 9 belong to the cell, and of subframe 1 three symbols."""
    cell = cell_of(1.92e6, 21, duplex="tdd")
    samples = pilot_signal(cell, 192_000)
    sent = np.zeros((20, 2), bool)
    sent[[0, 1, *range(10, 20)]] = True
    sent[2, 0] = True
    for slot in range(200):
        for symbol, (start, stop) in enumerate(((0, 200), (400, 760))):
            if not sent[slot % 20, symbol]:
                samples[slot * 960 + start : slot * 960 + stop] = 0.0
    plane = plane_for(cell, computing=computing)
    first = copied(plane.process(block_of(samples[:19_200], 1.92e6)))
    np.testing.assert_array_equal(np.flatnonzero(first.count), [0, 1, 2, 10, 11])
    plane.process(block_of(samples[19_200:134_400], 1.92e6, 19_200))
    np.testing.assert_array_equal(plane.active.mask, sent)
    last = plane.process(block_of(samples[134_400:], 1.92e6, 134_400))
    silent = last.count == 0
    assert not last.power[silent].any()
    level = last.product.real.sum() / last.count.sum() / 11
    assert level == pytest.approx(AMPLITUDE**2, rel=0.01)


def test_behind_a_gap_slots_have_their_numbers_again(rng: np.random.Generator) -> None:
    cell = cell_of(1.92e6, 21, frame_start=400.0)
    samples = pilot_signal(cell, 100_000)
    whole = through(plane_for(cell), samples, [100_000])[0]
    plane = plane_for(cell)
    before = copied(plane.process(block_of(samples[:30_000], 1.92e6)))
    after = plane.process(block_of(samples[71_234:], 1.92e6, 71_234, n_dropped=41_234))
    ticks = np.concatenate([before.tick_start, after.tick_start])
    # Timing was corrected a few times less: by less than a sample.
    rows = [int(np.argmin(np.abs(whole.tick_start - tick))) for tick in ticks]
    assert np.abs(whole.tick_start[rows] - ticks).max() <= 1
    np.testing.assert_array_equal(np.concatenate([before.slot, after.slot]), whole.slot[rows])
    assert after.tick_start[0] - 71_234 < 2 * 960
    np.testing.assert_allclose(after.product.real.mean() / 2, AMPLITUDE**2, rtol=0.02)


def test_a_retune_ends_it() -> None:
    cell = cell_of()
    plane = plane_for(cell)
    samples = pilot_signal(cell, 19_200)
    assert plane.process(block_of(samples, 1.92e6)).n_slots
    moved = replace(block_of(samples, 1.92e6, 19_200), center_freq_hz=CENTER_HZ + 1e6)
    assert plane.process(moved).n_slots == 0
    assert plane.is_lost
    assert plane.process(block_of(samples, 1.92e6, 38_400)).n_slots == 0


def test_a_rate_that_a_radio_rounded_does_not_end_it() -> None:
    cell = cell_of()
    plane = plane_for(cell)
    samples = pilot_signal(cell, 19_200)
    assert plane.process(block_of(samples, 1.92e6 * (1.0 + 2e-7))).n_slots
    assert not plane.is_lost
    plane.process(block_of(samples, 1.92e6 * 1.01, 19_200))
    assert plane.is_lost


@pytest.mark.parametrize("computing", WAYS)
def test_what_is_wrong_with_a_slot_is_said(computing: Computing) -> None:
    cell = cell_of(1.92e6, 21)
    samples = SampleFormat.CI8.empty(9600)
    quantise(pilot_signal(cell, 9600), SampleFormat.CI8, 8, samples)
    samples[2000:2500] = 127
    samples[4 * 960 : 5 * 960] = 0
    plane = plane_for(cell, SampleFormat.CI8, computing)
    flags = plane.process(block_of(samples, 1.92e6)).flags
    expected = [0, 0, FrameFlag.CLIPPED, 0, FrameFlag.CONSTANT]
    np.testing.assert_array_equal(flags[:5], expected)
    waves = pilot_signal(cell, 9600)
    waves[1000] = np.nan
    with np.errstate(invalid="ignore"):
        flags = plane_for(cell, computing=computing).process(block_of(waves, 1.92e6)).flags
    np.testing.assert_array_equal(flags[:3], [0, FrameFlag.NONFINITE, 0])


@pytest.mark.slow_without_jit
def test_what_follows_the_products_is_the_same_both_ways(rng: np.random.Generator) -> None:
    """Quality, place, sums and pattern, of frames with broken slots."""
    found = []
    frames = rng.standard_normal((8, 20, 2, 3)).astype(np.float32) ** 2
    # A cell in some symbols: the products are nearly as large as the powers.
    frames[:, ::3, :, 0] = 0.95 * frames[:, ::3, :, 2]
    frames[3, 4, 0, 2] = np.nan
    frames[5, 7, 1, 1] = np.inf
    frames[6, 8] = 0.0
    clipped = rng.integers(0, 20, 20)
    for ways in (pilot_plain, pilot_loops):
        active, sums, coherence = np.ones((20, 2), bool), np.zeros((20, 2, 3)), np.zeros((20, 2))
        flags, count = np.zeros((8, 22), np.uint8), np.zeros((8, 22), np.uint8)
        numbers, ticks = np.zeros((8, 22), np.int64), np.zeros((8, 22), np.int64)
        totals, into, said = np.zeros((22, 2, 3), np.float32), np.zeros((20, 2, 3), np.float32), []
        for n, frame in enumerate(frames):
            totals[2:] = frame
            ways.note_slots(
                2, 20, 0, np.array([0.5 + n, 960.01, 0.0]), 7, n % 2, 15, active, totals,
                np.concatenate([[0, 0], clipped]), flags[n], count[n], numbers[n], ticks[n], into,
            )  # fmt: skip
            np.testing.assert_array_equal(into, frame)
            said.append(ways.sum_active(into, active))
            said.append(ways.learn_active(into, 0.8, n > 2, sums, coherence, active))
        found.append((flags, count, numbers, ticks, active, sums, coherence, said))
    for plain, compiled in zip(*(one[:5] for one in found), strict=True):
        np.testing.assert_array_equal(plain, compiled)
    np.testing.assert_allclose(found[0][5], found[1][5], rtol=1e-12)
    np.testing.assert_allclose(found[0][6], found[1][6], rtol=1e-12)
    for plain, compiled in zip(found[0][7], found[1][7], strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-12)
    assert np.bitwise_or.reduce(found[0][0], axis=None) == 15
    assert found[0][7][1::2] == [True, True, True, False, True, False, True, True]
    assert 0 < found[0][4].sum() < 40


@pytest.mark.slow_without_jit
def test_nothing_is_allocated_a_block() -> None:
    cell = cell_of()
    samples = pilot_signal(cell, 96_000)
    plane = plane_for(cell, computing=Computing.COMPILED)
    blocks = [block_of(samples[k : k + 4800], 1.92e6, k) for k in range(0, 96_000, 4800)]
    for block in blocks[:10]:
        plane.process(block)
    tracemalloc.start()
    for block in blocks[10:]:
        plane.process(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Records and numbers of one call; five slots of products and powers alone are 1 kB.
    assert peak < 12_000


def test_where_products_lie() -> None:
    cell = cell_of(5e6, 2, cfo_hz=1000.0)
    grid = plane_for(cell, n_blocks=25).process(block_of(pilot_signal(cell, 5000), 5e6)).grid
    # Shifts of 2 and 5 subcarriers: pilots 0 and 1 lie 148, 142 and 145, 139 below the carrier.
    assert grid.freqs_hz[0] == pytest.approx(CENTER_HZ + 1000.0 - 143.5 * 15e3)
    assert grid.n_bins == 49
    assert np.median(np.diff(grid.freqs_hz)) == pytest.approx(90e3)


@pytest.mark.parametrize("computing", WAYS)
@pytest.mark.parametrize("cfo_hz", [-350e3, 420e3])
def test_beside_the_carrier_all_that_the_band_shows_is_measured(
    computing: Computing, cfo_hz: float
) -> None:
    """A cell of 15 blocks: 882 kHz to either side of the centre are seen, of 1.92 MHz."""
    cell = cell_of(1.92e6, 9, cfo_hz=cfo_hz)
    plane = plane_for(cell, computing=computing, n_blocks=15)
    slots = plane.process(block_of(pilot_signal(cell, 9600, n_blocks=5), 1.92e6))
    level = slots.product.real.sum(axis=0) / slots.count.sum()
    places_hz = slots.grid.freqs_hz - CENTER_HZ
    assert len(level) >= 17
    assert np.abs(places_hz).max() < 0.46 * 1.92e6
    assert places_hz.min() < -700e3
    assert places_hz.max() > 700e3
    within = np.abs(places_hz - cfo_hz) < 300e3
    np.testing.assert_allclose(level[within], AMPLITUDE**2, rtol=0.02)
    outside = np.abs(places_hz - cfo_hz) > 600e3
    assert np.abs(level[outside]).max() < 0.01 * AMPLITUDE**2


def test_a_band_too_narrow_and_a_block_too_long_are_refused() -> None:
    with pytest.raises(ConfigError, match="shows 10 reference elements"):
        pilot_plan(cell_of(1e6))
    cell = cell_of()
    with pytest.raises(SourceError, match="read less at once"):
        plane_for(cell, max_block_samples=100).process(
            block_of(np.zeros(101, np.complex64), 1.92e6)
        )
