"""Scores of the detectors on many snapshots at once, and what they are worth."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.detector import Detector
from edgespec.twin.detectors.detectors import thinned
from edgespec.twin.detectors.likelihood import Likelihood
from edgespec.twin.detectors.lof import LocalOutlierFactor
from edgespec.twin.detectors.matched import Matched
from edgespec.twin.detectors.window import Window
from edgespec.twin.fusion import history_windows
from edgespec.twin.learning.history import History
from edgespec.twin.learning.normal import NormalStatistics, learn_normal
from edgespec.twin.level_kind import MEASURED
from edgespec.twin.propagation.path_gain import CellGrid

__all__ = ["Ears", "auc", "mean_history", "roc", "witnessed"]

FloatArray = NDArray[np.float64]

_NOISE_DBM = -100.0
#: As the central unit: cells that tell whether there is a source.
_CELLS = 160
_MOST_DBM, _GAIN_ERROR_DB = 30.0, 4.3
#: Where a ROC is drawn.
FALSE_ALARMS = np.linspace(0, 1, 201)


def mean_history(level_db: FloatArray, expected_dbm: FloatArray) -> History:
    """Return means over snapshots as a history: both ``(n, n_snapshots, n_units, n_subbands)``."""
    n_subbands = level_db.shape[3]
    expected = expected_dbm.mean(axis=1)
    noise_dbm = _NOISE_DBM - 10 * np.log10(n_subbands)
    kind = np.full(level_db.shape[0:3:2], MEASURED, np.uint8)
    return History(level_db.mean(axis=1), expected, expected > noise_dbm + 3.01, kind)


@dataclass(frozen=True, slots=True, eq=False)
class Ears:
    """What was learnt from normal operation, and the detectors that use it."""

    normal: NormalStatistics
    training: History
    grid: CellGrid

    @classmethod
    def learnt(cls, training: History, grid: CellGrid) -> "Ears":
        """Return what normal snapshots teach."""
        return cls(learn_normal(training, (1,)), training, grid)

    def windows(self, test: History) -> list[Window]:
        """Return the windows of a history, nothing left out."""
        return history_windows(test, self.normal, 0, 1)

    def detector(self, name: str) -> Detector:
        """Return ``matched`` or ``likelihood``."""
        if name == "matched":
            return Matched()
        n_subbands = self.training.level_db.shape[2]
        return Likelihood(thinned(self.grid, _CELLS), n_subbands, _MOST_DBM, _GAIN_ERROR_DB)

    def scores(self, name: str, test: History) -> FloatArray:
        """Return the score of each snapshot by a detector's name."""
        if name == "energy":
            return np.asarray(test.total_db.mean(axis=1))
        if name == "lof":
            return LocalOutlierFactor(self.training.total_db).factors(test.total_db)
        detector = self.detector(name)
        return np.array([detector.score(window) for window in self.windows(test)])


def witnessed(score: Callable[[Window], float], window: Window) -> float:
    """Return the lowest score that is left when any one unit is not asked."""
    return min(score(window.without((int(unit),))) for unit in np.flatnonzero(window.is_heard))


def auc(normal: FloatArray, anomalous: FloatArray) -> float:
    """Return the area under the ROC: the chance that an anomaly scores higher, ties count half."""
    ordered = np.sort(normal)
    below = np.searchsorted(ordered, anomalous, side="left")
    up_to = np.searchsorted(ordered, anomalous, side="right")
    return float((below + up_to).sum() / (2 * len(normal) * len(anomalous)))


def roc(normal: FloatArray, anomalous: FloatArray) -> FloatArray:
    """Return the detection rate at the false-alarm rates ``FALSE_ALARMS``."""
    thresholds = np.quantile(normal, 1 - FALSE_ALARMS)
    rates = (anomalous[None, :] > thresholds[:, None]).mean(axis=1)
    rates[-1] = 1.0
    return np.asarray(rates)
