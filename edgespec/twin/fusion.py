"""One score and one threshold from a short and a long look at the residuals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.detectors.detector import Detector
from edgespec.twin.detectors.detectors import make_detector, needs_samples
from edgespec.twin.detectors.window import Window
from edgespec.twin.learning.averaging import mean_kinds
from edgespec.twin.learning.history import History
from edgespec.twin.learning.normal import NormalStatistics, window_rows
from edgespec.twin.learning.tail import threshold_for
from edgespec.twin.propagation.path_gain import CellGrid
from edgespec.twin.site import Site

__all__ = ["Fused", "Fusion", "Limits", "fit_limits", "window_lengths"]

FloatArray = NDArray[np.float64]

#: The units without the best witness must be above what they exceed this much more often.
_WITNESS_FACTOR = 10.0

#: Of more units than this, only the loudest are tried as the best witness.
_MOST_TRIED = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of one detector for each window: of all units, and of the other witnesses."""

    thresholds: tuple[float, ...]
    witness_thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Fused:
    """What the units together say: an alarm is ``score > threshold``; window 0 is the shortest."""

    score: float
    threshold: float
    window: int

    @property
    def is_alarm(self) -> bool:
        """Whether there is a source."""
        return self.score > self.threshold

    def or_more(self, other: "Fused") -> "Fused":
        """Return the one that is further above its threshold."""
        return max(self, other, key=lambda one: one.score - one.threshold)


def window_lengths(averages: int) -> tuple[int, ...]:
    """Return the snapshots of each window: one for what is loud, several for what is weak."""
    return (1,) if averages == 1 else (1, averages)


class Fusion:
    """Scores windows against their thresholds; the windows share the rate of false alarms.

    A score above the threshold must have witnesses: without any one unit (or without any
    ``witnesses - 1``, taken away one after another) the others must still be above what normal
    operation exceeds ten times as often. The score says so, too: it is never more above its
    threshold than the others' score is above theirs. So a unit that lies raises no alarm.
    """

    def __init__(self, site: Site, detectors: tuple[Detector, ...], limits: Limits) -> None:
        self._n_witnesses = site.detect.witnesses
        self._detectors = detectors
        self._limits = limits

    def fuse(self, index: int, window: Window) -> Fused:
        """Return what one window says: 0 is the latest snapshot, 1 the mean over the last ones."""
        score = self._detectors[index].score(window)
        threshold = self._limits.thresholds[index]
        if score > threshold:
            spare = self._without_witnesses(index, window)
            score = min(score, threshold + spare - self._limits.witness_thresholds[index])
        return Fused(score, threshold, index)

    def _without_witnesses(self, index: int, window: Window) -> float:
        """Return the lowest score that is left when the best witnesses are not asked."""
        detector, score = self._detectors[index], np.inf
        for _ in range(min(self._n_witnesses, int(window.is_heard.sum())) - 1):
            without = [window.without((int(unit),)) for unit in _loudest(window)]
            scores = [detector.score(one) for one in without]
            best = int(np.argmin(scores))
            window, score = without[best], scores[best]
        return score


def _loudest(window: Window) -> NDArray[np.int64]:
    """Return the units that may be the best witness: of many, those that hear most too much."""
    heard = np.flatnonzero(window.is_heard)
    if len(heard) <= _MOST_TRIED:
        return heard
    excess = np.maximum(window.residual_db[heard] / window.scale_db[heard], 0.0).sum(axis=1)
    return heard[np.argsort(-excess)[:_MOST_TRIED]]


def make_detectors(
    site: Site, grid: CellGrid, n_windows: int, samples_db: tuple[FloatArray, ...] | None
) -> tuple[Detector, ...]:
    """Return the detector of a site for each window.

    Raises:
        ConfigError: the detector needs normal samples and there are none.
    """
    name = site.detect.detector
    if needs_samples(name) and samples_db is None:
        raise ConfigError(
            f"detect.detector {name!r} compares with normal snapshots and there are none: give the "
            "file of `edgespec twin train`"
        )
    if samples_db is None:
        return (make_detector(name, site, grid),) * n_windows
    return tuple(make_detector(name, site, grid, one) for one in samples_db)


def history_windows(
    history: History, normal: NormalStatistics, index: int, length: int
) -> list[Window]:
    """Return windows over a history, as the central unit would have seen them."""
    bias_db = normal.bias_for(history.is_occupied)
    residual_db = np.nan_to_num(history.level_db - history.expected_dbm - bias_db)
    total_db = np.nan_to_num(history.total_db)
    windows = []
    for start in window_rows(len(history), length):
        part = slice(start, start + length)
        weight = (history.kind[part] != 0).astype(np.float64)
        weight /= np.maximum(weight.sum(axis=0), 1.0)
        is_occupied = history.is_occupied[part].mean(axis=0) > 0.5
        windows.append(
            Window(
                np.einsum("nuk,nu->uk", residual_db[part], weight),
                normal.scale_for(index, is_occupied),
                history.expected_dbm[part].mean(axis=0),
                np.einsum("nu,nu->u", total_db[part], weight),
                mean_kinds(history.kind[part]),
                normal.doublings[index],
            )
        )
    return [window for window in windows if window.is_heard.any()]


def fit_limits(
    site: Site,
    history: History,
    normal: NormalStatistics,
    detectors: tuple[Detector, ...],
) -> Limits:
    """Return the thresholds that normal operation exceeds at the site's false-alarm rate.

    Raises:
        ConfigError: too few snapshots for a threshold.
    """
    lengths = window_lengths(site.detect.averages)
    rate = site.detect.false_alarm_rate / len(lengths)
    witness_rate = min(0.5, _WITNESS_FACTOR * rate)
    thresholds: list[float] = []
    witness_thresholds: list[float] = []
    for index, length in enumerate(lengths):
        windows = history_windows(history, normal, index, length)
        scores = np.array([detectors[index].score(window) for window in windows])
        for found, one in ((thresholds, rate), (witness_thresholds, witness_rate)):
            found.append(threshold_for(scores, one, detectors[index].least_excess))
    return Limits(tuple(thresholds), tuple(witness_thresholds))
