"""The detector for any band learns a rhythm, stops learning, and says what is new."""

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.detect.any_band.arithmetic import open_arithmetic
from edgespec.detect.any_band.detector import MANY_BURSTS, THRESHOLD, AnyBand, Rhythm
from edgespec.records import FloatArray, Geometry
from tests import naive

GEOMETRY = Geometry(32, 2.56e-4, n_context=1, n_horizon=25, hop_frames=25)
N_LEAST = 90


def noise(rng: np.random.Generator, n_hops: int) -> FloatArray:
    shape = (n_hops, GEOMETRY.n_horizon, GEOMETRY.n_bins)
    chance: FloatArray = 10.0 * np.log10(rng.gamma(10.0, 0.1, shape).astype(np.float32))
    return chance - np.float32(90.0)


def bursty(rng: np.random.Generator, n_hops: int, share: float = 0.2) -> FloatArray:
    """Noise, and in some hops a burst of one of four devices at a place and level of its own."""
    hops = noise(rng, n_hops)
    for hop in hops:
        if rng.random() < share:
            device = int(rng.integers(4))
            hop[3:20, 4 + 7 * device : 7 + 7 * device] += 15.0 + 3.0 * device
    return hops


def detector(
    least: int = N_LEAST, most: int = 10 * N_LEAST, delay: int = 0, how: Computing = Computing.PLAIN
) -> AnyBand:
    return AnyBand(GEOMETRY, Rhythm(least, most), delay, open_arithmetic(how))


def heard(one: AnyBand, hops: FloatArray) -> list[float | None]:
    found = [one.take(hop, is_alarm=False) for hop in hops]
    return [None if score is None else score.value for score in found]


@pytest.mark.parametrize("computing", list(Computing))
def test_scores_are_those_of_the_plainest_loops(
    rng: np.random.Generator, computing: Computing
) -> None:
    hops = bursty(rng, N_LEAST + 30)
    one = detector(most=N_LEAST, how=computing)
    scores = heard(one, hops)
    assert scores[:N_LEAST] == [None] * N_LEAST
    expected = naive.any_band_scores(hops, N_LEAST * 2 // 3, N_LEAST // 3)
    # A value beside a step of .05 dB may count as the next one.
    assert scores[N_LEAST:] == pytest.approx(expected.tolist(), abs=0.05, rel=0.02)


def test_normal_bursts_are_no_news_and_a_stranger_between_them_is(
    rng: np.random.Generator,
) -> None:
    one = detector(300, 300)
    heard(one, bursty(rng, 300))
    usual = [score for score in heard(one, bursty(rng, 200)) if score is not None]
    assert len(usual) == 200
    assert max(usual) < THRESHOLD
    hops = bursty(rng, 20)
    hops[:, :, 1] += 9.0
    assert min(score for score in heard(one, hops) if score is not None) > THRESHOLD


def test_a_band_without_bursts_takes_the_least_time_and_one_with_few_takes_longer(
    rng: np.random.Generator,
) -> None:
    quiet, rare = detector(), detector()
    heard(quiet, noise(rng, N_LEAST))
    assert quiet.is_settled
    assert quiet.n_bursts == 0
    heard(rare, bursty(rng, N_LEAST, 0.1))
    assert not rare.is_settled
    assert 0 < rare.n_bursts < MANY_BURSTS
    assert rare.n_hops_left == 0
    n = N_LEAST
    while not rare.is_settled:
        heard(rare, bursty(rng, 1, 0.1))
        n += 1
    # Either stage is over when there were bursts enough, or at the longest.
    assert rare.n_bursts >= MANY_BURSTS or n == 10 * N_LEAST


def test_what_goes_on_in_an_alarm_or_just_before_is_not_learnt(rng: np.random.Generator) -> None:
    guarded, open_ = detector(delay=4), detector(delay=0)
    hops = noise(rng, 2 * N_LEAST)
    hops[20:30, :, 6] += 25.0
    for number, hop in enumerate(hops):
        # Two of three hops open an event; it is held for a while.
        guarded.take(hop, is_alarm=22 <= number < 35)
        open_.take(hop, is_alarm=False)
    again = noise(rng, 1)[0]
    again[:, 6] += 25.0
    found, deaf = guarded.take(again, is_alarm=False), open_.take(again, is_alarm=False)
    assert found is not None
    assert deaf is not None
    assert found.value > THRESHOLD > deaf.value
    assert guarded.n_learnt == N_LEAST


def test_nothing_is_learnt_once_it_is_settled(rng: np.random.Generator) -> None:
    one = detector(N_LEAST, N_LEAST)
    heard(one, noise(rng, N_LEAST))
    before = one.reference()
    hops = noise(rng, 40)
    hops[:, :, 3] += 30.0
    first, *_, last = heard(one, hops)
    assert first == pytest.approx(last, rel=0.2)
    for name, array in one.reference().items():
        assert np.array_equal(array, before[name])


def test_a_step_of_the_gain_is_taken_along_while_it_learns_and_later(
    rng: np.random.Generator,
) -> None:
    one = detector(N_LEAST, N_LEAST, delay=3)
    hops = noise(rng, N_LEAST + 40)
    hops[30:] += 4.0
    for number, hop in enumerate(hops):
        if number == 30:
            one.follow(4.0)
        one.take(hop, is_alarm=False)
    one.follow(-6.0)
    later = heard(one, noise(rng, 50) - np.float32(2.0))
    assert max(score for score in later if score is not None) < THRESHOLD
    assert one.margin_db("peak", THRESHOLD) > 3.0


def test_who_goes_by_what_another_one_learnt_scores_the_same(rng: np.random.Generator) -> None:
    one, other = detector(), detector()
    assert one.reference() == {}
    heard(one, noise(rng, N_LEAST))
    other.take_reference(one.reference())
    assert other.is_settled
    assert (other.n_learnt, other.n_bursts) == (one.n_learnt, one.n_bursts)
    hops = noise(rng, 10)
    assert heard(other, hops) == heard(one, hops)
    for name in one.reference():
        with pytest.raises(LookupError):
            other.take_reference({k: v for k, v in one.reference().items() if k != name})
    with pytest.raises(ValueError, match="hops"):
        other.take_reference({**one.reference(), "counts": np.array([-1.0, 0.0])})
