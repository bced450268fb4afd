"""A run measures the same anomalies by every forecaster, and goes on where it was ended."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.papers.peng2022.run import row_path, run
from benchmarks.papers.peng2022.swept_experiment import SweptExperiment
from benchmarks.papers.peng2022.swept_rows import read_rows
from benchmarks.papers.peng2022.unseen_place import area
from edgespec.errors import SourceError

EXPERIMENT = SweptExperiment(
    "made", 7, ("tv",), {}, bars=("last-frame", "context-mean"), isrs_db=(-10.0, 20.0),
    discriminants=("rmse", "dtw"), train_places=1, validation_places=1, test_places=2, days=0.04,
    first_day=0.01, n_past=12, n_future=6, n_windows=50, n_segments=40, n_anomalies=4,
)  # fmt: skip


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("peng")
    told: list[str] = []
    run(EXPERIMENT, work, told.append, only="tv/last*")
    run(EXPERIMENT, work, told.append, until_s=time.monotonic() - 1.0)
    assert not row_path(work, "tv", "context-mean").exists()
    run(EXPERIMENT, work, told.append)
    return work


def test_rows_are_of_every_place_and_class(work: Path) -> None:
    rows = read_rows(work)
    assert set(rows.rows) == {("tv", "last-frame"), ("tv", "context-mean")}
    last, mean = rows.rows["tv", "last-frame"], rows.rows["tv", "context-mean"]
    assert last.auc["dtw"].shape == (2, 2, 10)
    # A mean over the past has less noise than the last sweep.
    assert mean.mae()[0] < last.mae()[0]
    assert (mean.rmse() > mean.mae()).all()
    # A forecast that does not move is as far by DTW as by the root mean square.
    np.testing.assert_allclose(mean.auc["dtw"], mean.auc["rmse"], atol=0.02)
    assert mean.auc["rmse"][:, 1].mean() > max(0.9, mean.auc["rmse"][:, 0].mean())


def test_what_is_done_stays_and_sweeps_are_not_kept(work: Path) -> None:
    path = row_path(work, "tv", "last-frame")
    before = path.stat().st_mtime_ns
    told: list[str] = []
    run(EXPERIMENT, work, told.append)
    assert path.stat().st_mtime_ns == before
    assert told == []
    assert not list((work / "data").iterdir())
    assert json.loads((work / "experiment.json").read_text())["name"] == "made"


def test_a_row_is_of_its_network_and_of_what_is_asked(work: Path) -> None:
    path = row_path(work, "tv", "last-frame")
    kept = path.read_bytes()
    told: list[str] = []
    for changed in ({"network": {"name": "last-frame"}}, {"key": "another"}):
        path.write_text(json.dumps({**json.loads(kept), **changed}))
        run(EXPERIMENT, work, told.append, until_s=time.monotonic() - 1.0)
        run(EXPERIMENT, work, told.append, only="tv/last-frame", keep_data=True)
        assert json.loads(path.read_bytes())["key"] == json.loads(kept)["key"]
        assert json.loads(path.read_bytes())["places"] == json.loads(kept)["places"]
    assert told.count("tv, last-frame") == 2


def test_too_few_segments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="n_segments is 4000"):
        run(replace(EXPERIMENT, n_segments=4000), tmp_path, lambda _: None)


def test_an_area_is_how_often_an_anomaly_is_above() -> None:
    assert area([0.0, 1.0], [2.0, 3.0]) == 1.0
    assert area([0.0, 1.0], [0.5]) == 0.5
    assert area([1.0, 1.0], [1.0, 1.0]) == 0.5
