"""The discriminant that a half of the kinds is told by was chosen by the other half."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.detection.discriminants import (
    chosen,
    discriminants_of,
    halves,
    main,
    rates,
    winners,
)
from converter.lab.tables import read_table
from converter.lab.toml import load_experiment
from converter.report.detection_scores import DetectionScores
from converter.report.frame import Frame
from edgespec.errors import SourceError
from tests.made import tables


def scored(work: Path, rng: np.random.Generator) -> DetectionScores:
    """Scores of a model by two more discriminants: one sees only a tone better, one nothing."""
    tables.write_detection(work, "at-place-1", tables.Effects())
    frame = Frame.from_arrow(read_table(work / "tables" / "detection" / "at-place-1"))
    own = frame["score:unified"]
    first = sorted({kind for kind in frame["kind"].tolist() if kind})[0]
    better = own + 50.0 * (frame["kind"] == first)
    nothing = rng.normal(0.0, 1.0, len(own)).astype(np.float32)
    columns = {**frame.columns, "score:unified@dtw": better, "score:unified@ramp": nothing}
    return DetectionScores(Frame(columns), "at-place-1", "place-1")


def test_each_forecaster_has_its_own_column_first(tmp_path: Path, rng: np.random.Generator) -> None:
    scores = scored(tmp_path, rng)
    assert discriminants_of(scores) == {
        "unified": {"rmse": "unified", "dtw": "unified@dtw", "ramp": "unified@ramp"}
    }
    assert halves(["a", "b", "c"]) == (["a", "c"], ["b"])


def test_the_choice_is_of_the_kinds_that_it_is_given(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    scores = scored(tmp_path, rng)
    (columns,) = discriminants_of(scores).values()
    assert chosen(scores, columns, scores.kinds[:1]) == "dtw"
    assert chosen(scores, columns, scores.kinds) != "ramp"


def test_what_is_told_of_a_half_was_chosen_by_the_other(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    scores = scored(tmp_path, rng)
    one, other = halves(scores.kinds)
    rows = winners(scores)
    assert [row["isr_db"] for row in rows] == [*scores.isrs_db, None]
    if not other:
        assert all(row["chosen"] == [] for row in rows)
        return
    (columns,) = discriminants_of(scores).values()
    last = rows[-1]
    assert last["chosen"] == [chosen(scores, columns, half) for half in (one, other)]
    assert last["dtw"].low <= last["dtw"].value <= last["dtw"].high
    # The first kind is in one half, where DTW is told to see it better.
    assert last["dtw"].value > 0.0


def test_rates_have_a_row_for_each_discriminant(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = rates(scored(tmp_path, rng))
    assert [row["discriminant"] for row in rows] == ["rmse", "dtw", "ramp"]
    by_name = {row["discriminant"]: row["area"].value for row in rows}
    assert by_name["dtw"] >= by_name["rmse"] > by_name["ramp"]


def test_the_experiment_is_one_and_another_is_refused(tmp_path: Path) -> None:
    experiments = Path(__file__).parents[2] / "benchmarks" / "experiments"
    (found,) = load_experiment(experiments / "discriminants.toml").detections.values()
    assert "dtw:3" in found.discriminants
    assert len(found.kinds) == 6
    (tmp_path / "experiment.toml").write_text(tables.EXPERIMENT)
    result = CliRunner().invoke(main, [str(tmp_path)])
    assert isinstance(result.exception, SourceError)
    assert "no detection with discriminants" in str(result.exception)


@pytest.mark.parametrize("kinds", [[], ["tone"]])
def test_few_kinds_have_no_other_half(kinds: list[str]) -> None:
    assert halves(kinds) == (kinds, [])
