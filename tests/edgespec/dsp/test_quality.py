"""Broken samples are seen, in both paths alike, and never reach the power values."""

from itertools import product

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.dsp.quality import ClipLimits, RealSignal
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import ConfigError
from edgespec.framing import Recipe
from edgespec.records import FrameFlag, IqBlock, SampleFormat
from tests import naive

RECIPE = Recipe(1e6, n_fft=64, n_averages=2)
FRAMING, GEOMETRY = RECIPE.framing, RECIPE.geometry
N = FRAMING.frame_samples
INTEGERS = [SampleFormat.CU8, SampleFormat.CI8, SampleFormat.CI16]

both = pytest.mark.parametrize("computing", Computing)


def frames(samples, sample_format, computing, **options):
    front_end = FrontEnd(
        FRAMING, sample_format, max_block_samples=len(samples), computing=computing, **options
    )
    block = IqBlock(samples, 1e6, 0.0, 0, 0)
    if computing == "compiled":
        # Without the compiler kernels run on NumPy scalars, which warn where machine code does not.
        with np.errstate(invalid="ignore", over="ignore"):
            return front_end.process(block)
    return front_end.process(block)


def quiet(rng, sample_format, n_frames):
    """Samples in the middle half of the range."""
    if sample_format is SampleFormat.CF32:
        return (rng.normal(size=(n_frames * N, 2)) @ [0.1, 0.1j]).astype(np.complex64)
    ends = np.iinfo(sample_format.dtype)
    quarter = (int(ends.max) - int(ends.min)) // 4
    return rng.integers(
        ends.min + quarter, ends.max - quarter, (n_frames * N, 2), sample_format.dtype
    )


@both
@pytest.mark.parametrize("sample_format", INTEGERS)
@pytest.mark.parametrize(("n_clipped", "flag"), [(25, 0), (26, FrameFlag.CLIPPED)])
def test_more_than_the_share_is_clipped(rng, sample_format, n_clipped, flag, computing):
    samples = quiet(rng, sample_format, 3)
    ends = np.iinfo(sample_format.dtype)
    # 10% of the 256 components of a frame are 25.6; both ends of the range count, I and Q alike.
    where = rng.choice(2 * N, n_clipped, replace=False)
    samples[N : 2 * N].reshape(-1)[where] = rng.choice([ends.min, ends.max], n_clipped)
    result = frames(samples, sample_format, computing)
    assert result.flags.tolist() == [0, flag, 0]
    assert np.isfinite(result.power_dbfs).all()


@both
def test_complex_samples_clip_only_where_asked(rng, computing):
    samples = quiet(rng, SampleFormat.CF32, 2)
    samples[N : N + 30] = 1.0 - 1.0j
    assert frames(samples, SampleFormat.CF32, computing).flags.tolist() == [0, 0]
    asked = frames(samples, SampleFormat.CF32, computing, clip_level=1.0)
    assert asked.flags.tolist() == [0, FrameFlag.CLIPPED]


@both
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, complex(0, np.nan), 1e30])
@pytest.mark.parametrize("where", [0, 1, 64, N - 1])
def test_a_value_that_is_not_finite_marks_its_frame_only(rng, bad, where, computing):
    samples = quiet(rng, SampleFormat.CF32, 3)
    clean = frames(samples, SampleFormat.CF32, computing).power_dbfs.copy()
    samples[N + where] = bad
    result = frames(samples, SampleFormat.CF32, computing)
    if bad == 1e30 and where in (0, 64):
        # A Hann taper is zero there: the sample has no part in the frame.
        assert result.flags.tolist() == [0, 0, 0]
        return
    assert result.flags.tolist() == [0, FrameFlag.NONFINITE, 0]
    np.testing.assert_array_equal(result.power_dbfs[[0, 2]], clean[[0, 2]])
    assert (result.power_dbfs[1] == -200.0).all()


@both
@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_equal_samples_are_a_dead_receiver(rng, sample_format, computing):
    samples = quiet(rng, sample_format, 3)
    samples[N : 2 * N] = samples[N]
    samples[2 * N :] = samples[2 * N]
    samples[-1] = samples[0]
    assert frames(samples, sample_format, computing).flags.tolist() == [0, FrameFlag.CONSTANT, 0]


@both
@pytest.mark.parametrize("sample_format", list(SampleFormat))
@pytest.mark.parametrize("side", [0, 1])
def test_a1_one_channel_alone_may_be_dead(rng, sample_format, side, computing):
    samples = quiet(rng, sample_format, 5)
    pairs = samples.view(np.float32).reshape(-1, 2) if samples.ndim == 1 else samples
    pairs[N : 2 * N, side] = pairs[0, side]
    pairs[2 * N : 3 * N, side] = pairs[0, side]
    pairs[3 * N - 1, side] = pairs[1, side]
    pairs[3 * N : 4 * N] = pairs[0]
    assert frames(samples, sample_format, computing).flags.tolist() == [
        0, FrameFlag.HALF, 0, FrameFlag.CONSTANT, 0
    ]  # fmt: skip


@pytest.mark.parametrize("edges", [[], [3], [1, 2, 3, 4, 5]])
def test_a_real_signal_is_no_dead_channel_until_both_have_moved(edges):
    flags = np.array([16, 24, 18, 0, 16, 17], np.uint8)
    real = RealSignal()
    for part in np.split(flags, edges):
        real.spare(part)
    assert flags.tolist() == [0, 8, 2, 0, 16, 17]


@both
def test_zeros_are_the_floor(computing):
    result = frames(np.zeros(N, np.complex64), SampleFormat.CF32, computing)
    assert (result.power_dbfs == -200.0).all()
    assert result.flags.tolist() == [FrameFlag.CONSTANT]


@both
@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_flags_are_those_of_the_definition(rng, sample_format, computing):
    samples = quiet(rng, sample_format, 8)
    options = {"clip_level": 0.25} if sample_format is SampleFormat.CF32 else {}
    if sample_format in INTEGERS:
        ends = np.iinfo(sample_format.dtype)
        for k, share in product([2, 5], [0.0, 0.3]):
            flat = samples[k * N : (k + 1) * N].reshape(-1)
            flat[rng.random(flat.size) < share] = ends.max
        samples[6 * N : 7 * N] = ends.min
        samples[4 * N : 5 * N, 1] = 3
    else:
        samples[2 * N + 3] = np.nan
        samples[6 * N : 7 * N] = 2.0
        samples[5 * N : 6 * N] *= 4.0
    result = frames(samples, sample_format, computing, max_clipped_fraction=0.2, **options)
    expected = [
        naive.frame_flags(samples[k * N : (k + 1) * N], sample_format, 0.2, **options)
        for k in range(8)
    ]
    assert result.flags.tolist() == expected
    assert len(set(expected)) > 2


def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="from 0 to 1"):
        ClipLimits.of(SampleFormat.CU8, 1.5)
    with pytest.raises(ConfigError, match="clip at the ends"):
        ClipLimits.of(SampleFormat.CU8, 0.1, clip_level=1.0)
    with pytest.raises(ConfigError, match="must be positive"):
        ClipLimits.of(SampleFormat.CF32, 0.1, clip_level=-1.0)
