"""A detection table summed up: AUC, detection and realised false-alarm rates, with intervals.

Thresholds come from the calibration rows alone and are what they are in every resample; test
observers are drawn anew, then blocks of segments within them, and every scorer gets the same draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.numbers.cells import ArrowTable, Layout, columns_of
from converter.lab.numbers.combined import COMBINED, combined_of
from converter.lab.numbers.intervals import clopper_pearson, percentiles
from converter.lab.numbers.metrics import rank_scores, standardised_area
from converter.lab.numbers.thresholds import (
    gaussian_threshold,
    observer_names,
    pooled_threshold,
    realised_rates,
    site_standardised,
)
from edgespec.errors import ModelError

__all__ = [
    "MAX_FAR",
    "METHODS",
    "STANDARDISATIONS",
    "Bench",
    "Measured",
    "false_alarm_summary",
    "left_out_of",
    "scorers_of",
]

#: Scores as they are, or in standard deviations of the observer's own warm-up.
STANDARDISATIONS = ("raw", "site")
METHODS = {"quantile": pooled_threshold, "gaussian": gaussian_threshold}
#: The partial AUC reaches to this false-alarm rate.
MAX_FAR = 0.01
_PREFIX = "score:"
#: Between the name of a classifier and the family that it has not seen.
_WITHOUT = " without "

Float = NDArray[np.float64]
Columns = Mapping[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one scorer. The first of each axis of draws is that of all rows as they are.

    ``auc`` is ``(1 + n_draws, n_cells)``, ``pauc`` ``(n_cells,)``, ``detected``
    ``(1 + n_draws, n_rates, n_cells)``, ``far`` ``(1 + n_draws, n_rates)``, ``thresholds``
    ``(n_rates,)`` with NaN where there are too few calibration scores for a rate.
    """

    auc: Float
    pauc: Float
    detected: Float
    far: Float
    thresholds: Float


class Bench:
    """The table with its draws, ready for any of its scorers."""

    def __init__(
        self, table: ArrowTable | Columns, rng: np.random.Generator, n_resamples: int
    ) -> None:
        self.columns = columns_of(table)
        self.layout = Layout.of(self.columns)
        self.draws = list(self.layout.draws(n_resamples, rng))
        split, mode = np.asarray(self.columns["split"]), np.asarray(self.columns["mode"])
        self.calibration = np.flatnonzero((split == "calibration") & (mode == "normal"))

    def scores(self, scorer: str, standardisation: str) -> Float:
        """Return the scores ``(n,)``; one that is not a number never alarms, so it is the least.

        A combination of :data:`converter.lab.numbers.combined.COMBINED` is always one of scores
        that the site has standardised.
        """
        if scorer in COMBINED:
            values = COMBINED[scorer].of(lambda part: site_standardised(self.columns, part))
        elif standardisation == "site":
            values = site_standardised(self.columns, scorer)
        else:
            values = np.asarray(self.columns[_PREFIX + scorer], np.float64)
        return np.where(np.isnan(values), -np.inf, values)

    def measure(self, scorer: str, standardisation: str, rates: Sequence[float]) -> Measured:
        """Return the figures of a scorer, every one for all rows and for each draw."""
        scores = self.scores(scorer, standardisation)
        layout = self.layout
        normal, anomalous = scores[layout.normal.rows], scores[layout.anomalous.rows]
        thresholds = np.array([_threshold(scores[self.calibration], rate) for rate in rates])
        ranked = rank_scores(normal, anomalous)
        once = (np.ones(layout.normal.n_blocks), np.ones(layout.anomalous.n_blocks))
        alarms = layout.normal.by_block(_above(normal, thresholds))
        detections = layout.anomalous.by_block(_above(anomalous, thresholds))
        n_normal = layout.normal.by_block(np.ones(len(normal)))
        n_anomalous = layout.anomalous.by_block(np.ones(len(anomalous)))
        auc, detected, far = [], [], []
        # A draw in which nobody has rows of a cell has no figure there.
        with np.errstate(invalid="ignore", divide="ignore"):
            for of_normal, of_anomalous in (once, *self.draws):
                areas = ranked.areas(of_normal[layout.normal.block])[ranked.place]
                weight = layout.anomalous.by_cell(of_anomalous * n_anomalous)
                sums = layout.anomalous.by_cell(of_anomalous * layout.anomalous.by_block(areas))
                auc.append(sums / weight)
                detected.append(layout.anomalous.by_cell(of_anomalous * detections) / weight)
                far.append(alarms @ of_normal / (n_normal @ of_normal))
        partial = ranked.areas(None, MAX_FAR)[ranked.place]
        partial = layout.anomalous.by_cell(layout.anomalous.by_block(partial))
        partial /= layout.anomalous.by_cell(n_anomalous)
        pauc = np.array([standardised_area(float(area), MAX_FAR) for area in partial])
        return Measured(
            np.array(auc),
            pauc,
            np.array(detected),
            np.array(far),
            thresholds,
        )


def scorers_of(columns: Columns) -> list[str]:
    """Return the scorers of a detection table by the names of its columns, and combinations.

    One that says nothing at any calibration observer is left out: it has no usual spread and no
    threshold.
    """
    is_calibration = np.asarray(columns["split"]) == "calibration"
    found = [name.removeprefix(_PREFIX) for name in columns if name.startswith(_PREFIX)]
    plain = [
        name
        for name in found
        if _WITHOUT not in name
        and np.isfinite(np.asarray(columns[_PREFIX + name], np.float64)[is_calibration]).any()
    ]
    return [*plain, *combined_of(plain)]


def left_out_of(columns: Columns) -> dict[str, dict[str, str]]:
    """Return what was learnt without a family each: classifier -> family -> scorer."""
    found: dict[str, dict[str, str]] = {}
    for column in columns:
        name, _, family = column.removeprefix(_PREFIX).partition(_WITHOUT)
        if family:
            found.setdefault(name, {})[family] = column.removeprefix(_PREFIX)
    return found


def false_alarm_summary(
    table: ArrowTable | Columns,
    rates: Sequence[float],
    rng: np.random.Generator,
    *,
    n_resamples: int = 300,
) -> list[Row]:
    """Return what false-alarm rate each threshold keeps on test observers that it has not seen.

    Returns:
        A dictionary for each scorer, standardisation, method and rate: ``scorer standardisation
        method rate threshold n_calibration n_normal realised``, the bootstrap's ``low high``,
        ``cp_low cp_high`` of Clopper and Pearson, ``median_observer``, ``worst`` and
        ``worst_observer``. Figures are NaN where the calibration rows are too few for a rate.

    Raises:
        UsageError: the table lacks a column, or normal or anomalous test rows, or warm-up rows.
    """
    bench = Bench(table, rng, n_resamples)
    pile = bench.layout.normal
    observers = np.char.replace(observer_names(bench.columns)[pile.rows], "test/", "")
    n_rows = pile.by_block(np.ones(len(pile.rows)))
    rows: list[Row] = []
    for scorer in scorers_of(bench.columns):
        for standardisation in STANDARDISATIONS:
            scores = bench.scores(scorer, standardisation)
            normal = scores[pile.rows]
            for method in METHODS:
                for rate in rates:
                    threshold = _threshold(scores[bench.calibration], rate, method)
                    alarms = pile.by_block(_above(normal, np.array([threshold])))[0]
                    drawn = [alarms @ times / (n_rows @ times) for times, _ in bench.draws]
                    rows.append(
                        {
                            "scorer": scorer,
                            "standardisation": standardisation,
                            "method": method,
                            "rate": rate,
                            "threshold": threshold,
                            "n_calibration": len(bench.calibration),
                            "n_normal": len(normal),
                            **_realised(normal, observers, threshold, np.array(drawn)),
                        }
                    )
    return rows


def _realised(normal: Float, observers: NDArray[np.str_], threshold: float, drawn: Float) -> Row:
    if np.isnan(threshold):
        figures = ("realised", "low", "high", "cp_low", "cp_high", "median_observer", "worst")
        return {**dict.fromkeys(figures, float("nan")), "worst_observer": ""}
    by_observer = realised_rates(normal, observers, threshold)
    n_alarms = sum(k for k, _ in by_observer.values())
    exact = clopper_pearson(n_alarms, len(normal))
    around = percentiles(exact.value, drawn)
    shares = {name: k / n for name, (k, n) in by_observer.items()}
    worst = max(shares, key=lambda name: shares[name])
    return {
        "realised": exact.value,
        "low": around.low,
        "high": around.high,
        "cp_low": exact.low,
        "cp_high": exact.high,
        "median_observer": float(np.median(list(shares.values()))),
        "worst": shares[worst],
        "worst_observer": worst,
    }


def _threshold(scores: Float, rate: float, method: str = "quantile") -> float:
    """Return a threshold, NaN where the scores are too few for the rate."""
    try:
        return METHODS[method](scores[np.isfinite(scores)], rate)
    except ModelError:
        return float("nan")


def _above(scores: Float, thresholds: Float) -> Float:
    """Return 1 where a score is above each threshold, NaN for one that is not there."""
    out = (scores > thresholds[:, np.newaxis]).astype(np.float64)
    out[np.isnan(thresholds)] = np.nan
    return out
