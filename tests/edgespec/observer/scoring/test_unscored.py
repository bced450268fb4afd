"""What was not scored is counted once, and said."""

import pytest

from edgespec.framing import Recipe
from edgespec.observer.scoring.unscored import NO_CELL, Unscored

GEOMETRY = Recipe.for_rate(1.92e6).geometry


def test_a_second_without_a_score_is_a_second() -> None:
    unscored = Unscored(GEOMETRY)
    n = round(1.0 / GEOMETRY.hop_s)
    for _ in range(n):
        unscored.add(NO_CELL)
    lately = unscored.lately()
    assert lately.reason == NO_CELL
    assert lately.share == 1.0
    assert lately.duration_s == pytest.approx(n * GEOMETRY.hop_s)


def test_one_score_ends_it_and_is_one_of_many() -> None:
    unscored = Unscored(GEOMETRY)
    for _ in range(3):
        unscored.add(NO_CELL)
    unscored.add()
    assert unscored.lately().duration_s == 0.0
    assert unscored.lately().share == 0.75
