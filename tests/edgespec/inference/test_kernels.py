"""Butterflies, lanes and passes of the fast path against their definitions."""

import numpy as np
import pytest

from edgespec.dsp import butterflies, lanes, passes
from edgespec.dsp.passes import BLOCK, LANES
from edgespec.framing import FFT_SIZES
from edgespec.jit import scalar
from edgespec.records import FrameFlag
from tests import naive


@scalar
def weighted(source, i, k):
    points, weights = source
    return points[i] * weights[k]


@pytest.mark.parametrize("size", [4, 8, 16, 32])
def test_butterfly_is_the_transform(rng, size):
    x = (rng.normal(size=3 * size) + 1j * rng.normal(size=3 * size)).astype(np.complex64)
    weights = rng.normal(size=2 * size).astype(np.float32)
    function = getattr(butterflies, f"dft{size}")
    result = function(weighted, (x, weights), 1, 3, 0, 2)
    # The constants are float32; relative error of a sum of up to 32 terms.
    np.testing.assert_allclose(result, naive.dft(x[1::3] * weights[::2]), rtol=0, atol=2e-6 * size)


@pytest.mark.parametrize("n_fft", FFT_SIZES)
def test_two_passes_make_the_size(n_fft):
    a, b = passes.radices(n_fft)
    assert a * b == n_fft
    # Whole blocks are gathered, also from words of two samples.
    assert (n_fft // 2) % BLOCK == 0


@pytest.mark.parametrize("n_fft", [64, 512])
def test_factors_turn_by_row_and_column(n_fft):
    a, b = passes.radices(n_fft)
    factors = passes.twiddles(n_fft).reshape(b, a)
    for j, q in [(0, 0), (0, a - 1), (1, 1), (b - 1, a - 1)]:
        angle = -2.0 * np.pi * j * q / n_fft
        assert factors[j, q] == pytest.approx(complex(np.cos(angle), np.sin(angle)), abs=1e-6)


@pytest.mark.parametrize("n_averages", [1, 2, 3, 7, 10, 16, 20, 100])
def test_lanes_are_shared_out(n_averages):
    widths = lanes.lane_widths(n_averages)
    for n_frames in range(1, LANES + 1):
        lane, n_steps, last = 0, 0, LANES
        while lane < n_frames:
            width = widths[n_frames - lane]
            assert LANES % width == 0
            assert width <= last
            assert lane + width <= LANES
            n_steps += -(-n_averages // (LANES // width))
            lane, last = lane + width, width
        assert n_frames * n_averages / LANES <= n_steps <= n_averages


def test_a_hop_of_25_frames_wastes_next_to_nothing():
    """25 frames of 10 averages are 15.6 full steps: 10 for 16 frames, 5 for 8, 1 for the last."""
    widths = lanes.lane_widths(10)
    assert (widths[16], widths[9], widths[1]) == (16, 8, 1)


@pytest.mark.parametrize(("n_words", "distance"), [(32, 8), (64, 32), (256, 32), (128, 64)])
def test_gathering_transposes(rng, n_words, distance):
    words = rng.integers(-(2**31), 2**31, 40 * n_words, np.int64).astype(np.int32)
    starts = rng.integers(0, len(words) - n_words, LANES).astype(np.uint64)
    column = passes.apart_by(distance)
    tile = np.zeros(n_words // distance * column * LANES, np.int32)
    block = np.empty(BLOCK * LANES, np.int32)
    lanes.gather(words, starts, n_words, column, block, tile)
    items = tile.reshape(-1, column, LANES)[:, :distance].reshape(n_words, LANES)
    for lane in range(LANES):
        start = int(starts[lane])
        np.testing.assert_array_equal(items[:, lane], words[start : start + n_words])


def test_columns_are_never_a_power_of_two_of_blocks_apart():
    assert [passes.apart_by(n) for n in (4, 8, 16, 32, 64)] == [4, 8, 16, 33, 65]


@pytest.mark.parametrize(
    ("width", "lane", "n_sides"), [(16, 0, 1), (8, 8, 2), (4, 4, 3), (1, 9, 10)]
)
def test_sums_are_moved_side_by_side_in_order(rng, width, lane, n_sides):
    parts = rng.random(6 * LANES).astype(np.float32)
    before = rng.random(6 * LANES).astype(np.float32) if width < LANES else np.zeros(6 * LANES)
    before = before.astype(np.float32)
    expected = before.reshape(-1, LANES).copy()
    for side in range(n_sides):
        new = parts.reshape(-1, LANES)[:, side * width : (side + 1) * width]
        expected[:, lane : lane + width] += new
    sums = before.copy()
    lanes.move_sums(parts, n_sides, width, lane, sums)
    np.testing.assert_array_equal(sums.reshape(-1, LANES), expected)
    assert not parts.any()


def _stored(power):
    """Store power ``(64, LANES)`` and return rows of dB and which of them are finite."""
    rows = np.zeros((8, 9, LANES), np.float32)
    rows[:, :8] = power.reshape(8, 8, LANES)
    out, flags = (
        np.zeros((LANES + 2, 64), np.float32),
        np.full(LANES + 2, FrameFlag.CONSTANT, np.uint8),
    )
    lanes.store_dbfs(rows.ravel(), 8, out, flags, 1, LANES + 1)
    assert not out[[0, -1]].any()
    assert set(flags[[0, -1]]) == {FrameFlag.CONSTANT}
    assert set(flags) <= {FrameFlag.CONSTANT, FrameFlag.CONSTANT | FrameFlag.NONFINITE}
    return out[1:-1], flags[1:-1] == FrameFlag.CONSTANT


def test_decibels_over_the_whole_range(rng):
    power = 10.0 ** rng.uniform(-19.9, 30.0, (64, LANES)).astype(np.float32)
    power[0, 0], power[1, 0], power[2, 0] = 1.0, 2.0, np.nextafter(np.float32(1), np.float32(0))
    out, finite = _stored(power)
    expected = np.roll(10.0 * np.log10(power.astype(np.float64)), 32, axis=0).T
    assert finite.all()
    # Half a unit in the last place at 256 dB is 1.5e-5 dB; series and rounding take as much again.
    np.testing.assert_allclose(out, expected, rtol=0, atol=5e-5)


def test_no_power_is_the_floor_and_bad_power_marks_only_its_lane():
    power = np.full((64, LANES), 1.0)
    power[:, 0], power[5, 1], power[6, 2] = 0.0, np.nan, np.inf
    power[:, 3] = 1e-42
    out, finite = _stored(power)
    assert finite.tolist() == [True, False, False] + [True] * (LANES - 3)
    assert (out[:4] == -200.0).all()
    np.testing.assert_allclose(out[4:], 0.0, atol=1e-5)
