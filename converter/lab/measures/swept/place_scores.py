"""Scores of the segments of one place: warm-up, normal, and with an anomaly in their futures."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from converter.lab.measures.swept.forecasters import PlaceForecaster
from converter.lab.measures.swept.places import UnseenPlace, draw_anomalies
from converter.lab.measures.windows.discriminant_scorer import discriminant_column
from converter.lab.measures.windows.score_table import NOTHING, Row, ScoreTable
from converter.lab.measures.windows.stretches import Addition
from converter.lab.swept import SweptDetection
from edgespec.detect.discriminants.discriminant import RMSE, open_discriminant
from edgespec.records import FloatArray, Geometry

__all__ = ["place_scores"]


def place_scores(
    place: UnseenPlace,
    detection: SweptDetection,
    forecasters: Mapping[str, PlaceForecaster],
    seed: int,
    *,
    inject: bool,
) -> dict[str, Any]:
    """Return the columns of the detection table for one place, as observers of samples have them.

    An anomaly is in the future alone: what is forecast has not seen it, and its row is an onset
    whose whole horizon it may fill. ``segment`` counts the segments of the place, so that a row
    with an anomaly and the normal row of the same number are a pair.

    Args:
        place: whose first ``n_warmup`` segments are the warm-up.
        detection: what is added, and the discriminants.
        forecasters: by the names of their scores.
        seed: of what is drawn.
        inject: False leaves all anomalies out: a calibration place.
    """
    n_future, n_points = place.future_db.shape[1:]
    geometry = Geometry(n_points, place.table.sweep_s, place.past_db.shape[1], n_future, n_future)
    drawn = []
    if inject:
        drawn = draw_anomalies(
            place, detection.kinds, detection.n_anomalies, seed, detection.n_warmup
        )
    heard = [
        (one, isr_db, place.with_anomaly(one, isr_db))
        for one in drawn
        for isr_db in detection.isrs_db
    ]
    rows = [
        Row("warmup" if number < detection.n_warmup else "normal", NOTHING, -1, number)
        for number in range(len(place))
    ]
    rows += [
        Row(
            "onset",
            Addition(one.kind, isr_db, np.nan, np.nan, np.nan, 0, n_future),
            stretch,
            one.segment,
            share=1.0,
        )
        for stretch, (one, isr_db, _) in enumerate(heard)
    ]
    scores: dict[str, FloatArray] = {}
    for name, forecaster in forecasters.items():
        expected = np.ascontiguousarray(forecaster.expect(place), np.float32)
        for discriminant in (RMSE, *detection.discriminants):
            distance = open_discriminant(discriminant, geometry)
            column = name if discriminant == RMSE else discriminant_column(name, discriminant)
            found = [distance(*pair) for pair in zip(expected, place.future_db, strict=True)]
            found += [distance(expected[one.segment], seen) for one, _, seen in heard]
            scores[f"score:{column}"] = np.asarray(found, np.float32)
    table = ScoreTable("place", has_neighbour=False, columns=list(scores))
    table.add(rows, scores)
    return table.columns()
