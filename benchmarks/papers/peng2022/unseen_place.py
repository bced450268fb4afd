"""A place of a band that nobody was trained on: normal segments, and the same with anomalies."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.papers.peng2022.swept_experiment import SweptExperiment
from converter.data.sweeps.sweep_dataset import SweepDataset, SweepPart, load_sweep_part
from converter.data.sweeps.windows import gather_windows, window_starts
from converter.simulate.swept.anomalies import ANOMALY_CLASSES, add_anomaly, draw_anomaly
from edgespec.detect.discriminants.discriminant import Discriminant, open_discriminant
from edgespec.errors import SourceError
from edgespec.records import FloatArray, Geometry
from edgespec.sweep_table import SweepTable

__all__ = ["AnomalyScores", "UnseenPlace", "area", "open_place"]

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class UnseenPlace:
    """Segments of a place behind its first days, evenly spread.

    ``past_db`` float32 ``(n, n_past, n_points)`` and ``future_db`` ``(n, n_future, n_points)`` in
    dB; ``signal_mw`` ``(n,)`` is the mean power of the band's own signals in each future.
    """

    name: str
    table: SweepTable
    starts: NDArray[np.int64]
    past_db: FloatArray
    future_db: FloatArray
    signal_mw: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.starts)

    def errors(self, expected_db: FloatArray) -> tuple[float, float]:
        """Return mean absolute and mean square error of forecasts, in dB and its square."""
        error = (self.future_db - expected_db).astype(np.float64)
        return float(np.abs(error).mean()), float((error**2).mean())


def open_place(experiment: SweptExperiment, dataset: SweepDataset, part: SweepPart) -> UnseenPlace:
    """Return the segments of a test place.

    Raises:
        SourceError: it has fewer segments behind its first days than the experiment asks for.
    """
    table = load_sweep_part(dataset, part)
    found = window_starts(table, experiment.n_past, experiment.n_future)
    began_s = table.utc_s[found + experiment.n_past] - table.utc_s[0]
    found = found[began_s >= experiment.first_day * _DAY_S]
    if len(found) < experiment.n_segments:
        raise SourceError(
            f"{part.name} has {len(found)} segments behind its first {experiment.first_day:g} "
            f"days, and n_segments is {experiment.n_segments}: give more days, or fewer segments"
        )
    chosen = np.linspace(0, len(found) - 1, experiment.n_segments).round().astype(np.int64)
    starts = found[chosen]
    past, future, _ = gather_windows(table, starts, experiment.n_past, experiment.n_future)
    rows = starts[:, None] + experiment.n_past + np.arange(experiment.n_future)
    signal = _signal_mw(dataset.folder / part.file)[rows].mean(axis=1)
    return UnseenPlace(part.name, table, starts, past, future, signal.astype(np.float64))


def _signal_mw(path: Path) -> NDArray[np.float32]:
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays["signal_mw"])


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
        n_points = place.table.n_points
        geometry = Geometry(
            n_points, place.table.sweep_s, experiment.n_past, experiment.n_future,
            experiment.n_future,
        )  # fmt: skip
        self._open = {name: open_discriminant(name, geometry) for name in experiment.discriminants}
        rng = np.random.default_rng([experiment.seed, crc32(place.name.encode())])
        self._drawn = [
            [
                (
                    int(rng.integers(len(place))),
                    draw_anomaly(name, experiment.n_future, n_points, rng),
                )
                for _ in range(experiment.n_anomalies)
            ]
            for name in ANOMALY_CLASSES
        ]

    def areas(self, expected_db: FloatArray) -> dict[str, NDArray[np.float64]]:
        """Return the area of each discriminant, ``(n_isrs, n_classes)``."""
        return {name: self._areas(one, expected_db) for name, one in self._open.items()}

    def _areas(self, distance: Discriminant, expected_db: FloatArray) -> NDArray[np.float64]:
        place = self._place
        normal = [
            distance(expected, seen)
            for expected, seen in zip(expected_db, place.future_db, strict=True)
        ]
        out = np.empty((len(self._isrs_db), len(self._drawn)))
        for row, isr_db in enumerate(self._isrs_db):
            for column, drawn in enumerate(self._drawn):
                scores = []
                for number, plane in drawn:
                    power_mw = 10 ** (isr_db / 10) * float(place.signal_mw[number])
                    seen = add_anomaly(place.future_db[number], plane, power_mw)
                    scores.append(distance(expected_db[number], seen))
                out[row, column] = area(normal, scores)
        return out


def area(normal: Sequence[float], anomalous: Sequence[float]) -> float:
    """Return the area under the ROC: how often an anomalous score is above a normal one."""
    ranks = rankdata([*anomalous, *normal])
    n = len(anomalous)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(normal)))
