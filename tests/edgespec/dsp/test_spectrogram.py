"""Laws of the front end: level, frequency, energy, and independence of how the stream is cut."""

import os
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import ConfigError, ModelError, SourceError
from edgespec.framing import FFT_SIZES, Framing
from edgespec.records import FrameFlag, IqBlock, SampleFormat, SourceInfo
from tests import naive

RATE_HZ = 5e6
FORMATS = list(SampleFormat)
SMALL = Framing(RATE_HZ, n_fft=64, n_averages=2)
JIT_OFF = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
# Plain Python runs the kernels too slowly for the large sizes.
SIZES = [pytest.param(n, marks=[pytest.mark.slow_without_jit] if n > 64 else []) for n in FFT_SIZES]

both = pytest.mark.parametrize("computing", Computing)


def encode(x, sample_format):
    """Samples of a format for complex numbers, full scale is 1."""
    if sample_format is SampleFormat.CF32:
        return x.astype(np.complex64)
    ends = np.iinfo(sample_format.dtype)
    pairs = np.stack([x.real, x.imag], axis=1) * sample_format.full_scale + sample_format.zero
    return np.clip(np.round(pairs), ends.min, ends.max).astype(sample_format.dtype)


def noise(rng, n_samples, level=0.2):
    return level * (rng.normal(size=n_samples) + 1j * rng.normal(size=n_samples))


def block(samples, start=0, **changes):
    return replace(IqBlock(samples, RATE_HZ, 0.0, start, 0), **changes)


def run(samples, framing, sample_format, computing="plain", lengths=None, **options):
    """Frames of a stream that is cut into blocks of the given lengths, as copies."""
    front_end = FrontEnd(
        framing, sample_format, max_block_samples=len(samples), computing=computing, **options
    )
    edges = np.cumsum([0, *(lengths if lengths is not None else [len(samples)])])
    parts = []
    for start, stop in pairwise(edges):
        part = front_end.process(block(samples[start:stop], int(start)))
        parts.append((part.power_dbfs.copy(), part.flags.copy(), part.tick_start.copy()))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


@both
@pytest.mark.parametrize("taper", ["hann", "rect"])
@pytest.mark.parametrize("sample_format", FORMATS)
@pytest.mark.parametrize("n_fft", SIZES)
def test_equals_the_definition(rng, n_fft, sample_format, taper, computing):
    framing = Framing(RATE_HZ, n_fft, n_averages=2, taper=taper)
    samples = encode(noise(rng, 3 * framing.frame_samples + 7), sample_format)
    power_dbfs, flags, start = run(samples, framing, sample_format, computing)
    x = naive.complex_samples(samples, sample_format)
    expected = 10.0 * np.log10(naive.spectrogram(x, framing))
    # float32 leaves about 1e-7 of the largest bin in every other: 40 dB below it that is .004 dB.
    np.testing.assert_allclose(power_dbfs, expected, rtol=0, atol=0.005)
    assert flags.tolist() == [0, 0, 0]
    assert start.tolist() == [0, framing.frame_samples, 2 * framing.frame_samples]


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("n_averages", [1, 3, 10])
@pytest.mark.parametrize("n_fft", FFT_SIZES)
@pytest.mark.parametrize("sample_format", FORMATS)
def test_both_paths_agree_over_many_batches(rng, sample_format, n_fft, n_averages):
    framing = Framing(RATE_HZ, n_fft, n_averages)
    samples = encode(noise(rng, 37 * framing.frame_samples), sample_format)
    fast, slow = (run(samples, framing, sample_format, name)[0] for name in ("compiled", "plain"))
    assert len(fast) == 37
    np.testing.assert_allclose(fast, slow, rtol=0, atol=0.005)


@both
@pytest.mark.parametrize("sample_format", FORMATS)
@pytest.mark.parametrize(("bin_offset", "level_dbfs"), [(0, -0.1), (-32, -6.0), (13, -20.0)])
def test_tone_is_in_its_bin_at_its_level(sample_format, bin_offset, level_dbfs, computing):
    k = np.arange(2 * SMALL.frame_samples)
    x = 10 ** (level_dbfs / 20) * np.exp(2j * np.pi * bin_offset / SMALL.n_bins * k)
    power_dbfs, _, _ = run(
        encode(x, sample_format), SMALL, sample_format, computing, max_clipped_fraction=1.0
    )
    assert (power_dbfs.argmax(axis=1) == bin_offset + SMALL.n_bins // 2).all()
    # Rounding to 8 bits moves the level of a tone at -20 dBFS by up to a few hundredths of a dB.
    tolerance = 0.06 if sample_format.sample_bytes == 2 else 1e-3
    np.testing.assert_allclose(power_dbfs.max(axis=1), level_dbfs, atol=tolerance)


@both
@pytest.mark.parametrize("taper", ["hann", "rect"])
def test_parseval(rng, taper, computing):
    framing = replace(SMALL, taper=taper)
    x = noise(rng, framing.frame_samples).astype(np.complex64)
    power_dbfs, _, _ = run(x, framing, SampleFormat.CF32, computing)
    window = naive.taper(taper, framing.n_fft)
    tapered = x.reshape(-1, framing.n_fft) * window
    energy = np.mean(np.sum(np.abs(tapered) ** 2, axis=1)) * framing.n_fft / window.sum() ** 2
    assert np.sum(10 ** (power_dbfs[0].astype(float) / 10)) == pytest.approx(energy, rel=1e-5)


@both
def test_hann_needs_its_enbw_to_measure_noise(rng, computing):
    framing = Framing(RATE_HZ, 64, 100 if not JIT_OFF else 20)
    x = noise(rng, framing.frame_samples, level=np.sqrt(0.5)).astype(np.complex64)
    power_dbfs, _, _ = run(x, framing, SampleFormat.CF32, computing)
    density = np.mean(10 ** (power_dbfs.astype(float) / 10)) / framing.rbw_hz
    # 64 bins of 100 (20) averages: relative error 1/sqrt(64 * 20 / 1.9) = 4%, so 15% is 4 sigma.
    assert density == pytest.approx(1.0 / RATE_HZ, rel=0.15)


@both
@pytest.mark.parametrize("sample_format", FORMATS)
def test_any_division_into_blocks_gives_the_same_frames(rng, sample_format, computing):
    n_samples = 40 * SMALL.frame_samples + 5
    if JIT_OFF and computing == "compiled":
        n_samples = 4 * SMALL.frame_samples + 5
    samples = encode(noise(rng, n_samples), sample_format)
    whole = run(samples, SMALL, sample_format, computing)
    cuts = np.sort(rng.integers(0, n_samples, 9))
    for lengths in (
        np.diff([0, *cuts, n_samples]),
        [1, 127, 0, n_samples - 128],
        [SMALL.frame_samples * 2, n_samples - SMALL.frame_samples * 2],
    ):
        for one, other in zip(
            whole, run(samples, SMALL, sample_format, computing, lengths), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("length", [1, 63, 128, 1000, 5000])
def test_equal_blocks_give_the_same_frames(rng, length):
    framing = Framing(RATE_HZ)
    samples = encode(noise(rng, 20_000), SampleFormat.CU8)
    lengths = [length] * (len(samples) // length)
    samples = samples[: sum(lengths)]
    whole = run(samples, framing, SampleFormat.CU8, "compiled")
    pieces = run(samples, framing, SampleFormat.CU8, "compiled", lengths)
    np.testing.assert_array_equal(whole[0], pieces[0])
    np.testing.assert_array_equal(whole[2], pieces[2])


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("n_averages", [1, 3, 10])
@pytest.mark.parametrize(("n_fft", "sample_format"), [(64, "cf32"), (128, "ci16"), (256, "cu8")])
def test_a_frame_is_the_same_in_any_company(rng, n_fft, sample_format, n_averages):
    """However many frames come at once, and so however many lanes each is given."""
    framing, sample_format = Framing(RATE_HZ, n_fft, n_averages), SampleFormat(sample_format)
    n = framing.frame_samples
    samples = encode(noise(rng, 136 * n), sample_format)
    whole = run(samples, framing, sample_format, "compiled")[0]
    pieces = run(samples, framing, sample_format, "compiled", [k * n for k in range(17)])[0]
    assert len(pieces) == 136
    np.testing.assert_array_equal(whole, pieces)


@both
def test_odd_addresses_and_read_only_samples_are_taken(rng, computing):
    samples = encode(noise(rng, 2 * SMALL.frame_samples), SampleFormat.CI8)
    raw = np.zeros(samples.size + 1, np.int8)
    raw[1:] = samples.ravel()
    odd = raw[1:].reshape(-1, 2)
    odd.flags.writeable = False
    expected = run(samples, SMALL, SampleFormat.CI8, computing)[0]
    np.testing.assert_array_equal(run(odd, SMALL, SampleFormat.CI8, computing)[0], expected)


@both
def test_a_gap_is_one_dropped_frame_and_framing_begins_anew(rng, computing):
    n = SMALL.frame_samples
    x = noise(rng, 10 * n).astype(np.complex64)
    front_end = FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=4 * n, computing=computing)
    assert front_end.process(block(x[: n + 50])).n_frames == 1
    after = front_end.process(block(x[2 * n : 3 * n + 20], 2 * n, n_dropped=n - 50))
    assert after.flags.tolist() == [FrameFlag.DROPPED, 0]
    assert after.tick_start.tolist() == [n + 50, 2 * n]
    assert (after.power_dbfs[0] == -200.0).all()
    expected = run(x[2 * n : 3 * n], SMALL, SampleFormat.CF32, computing)[0]
    np.testing.assert_array_equal(after.power_dbfs[1:], expected)
    rest = front_end.process(block(x[3 * n + 20 : 4 * n], 3 * n + 20))
    assert (rest.flags.tolist(), rest.tick_start.tolist()) == ([0], [3 * n])


@pytest.mark.parametrize(
    ("changes", "first_lost"),
    [
        ({"sample_start": 500}, 200),
        ({"sample_start": 100}, 100),
        ({"sample_start": 500, "n_dropped": 30}, 470),
    ],
)
def test_every_discontinuity_is_noticed(rng, changes, first_lost):
    x = noise(rng, 200).astype(np.complex64)
    front_end = FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=200, computing="plain")
    front_end.process(block(x))
    frames = front_end.process(block(x[:128], **changes))
    assert frames.flags.tolist() == [FrameFlag.DROPPED, 0]
    assert frames.tick_start.tolist() == [first_lost, changes["sample_start"]]


def test_a_retune_is_another_grid_and_no_gap(rng):
    x = noise(rng, 200).astype(np.complex64)
    front_end = FrontEnd(
        SMALL, SampleFormat.CF32, max_block_samples=200, computing="plain", center_freq_hz=8e8
    )
    first = front_end.grid
    assert front_end.process(block(x, center_freq_hz=8e8)).grid is first
    frames = front_end.process(block(x, 200, center_freq_hz=9e8))
    assert (frames.flags.tolist(), frames.tick_start.tolist()) == ([0], [200])
    np.testing.assert_allclose(frames.grid.freqs_hz - first.freqs_hz, 1e8)
    assert front_end.process(block(x, 400, center_freq_hz=9e8)).grid is frames.grid
    lossy = front_end.process(block(x, 700, center_freq_hz=8e8, n_dropped=100))
    assert (lossy.flags.tolist(), lossy.tick_start.tolist()) == ([FrameFlag.DROPPED, 0], [600, 700])
    np.testing.assert_array_equal(lossy.grid.freqs_hz, first.freqs_hz)


def test_a_time_away_is_no_gap_and_the_grid_the_same(rng):
    """The unfinished frame is dropped; where samples were lost as well, that is said."""
    x = noise(rng, 200).astype(np.complex64)
    front_end = FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=200, computing="plain")
    grid = front_end.grid
    front_end.process(block(x[:100]))
    frames = front_end.process(block(x[:128], 5000, n_away=4900))
    assert (frames.flags.tolist(), frames.tick_start.tolist()) == ([0], [5000])
    assert frames.grid is grid
    frames = front_end.process(block(x[:128], 9000, n_away=3000, n_dropped=872))
    assert (frames.flags.tolist(), frames.tick_start.tolist()) == (
        [FrameFlag.DROPPED, 0],
        [9000 - 872, 9000],
    )


def test_a_frame_has_the_flags_of_all_blocks_that_it_has_samples_of(rng):
    n, wrong = SMALL.frame_samples, list(FrameFlag)
    front_end = FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=400, computing="plain")
    flags, of_samples, at = [], [], 0
    for length in rng.integers(1, 400, 200):
        flag = FrameFlag(rng.choice(wrong)) if rng.random() < 0.3 else FrameFlag.VALID
        x = noise(rng, length).astype(np.complex64)
        flags += front_end.process(block(x, at, flags=flag)).flags.tolist()
        of_samples += [int(flag)] * length
        at += int(length)
    frames = np.reshape(of_samples[: len(flags) * n], (-1, n))
    assert flags == np.bitwise_or.reduce(frames, axis=1).tolist()
    assert 0 < flags.count(0) < len(flags)


@pytest.mark.parametrize("how", ["gap", "retune", "reset"])
def test_a_frame_that_was_given_up_leaves_no_flag(rng, how):
    x = noise(rng, 128).astype(np.complex64)
    front_end = FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=200, computing="plain")
    front_end.process(block(x[:50], flags=FrameFlag.CLIPPED))
    if how == "reset":
        front_end.reset()
    frames = front_end.process(
        block(x, 50, n_dropped=how == "gap", center_freq_hz=8e8 if how == "retune" else 0.0)
    )
    assert frames.flags.tolist() == ([FrameFlag.DROPPED, 0] if how == "gap" else [0])
    assert frames.tick_start[-1] == 50


def test_a_source_gives_its_format_and_its_centre_and_has_the_rate_of_the_framing():
    def source(rate_hz):
        return SourceInfo("test:", rate_hz, 8e8, SampleFormat.CI8, False)

    near = source(RATE_HZ * (1 - 5e-5))
    front_end = FrontEnd.for_source(SMALL, near, max_block_samples=1, computing="plain")
    assert front_end.sample_format is SampleFormat.CI8
    np.testing.assert_array_equal(front_end.grid.freqs_hz, SMALL.grid(8e8).freqs_hz)
    for rate_hz in (RATE_HZ * (1 - 2e-4), RATE_HZ * (1 + 2e-4)):
        with pytest.raises(SourceError, match=r"test: delivers .* was made for 5000000:"):
            FrontEnd.for_source(SMALL, source(rate_hz), max_block_samples=1)


def test_reset_forgets_the_unfinished_frame(rng):
    x = noise(rng, 200).astype(np.complex64)
    front_end = FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=200, computing="plain")
    front_end.process(block(x))
    front_end.reset()
    frames = front_end.process(block(x[:128], 10_000))
    assert (frames.flags.tolist(), frames.tick_start.tolist()) == ([0], [10_000])


def test_results_are_views_into_one_buffer(rng):
    x = noise(rng, 256).astype(np.complex64)
    front_end = FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=256)
    first = front_end.process(block(x))
    second = front_end.process(block(x, 256))
    assert np.shares_memory(first.power_dbfs, second.power_dbfs)


def test_auto_is_the_fast_path():
    assert FrontEnd(SMALL, SampleFormat.CU8, max_block_samples=1).computing == "compiled"


def test_errors_say_what_to_do(rng):
    x = noise(rng, 256).astype(np.complex64)
    front_end = FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=200, computing="plain")
    with pytest.raises(ModelError, match=r"1920000 S/s.*5000000 S/s"):
        front_end.process(block(x[:10], sample_rate_hz=1.92e6))
    front_end.process(block(x[:10], sample_rate_hz=RATE_HZ * (1 + 5e-5)))
    with pytest.raises(SourceError, match=r"256 samples.*at most 200"):
        front_end.process(block(x))
    with pytest.raises(SourceError, match="uint8"):
        front_end.process(block(encode(x[:10], SampleFormat.CU8)))
    with pytest.raises(ConfigError, match=r"'fpga'.*auto, compiled, plain"):
        FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=1, computing="fpga")
    with pytest.raises(ConfigError, match="max_block_samples is 0"):
        FrontEnd(SMALL, SampleFormat.CF32, max_block_samples=0)


@both
def test_frames_are_whole_where_all_are_valid_and_follow_each_other(rng, computing):
    """Who reads ``is_whole`` need not look at flags and positions; over gaps, flags and blocks."""
    framing = Framing(RATE_HZ, 64, n_averages=2)
    n_frame, step = framing.frame_samples, 3 * framing.frame_samples
    samples = encode(noise(rng, 40 * n_frame), SampleFormat.CI16)
    samples[7 * n_frame : 9 * n_frame] = 5
    front_end = FrontEnd(
        framing, SampleFormat.CI16, max_block_samples=step, computing=computing
    )  # fmt: skip
    found, stop, n_lost = [], 0, 0
    while stop < len(samples):
        part = samples[stop : stop + int(rng.integers(1, step))]
        lost = int(rng.integers(1, 500)) if rng.random() < 0.2 else 0
        n_lost += lost
        frames = front_end.process(block(part, stop + n_lost, n_dropped=lost))
        stop += len(part)
        follows = (np.diff(frames.tick_start) == n_frame).all()
        assert frames.is_whole == (follows and not frames.flags.any())
        assert frames.part(slice(0, 1)).is_whole == frames.is_whole
        assert not frames.part(slice(None, None, 2)).is_whole
        found.append(frames.is_whole)
    assert len(set(found)) == 2
