"""What is learnt knows neither the family that it is tested on nor any test observer."""

from typing import Any

import numpy as np
import pytest

from converter.lab.measures.learned import CLASSIFIERS, feature_matrix, learned_scores
from edgespec.errors import UsageError

pytestmark = pytest.mark.converter

Table = dict[str, np.ndarray[Any, Any]]


def table(rng: np.random.Generator) -> Table:
    """Two features, of which the first rises with whatever is on the air; the third is a trap."""
    rows: list[tuple[str, str, str, str, float, float]] = []
    for split in ("train", "calibration", "test"):
        for number in range(3):
            observer = f"{split}-{number}"
            rows += [(split, observer, "warmup", "", np.nan, 0.0)] * 20
            rows += [(split, observer, "normal", "", np.nan, 0.0)] * 60
            if split != "calibration":
                for kind in ("tone", "chirp", "qpsk"):
                    rows += [(split, observer, "onset", kind, 0.0, 0.5)] * 30
                    rows += [(split, observer, "persistent", kind, 0.0, 1.0)] * 30
    columns = [np.array(values) for values in zip(*rows, strict=True)]
    out = dict(zip(("split", "observer", "mode", "kind", "isr_db", "share"), columns, strict=True))
    out["seed"] = np.zeros(len(rows), int)
    out["segment"] = np.arange(len(rows))
    is_on = out["kind"] != ""
    out["feature:a"] = rng.normal(size=len(rows)) + 3.0 * is_on
    out["feature:b"] = rng.normal(size=len(rows))
    out["score:c"] = rng.normal(size=len(rows))
    out["score:random"] = 9.0 * is_on
    return out


def test_features_are_there_and_what_is_no_feature_is_not(rng: np.random.Generator) -> None:
    matrix, names = feature_matrix(table(rng))
    assert names == ["feature:a", "feature:b", "score:c"]
    assert matrix.shape == (len(table(rng)["mode"]), 3)
    with pytest.raises(UsageError, match="neither features nor scores"):
        feature_matrix({"mode": np.array(["normal"])})


def test_what_is_on_the_air_is_told_from_what_is_not(rng: np.random.Generator) -> None:
    rows = table(rng)
    found = learned_scores(rows)
    families = ("carriers", "keyed", "sweeps")
    assert sorted(found) == sorted(f"score:{c} without {f}" for c in CLASSIFIERS for f in families)
    is_test = rows["split"] == "test"
    for scores in found.values():
        assert np.isnan(scores[rows["split"] == "train"]).all()
        normal = scores[is_test & (rows["mode"] == "normal")]
        on = scores[is_test & (rows["kind"] != "")]
        assert (on[:, None] > normal).mean() > 0.9


def test_neither_the_tested_family_nor_a_test_observer_teaches(rng: np.random.Generator) -> None:
    rows = table(rng)
    usual = learned_scores(rows)
    odd = {**rows, "feature:a": rows["feature:a"].copy()}
    is_tone = (rows["split"] == "train") & (rows["kind"] == "tone")
    is_other = (rows["split"] == "test") & (rows["observer"] == "test-2")
    odd["feature:a"][is_tone] = -30.0
    odd["feature:a"][is_other] = 50.0
    moved = learned_scores(odd)
    same = ~is_other
    for name, scores in usual.items():
        is_same = np.array_equal(scores[same], moved[name][same], equal_nan=True)
        assert is_same == name.endswith("carriers"), name


def test_nothing_to_learn_from_is_refused(rng: np.random.Generator) -> None:
    rows = table(rng)
    rows["kind"] = np.where(rows["split"] == "train", "", rows["kind"])
    rows["isr_db"] = np.where(rows["split"] == "train", np.nan, rows["isr_db"])
    with pytest.raises(UsageError, match="no row of the train split"):
        learned_scores(rows)
