"""Areas under the ROC of discriminants at a place that nobody was trained on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.papers.peng2022.swept_experiment import SweptExperiment
from converter.lab.measures.swept.places import Cut, UnseenPlace, draw_anomalies
from converter.simulate.swept.anomalies import ANOMALY_CLASSES
from edgespec.detect.discriminants.discriminant import Discriminant, open_discriminant
from edgespec.records import FloatArray, Geometry

__all__ = ["AnomalyScores", "area", "cut_of"]


def cut_of(experiment: SweptExperiment) -> Cut:
    """Return which segments of a test place are measured."""
    return Cut(experiment.n_past, experiment.n_future, experiment.first_day, experiment.n_segments)


class AnomalyScores:
    """Areas under the ROC of discriminants at a place, the same anomalies for every forecaster.

    Each class of anomalies is drawn ``n_anomalies`` times, each time for one of the segments, and
    added to its future at each ISR: what is forecast has not seen it. It is compared with all
    normal segments of the place.

    Args:
        experiment: what is drawn, and at which ISRs.
        place: whose segments.
    """

    def __init__(self, experiment: SweptExperiment, place: UnseenPlace) -> None:
        self._place, self._isrs_db = place, experiment.isrs_db
        geometry = Geometry(
            place.table.n_points, place.table.sweep_s, experiment.n_past, experiment.n_future,
            experiment.n_future,
        )  # fmt: skip
        self._open = {name: open_discriminant(name, geometry) for name in experiment.discriminants}
        self._drawn = draw_anomalies(
            place, ANOMALY_CLASSES, experiment.n_anomalies, experiment.seed
        )

    def areas(self, expected_db: FloatArray) -> dict[str, NDArray[np.float64]]:
        """Return the area of each discriminant, ``(n_isrs, n_classes)``."""
        return {name: self._areas(one, expected_db) for name, one in self._open.items()}

    def _areas(self, distance: Discriminant, expected_db: FloatArray) -> NDArray[np.float64]:
        place = self._place
        normal = [
            distance(expected, seen)
            for expected, seen in zip(expected_db, place.future_db, strict=True)
        ]
        out = np.empty((len(self._isrs_db), len(ANOMALY_CLASSES)))
        for row, isr_db in enumerate(self._isrs_db):
            for column, name in enumerate(ANOMALY_CLASSES):
                scores = [
                    distance(expected_db[one.segment], place.with_anomaly(one, isr_db))
                    for one in self._drawn
                    if one.kind == name
                ]
                out[row, column] = area(normal, scores)
        return out


def area(normal: Sequence[float], anomalous: Sequence[float]) -> float:
    """Return the area under the ROC: how often an anomalous score is above a normal one."""
    ranks = rankdata([*anomalous, *normal])
    n = len(anomalous)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(normal)))
