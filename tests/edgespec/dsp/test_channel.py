"""Laws of the part of a source: what passes, what does not, and that nothing shows of blocks."""

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from edgespec.computing import Computing
from edgespec.dsp.channel import Channel
from edgespec.dsp.channel_plan import STOPBAND_DB, ChannelPlan
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import ConfigError, SourceError
from edgespec.framing import Framing
from edgespec.records import FrameFlag, IqBlock, SampleFormat, SourceInfo
from tests import naive

RATE_HZ = 4e6
CENTER_HZ = 800e6
START_NS = 1_700_000_000_000_000_000
WAYS = [Computing.PLAIN, pytest.param(Computing.COMPILED, marks=[pytest.mark.slow_without_jit])]


def source(sample_format: SampleFormat = SampleFormat.CF32, rate_hz: float = RATE_HZ) -> SourceInfo:
    return SourceInfo("test:", rate_hz, CENTER_HZ, sample_format, False)


def channel_for(
    offset_hz: float = 0.3e6,
    factor: int = 4,
    sample_format: SampleFormat = SampleFormat.CF32,
    computing: Computing = Computing.PLAIN,
    max_block_samples: int = 40_000,
) -> Channel:
    info = source(sample_format)
    plan = ChannelPlan.of(info, CENTER_HZ + offset_hz, RATE_HZ / factor)
    return Channel(
        info,
        plan,
        CENTER_HZ + offset_hz,
        stretch_samples=1000,
        max_block_samples=max_block_samples,
        computing=computing,
    )


def block_at(samples: NDArray[np.generic], first: int, n_dropped: int = 0) -> IqBlock:
    utc_ns = START_NS + round(first / RATE_HZ * 1e9)
    return IqBlock(samples, RATE_HZ, CENTER_HZ, first, utc_ns, n_dropped, received_ns=7)


def through(
    channel: Channel, samples: NDArray[np.generic], sizes: Iterable[int], first: int = 0
) -> list[IqBlock]:
    """Return what comes out of samples in blocks of these sizes, copied."""
    out, at = [], 0
    for size in sizes:
        if at >= len(samples):
            break
        block = block_at(samples[at : at + size], first + at)
        out += [replace(part, samples=part.samples.copy()) for part in channel.process(block)]
        at += size
    return out


def whole(blocks: list[IqBlock]) -> NDArray[np.complex64]:
    return np.concatenate([block.samples for block in blocks])


def noise(rng: np.random.Generator, n: int) -> NDArray[np.complex64]:
    return (0.1 * rng.standard_normal((n, 2))).astype(np.float32).view(np.complex64).reshape(-1)


def tone(frequency_hz: float, n: int, first: int = 0) -> NDArray[np.complex64]:
    turns = frequency_hz / RATE_HZ * np.arange(first, first + n)
    return np.exp(2j * np.pi * turns).astype(np.complex64)


@pytest.mark.parametrize("computing", WAYS)
@pytest.mark.parametrize(("factor", "offset_hz"), [(2, 0.9e6), (4, -1.5e6), (5, 0.123_456e6)])
def test_it_is_the_plain_sum(
    rng: np.random.Generator, computing: Computing, factor: int, offset_hz: float
) -> None:
    """To float32: sums of 200 products of numbers of .1 are exact to some 1e-7."""
    samples = noise(rng, 3000)
    channel = channel_for(offset_hz, factor, computing=computing)
    (block,) = through(channel, samples, [3000], first=1_000_000_007)
    expected = naive.channel(
        samples, channel.plan, block.sample_start, 1_000_000_007, block.n_samples
    )
    np.testing.assert_allclose(block.samples, expected, atol=3e-7)


@pytest.mark.parametrize("computing", WAYS)
def test_any_division_of_the_stream_gives_the_same_bits(
    rng: np.random.Generator, computing: Computing
) -> None:
    # Blocks of a sample or two take long where nothing is compiled, and say the same of fewer.
    n_samples = 30_000 if computing is Computing.COMPILED else 8000
    samples = noise(rng, n_samples)
    expected = through(channel_for(computing=computing), samples, [n_samples])[0]
    for largest in (3, 200, 5000):
        sizes = rng.integers(1, largest + 1, n_samples)
        blocks = through(channel_for(computing=computing), samples, sizes)
        np.testing.assert_array_equal(whole(blocks), expected.samples)
        assert blocks[0].sample_start == expected.sample_start
        for before, after in pairwise(blocks):
            assert after.sample_start == before.sample_start + before.n_samples
            assert after.n_dropped == 0
        for block in blocks:
            utc_ns = START_NS + round(block.sample_start * 4 / RATE_HZ * 1e9)
            assert abs(block.utc_ns - utc_ns) <= 1
            assert block.received_ns == 7


def test_the_low_pass_is_scipys() -> None:
    plan = ChannelPlan.of(source(), CENTER_HZ, RATE_HZ / 4)
    beta = signal.kaiser_beta(STOPBAND_DB)
    taps = signal.firwin(2 * plan.half_samples + 1, 1 / 4, window=("kaiser", beta))
    np.testing.assert_allclose(plan.low_pass(), taps, atol=1e-12)


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_the_inner_nine_tenths_pass_and_nothing_folds_into_them(factor: int) -> None:
    plan = ChannelPlan.of(source(rate_hz=24e6), CENTER_HZ, 24e6 / factor)
    freqs, response = signal.freqz(plan.low_pass(), worN=20_000, fs=factor)
    gain_db = 20 * np.log10(np.abs(response) + 1e-12)
    assert np.abs(gain_db[freqs <= 0.45]).max() < 0.01
    assert gain_db[freqs >= 0.55].max() < -STOPBAND_DB + 1.0


@pytest.mark.parametrize("within_hz", [-0.4e6, 0.0, 0.123e6, 0.44e6])
def test_a_tone_keeps_its_power_and_finds_its_place(within_hz: float) -> None:
    (block,) = through(channel_for(0.7e6), tone(0.7e6 + within_hz, 40_000), [40_000])
    expected = np.exp(
        2j * np.pi * within_hz / (RATE_HZ / 4) * (block.sample_start + np.arange(block.n_samples))
    )
    # The middle of the band turns once in RATE / offset samples from the first sample on.
    np.testing.assert_allclose(block.samples, expected, atol=2e-3)
    assert block.center_freq_hz == CENTER_HZ + 0.7e6
    assert block.sample_rate_hz == RATE_HZ / 4


@pytest.mark.parametrize("outside_hz", [-0.56e6, 0.56e6, 1.1e6, -2.0e6])
def test_a_neighbour_does_not_fold_into_the_inner_nine_tenths(outside_hz: float) -> None:
    (block,) = through(channel_for(0.1e6), tone(0.1e6 + outside_hz, 40_000), [40_000])
    assert 20 * np.log10(np.abs(block.samples).max()) < -STOPBAND_DB + 1.0


def test_a_pulse_stays_where_it_is(rng: np.random.Generator) -> None:
    samples = 1e-3 * noise(rng, 8000)
    samples[4000] = 1.0
    (block,) = through(channel_for(), samples, [8000])
    assert block.sample_start + np.argmax(np.abs(block.samples)) == 1000


def test_a_month_of_samples_later_the_phase_is_still_right() -> None:
    first = 4 * 30 * 86400 * 1_000_000
    channel = channel_for(0.3e6)
    # A whole number of turns, so that the tone can be made without that error itself.
    (block,) = through(channel, tone(0.3e6, 20_000), [20_000], first=first)
    np.testing.assert_allclose(block.samples, 1.0, atol=2e-3)


@pytest.mark.parametrize("sample_format", [SampleFormat.CU8, SampleFormat.CI8, SampleFormat.CI16])
def test_integers_are_scaled_to_full_scale(
    rng: np.random.Generator, sample_format: SampleFormat
) -> None:
    parts = 0.1 * rng.standard_normal((20_000, 2)) * sample_format.full_scale + sample_format.zero
    integers = np.round(parts).astype(sample_format.dtype)
    floats = naive.complex_samples(integers, sample_format).astype(np.complex64)
    (from_integers,) = through(channel_for(sample_format=sample_format), integers, [20_000])
    (from_floats,) = through(channel_for(), floats, [20_000])
    np.testing.assert_allclose(from_integers.samples, from_floats.samples, atol=1e-6)


def test_a_gap_is_passed_on_and_nothing_is_filtered_across_it(rng: np.random.Generator) -> None:
    samples = noise(rng, 20_000)
    channel = channel_for()
    before = through(channel, samples[:8000], [1000] * 8)
    after = [
        replace(part, samples=part.samples.copy())
        for part in channel.process(block_at(samples[10_000:], 10_000, n_dropped=2000))
    ]
    (alone,) = through(channel_for(), samples[10_000:], [10_000], first=10_000)
    np.testing.assert_array_equal(whole(after), alone.samples)
    end = before[-1].sample_start + before[-1].n_samples
    assert after[0].n_dropped == after[0].sample_start - end > 500
    assert after[0].sample_start == alone.sample_start


def test_a_part_stays_where_it_is_when_the_source_is_retuned() -> None:
    """0.3 MHz above 800 MHz is 0.5 MHz below 800.8 MHz, and not to be seen from 805 MHz."""
    channel = channel_for(0.3e6)
    heard = []
    for number, tuned_hz in enumerate((CENTER_HZ, CENTER_HZ + 0.8e6, CENTER_HZ + 5e6, CENTER_HZ)):
        first = 20_000 * number
        samples = tone(CENTER_HZ + 0.3e6 - tuned_hz, 20_000, first)
        block = replace(block_at(samples, first), center_freq_hz=tuned_hz)
        heard.append([(part.n_dropped, part.samples.copy()) for part in channel.process(block)])
    assert [len(parts) for parts in heard] == [1, 1, 0, 1]
    for (n_dropped, samples), least in zip((heard[1][0], heard[3][0]), (1, 5000), strict=True):
        assert n_dropped >= least
        np.testing.assert_allclose(samples, samples[0], atol=2e-3)
    assert channel.info.center_freq_hz == CENTER_HZ + 0.3e6


@pytest.mark.parametrize("wrong", [FrameFlag.CLIPPED, FrameFlag.CONSTANT, FrameFlag.HALF])
def test_what_filtering_hides_is_marked(rng: np.random.Generator, wrong: FrameFlag) -> None:
    """And no frame of the front end that has such samples counts as good; all others do."""
    integers = np.round(20 * rng.standard_normal((40_000, 2)) + 127.5).clip(1, 254).astype(np.uint8)
    at = slice(16_000, 20_000)
    sides = slice(1) if wrong is FrameFlag.HALF else slice(2)
    integers[at, sides] = 255 if wrong is FrameFlag.CLIPPED else 130
    if wrong is FrameFlag.CLIPPED:
        integers[at][::2] = 128
    channel = channel_for(sample_format=SampleFormat.CU8)
    framing = Framing(RATE_HZ / 4, n_fft=64, n_averages=2)
    front_end = FrontEnd(
        framing, SampleFormat.CF32, max_block_samples=channel.max_out_samples, computing="plain"
    )
    flags, starts = [], []
    for first in range(0, 40_000, 5000):
        for part in channel.process(block_at(integers[first : first + 5000], first)):
            made = front_end.process(part)
            flags += list(made.flags)
            starts += list(made.tick_start)
    for flag, start in zip(flags, starts, strict=True):
        first, stop = 4 * start, 4 * (start + framing.frame_samples)
        is_touched = first < at.stop and stop > at.start
        # The filter reaches as far to either side.
        is_near = first < at.stop + 4096 // 4 and stop > at.start - 4096 // 4
        if is_touched and first >= at.start + 88 and stop <= at.stop - 88:
            assert flag & wrong
        if not is_near:
            assert flag == FrameFlag.VALID
    assert any(flags)


def test_a_few_clipped_samples_are_no_clipped_stretch(rng: np.random.Generator) -> None:
    integers = np.round(20 * rng.standard_normal((20_000, 2)) + 127.5).clip(1, 254).astype(np.uint8)
    integers[::100] = 255
    (block,) = through(channel_for(sample_format=SampleFormat.CU8), integers, [20_000])
    assert block.flags == FrameFlag.VALID


def test_nan_stays_nan(rng: np.random.Generator) -> None:
    samples = noise(rng, 8000)
    samples[4000] = np.nan
    (block,) = through(channel_for(), samples, [8000])
    bad = np.flatnonzero(~np.isfinite(block.samples)) + block.sample_start
    assert bad.min() == 1000 - 22
    assert bad.max() == 1000 + 22


@pytest.mark.slow_without_jit
def test_nothing_grows_with_the_blocks(rng: np.random.Generator) -> None:
    """What remains of a block is less than its samples by far: some records and small numbers."""
    samples = noise(rng, 32_000)
    channel = channel_for(computing=Computing.COMPILED)
    for k in range(5):
        list(channel.process(block_at(samples, 32_000 * k)))
    blocks = [block_at(samples, 32_000 * k) for k in range(5, 25)]
    tracemalloc.start()
    for block in blocks:
        for _part in channel.process(block):
            pass
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 20_000


@pytest.mark.parametrize(
    ("center_hz", "rate_hz", "words"),
    [
        (800e6, 3e6, ["4000000", "1.333", "3000000", "set source.sample_rate_hz to 3000000"]),
        (802e6, 1e6, ["1 MHz about 802 MHz", "798 MHz to 802 MHz"]),
        (800.1e6, 4e6, ["reach outside"]),
    ],
)
def test_what_is_no_part_is_refused(center_hz: float, rate_hz: float, words: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        ChannelPlan.of(source(), center_hz, rate_hz)
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.parametrize(("offset_hz", "factor"), [(0.0, 1), (0.1, 2), (0.5, 2), (-0.51, 3)])
def test_the_widest_part_is_all_that_is_shown_about_a_centre(offset_hz: float, factor: int) -> None:
    """Offsets are shares of half the rate: of 0.5, half of it reaches the edge."""
    info = source(SampleFormat.CF32)
    plan = ChannelPlan.widest(info, CENTER_HZ + offset_hz * RATE_HZ / 2)
    assert plan.factor == factor
    with pytest.raises(ConfigError, match="reach outside of what"):
        ChannelPlan.widest(info, CENTER_HZ + 0.95 * RATE_HZ / 2)


def test_a_source_without_a_centre_has_no_parts() -> None:
    with pytest.raises(ConfigError, match=r"give source\.center_freq_hz"):
        ChannelPlan.of(replace(source(), center_freq_hz=0.0), 800e6, 1e6)


def test_a_block_that_is_too_long_is_refused() -> None:
    channel = channel_for(max_block_samples=1000)
    with pytest.raises(SourceError, match="at most 1000"):
        list(channel.process(block_at(np.zeros(1001, np.complex64), 0)))
