"""Scores of normal signal, site by site: what a bundle's thresholds are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edgespec.detect.reference import RunningStatistics
from edgespec.observer.scoring.scorer import Scorer
from edgespec.records import FloatArray, Score

__all__ = ["CalibrationRun"]


@dataclass(frozen=True, slots=True)
class CalibrationRun:
    """Scores of normal signal, site by site, with the spread of each bin's mean error.

    ``sites`` holds for each detector and recording the standard deviation of the raw scores in its
    warm-up and the scores after it, in units of that.
    """

    sites: dict[str, list[tuple[float, list[float]]]]
    spread: dict[str, RunningStatistics]

    @classmethod
    def empty(cls, names: Sequence[str], n_bins: int) -> "CalibrationRun":
        """Return a run without any score."""
        return cls(
            {name: [] for name in names}, {name: RunningStatistics(n_bins) for name in names}
        )

    def site_std(self, name: str) -> float:
        """Return the median over the sites of the spread of raw scores."""
        return float(np.median([std for std, _ in self.sites[name]])) if self.sites[name] else 0.0

    def scores(self, name: str, smallest_std: float = 0.0) -> FloatArray:
        """Return all scores of a detector, as if no site had a spread below ``smallest_std``."""
        scaled = [
            np.asarray(values, np.float32) * (std / max(std, smallest_std))
            for std, values in self.sites[name]
        ]
        return np.concatenate(scaled) if scaled else np.empty(0, np.float32)

    def add(self, scorer: Scorer, segments: Iterable[tuple[Score, ...]]) -> None:
        """Add the scores that a scorer gives one recording, which it started cold.

        Those of the warm-up are not counted, because the monitor does not alarm on them.
        """
        values: dict[str, list[float]] = {name: [] for name in scorer.scales}
        for scores in segments:
            if not scorer.is_warm:
                continue
            for score in scores:
                values[score.detector].append(score.value)
                if score.error_map_db is not None:
                    self.spread[score.detector].add(score.error_map_db.mean(axis=0))
        for name, scale in scorer.scales.items():
            if values[name]:
                self.sites[name].append((scale.std, values[name]))
