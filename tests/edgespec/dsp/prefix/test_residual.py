"""Laws of the residual plane: what is cancelled, what stays, whatever way the stream is cut."""

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.errors import ConfigError, ModelError, SourceError
from edgespec.records import FrameFlag, IqBlock, SampleFormat
from edgespec.simulate.config import ChannelConfig, ReceiverConfig, SceneConfig
from edgespec.simulate.scene import Scene
from tests import naive
from tests.made.ofdm import OfdmCell, encode, white

SLOT = 960
both = pytest.mark.parametrize("computing", Computing)
CELL = OfdmCell(start=37.3, cfo_hz=1234.0)


def block(samples, start=0, rate_hz=1.92e6, **changes):
    return replace(IqBlock(samples, rate_hz, 0.0, int(start), 0), **changes)


def plane_for(cell=CELL, sample_format=SampleFormat.CF32, computing="plain", **options):
    options.setdefault("max_block_samples", 2_000_000)
    found = cell.found() if isinstance(cell, OfdmCell) else cell
    return ResidualPlane(found.sample_rate_hz, sample_format, found, computing=computing, **options)


def through(plane, samples, lengths: Iterable[int] | None = None, first=0, **changes):
    """Residual, power, slot, flags and first sample of all slots of a stream, as copies."""
    edges = np.cumsum([0, *(lengths if lengths is not None else [len(samples)])])
    parts = []
    for start, stop in pairwise(edges):
        rate_hz = plane.plan.sample_rate_hz
        got = plane.process(block(samples[start:stop], first + start, rate_hz, **changes))
        rows = (got.residual, got.power, got.slot, got.flags, got.tick_start)
        parts.append(tuple(row.copy() for row in rows))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def decibels(ratio):
    return 10.0 * np.log10(ratio)


@both
@pytest.mark.parametrize("prefix", ["normal", "extended"])
@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_equals_the_definition(rng, sample_format, prefix, computing):
    cell = OfdmCell(prefix=prefix, start=-20.6, cfo_hz=-800.0)
    signal = cell.samples(rng, 5 * SLOT) + white(rng, 5 * SLOT, 0.1)
    samples = encode(0.1 * signal, sample_format)
    residual, power, slot, flags, start = through(
        plane_for(cell, sample_format, computing), samples
    )
    x = naive.complex_samples(samples, sample_format)
    turn = np.exp(2j * np.pi * 800 / 15e3)
    plan = PrefixPlan(1.92e6, prefix)
    begins = -20.6 + SLOT * slot
    expected = np.array([naive.prefix_slot(x, plan, begin, turn) for begin in begins])
    # float32 leaves some 1e-7 of the largest term in a sum of squares.
    np.testing.assert_allclose(residual, expected[:, 0], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(power, expected[:, 1], rtol=1e-5)
    # Of slot 0 the end of a long prefix is there.
    assert slot.tolist() == ([1, 2, 3, 4] if prefix == "normal" else [0, 1, 2, 3, 4])
    assert start.tolist() == np.floor(begins).tolist()
    assert not flags.any()


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("sample_format", [SampleFormat.CU8, SampleFormat.CI16])
@pytest.mark.parametrize("rate_hz", [1.92e6, 2.4e6, 5e6, 20e6])
def test_both_ways_agree(rng, rate_hz, sample_format):
    """Also where the timing has been corrected a few times."""
    cell = replace(CELL.found(), sample_rate_hz=rate_hz, ppm=3.0)
    samples = encode(white(rng, round(0.03 * rate_hz), 0.02), sample_format)
    fast, slow = (
        through(plane_for(cell, sample_format, way), samples) for way in ("compiled", "plain")
    )
    assert len(fast[0]) > 55
    for one, other in zip(fast[:2], slow[:2], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-9)
    for one, other in zip(fast[2:], slow[2:], strict=True):
        np.testing.assert_array_equal(one, other)


@both
@pytest.mark.parametrize("rate_hz", [1.92e6, 5e6])
def test_any_division_of_the_stream_gives_the_same_bits(rng, rate_hz, computing):
    n_slots = 45
    n_samples = round(n_slots * rate_hz * 5e-4)
    if rate_hz == 1.92e6:
        samples = encode(0.2 * CELL.samples(rng, n_samples), SampleFormat.CU8)
    else:
        samples = encode(white(rng, n_samples, 0.02), SampleFormat.CU8)
    cell = replace(CELL.found(start=0.4, ppm=2.0), sample_rate_hz=rate_hz)
    whole = through(plane_for(cell, SampleFormat.CU8, computing), samples)
    cuts = np.sort(rng.integers(0, n_samples, 60))
    slot = round(rate_hz * 5e-4)
    for lengths in (
        np.diff([0, *cuts, n_samples]),
        [*[100] * (n_samples // 100), n_samples % 100],
        [1, 3 * slot - 1, 0, 2 * slot, n_samples - 5 * slot],
    ):
        pieces = through(plane_for(cell, SampleFormat.CU8, computing), samples, lengths)
        for one, other in zip(whole, pieces, strict=True):
            np.testing.assert_array_equal(one, other)


@both
def test_odd_addresses_and_read_only_samples_are_taken(rng, computing):
    samples = encode(white(rng, 4 * SLOT, 0.02), SampleFormat.CI8)
    raw = np.zeros(samples.size + 1, np.int8)
    raw[1:] = samples.ravel()
    odd = raw[1:].reshape(-1, 2)
    odd.flags.writeable = False
    expected = through(plane_for(CELL, SampleFormat.CI8, computing), samples)
    got = through(plane_for(CELL, SampleFormat.CI8, computing), odd)
    np.testing.assert_array_equal(got[0], expected[0])


@pytest.mark.parametrize("prefix", ["normal", "extended"])
@pytest.mark.parametrize("silent", [(), (2, 3, 7), tuple(range(1, 20, 2))])
def test_a_cell_without_noise_is_gone_whatever_it_sends(rng, silent, prefix):
    """But for the clock's 1e-9 of a sample, and float32."""
    cell = replace(CELL, silent=silent, prefix=prefix)
    residual, power, *_ = through(plane_for(cell), cell.samples(rng, 40 * SLOT))
    assert residual.sum() < 1e-9 * power.sum()


@pytest.mark.parametrize("sample_format", [SampleFormat.CU8, SampleFormat.CI8, SampleFormat.CI16])
def test_what_is_left_of_it_is_the_rounding_of_the_converter(rng, sample_format):
    """A step q of the converter leaves ``2 q^2 / 12`` of noise in I and Q together."""
    samples = encode(0.2 * CELL.samples(rng, 21 * SLOT), sample_format)
    residual, *_ = through(plane_for(CELL, sample_format), samples)
    rounding = 2.0 / 12.0 / sample_format.full_scale**2
    # 20 slots, before the clock is looked at: half a ppm would be seen 70 dB below the cell.
    assert residual.sum(axis=1).mean() == pytest.approx(rounding, rel=0.15)


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("rate_hz", [2.4e6, 5e6, 7.68e6, 20e6])
def test_the_simulators_cell_is_cancelled_at_whole_and_broken_lags(rate_hz):
    """What is left is the receiver's filter, which smears symbols over their prefixes.

    At 2.4 MS/s its steep edge is in the middle of the cell.
    """
    config = SceneConfig(
        sample_rate_hz=rate_hz,
        channel=ChannelConfig(profile="flat", snr_db=90.0, cfo_hz=300.0),
        receiver=ReceiverConfig(SampleFormat.CF32, 0),
    )
    samples = Scene(config, 5).read(round(0.1 * rate_hz))
    cell = replace(CELL.found(), sample_rate_hz=rate_hz, frame_start=0.0, cfo_hz=300.0)
    residual, power, *_ = through(plane_for(cell, computing="compiled"), samples)
    left_db = decibels(residual[20:].sum() / power[20:].sum())
    assert left_db < {2.4e6: -18.0, 5e6: -29.0}.get(rate_hz, -35.0)


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("rate_hz", [1.92e6, 5e6, 20e6])
def test_white_noise_keeps_its_power_in_every_subband(rng, rate_hz):
    cell = replace(CELL.found(), sample_rate_hz=rate_hz)
    samples = white(rng, round(0.5 * rate_hz), 0.25)
    residual, power, *_ = through(
        plane_for(cell, computing="compiled", max_block_samples=len(samples)), samples
    )
    # 1000 slots of 7 windows: the mean over them scatters by 1 / sqrt(7000), so 6% is 5 sigma.
    share = residual.mean(axis=0) * residual.shape[1] / 0.25
    np.testing.assert_allclose(share, 1.0, atol=0.06)
    np.testing.assert_allclose(power.mean(axis=0) * power.shape[1] / 0.25, 1.0, atol=0.06)


@both
@pytest.mark.parametrize("offset_hz", [0.0, 15e3, 300e3, 7.5e3, 3e3, 211e3])
def test_a_tone_is_left_by_its_place_between_the_subcarriers(offset_hz, computing):
    """``2 sin^2(pi f / 15 kHz)`` of its power: nothing on a subcarrier, twice half-way between."""
    n = np.arange(6 * SLOT)
    tone = np.exp(2j * np.pi * (CELL.cfo_hz + offset_hz) / 1.92e6 * n).astype(np.complex64)
    residual, power, *_ = through(plane_for(CELL, computing=computing), tone)
    expected = 2.0 * np.sin(np.pi * offset_hz / 15e3) ** 2
    np.testing.assert_allclose(residual.sum(axis=1), expected, atol=1e-4)
    np.testing.assert_allclose(power.sum(axis=1), 1.0, atol=1e-5)


@both
@pytest.mark.parametrize("rate_hz", [2.0e6, 5e6, 20e6])
def test_tones_on_subcarriers_are_cancelled_at_broken_lags_too(rate_hz, computing):
    """Up to 0.45 of the rate, by 48 dB in amplitude of the error, so 51 dB in the residual."""
    n = np.arange(round(rate_hz * 2e-3))
    cell = replace(CELL.found(), sample_rate_hz=rate_hz, cfo_hz=0.0)
    for offset_hz in (0.0, 15e3, -0.3 * rate_hz, 0.449 * rate_hz):
        subcarrier_hz = 15e3 * round(offset_hz / 15e3)
        tone = np.exp(2j * np.pi * subcarrier_hz / rate_hz * n).astype(np.complex64)
        residual, *_ = through(plane_for(cell, computing=computing), tone)
        assert residual.sum(axis=1).max() < 1e-5


@both
def test_a_tone_on_a_bin_is_in_its_subband_at_its_power(computing):
    grid = plane_for().grid
    for subband, freq_hz in enumerate(grid.freqs_hz):
        tone = np.exp(2j * np.pi * freq_hz / 1.92e6 * np.arange(3 * SLOT)).astype(np.complex64)
        _, power, *_ = through(plane_for(CELL, computing=computing), tone)
        assert (power.argmax(axis=1) == subband).all()
        np.testing.assert_allclose(power[:, subband], 1.0, atol=1e-5)


def test_the_subbands_add_up_to_the_power_of_the_samples(rng):
    """Parseval: also where bins are put together, at 7.68 MS/s."""
    cell = OfdmCell(rate_hz=7.68e6, start=0.0)
    x = white(rng, 5000)
    _, power, *_ = through(plane_for(cell), x)
    plan = PrefixPlan(7.68e6)
    assert plan.bins_per_subband > 1
    total = 0.0
    for end in plan.prefix_ends:
        first = int(end) - plan.n_guard - plan.n_window
        near, far = x[first : first + plan.n_window], x[first + 512 : first + 512 + plan.n_window]
        total += np.mean(np.abs(near) ** 2 + np.abs(far) ** 2) / 2 / plan.n_symbols
    assert power[0].sum() == pytest.approx(total, rel=1e-5)


@both
def test_an_interferer_ten_db_below_the_cell_stands_out(rng, computing):
    """Noise in a third of the band: where it is not, the residual stays as it was."""
    n = 20 * SLOT
    x = CELL.samples(rng, n) + white(rng, n, 1e-3)
    quiet, *_ = through(plane_for(CELL, computing=computing), x)
    spectrum = np.fft.fft(white(rng, n))
    spectrum[np.abs(np.fft.fftfreq(n) - 0.2) > 0.1] = 0.0
    x += (np.fft.ifft(spectrum) * np.sqrt(0.1 * 5)).astype(np.complex64)
    loud, *_ = through(plane_for(CELL, computing=computing), x)
    rise_db = decibels(loud.mean(axis=0) / quiet.mean(axis=0))
    assert decibels(loud.sum(axis=1).mean()) == pytest.approx(-10.0, abs=1.5)
    assert rise_db.argmax() == 3
    # The lobes of a window of five samples reach far.
    assert rise_db[3] > rise_db[[0, 1]].max() + 6.0


@both
@pytest.mark.parametrize("wrong", [FrameFlag.CLIPPED, FrameFlag.NONFINITE, FrameFlag.CONSTANT])
def test_a_slot_with_bad_samples_is_flagged_alone(rng, wrong, computing):
    x = 0.1 * white(rng, 8 * SLOT)
    bad = slice(37 + 3 * SLOT, 37 + 4 * SLOT)
    x[bad] = {FrameFlag.CLIPPED: 2.0 - 2.0j, FrameFlag.CONSTANT: 0.05}.get(wrong, np.nan)
    if wrong is FrameFlag.CLIPPED:
        x[bad][::2] = 2.0
    residual, power, _, flags, _ = through(plane_for(CELL, computing=computing, clip_level=1.0), x)
    assert flags.tolist() == [0, 0, 0, int(wrong), 0, 0, 0]
    assert np.isfinite(residual).all()
    assert np.isfinite(power).all()
    assert power[3].any() == (wrong is not FrameFlag.NONFINITE)


@both
def test_integers_at_the_ends_of_their_range_are_clipped(rng, computing):
    samples = encode(0.1 * white(rng, 4 * SLOT), SampleFormat.CU8)
    samples[37 + SLOT : 37 + 2 * SLOT : 5] = 255
    *_, flags, _ = through(plane_for(CELL, SampleFormat.CU8, computing), samples)
    assert flags.tolist() == [0, int(FrameFlag.CLIPPED), 0]


@both
def test_a_gap_is_one_dropped_slot_and_slots_go_on_in_their_places(rng, computing):
    x = CELL.samples(rng, 30 * SLOT) + white(rng, 30 * SLOT, 0.01)
    expected = through(plane_for(CELL, computing=computing), x)
    plane = plane_for(CELL, computing=computing)
    before = through(plane, x[:5000], [2000, 3000])
    after = through(plane, x[9000:], [7000, len(x) - 16_000], first=9000)
    assert after[3].tolist() == [FrameFlag.DROPPED] + [0] * (len(after[3]) - 1)
    assert (after[4][0], after[2][0]) == (5000, 5)
    assert not after[1][0].any()
    # Slot 10 is the first whose first prefix is there: its window begins at 37 + 9600 + 4.
    assert after[2][1:].tolist()[:3] == [10, 11, 12]
    n = len(after[0]) - 1
    for one, other in zip(expected, after, strict=True):
        np.testing.assert_array_equal(one[10 : 10 + 9], other[1:10])
    assert n == len(expected[0]) - 10
    for one, other in zip(expected, before, strict=True):
        np.testing.assert_array_equal(one[: len(other)], other)


@pytest.mark.parametrize(
    ("changes", "first_lost"),
    [
        ({"start": 9000}, 5000),
        ({"start": 3000}, 3000),
        ({"start": 9000, "n_dropped": 30}, 8970),
    ],
)
def test_every_discontinuity_is_noticed(rng, changes, first_lost):
    plane = plane_for(CELL)
    plane.process(block(white(rng, 5000)))
    slots = plane.process(block(white(rng, 5000), **changes))
    assert slots.flags.tolist()[:1] == [FrameFlag.DROPPED]
    assert slots.tick_start[0] == first_lost
    assert not slots.flags[1:].any()


def test_a_retune_loses_the_cell(rng):
    plane = plane_for(CELL, center_freq_hz=8e8)
    first = plane.grid
    x = CELL.samples(rng, 40 * SLOT)
    assert plane.process(block(x[:5000], center_freq_hz=8e8)).grid is first
    away = plane.process(block(x[5000:10_000], 5000, center_freq_hz=9e8))
    assert away.n_slots == 0
    assert plane.tracker.state == "lost"
    np.testing.assert_allclose(away.grid.freqs_hz - first.freqs_hz, 1e8)
    # What is heard there is another's, even where it is back at the old frequency.
    assert plane.process(block(x[10_000:20_000], 10_000, center_freq_hz=8e8)).n_slots == 0


def test_slots_have_the_flags_of_blocks_that_they_have_samples_of(rng):
    plane = plane_for(CELL)
    x = white(rng, 10 * SLOT)
    flags = []
    for k in range(20):
        flag = FrameFlag.CLIPPED if k == 8 else FrameFlag.VALID
        part = block(x[480 * k : 480 * (k + 1)], 480 * k, flags=flag)
        flags += plane.process(part).flags.tolist()
    # Block 8 are samples 3840 to 4320; slot 3 is 2917 to 3877, slot 4 is 3877 to 4837.
    assert [k for k, flag in enumerate(flags) if flag] == [3, 4]


@pytest.mark.parametrize("start", [-1e6 - 0.25, 0.0, 5e5 + 0.75])
def test_a_frame_may_begin_long_before_or_after_the_stream(rng, start):
    cell = OfdmCell(start=start)
    residual, power, slot, _, begin = through(plane_for(cell), cell.samples(rng, 10 * SLOT))
    assert residual.sum() < 1e-9 * power.sum()
    np.testing.assert_array_equal(slot, np.floor((begin + 1 - start) / SLOT) % 20)
    assert begin[0] < SLOT


def test_results_are_views_into_one_buffer(rng):
    plane = plane_for(CELL)
    first = plane.process(block(white(rng, 5000)))
    second = plane.process(block(white(rng, 5000), 5000))
    assert np.shares_memory(first.residual, second.residual)


@pytest.mark.slow_without_jit
def test_nothing_grows_with_the_blocks(rng):
    """What remains of a block is less than its samples by far: some records and small numbers."""
    samples = encode(white(rng, 32_000, 0.02), SampleFormat.CU8)
    cell = replace(CELL.found(), sample_rate_hz=5e6)
    plane = plane_for(cell, SampleFormat.CU8, "compiled")
    blocks = [block(samples, 32_000 * k, 5e6) for k in range(60)]
    for one in blocks[:30]:
        plane.process(one)
    tracemalloc.start()
    for one in blocks[30:]:
        plane.process(one)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 10_000


def test_errors_say_what_to_do(rng):
    x = white(rng, 300)
    plane = plane_for(CELL, max_block_samples=200)
    with pytest.raises(ModelError, match=r"5000000 S/s.*1920000 S/s"):
        plane.process(block(x[:10], rate_hz=5e6))
    with pytest.raises(SourceError, match=r"300 samples.*at most 200"):
        plane.process(block(x))
    with pytest.raises(SourceError, match="uint8"):
        plane.process(block(encode(x[:10], SampleFormat.CU8)))
    with pytest.raises(ConfigError, match="max_block_samples is 0"):
        plane_for(CELL, max_block_samples=0)
    with pytest.raises(ConfigError, match=r"found at 1920000 S/s.*5000000 S/s: search again"):
        ResidualPlane(5e6, SampleFormat.CF32, CELL.found(), max_block_samples=1)


def test_types_of_what_comes_out(rng) -> None:
    slots = plane_for(CELL).process(block(white(rng, 5000), utc_ns=5, received_ns=7))
    dtypes: list[NDArray[np.generic]] = [slots.residual, slots.power, slots.slot, slots.flags]
    assert [row.dtype.name for row in dtypes] == ["float32", "float32", "int64", "uint8"]
    assert slots.residual.shape == slots.power.shape == (slots.n_slots, 5)
    assert (slots.span.tick_start, slots.span.n_ticks, slots.span.utc_ns) == (0, 5000, 5)
