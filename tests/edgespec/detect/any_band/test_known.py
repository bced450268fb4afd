"""What is known of a band: the highest peaks and floors that were heard."""

import numpy as np
import pytest

from edgespec.detect.any_band.known import Heard, Known
from edgespec.records import FloatArray, Geometry

GEOMETRY = Geometry(32, 2.56e-4, n_context=1, n_horizon=25, hop_frames=25)


def hop(rng: np.random.Generator) -> FloatArray:
    return rng.normal(-90.0, 1.4, (25, GEOMETRY.n_bins)).astype(np.float32)


def take(known: Known, target_db: FloatArray) -> np.ndarray:
    heard, parts_db = Heard(GEOMETRY), np.zeros(2)
    heard.take(target_db)
    known.write_above_db(heard, parts_db)
    return parts_db


def learn(known: Known, target_db: FloatArray) -> None:
    heard = Heard(GEOMETRY)
    heard.take(target_db)
    known.learn(heard.levels_db)


def test_what_was_heard_lies_above_nothing(rng: np.random.Generator) -> None:
    known, hops = Known(GEOMETRY), [hop(rng) for _ in range(20)]
    for one in hops:
        learn(known, one)
    for one in hops:
        assert take(known, one).max() <= 1e-4
    louder = hops[3].copy()
    louder[7, 5] += 12.0
    peak, fill = take(known, louder)
    assert peak > 8.0
    assert fill < 0.5


def test_what_fills_a_gap_raises_the_floor_alone() -> None:
    known = Known(GEOMETRY)
    on, off = np.full((25, 32), -60.0, np.float32), np.full((25, 32), -90.0, np.float32)
    half = np.where(np.arange(25)[:, None] % 2, on, off).astype(np.float32)
    for one in (half, on * 0 + half):
        learn(known, one)
    filled = np.maximum(half, np.float32(-80.0))
    peak, fill = take(known, filled)
    assert peak <= 5.0
    assert fill == pytest.approx(10.0, abs=0.1)


def test_two_bursts_at_once_are_no_news_where_each_is_known() -> None:
    # Devices that know nothing of each other coincide now and then, in ever new ways.
    known = Known(GEOMETRY)
    quiet = np.full((25, 32), -90.0, np.float32)
    left, right = quiet.copy(), quiet.copy()
    left[:, 4], right[:, 20] = -60.0, -60.0
    for one in (quiet, left, right):
        learn(known, one)
    # A run of 24 bins holds both.
    assert take(known, np.maximum(left, right)).max() == 30.0 / 24.0


def test_a_step_of_the_gain_moves_all_that_is_known(rng: np.random.Generator) -> None:
    known, target = Known(GEOMETRY), hop(rng)
    learn(known, target)
    known.follow(3.0)
    np.testing.assert_allclose(take(known, target + np.float32(3.0)), 0.0, atol=1e-4)


def test_what_another_one_knows_is_taken_or_refused(rng: np.random.Generator) -> None:
    known, other, target = Known(GEOMETRY), Known(GEOMETRY), hop(rng)
    learn(known, target)
    other.take_reference(known.reference())
    later = hop(rng)
    assert take(other, later).tolist() == take(known, later).tolist()
    broken = {"highest_db": known.reference()["highest_db"][:, :-1]}
    with pytest.raises(ValueError, match="shape"):
        other.take_reference(broken)
