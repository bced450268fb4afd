"""The table of forecasters says of each what a plain loop over its segments says."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.detection.forecasters import error_db, main, markdown
from converter.lab.tables import read_table
from converter.report.detection_scores import DetectionScores
from converter.report.frame import Frame
from edgespec.errors import SourceError
from tests.made import tables


def detection(work: Path) -> DetectionScores:
    tables.write_detection(work, "at-place-1", tables.Effects())
    frame = Frame.from_arrow(read_table(work / "tables" / "detection" / "at-place-1"))
    return DetectionScores(frame, "at-place-1", "place-1")


def test_every_observer_counts_alike(tmp_path: Path) -> None:
    scores = detection(tmp_path)
    frame = scores.frame
    errors: dict[tuple[int, str], list[float]] = {}
    for split, mode, seed, observer, score in zip(
        *(frame[name].tolist() for name in ("split", "mode", "seed", "observer", "score:unified")),
        strict=True,
    ):
        if split == "test" and mode == "normal":
            errors.setdefault((seed, observer), []).append(score)
    wanted = np.mean([np.mean(values) for values in errors.values()])
    assert len(errors) == scores.n_observers
    assert error_db(scores, "unified") == pytest.approx(wanted)


def test_only_forecasters_that_were_run_have_a_row(tmp_path: Path) -> None:
    scores = detection(tmp_path)
    title, _, *rows = markdown(scores).splitlines()
    assert title == ("| forecaster | error, dB | AUC at 0 dB | AUC, onset | AUC, persistent |")
    (row,) = rows
    assert row.startswith(f"| LSTM | {error_db(scores, 'unified'):.3f} |")
    area = scores.auc("unified", site=True)[0, scores.pick(["onset"])].mean()
    assert f"| {area:.3f} | {area:.3f} [" in row


def test_another_experiment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(tables.EXPERIMENT)
    result = CliRunner().invoke(main, [str(tmp_path)])
    assert isinstance(result.exception, SourceError)
    assert "no detection 'forecasters'" in str(result.exception)
