"""Prototype and laboratory stand side by side, at the ISRs that both have."""

import numpy as np

from benchmarks.detection.prototypes import PROTOTYPES, rows_of
from converter.report.detection_scores import DetectionScores
from converter.report.frame import Frame
from tests.made import detection_tables


def test_only_what_both_have_is_compared(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"device-zscore": 1.0, "residual": 9.0})
    scores = DetectionScores(Frame(table), "made", "any")
    rows = rows_of(scores)
    assert {row["isr_db"] for row in rows} == {0.0}
    assert {row["score"] for row in rows} == {"zscore", "max(zscore, residual), untrained"}
    assert len(rows) == 4
    for row in rows:
        mine = PROTOTYPES[str(row["score"])][str(row["mode"])][2]
        assert row["prototype"] == mine
        is_inside = row["low"] <= mine <= row["high"]  # type: ignore[operator]
        assert row["differs"] == (not is_inside)
    strong = [row for row in rows if row["score"] != "zscore"]
    assert all(row["differs"] for row in strong)
