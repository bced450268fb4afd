"""Swept bands in an experiment file: from places to a report, by the measures of other bands."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from converter.cli import main
from converter.lab.engine.plan import make_plan
from converter.lab.tables import read_table
from edgespec.errors import ConfigError
from tests.made.tiny_experiment import parse_experiment

SWEPT = """
name = "swept"
seed = 3

[swept.gsm]
band = "gsm900-ul"
train = 1
validation = 1
calibration = 2
test = 2
days = 0.08
first_day = 0.01
n_past = 12
n_future = 6

[swept_detections.kinds]
population = "gsm"
baselines = ["last-frame", "context-mean"]
discriminants = ["mae"]
kinds = ["tone", "wpulse"]
isrs_db = [-20.0, 20.0]
n_windows = 60
n_warmup = 16
n_segments = 60
n_anomalies = 6
"""
NETWORK = """
[swept_models.small]
population = "gsm"
architecture = "spatio-temporal-c"
hyper = {n_filters = 1, n_units = 2}
"""


def test_places_are_told_apart_and_reported(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path, work, out = tmp_path / "swept.toml", tmp_path / "work", tmp_path / "out"
    path.write_text(SWEPT)
    for arguments in (
        ["evaluate", str(path), "--work", str(work)],
        ["report", str(work), "-o", str(out)],
    ):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
    columns = {n: c.to_numpy(zero_copy_only=False) for n, c in _columns(work).items()}
    is_normal, is_test = columns["mode"] == "normal", columns["split"] == "test"
    # Two places each; of the test places 2 kinds x 2 ISRs x 6 anomalies, and none of the others.
    assert (is_normal & is_test).sum() == (is_normal & ~is_test).sum() == 2 * 60
    assert (columns["mode"] == "onset").sum() == 2 * 2 * 2 * 6
    assert not (columns["mode"][~is_test] == "onset").any()
    assert set(columns["observer"][is_test]).isdisjoint(columns["observer"][~is_test])
    # A pair differs by the anomaly, which adds power: strong ones are far from any forecast.
    for name in ("last-frame", "context-mean", "context-mean@mae"):
        scores = columns[f"score:{name}"]
        strong = scores[columns["isr_db"] == 20.0]
        assert np.median(strong) > np.quantile(scores[is_normal], 0.99)
    report = (out / "report.md").read_text()
    assert "## Swept bands" in report
    assert "`kinds` (gsm900-ul), 2 places: AUC" in report
    assert "2 places: AUC of each kind at" in report
    # Nothing was heard sample by sample, and nothing says so.
    assert not re.search(r"LTE|MS/s|Left out|observer", report)
    assert "| gsm | gsm900-ul | 1 | 1 | 2 | 2 | 0.08 | 12 | 6 |" in report
    assert json.loads((out / "report.json").read_text())["facts"]["geometry"] is None


def _columns(work: Path) -> dict[str, object]:
    table = read_table(work / "tables" / "swept")
    return {name: table[name] for name in table.column_names}


def test_a_network_is_planned_behind_its_places() -> None:
    text = SWEPT.replace('discriminants = ["mae"]', 'models = ["small"]') + NETWORK
    plan = make_plan(parse_experiment(text), Path("/nonexistent"))
    names = list(plan.tasks)
    assert names[-3:] == ["places.gsm", "train.small", "swept.kinds"]
    assert set(plan.tasks["swept.kinds"].needs) == {"places.gsm", "train.small"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ('"gsm900-ul"', '"gsm850"'),
            "swept.gsm.band names 'gsm850', which is no known swept band",
        ),
        (("first_day = 0.01", "first_day = 2"), "nothing would be left to score"),
        (('population = "gsm"', 'population = "fm"'), "which is no known swept population"),
        (('"wpulse"', '"chrip"'), "kinds names 'chrip'"),
        (('"context-mean"]', '"kalman"]\nmodels = ["x"]'), "no known network of 'gsm'"),
        (('"context-mean"]', '"zscore-pca"]'), "zscore-pca"),
        (('"context-mean"]', '"random"]'), "'random' forecasts nothing"),
        (('"mae"', '"maee"'), "maee"),
        (("[swept.gsm]", "[populations.gsm]\n[swept.gsm]"), "geometry"),
    ],
)
def test_what_is_wrong_is_found_before_anything_runs(change: tuple[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_experiment(SWEPT.replace(*change))


def test_networks_of_sweeps_are_checked() -> None:
    for change, words in (
        (("spatio-temporal-c", "autoencoder"), "hyper|forecasts nothing"),
        (("n_filters", "n_filtres"), "n_filtres"),
        (('population = "gsm"\narch', 'population = "unified"\narch'), "no known swept population"),
    ):
        with pytest.raises(ConfigError, match=words):
            parse_experiment(SWEPT + NETWORK.replace(*change))
