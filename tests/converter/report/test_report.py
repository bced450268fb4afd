"""The report: verdicts follow the figures both ways, and what is missing is left out."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.lab.numbers.intervals import Interval
from converter.lab.numbers.metrics import roc_auc
from converter.lab.toml import parse_experiment
from converter.report import paper, write_report
from converter.report.claims import CLAIMS, Finding, Verdict, detection
from converter.report.detection_scores import DetectionScores
from converter.report.document import Best, Document, Section, Table, with_best
from converter.report.figures.spectrogram import draw_forecast
from converter.report.figures.style import FAR
from converter.report.kinship import Kin, Kinship, relation
from converter.report.markdown import as_json, as_markdown
from converter.report.resamples import Draws, interval
from converter.report.results import Results
from converter.simulate.population import Population
from tests.made.tables import (
    EXPERIMENT,
    Effects,
    all_pairs,
    experiment,
    with_strength,
    write_all,
    write_detection,
    write_episodes,
    write_predictions,
)

pytestmark = pytest.mark.converter

RIGHT = Effects()

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


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read(write_all(tmp_path_factory.mktemp("right")))


def read(work: Path) -> Results:
    return Results.read(experiment(), work)


def finding(key: str, results: Results) -> Finding:
    (claim,) = (claim for claim in CLAIMS if claim.key == key)
    return claim.on(results)


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
    if key in {claim.key for claim in detection.CLAIMS}:
        for name in experiment().detections:
            write_detection(tmp_path, name, WRONG[key])
    else:
        write_predictions(tmp_path, WRONG[key], all_pairs())
    found = finding(key, read(tmp_path))
    assert found.verdict is Verdict.NOT_CONFIRMED, found


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_a_claim_is_not_testable_without_tables(claim: Any, tmp_path: Path) -> None:
    assert claim.on(read(tmp_path)).verdict is Verdict.NOT_TESTABLE


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


def test_the_whole_report(tmp_path: Path) -> None:
    work, out = write_all(tmp_path / "work"), tmp_path / "out"
    (work / "done").mkdir()
    marker = {
        **{"task": "train.unified", "key": "k", "wall_s": 90.0, "cpu_s": 180.0},
        **{"machine": "a-machine", "versions": {"python": "3.11.9"}, "facts": {}},
        "finished_utc": "2026-01-02T03:04:05+00:00",
    }
    (work / "done" / "train.unified.json").write_text(json.dumps(marker), encoding="utf-8")
    steps: list[str] = []
    path = write_report(work, out, steps.append)
    text = path.read_text(encoding="utf-8")
    assert steps
    assert "**Simulated**" in text
    assert "a-machine" in text
    assert "| train | 1 | 1.5 min | 3 min |" in text
    for claim in CLAIMS:
        assert claim.text in text
    for table in ("Table 1(a)", "Table 1(b)", "Table 1(c)", "Table 2", "Table 3"):
        assert table in text
    # The paper's own figures stand beside ours.
    assert "5.21 (12.74)" in text
    assert "3.14 (0.78)" in text
    assert "53 to 60" in text
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert set(pictures) == {f"figure-{n}.png" for n in (4, 5, 8, 9, 10, 11, 12, 13)}
    for name in pictures:
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert "Figure 7 is left out" in text
    document = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert document["facts"]["claims"]["reuse-error"]["verdict"] == "confirmed"
    tables = [table for section in document["sections"] for table in section["tables"]]
    auc = next(table for table in tables if table["name"].startswith("AUC, scores raw"))
    assert {"value", "low", "high"} == set(auc["rows"][0]["onset 0"])


def test_an_experiment_without_tables_gives_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(EXPERIMENT, encoding="utf-8")
    text = write_report(tmp_path, tmp_path / "out").read_text(encoding="utf-8")
    assert f"{len(CLAIMS)} not testable here" in text
    assert "confirmed**" not in text
    assert text.count("eft out") >= 12
    assert not list((tmp_path / "out").glob("*.png"))


def test_an_experiment_of_nothing_gives_a_report(tmp_path: Path) -> None:
    head = EXPERIMENT.partition("[populations.home]")[0]
    bare = head + "[populations]\n[models]\n"
    (tmp_path / "experiment.toml").write_text(bare, encoding="utf-8")
    text = write_report(tmp_path, tmp_path / "out").read_text(encoding="utf-8")
    assert "no unified model" in text


@pytest.mark.parametrize("missing", ["prediction", "detection", "episodes", "real"])
def test_each_kind_of_table_may_be_missing(missing: str, tmp_path: Path) -> None:
    work = write_all(tmp_path / "work")
    shutil.rmtree(work / "tables" / missing)
    assert write_report(work, tmp_path / "out").is_file()


def test_a_detection_that_was_stopped_half_way_is_left_out(tmp_path: Path) -> None:
    write_detection(tmp_path, "main", RIGHT)
    for path in (tmp_path / "tables" / "detection" / "main").glob("test-*"):
        path.unlink()
    assert not read(tmp_path).detections


def test_few_calibration_segments_leave_rates_out_and_not_areas(tmp_path: Path) -> None:
    work = write_all(tmp_path / "work")
    for path in (work / "tables" / "detection" / "main").glob("calibration-*"):
        if not path.stem.endswith("000"):
            path.unlink()
    text = write_report(work, tmp_path / "out").read_text(encoding="utf-8")
    assert "too few calibration segments" in text
    assert "AUC, scores raw" in text


def test_false_events_are_counted_by_the_hour(tmp_path: Path) -> None:
    work = write_all(tmp_path / "work")
    write_episodes(work, n_false=1)
    text = write_report(work, tmp_path / "out").read_text(encoding="utf-8")
    (line,) = re.findall(r"\| all \| 12 \| 2\.00 \| 12 \| ([^|]+) \|", text)
    assert line.startswith("6 [")


def test_areas_and_rates_are_those_of_the_pooled_scores(right: Results) -> None:
    main = right.main
    assert main is not None
    for site in (False, True):
        cells = main.pick(["onset"], ["tone"], [0.0])
        normal, anomalous = main.rows("unified", site, cells)
        assert main.auc("unified", site)[0, cells] == pytest.approx(roc_auc(normal, anomalous))
        threshold = main.measured("unified", site).thresholds[0]
        far, _ = main.above("unified", site, threshold)
        assert far[0] == pytest.approx(np.mean(normal > threshold))
        assert main.false_alarms("unified", 0.01, site) == pytest.approx(far)


def test_a_roc_curve_is_that_of_the_pooled_scores(right: Results) -> None:
    main = right.main
    assert main is not None
    cells = main.pick(isrs_db=[0.0])
    normal, anomalous = main.rows("kalman", False, cells)
    rates = main.roc("kalman", False, cells, FAR)[0]
    # The threshold at a rate is the smallest score that at most so many normal ones lie above.
    for far, rate in zip(FAR[:-1:20], rates[:-1:20], strict=True):
        threshold = np.sort(normal)[::-1][int(far * len(normal))]
        assert rate == pytest.approx(np.mean(anomalous > threshold))
    assert rates[-1] == 1.0
    assert (np.diff(rates) >= 0).all()


def test_moving_observers_are_a_part_of_all(right: Results) -> None:
    main = right.main
    assert main is not None
    static = main.moving("static")
    assert isinstance(static, DetectionScores)
    assert 0 < static.n_observers < main.n_observers
    assert main.moving("swim") is None


def test_resamples_weigh_observers(rng: np.random.Generator) -> None:
    draws = Draws([("a",), ("b",), ("c",)], "x", n=2000)
    assert draws.weights[0].tolist() == [1, 1, 1]
    assert (draws.weights.sum(1) == 3).all()
    values = np.array([1.0, 2.0, 6.0])
    means = draws.mean(values)
    assert means[0] == pytest.approx(3.0)
    # The standard error of a mean of three with replacement.
    assert means[1:].std() == pytest.approx(values.std() / np.sqrt(3), rel=0.1)
    assert draws.mean(np.array([1.0, np.nan, 6.0]))[0] == pytest.approx(3.5)
    paired = interval(draws.mean(values + 1.0) - draws.mean(values))
    assert paired.low == pytest.approx(1.0)
    assert paired.high == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("kin", "changes"),
    [
        (Kin.SAME, {}),
        (Kin.PLACE, {"place": 1, "contexts": ("static",)}),
        (Kin.TIME, {"hours": (9.0, 17.0)}),
        (Kin.MOBILITY, {"contexts": ("walk",)}),
        (Kin.BAND, {"band": "b2"}),
        (Kin.CELL, {"cells": ("B",)}),
        (Kin.UPLINK, {"direction": "ul"}),
        (Kin.TRAFFIC, {"traffic": "steady"}),
        (Kin.POISONED, {"contamination": 0.01}),
    ],
)
def test_populations_are_told_apart_by_what_they_are(kin: Kin, changes: dict[str, Any]) -> None:
    home = Population(cells=("A",))
    assert relation(replace(home, **changes), home) is kin


def test_a_populations_own_model_is_trained_on_nothing_else() -> None:
    kinship = Kinship.of(experiment())
    assert kinship is not None
    assert kinship.home == "home"
    assert kinship.own("home") == "unified"
    assert kinship.own("cell-b") == "self-b"
    assert kinship.own("steady") is None
    assert list(kinship.transfers("cell-b")) == ["b-10s", "b-300s", "cf-10s", "cf-300s"]
    assert kinship.variants(transform=False) == ["bare"]
    assert kinship.seconds("self-b") == 3000.0


def test_papers_tables_are_whole() -> None:
    assert len(paper.PLACES) == 4 * 4
    assert len(paper.TIMES) == 3 * 3
    assert len(paper.MOBILITY) == 4 * 4
    assert str(paper.PLACES["place 2", "place 1"]) == "5.21 (12.74)"
    assert str(paper.PLACES["unified", "mixed"]) == "2.59 (0.23)"
    assert str(paper.MOBILITY["unified", "mixed"]) == str(paper.UNIFIED)


def test_the_best_of_a_column_is_marked() -> None:
    rows = with_best([("a", 0.911, 1.0), ("b", 0.914, 1.0), ("c", 0.5, None)])
    assert rows == [("a", Best(0.911), 1.0), ("b", Best(0.914), 1.0), ("c", 0.5, None)]
    assert with_best([("a", 1.0), ("b", 2.0)], smallest=True)[0] == ("a", Best(1.0))


def test_a_document_is_the_same_for_people_and_machines() -> None:
    nan = float("nan")
    rows = [
        ("x | y", Interval(1.0, 0.5, 1.5), Best(2.0), None),
        ("z", Interval(nan, nan, nan), 3, nan),
    ]
    table = Table("T", ("a", "b", "c", "d"), rows, "note")
    document = Document("title", [Section("S", ["words", table])])
    text = as_markdown(document)
    assert "| x / y | 1.00 [0.50, 1.50] | **2.00** | - |" in text
    assert "| z | - | 3 | - |" in text
    parsed = json.loads(json.dumps(as_json(document), allow_nan=False))
    first, second = parsed["sections"][0]["tables"][0]["rows"]
    assert first["b"] == {"value": 1.0, "low": 0.5, "high": 1.5}
    assert second["d"] is None


def test_figure_7_is_drawn(tmp_path: Path, rng: np.random.Generator) -> None:
    truth = rng.normal(-60, 5, (200, 128)).astype(np.float32)
    path = tmp_path / "figure-7.png"
    draw_forecast(truth, truth + 1, 0.000256, 5e6, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_less_data_is_no_proof_against_contamination(right: Results, tmp_path: Path) -> None:
    write_predictions(tmp_path, replace(RIGHT, poisoned_db=0.3), all_pairs())
    text = EXPERIMENT + "\n[observers.poisoned]\ntrain = 1\n"
    results = Results.read(parse_experiment(text), tmp_path)
    found = finding("poisoning", results)
    assert found.verdict is Verdict.NOT_TESTABLE
    assert "times the data" in found.why


def test_populations_described_alike_are_one_and_the_model_with_more_data_is_its_own() -> None:
    text = EXPERIMENT.replace("[models]\n", '[models]\nlong = {population = "cell-b-long"}\n')
    text += '\n[populations.cell-b-long]\ncells = ["B"]\n[observers.cell-b-long]\ntrain = 100\n'
    kinship = Kinship.of(parse_experiment(text))
    assert kinship is not None
    assert kinship.own("cell-b") == "long"
    assert kinship.own("cell-b-long") == "long"


def test_a_transfer_to_more_of_the_same_population_is_a_transfer_to_it() -> None:
    more = """
[populations.cell-b-hour]
cells = ["B"]
[observers.cell-b-hour]
train = 100
[models.hour]
population = "cell-b-hour"
teacher = "unified"
method = "1L"
[models.within]
population = "cell-b-hour"
teacher = "self-b"
method = "1L"
"""
    kinship = Kinship.of(parse_experiment(EXPERIMENT + more))
    assert kinship is not None
    assert "hour" in kinship.transfers("cell-b")
    assert "within" not in kinship.transfers("cell-b")
    assert kinship.targets(Kin.CELL).count("cell-b") == 1
    assert "cell-b-hour" not in kinship.targets(Kin.CELL)


def test_a_population_of_any_band_is_no_band() -> None:
    assert relation(Population(band=""), Population()) is Kin.MIXED
