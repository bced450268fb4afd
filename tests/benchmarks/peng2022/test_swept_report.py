"""What the report on Peng et al. 2022 says follows from its rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.papers.claim import Verdict
from benchmarks.papers.peng2022 import published
from benchmarks.papers.peng2022.__main__ import main
from benchmarks.papers.peng2022.swept_claims import CLAIMS, judged
from benchmarks.papers.peng2022.swept_experiment import load_swept_experiment
from benchmarks.papers.peng2022.swept_measures import volatility
from benchmarks.papers.peng2022.swept_residuals import residual_table
from benchmarks.papers.peng2022.swept_rows import read_rows
from converter.report.document import Table
from edgespec.errors import ConfigError, SourceError

CLASSES = ("tone", "pulse", "chirp", "wpulse")
ISRS_DB = (-10.0, 0.0, 10.0)
EXPERIMENTS = Path(__file__).parents[3] / "benchmarks" / "experiments"
#: Mean absolute errors that follow the paper: smooth bands first, the best network last.
MAE_DB = {
    "context-mean": 1.1,
    "rnn": 1.0,
    "deep-lstm": 0.98,
    "cnn": 0.95,
    "u-net": 0.94,
    "dts-resnet-c": 0.96,
    "sts-prednets-c": 0.95,
    "spatio-temporal-c": 0.9,
    "dts-resnet": 0.93,
    "sts-prednets": 0.92,
    "spatio-temporal": 0.85,
}
BANDS = {"gsm900-ul": 1.0, "tv": 1.2, "gsm900-dl": 2.0, "fm": 2.5}
AREAS = {"rmse": 0.0, "mae": -0.02, "dtw": 0.05, "ramp": -0.1, "hausdorff": -0.03}


def write(
    work: Path,
    mae_db: dict[str, float] = MAE_DB,
    areas: dict[str, float] = AREAS,
    n_places: int = 8,
) -> Path:
    """Write made rows: errors by network and band, areas by discriminant, places that differ."""
    experiment = {
        "name": "made",
        "bands": list(BANDS),
        "bars": ["context-mean"],
        "networks": {name: {"hyper": {}} for name in mae_db if name != "context-mean"},
        "isrs_db": ISRS_DB,
        **dict.fromkeys(
            ("n_windows", "train_places", "epochs", "validation_places", "test_places",
             "n_segments", "first_day", "days", "n_past", "n_future", "n_anomalies"), 1
        ),
    }  # fmt: skip
    work.mkdir(exist_ok=True)
    (work / "experiment.json").write_text(json.dumps(experiment))
    rng = np.random.default_rng(1)
    of_place = rng.normal(0.0, 0.05, n_places)
    for band, factor in BANDS.items():
        for name, error in mae_db.items():
            volatile = factor > 1.5 and name in ("rnn", "deep-lstm")
            own = factor * (error - (0.1 if volatile else 0.0))
            better = 0.3 * (1.0 - error)
            row = {
                "key": "k",
                "band": band,
                "name": name,
                "classes": CLASSES,
                "isrs_db": ISRS_DB,
                "facts": {"n_parameters": 10, "side_inputs_known": {"days": 0.5}},
                "cpu_s": 60.0,
                "machine": {"cpu": "made", "date": "2026-11-29 00:00Z"},
                "places": [
                    {
                        "place": f"{band}-{number}",
                        "mae_db": own + of_place[number],
                        "mse": (1.3 * (own + of_place[number])) ** 2,
                        "auc": {
                            discriminant: [
                                [min(0.7 + 0.015 * (isr_db + 10) + (more + better)
                                     * (10 - isr_db) / 20, 1.0)] * len(CLASSES)
                                for isr_db in ISRS_DB
                            ]
                            for discriminant, more in areas.items()
                        },
                    }
                    for number in range(n_places)
                ],
            }  # fmt: skip
            path = work / "rows" / band / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(row))
    return work


def verdicts(work: Path) -> dict[str, Verdict]:
    return {claim.key: finding.verdict for claim, finding in judged(read_rows(work))}


def test_rows_as_the_paper_has_them_confirm_every_claim(tmp_path: Path) -> None:
    found = verdicts(write(tmp_path))
    found.pop("network-over-bar")
    # One network beats all others in every band but where the made recurrence wins.
    assert found.pop("proposed-c") is Verdict.NOT_CONFIRMED
    assert set(found.values()) == {Verdict.CONFIRMED}
    assert set(found) | {"network-over-bar", "proposed-c"} == {claim.key for claim in CLAIMS}


def test_rows_the_other_way_round_confirm_none(tmp_path: Path) -> None:
    upside_down = {name: 2.0 - error for name, error in MAE_DB.items()}
    worse = {name: -more for name, more in AREAS.items()}
    found = verdicts(write(tmp_path, upside_down, worse))
    of_detection = {"dtw-low", "dtw-zero", "scales-area", "scales-mae", "scales-rmse"}
    assert {found[key] for key in of_detection} == {Verdict.NOT_CONFIRMED}
    assert found["network-over-bar"] is Verdict.NOT_CONFIRMED


def test_what_was_not_run_and_few_places_have_no_verdict(tmp_path: Path) -> None:
    only = {name: MAE_DB[name] for name in ("context-mean", "cnn")}
    found = verdicts(write(tmp_path / "few", only))
    assert found["scales-mae"] is found["recurrence-volatile"] is Verdict.NOT_TESTABLE
    assert set(verdicts(write(tmp_path / "three", n_places=3)).values()) == {Verdict.NOT_TESTABLE}


def test_bands_are_ordered_by_how_far_they_are_from_their_mean(tmp_path: Path) -> None:
    assert list(volatility(read_rows(write(tmp_path)))) == list(BANDS)


def test_the_report_has_tables_beside_the_papers_and_says_what_is_missing(tmp_path: Path) -> None:
    work = write(tmp_path / "work")
    (work / "rows" / "tv" / "cnn.json").unlink()
    got = CliRunner().invoke(main, [str(work), "-o", str(tmp_path / "out")])
    assert got.exit_code == 0, got.output
    text = (tmp_path / "out" / "report.md").read_text()
    assert "Not run: tv/cnn." in text
    assert "0.1068 / 0.285" in text
    assert "not run" in text
    facts: dict[str, Any] = json.loads((tmp_path / "out" / "report.json").read_text())["facts"]
    assert facts["missing"] == ["tv/cnn"]
    assert facts["claims"]["dtw-low"]["verdict"] == "confirmed"
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "figure-7.png",
        "figure-8.png",
    }


def test_bands_that_are_not_whole_are_left_out_and_said(tmp_path: Path) -> None:
    work = write(tmp_path / "work")
    (work / "rows" / "tv" / "cnn.json").unlink()
    got = CliRunner().invoke(main, [str(work), "-o", str(tmp_path / "out"), "--whole"])
    assert got.exit_code == 0, got.output
    text = (tmp_path / "out" / "report.md").read_text()
    assert "Not run: nothing. Left out, since not all of it was run: tv (10 of 11 forec" in text
    rows = read_rows(work).whole()
    assert rows.bands == ["gsm900-ul", "gsm900-dl", "fm"]
    for band in rows.bands:
        (work / "rows" / band / "cnn.json").unlink()
    with pytest.raises(SourceError, match="no band has all of its rows: gsm900-ul has 10 of 11"):
        read_rows(work).whole()


def test_a_network_that_is_asked_for_in_one_band_is_missing_there_alone(tmp_path: Path) -> None:
    work = write(tmp_path)
    index = work / "experiment.json"
    experiment = json.loads(index.read_text())
    experiment["networks"]["cnn"]["bands"] = ["tv"]
    index.write_text(json.dumps(experiment))
    for band in BANDS:
        (work / "rows" / band / "cnn.json").unlink()
    assert read_rows(work).missing == ["tv/cnn"]


def test_what_the_residual_takes_away_of_a_deficit_is_told(tmp_path: Path) -> None:
    """The bar is at 1.1, the LSTM .4 behind it, that of the residual .1: 75% are taken away."""
    made = {"context-mean": 1.1, "deep-lstm": 1.5, "deep-lstm-residual": 1.2}
    work = write(tmp_path, made)
    index = work / "experiment.json"
    experiment = json.loads(index.read_text())
    experiment["networks"]["deep-lstm-residual"] = {
        "architecture": "deep-lstm",
        "hyper": {"residual_of": "mean"},
    }
    experiment["bands"] = ["gsm900-ul", "tv"]
    index.write_text(json.dumps(experiment))
    said, table = residual_table(read_rows(work)).parts
    assert "Of 2 networks and bands" in str(said)
    assert "less error than the same network without it in 2, certainly more in 0." in str(said)
    assert "of what they lack the residual takes 75 [75, 75]% away" in str(said)
    assert isinstance(table, Table)
    assert [row[:2] for row in table.rows] == [("deep-lstm", "gsm900-ul"), ("deep-lstm", "tv")]


def test_rows_of_two_settings_and_of_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"experiment\.json"):
        read_rows(tmp_path)
    work = write(tmp_path)
    path = work / "rows" / "tv" / "cnn.json"
    path.write_text(path.read_text().replace('"key": "k"', '"key": "j"'))
    with pytest.raises(SourceError, match="rows of 2 settings"):
        read_rows(work)
    path.write_text(json.dumps({"band": "tv", "name": "cnn"}))
    with pytest.raises(SourceError, match="is no row of a run"):
        read_rows(work)


def test_the_papers_tables_are_whole() -> None:
    """The proposed network is the best of each column but two, as the text says of Table 2."""
    for table, n_bands in ((published.AACHEN, 6), (published.SDR, 4), (published.SCALES, 6)):
        assert len({band for _, band in table}) == n_bands
        assert len(table) % n_bands == 0
    least = {
        band: min((f.rmse, kind) for (kind, b), f in published.AACHEN.items() if b == band)[1]
        for _, band in published.AACHEN
    }
    assert sum(kind == "spatio-temporal-c" for kind in least.values()) == 5


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("peng2022*.toml")), ids=lambda p: p.stem)
def test_experiments_are_accepted(path: Path) -> None:
    assert load_swept_experiment(path).name == path.stem


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('bands = ["gsm"]', "bands names 'gsm'"),
        ("networks = {lstn = {}}", "networks names 'lstn'"),
        ('bars = ["mean"]', "bars names 'mean'"),
        ('discriminants = ["dtv"]', "'dtv' is unknown"),
        ("isrs_db = []", "not to be empty"),
        ('networks = {cnn = {bands = ["fm"]}}', "networks.cnn.bands names 'fm'"),
        ("n_windows = 0", "n_windows is 0"),
        ("n_window = 9", "n_window"),
    ],
)
def test_what_is_not_there_is_named(line: str, says: str, tmp_path: Path) -> None:
    key = line.partition(" ")[0]
    known = {
        "name": '"x"', "seed": "1", "bands": '["tv"]', "networks": "{cnn = {}}"
    }  # fmt: skip
    text = "\n".join(f"{name} = {value}" for name, value in known.items() if name != key)
    path = tmp_path / "x.toml"
    path.write_text(f"{text}\n{line}\n")
    with pytest.raises(ConfigError, match=says):
        load_swept_experiment(path)
