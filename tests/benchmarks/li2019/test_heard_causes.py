"""Causes that lie in what a model heard, in worlds where they are so and where they are not."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.papers.claim import UntestableError
from benchmarks.papers.li2019.claims.heard_causes import hours_differ, too_little_of_it, unheard
from converter.lab.numbers.intervals import Interval
from converter.report.kinship import Kin
from converter.report.results import Results
from tests.made.tables import RIGHT, Effects, all_pairs, experiment, write_predictions

pytestmark = pytest.mark.converter


def world(folder: Path, effects: Effects) -> Results:
    write_predictions(folder, effects, all_pairs())
    return Results.read(experiment(), folder)


def gap(high_db: float) -> Interval:
    return Interval(high_db - 0.02, high_db - 0.04, high_db)


def figures(sentence: str) -> list[float]:
    return [float(text) for text in re.findall(r"[+-]?\d+\.\d+", sentence)]


def test_who_heard_nothing_like_it_is_told_beside_one_that_surely_did_not(tmp_path: Path) -> None:
    results = world(tmp_path, replace(RIGHT, unified_db=1.0, foreign_time_db=1.2))
    sentence = unheard(Kin.TIME, lambda _: gap(0.1), results)
    assert re.match("at (day|night) the unified model is 1.0", sentence)
    less, low, high, strange, *_ = figures(sentence)
    assert 0.9 < low <= less <= high < 1.1
    assert strange == pytest.approx(1.2, abs=0.05)


@pytest.mark.parametrize(
    ("unified_db", "foreign_db", "gap_db", "why"),
    [
        # Everywhere it is behind by as much: that is its training.
        (1.0, 1.2, 1.5, "explains as much"),
        # A model that heard nothing of it is far worse: it did hear some.
        (0.3, 1.2, 0.1, "well ahead"),
        # It is not behind at all.
        (-0.2, 1.2, 0.0, "explains as much"),
    ],
)
def test_where_that_is_not_so_it_is_not_told(
    tmp_path: Path, unified_db: float, foreign_db: float, gap_db: float, why: str
) -> None:
    effects = replace(RIGHT, unified_db=unified_db, foreign_time_db=foreign_db)
    with pytest.raises(UntestableError, match=why):
        unheard(Kin.TIME, lambda _: gap(gap_db), world(tmp_path, effects))


def test_hours_that_differ_more_than_places_are_told(tmp_path: Path) -> None:
    results = world(tmp_path, RIGHT)
    own = {
        kin: [
            results.errors.summary(f"m-{name}", name).rmse.value
            for name in results.kinship.populations(kin)  # type: ignore[union-attr]
        ]
        for kin in (Kin.PLACE, Kin.TIME)
    }
    spans = {kin: max(found) - min(found) for kin, found in own.items()}
    if spans[Kin.TIME] > spans[Kin.PLACE]:
        told = figures(hours_differ(results))
        ranges = [f(own[kin]) for kin in (Kin.PLACE, Kin.TIME) for f in (min, max)]
        assert told == pytest.approx(ranges, abs=0.006)
    else:
        with pytest.raises(UntestableError, match="places differ more"):
            hours_differ(results)


def test_the_first_amount_of_data_that_is_too_little_is_told(tmp_path: Path) -> None:
    costs = {**RIGHT.transfer_db, "b-10s": 0.2, "b-300s": 0.0}
    sentence = too_little_of_it("1L", world(tmp_path, replace(RIGHT, transfer_db=costs)))
    assert sentence.startswith("with 10 s, ")
    assert figures(sentence)[0] == pytest.approx(0.2, abs=0.02)
    assert sentence.endswith("where 0.06 dB is as good")


@pytest.mark.parametrize(("least_db", "most_db"), [(0.0, 0.0), (0.2, 0.2)])
def test_without_a_step_from_enough_to_too_little_nothing_is_told(
    tmp_path: Path, least_db: float, most_db: float
) -> None:
    costs = {**RIGHT.transfer_db, "b-10s": least_db, "b-300s": most_db}
    with pytest.raises(UntestableError, match="no amount of data, or with all"):
        too_little_of_it("1L", world(tmp_path, replace(RIGHT, transfer_db=costs)))
