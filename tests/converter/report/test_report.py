"""The report: tables that follow the figures, and what is missing is left out."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.lab.numbers.intervals import Interval
from converter.report.detection_scores import DetectionScores
from converter.report.document import Best, Document, Section, Table, with_best
from converter.report.kinship import Kin, Kinship, relation
from converter.report.markdown import as_json, as_markdown
from converter.report.report import write_report
from converter.report.resamples import Draws, interval
from converter.report.results import Results
from converter.simulate.population import Population
from tests import naive
from tests.made.tables import (
    EXPERIMENT,
    RIGHT,
    experiment,
    with_strength,
    write_all,
    write_detection,
    write_episodes,
    write_marker,
)
from tests.made.tiny_experiment import parse_experiment

pytestmark = pytest.mark.converter

FAR = np.logspace(-3, 0, 121)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read(write_all(tmp_path_factory.mktemp("right")))


def read(work: Path) -> Results:
    return Results.read(experiment(), work)


def test_the_whole_report(tmp_path: Path) -> None:
    work, out = write_all(tmp_path / "work"), tmp_path / "out"
    write_marker(work)
    steps: list[str] = []
    path = write_report(work, out, steps.append)
    text = path.read_text(encoding="utf-8")
    assert steps
    assert "**Simulated**" in text
    assert "a-machine" in text
    assert "| train | 1 | 1.5 min | 3 min |" in text
    for table in ("**Places**", "**Times of day**", "**Movement**", "## Bands", "## Faults"):
        assert table in text
    assert text.lower().count("left out") == 3
    assert "Left out: no detection was run on a band without a cell." in text
    assert "Left out: no ramp was played." in text
    assert "![" not in text
    document = json.loads((out / "report.json").read_text(encoding="utf-8"))
    tables = [table for section in document["sections"] for table in section["tables"]]
    auc = next(table for table in tables if table["name"].startswith("AUC, scores raw"))
    assert {"value", "low", "high"} == set(auc["rows"][0]["onset 0"])


def test_an_experiment_without_tables_gives_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(EXPERIMENT, encoding="utf-8")
    text = write_report(tmp_path, tmp_path / "out").read_text(encoding="utf-8")
    assert text.count("eft out") >= 9


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


def test_the_first_page_says_what_to_choose_and_what_holds_it_back(tmp_path: Path) -> None:
    work = write_all(tmp_path / "work")
    write_detection(work, "main", with_strength(RIGHT, kalman=9.0))
    text = write_report(work, tmp_path / "out").read_text(encoding="utf-8")
    first = text.partition("## What was run")[0]
    assert "**`kalman`** ranks segments best over 12 unseen observers and 2 kinds" in first
    assert "it is nothing that was trained" in first
    # The made table knows no ISR of -5 dB, and a kind of chirp and tone.
    assert "| target | 0.900 | 0.990 | 0.950 | 0.990 |" in first
    assert "It reaches every target" in first or "It misses the targets" in first
    for part in ("Onset by share", "INR", "By ISR and neighbour cells", "Observers at", "Kinds at"):
        assert part in first, part
    assert "one threshold for all observers" in first
    assert (
        len(re.findall(r"^\| \d/sim-\w+-\d+[^|]*\| [\d.]+ \| [\d.]+ \| [\d.]+ \|$", first, re.M))
        == 12
    )
    assert re.search(r"\| 0 to 20 % \| 192 \|", first)
    assert re.search(r"\| -10 dB, a neighbour is on the air \| \d+ \|", first)


def test_bands_without_a_cell_have_tables_of_their_own(tmp_path: Path) -> None:
    work = write_all(tmp_path / "work")
    text = EXPERIMENT.replace("[populations.walk]", '[populations.walk]\nservice = "gsm"')
    text = text.replace('population = "place-1"\nmodels = [', 'population = "walk"\nmodels = [', 1)
    (work / "experiment.toml").write_text(text, encoding="utf-8")
    told = write_report(work, tmp_path / "out").read_text(encoding="utf-8")
    part = told.partition("## Bands without a cell")[2]
    assert re.search(r"\*\*`at-place-1` \(gsm\), 12 observers: AUC\*\*", part)
    assert "found at a threshold for 1% of calibration segments" in part


def test_another_warm_up_is_set_beside_the_usual_one(tmp_path: Path) -> None:
    work = write_all(tmp_path / "work")
    told = write_report(work, tmp_path / "out").read_text(encoding="utf-8")
    assert "Left out: every detection warms up for as long as the main one." in told
    text = EXPERIMENT.replace(
        'population = "place-1"\nmodels = [',
        'population = "place-1"\nwarmup_s = 3.0\nmodels = [',
        1,
    )
    assert text != EXPERIMENT
    (work / "experiment.toml").write_text(text, encoding="utf-8")
    told = write_report(work, tmp_path / "out").read_text(encoding="utf-8")
    part = told.partition("## After another warm-up")[2].partition("\n## ")[0]
    assert "**`main`, 12 observers, and `at-place-1`, 12**" in part
    titles, _, row, *_ = re.findall(r"^\|.*$", part, re.M)
    assert "false, % after 4 s" in titles
    assert "persistent, AUC after 3 s" in titles
    assert len(re.findall(r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]", row)) == 6


def test_a_glimpse_is_no_onset(right: Results) -> None:
    main = right.main
    assert main is not None
    modes = {cell.mode for cell in main.cells}
    assert modes == {"onset", "glimpse", "persistent", "ended"}
    onset = main.layout.anomalous.rows[main._is_in(main.pick(["onset"]))]
    assert (main.frame["share"][onset] >= 0.2).all()
    glimpse = main.layout.anomalous.rows[main._is_in(main.pick(["glimpse"]))]
    assert (main.frame["share"][glimpse] < 0.2).all()


def test_regrouped_segments_are_those_that_were_asked_for(right: Results) -> None:
    main = right.main
    assert main is not None
    frame = main.frame
    part = main.regrouped(frame["kind"].astype(str), frame["isr_db"] == 0.0)
    assert part is not None
    assert part.labels == ["chirp", "tone"]
    one = part.auc("kalman", True)[0, part.pick(["persistent"], ["tone"])]
    whole = main.auc("kalman", True)[0, main.pick(["persistent"], ["tone"], [0.0])]
    assert one == pytest.approx(whole)
    assert main.regrouped(frame["kind"].astype(str), np.zeros(len(frame), bool)) is None


def test_areas_and_rates_are_those_of_the_pooled_scores(right: Results) -> None:
    main = right.main
    assert main is not None
    for site in (False, True):
        cells = main.pick(["onset"], ["tone"], [0.0])
        normal, anomalous = main.rows("unified", site, cells)
        assert main.auc("unified", site)[0, cells] == pytest.approx(naive.auc(normal, anomalous))
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
