"""Verdicts follow the figures both ways."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.papers.claim import Bound, Finding, Verdict
from benchmarks.papers.li2019.claims import detection_measures
from benchmarks.papers.li2019.claims.claims import CLAIMS
from benchmarks.papers.li2019.verdicts import judge
from converter.lab.numbers.intervals import Interval
from converter.report.results import Results
from tests.made.tables import (
    EXPERIMENT,
    RIGHT,
    Effects,
    all_pairs,
    experiment,
    with_strength,
    write_all,
    write_detection,
    write_predictions,
)
from tests.made.tiny_experiment import parse_experiment

pytestmark = pytest.mark.converter

#: A world in which each claim does not hold: what is changed of that in which all hold.
WRONG: Mapping[str, Effects] = {
    "unified-places": replace(RIGHT, unified_db=0.2),
    "unified-times": replace(RIGHT, unified_db=0.2),
    "unified-mobility": replace(RIGHT, unified_db=0.2),
    "reuse-error": replace(RIGHT, foreign_place_db=0.0),
    "place-over-time": replace(RIGHT, foreign_time_db=1.5),
    "transform-error": replace(RIGHT, bare_db=0.0),
    "autoencoder": replace(RIGHT, auto_ratio=1.2),
    "uplink-error": replace(RIGHT, uplink_db=-0.5),
    "poisoning": replace(RIGHT, poisoned_db=0.3),
    "cross-cell": replace(RIGHT, zero_shot_db=0.0),
    "cell-transfer": replace(RIGHT, transfer_db={**RIGHT.transfer_db, "b-300s": 0.3}),
    "less-data": replace(RIGHT, transfer_db={**RIGHT.transfer_db, "b-10s": 0.3}),
    "cell-closed-form": replace(RIGHT, transfer_db={**RIGHT.transfer_db, "cf-300s": 0.3}),
    "less-data-closed-form": replace(RIGHT, transfer_db={**RIGHT.transfer_db, "cf-10s": 0.3}),
    "cross-band": replace(RIGHT, zero_shot_db=0.0),
    "band-1l": replace(RIGHT, transfer_db={**RIGHT.transfer_db, "band-1l": 0.0}),
    "band-2l": replace(RIGHT, transfer_db={**RIGHT.transfer_db, "band-2l": 0.4}),
    "band-all": replace(RIGHT, transfer_db={**RIGHT.transfer_db, "band-all": 0.1}),
    "uplink-transfer": replace(RIGHT, transfer_db={**RIGHT.transfer_db, "up-all": -0.1}),
    "rivals": with_strength(RIGHT, kalman=6.0),
    "simple": with_strength(RIGHT, rss_rule=6.0),
    "reuse-detection": with_strength(RIGHT, m_place_2=4.0),
    "raises-error": with_strength(RIGHT, unified=-1.0),
    "uplink-detection": with_strength(RIGHT, self_up=8.0),
    "unified-detection": with_strength(RIGHT, unified=1.0),
    "transform-detection": with_strength(RIGHT, bare=4.0),
    "transfer-detection": with_strength(RIGHT, b_300s=1.0),
    "faults": replace(RIGHT, fault_strength=0.5),
    "gaussian": replace(RIGHT, test_spread=1.5),
    "quantised": with_strength(RIGHT, unified_int8=2.0),
}
#: Too few bands and observers in the made tables to hold, or nothing to hold by.
ELSEWHERE = {"bands-alike", "seasons"}
OF_DETECTION = {
    claim.key
    for claim in CLAIMS
    if getattr(claim.measure, "func", claim.measure).__module__ == detection_measures.__name__
}


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read(write_all(tmp_path_factory.mktemp("right")))


def read(work: Path) -> Results:
    return Results.read(experiment(), work)


def finding(key: str, results: Results) -> Finding:
    (claim,) = (claim for claim in CLAIMS if claim.key == key)
    return judge(claim, results)


def test_every_claim_has_a_name_of_its_own_and_a_world_against_it() -> None:
    keys = [claim.key for claim in CLAIMS]
    assert len(set(keys)) == len(keys)
    assert set(keys) == set(WRONG) | ELSEWHERE


@pytest.mark.parametrize("key", sorted(set(WRONG) - {"gaussian", "uplink-detection"}))
def test_a_claim_is_confirmed_where_the_effect_is_there(key: str, right: Results) -> None:
    found = finding(key, right)
    assert found.verdict is Verdict.CONFIRMED, found


@pytest.mark.parametrize("key", sorted(WRONG))
def test_a_claim_is_not_confirmed_where_the_effect_is_not_there(key: str, tmp_path: Path) -> None:
    if key in OF_DETECTION:
        for name in experiment().detections:
            write_detection(tmp_path, name, WRONG[key])
    else:
        write_predictions(tmp_path, WRONG[key], all_pairs())
    found = finding(key, read(tmp_path))
    assert found.verdict is Verdict.NOT_CONFIRMED, found


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_a_claim_is_not_testable_without_tables(claim: Any, tmp_path: Path) -> None:
    assert judge(claim, read(tmp_path)).verdict is Verdict.NOT_TESTABLE


def test_the_uplinks_detection_is_judged_both_ways(tmp_path: Path) -> None:
    for name, strength in (("main", 4.0), ("on-uplink", 0.5)):
        write_detection(tmp_path, name, with_strength(RIGHT, unified=4.0, self_up=strength))
    assert finding("uplink-detection", read(tmp_path)).verdict is Verdict.CONFIRMED


def test_a_gaussian_threshold_is_confirmed_where_observers_are_alike(tmp_path: Path) -> None:
    write_detection(tmp_path, "main", replace(RIGHT, offset=0.0))
    assert finding("gaussian", read(tmp_path)).verdict is Verdict.CONFIRMED


def test_less_data_than_was_tested_cannot_be_claimed(tmp_path: Path) -> None:
    pairs = [pair for pair in all_pairs() if pair[0] != "b-10s"]
    write_predictions(tmp_path, RIGHT, pairs)
    found = finding("less-data", read(tmp_path))
    assert found.verdict is Verdict.NOT_TESTABLE
    assert found.figures["less_data"] == pytest.approx(10.0)


def test_few_observers_give_figures_and_no_verdict(right: Results) -> None:
    few = parse_experiment(EXPERIMENT.replace("test = 6\nn_seeds = 2", "test = 2\nn_seeds = 2"))
    results = Results.read(few, right.work)
    found = finding("reuse-error", results)
    assert found.verdict is Verdict.NOT_TESTABLE
    assert "4 test observers" in found.why
    assert found.figures == finding("reuse-error", right).figures


def test_bands_that_differ_are_not_alike(right: Results, tmp_path: Path) -> None:
    assert finding("bands-alike", right).figures
    effects = replace(RIGHT, transfer_db={**RIGHT.transfer_db, "self-2": 1.0})
    write_predictions(tmp_path, effects, all_pairs())
    assert finding("bands-alike", read(tmp_path)).verdict is Verdict.NOT_CONFIRMED


def test_less_data_is_no_proof_against_contamination(right: Results, tmp_path: Path) -> None:
    write_predictions(tmp_path, replace(RIGHT, poisoned_db=0.3), all_pairs())
    text = EXPERIMENT + "\n[observers.poisoned]\ntrain = 1\n"
    results = Results.read(parse_experiment(text), tmp_path)
    found = finding("poisoning", results)
    assert found.verdict is Verdict.NOT_TESTABLE
    assert "times the data" in found.why


@pytest.mark.parametrize(
    ("bound", "holds", "fails", "words"),
    [
        (Bound("lower", "above", 0.05, " dB"), (0.06, 1.0), (0.05, 1.0), "above 0.05 dB"),
        (Bound("lower", "at least", -1.0), (-1.0, 2.0), (-1.1, 2.0), "at least -1"),
        (Bound("upper", "at most", 0.5), (-9.0, 0.5), (0.1, 0.6), "at most 0.5"),
        (Bound("upper", "below", 0.0), (-2.0, -0.1), (-2.0, 0.0), "below 0"),
    ],
)
def test_a_bound_is_about_one_end(
    bound: Bound, holds: tuple[float, float], fails: tuple[float, float], words: str
) -> None:
    assert bound.holds(Interval(0.0, *holds))
    assert not bound.holds(Interval(0.0, *fails))
    assert not bound.holds(Interval(0.0, float("nan"), float("nan")))
    assert str(bound) == f"{bound.end} bound {words}"
