"""The table of forecasters says of each what a plain loop over its segments says."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.detection.forecasters import errors_db, forecasters, main, markdown
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
    assert len(errors) == scores.n_observers
    wanted = sorted(np.mean(values) for values in errors.values())
    assert sorted(errors_db(scores, "unified")) == pytest.approx(wanted)


def test_only_forecasters_that_were_run_have_a_row(tmp_path: Path) -> None:
    scores, experiment = detection(tmp_path), tables.experiment()
    title, _, *rows = markdown(scores, experiment).splitlines()
    assert title == (
        "| forecaster | error, dB | less linear AR, dB | AUC at 0 dB | AUC, onset "
        "| AUC, persistent |"
    )
    names = forecasters(scores, experiment)
    assert len(rows) == len(names) > 1
    assert names["unified"] == "LSTM of home"
    row = next(row for row in rows if row.startswith("| LSTM of home |"))
    assert f"| {errors_db(scores, 'unified').mean():.3f} [" in row
    assert "| - |" in row  # No linear autoregression was run.
    area = scores.auc("unified", site=True)[0, scores.pick(["onset"])].mean()
    assert f"| {area:.3f} | {area:.3f} [" in row


def test_another_experiment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(tables.EXPERIMENT)
    result = CliRunner().invoke(main, [str(tmp_path)])
    assert isinstance(result.exception, SourceError)
    assert "no detection with two forecasters" in str(result.exception)
