"""How far normal signal goes: an exponential tail is told as it is, and nothing is too steady."""

import numpy as np
import pytest

from edgespec.detect.any_band.tails import Tails


def learnt(values_db: np.ndarray) -> Tails:
    tails = Tails()
    for row in values_db:
        tails.learn(row)
    tails.settle()
    return tails


def test_scores_of_an_exponential_tail_are_as_rare_as_they_say(rng: np.random.Generator) -> None:
    tails = learnt(rng.exponential(2.0, (20_000, 2)))
    later = rng.exponential(2.0, (100_000, 1))
    scores = np.array([tails.score(np.array([x[0], -9.0])) for x in later])
    for t in (1.0, 3.0, 5.0):
        assert np.mean(scores > t) == pytest.approx(0.2 * np.exp(-t), rel=0.25)


def test_what_never_varies_falls_by_a_third_of_a_decibel_and_begins_at_what_is_known() -> None:
    tails = learnt(np.full((50, 2), -4.0))
    assert tails.score(np.array([3.0, -4.0])) == pytest.approx(10.0)
    assert tails.margin_db("peak", 10.0) == pytest.approx(3.0)


def test_a_loud_third_of_the_warmup_makes_a_part_less_sure(rng: np.random.Generator) -> None:
    quiet = rng.normal(-2.0, 0.3, (300, 2))
    bursts = quiet.copy()
    bursts[::10, 0] += 15.0
    usual, rough = learnt(quiet), learnt(bursts)
    hop = np.array([8.0, -2.0])
    assert rough.score(hop) < 0.5 * usual.score(hop)
    assert rough.margin_db("fill", 5.0) == pytest.approx(usual.margin_db("fill", 5.0))


def test_what_another_one_learnt_is_taken_or_refused(rng: np.random.Generator) -> None:
    tails, other = learnt(rng.exponential(1.0, (200, 2))), Tails()
    other.take_reference(tails.reference())
    hop = np.array([4.0, 1.0])
    assert other.score(hop) == tails.score(hop)
    with pytest.raises(ValueError, match="fall"):
        other.take_reference({"tails_db": np.zeros((2, 2))})
