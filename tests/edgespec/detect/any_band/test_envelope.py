"""A constant envelope is found in its channel, and a stranger in there is heard and placed."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.any_band.arithmetic import open_arithmetic
from edgespec.detect.any_band.channels import BLOCK_SAMPLES, RANKS
from edgespec.detect.any_band.detector import THRESHOLD, AnyBand, Rhythm
from edgespec.detect.any_band.envelope import Envelope
from edgespec.records import FloatArray, Geometry, SampleFormat
from tests import naive

N_HOP, N_LEARNT = 3000, 60
GEOMETRY = Geometry(32, 2.56e-4, n_context=1, n_horizon=25, hop_frames=25)
#: A carrier of FM at a tenth of the rate above the middle, .05 of the band wide.
CARRIER = 0.1

Wave = NDArray[np.complex64]


def noise(rng: np.random.Generator, level: float = 0.01) -> Wave:
    wave: Wave = (level * (rng.standard_normal(N_HOP) + 1j * rng.standard_normal(N_HOP))).astype(
        np.complex64
    )
    return wave


def fm(rng: np.random.Generator, middle: float = CARRIER) -> Wave:
    turns = np.cumsum(middle + 0.006 * np.repeat(rng.standard_normal(N_HOP // 60), 60))
    wave: Wave = np.exp(2j * np.pi * turns).astype(np.complex64) + noise(rng)
    return wave


def with_stranger(rng: np.random.Generator, isr_db: float = -10.0) -> Wave:
    """FM, and noise as wide in the same channel."""
    rough = np.repeat(rng.standard_normal(N_HOP // 20) + 1j * rng.standard_normal(N_HOP // 20), 20)
    at = np.exp(2j * np.pi * CARRIER * np.arange(N_HOP))
    wave: Wave = fm(rng) + (10.0 ** (isr_db / 20.0) / np.sqrt(2) * rough * at).astype(np.complex64)
    return wave


def learnt(make: Callable[[], Wave], how: Computing = Computing.PLAIN, delay: int = 0) -> Envelope:
    one = Envelope(GEOMETRY, N_HOP, N_LEARNT, delay, open_arithmetic(how))
    for number in range(N_LEARNT + 2 * delay):
        one.hear(make())
        one.take()
        if number == N_LEARNT * 2 // 3 + delay:
            one.pause()
        one.learn(is_known=number >= N_LEARNT * 2 // 3 + delay)
    one.settle()
    return one


def score_of(one: Envelope, wave: NDArray[np.generic]) -> float:
    one.hear(wave)
    one.take()
    return one.score()


@pytest.mark.parametrize("computing", list(Computing))
@pytest.mark.parametrize("n_blocks", [1, 7, 40])
def test_blocks_are_those_of_the_plainest_loops(
    rng: np.random.Generator, computing: Computing, n_blocks: int
) -> None:
    n = n_blocks * BLOCK_SAMPLES + 5
    wave = (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(np.complex64)
    wave[:BLOCK_SAMPLES] = 2.0
    power, left = np.full((2, n_blocks), np.nan, np.float32)
    open_arithmetic(computing).blocks(wave, power, left)
    expected, rough = naive.envelope_blocks(wave, BLOCK_SAMPLES)
    np.testing.assert_allclose(power, expected, rtol=1e-5)
    np.testing.assert_allclose(left[1:], rough[1:], rtol=1e-5)
    assert power[0] == pytest.approx(4.0)
    assert left[0] < 1e-12


@pytest.mark.parametrize("computing", list(Computing))
@pytest.mark.parametrize(("at", "n_rows"), [(0, 1), (1, 2), (3, 4), (1, 4)])
def test_ranks_are_those_of_the_last_rows_sorted(
    rng: np.random.Generator, computing: Computing, at: int, n_rows: int
) -> None:
    ring = rng.exponential(1.0, (4, 9)).astype(np.float32)
    before, levels_db = ring.copy(), np.zeros((2, len(RANKS)), np.float32)
    scratch = np.zeros(ring.size, np.float32)
    open_arithmetic(computing).ranks(ring, at, n_rows, scratch, levels_db)
    rows = [ring[(at - back) % 4] for back in reversed(range(n_rows))]
    np.testing.assert_allclose(levels_db, naive.envelope_ranks(rows, RANKS), rtol=0, atol=1e-4)
    assert np.array_equal(ring, before)


@pytest.mark.parametrize(
    "computing",
    [
        Computing.PLAIN,
        pytest.param(Computing.COMPILED, marks=pytest.mark.slow_without_jit),
    ],
)
def test_a_stranger_in_the_channel_of_a_carrier_is_heard_and_placed(
    rng: np.random.Generator, computing: Computing
) -> None:
    one = learnt(lambda: fm(rng), computing)
    assert one.channels
    for channel in one.channels:
        assert abs(channel.middle - CARRIER) <= channel.width / 2 + 0.01
    assert max(score_of(one, fm(rng)) for _ in range(30)) < THRESHOLD
    for _ in range(3):
        assert score_of(one, with_stranger(rng)) > THRESHOLD
    (bins,) = np.nonzero(one.map_db.max(axis=0))
    assert bins[0] <= round((0.5 + CARRIER) * GEOMETRY.n_bins) <= bins[-1] + 1
    assert len(bins) < GEOMETRY.n_bins
    assert one.map_db[:, bins].min() > 3.0


def test_noise_has_no_channel_and_nothing_is_heard_of_it_any_more(
    rng: np.random.Generator,
) -> None:
    one = learnt(lambda: noise(rng))
    assert one.is_deaf
    assert one.channels == ()
    assert score_of(one, with_stranger(rng)) == -np.inf
    assert one.reference() == {}


def test_noise_of_less_than_a_step_of_the_converter_is_no_carrier(
    rng: np.random.Generator,
) -> None:
    """Each number of offset binary is then one of two: their modulus is the same all along."""

    def quantised() -> NDArray[np.uint8]:
        wave = noise(rng, 0.2).view(np.float32).reshape(-1, 2)
        return np.round(127.5 + wave).clip(127, 128).astype(np.uint8)

    one = learnt(quantised)  # type: ignore[arg-type]
    assert one.channels == ()


def test_bursts_of_a_constant_envelope_are_no_carrier(rng: np.random.Generator) -> None:
    one = learnt(lambda: fm(rng) if rng.random() < 0.5 else noise(rng))
    assert one.channels == ()


def test_formats_and_a_step_of_the_gain_change_no_score(rng: np.random.Generator) -> None:
    one, other = (learnt(lambda: fm(np.random.default_rng(5))) for _ in range(2))
    wave = 0.5 * with_stranger(rng)
    one.follow(20.0 * np.log10(0.5))
    assert score_of(one, wave.astype(np.complex64)) == pytest.approx(
        score_of(other, with_stranger(np.random.default_rng(3))), rel=0.3
    )
    octets = np.round(127.5 + 100.0 * wave.view(np.float32).reshape(-1, 2)).astype(np.uint8)
    integers = SampleFormat.CU8.to_complex(octets) * np.float32(1.275)
    one.follow(40.0)
    by_octets = score_of(one, octets)
    one.follow(-40.0)
    assert by_octets == pytest.approx(score_of(one, integers.astype(np.complex64)), rel=1e-3)


def test_of_a_hop_that_was_not_heard_nothing_is_said(rng: np.random.Generator) -> None:
    one = learnt(lambda: fm(rng))
    one.take()
    assert one.score() == -np.inf
    assert score_of(one, with_stranger(rng)[: N_HOP // 2]) == -np.inf
    assert score_of(one, with_stranger(rng)) > THRESHOLD


@pytest.mark.parametrize("value", [np.nan, np.inf, complex(0.0, -np.inf), 1e38])
def test_samples_that_are_no_numbers_are_neither_learnt_nor_judged(
    rng: np.random.Generator, value: complex
) -> None:
    def broken() -> Wave:
        wave = fm(rng)
        if rng.random() < 0.2:
            wave[rng.integers(N_HOP)] = value
        return wave

    one = learnt(broken)
    assert one.channels
    wave = fm(rng)
    wave[7] = value
    assert score_of(one, wave) == -np.inf
    assert score_of(one, fm(rng)) < THRESHOLD < score_of(one, with_stranger(rng))


def test_what_waits_for_an_alarm_is_not_learnt(rng: np.random.Generator) -> None:
    one = Envelope(GEOMETRY, N_HOP, N_LEARNT, 3)
    for number in range(2 * N_LEARNT):
        is_there = 40 <= number < 50
        one.hear(with_stranger(rng, 0.0) if is_there else fm(rng))
        one.take()
        # Two of three hops open an event.
        if 41 <= number < 52:
            one.pause()
        else:
            one.learn(is_known=number >= 70)
    one.settle()
    assert score_of(one, with_stranger(rng)) > THRESHOLD


def test_what_another_one_learnt_is_taken_or_refused(rng: np.random.Generator) -> None:
    one, other = learnt(lambda: fm(rng)), Envelope(GEOMETRY, N_HOP, N_LEARNT)
    reference = one.reference()
    other.take_reference(reference)
    wave = with_stranger(rng)
    one._n_ring = 0
    assert score_of(other, wave) == pytest.approx(score_of(one, wave), rel=1e-6)
    for name in reference:
        with pytest.raises(LookupError):
            other.take_reference({k: v for k, v in reference.items() if k != name})
    n = len(one.channels)
    for channels in (
        np.zeros((n, 3)), np.full((n, 2), 0.9), np.zeros((n, 2)), np.full((n, 2), np.nan),
        np.full((40, 2), 0.1), np.full((n, 2), 1e-9),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"channel|shape"):
            other.take_reference({**reference, "channels": channels})
    with pytest.raises(ValueError, match="not finite"):
        other.take_reference({**reference, "highest_db": reference["highest_db"] * np.nan})


def test_the_detector_scores_what_power_does_not_show(rng: np.random.Generator) -> None:
    """The frames are those of the carrier alone: the stranger is in the samples only."""
    frames: FloatArray = rng.normal(-60.0, 1.0, (N_LEARNT + 8, 25, 32)).astype(np.float32)
    one = AnyBand(GEOMETRY, Rhythm(N_LEARNT, N_LEARNT), 0, hop_samples=N_HOP)
    for frame in frames[:N_LEARNT]:
        one.hear(fm(rng))
        assert one.take(frame, is_alarm=False) is None
    kept = one.reference()
    for frame in frames[N_LEARNT:-2]:
        one.hear(fm(rng))
        found = one.take(frame, is_alarm=False)
        assert found is not None
        assert found.value < THRESHOLD
    again = AnyBand(GEOMETRY, Rhythm(N_LEARNT, N_LEARNT), 0, hop_samples=N_HOP)
    again.take_reference(kept)
    for own in (one, again):
        own.hear(with_stranger(rng))
        found = own.take(frames[-1], is_alarm=False)
        assert found is not None
        assert found.value > THRESHOLD
        assert found.error_map_db is not None
        # Without samples it goes by power alone.
        quiet = own.take(frames[-2], is_alarm=False)
        assert quiet is not None
        assert quiet.value < THRESHOLD
        assert quiet.error_map_db is None
