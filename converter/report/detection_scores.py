"""Scores of one detection experiment: areas and rates of any scorer, drawn anew by observer."""

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.numbers.cells import LEAST_SHARE, MODES, Cell, Layout
from converter.lab.numbers.detection_summary import (
    Bench,
    Measured,
    false_alarm_summary,
    left_out_of,
    scorers_of,
)
from converter.report.frame import Frame
from converter.report.resamples import Floats
from converter.simulate.strangers import family_of

__all__ = [
    "RATE",
    "RATES",
    "DetectionScores",
    "is_whole",
    "mean_of",
    "without_glimpses",
]

RATES = (0.01, 0.001)
#: The rate of false alarms that figures are told at where there is room for one.
RATE = RATES[0]
N_RESAMPLES = 300
_SEED = 20261122


class DetectionScores:
    """One detection table, measured scorer by scorer when it is asked for.

    Where a method takes ``site``, True means scores in standard deviations of the observer's own
    warm-up, as the device has them, and False scores as the scorer gives them, as in the paper.
    Figures come as arrays whose first axis is the draws: the first of all rows as they are, the
    others of observers and blocks drawn with replacement, the same for every scorer of the table.
    Thresholds come from the calibration split alone.
    """

    def __init__(self, frame: Frame, name: str, population: str) -> None:
        self.name, self.population, self.frame = name, population, without_glimpses(frame)
        self.scorers = scorers_of(frame.columns)
        self._left_out = left_out_of(frame.columns)
        self._measured: dict[tuple[str, bool], Measured] = {}
        self._parts: dict[tuple[str, ...], DetectionScores] = {}

    @cached_property
    def bench(self) -> Bench:
        """The table with its draws."""
        return Bench(self.frame.columns, np.random.default_rng(_SEED), N_RESAMPLES)

    @property
    def layout(self) -> Layout:
        """Test rows by cell."""
        return self.bench.layout

    @property
    def cells(self) -> tuple[Cell, ...]:
        """What the figures of the last axis are about; ISR is NaN for a fault."""
        return self.layout.cells

    @property
    def n_observers(self) -> int:
        """Test observers, over all seeds."""
        return len(self.layout.observers)

    def measured(self, scorer: str, site: bool) -> Measured:
        """Return the figures of a scorer at :data:`RATES`."""
        key = (scorer, site)
        if key not in self._measured:
            self._measured[key] = self.bench.measure(scorer, "site" if site else "raw", RATES)
        return self._measured[key]

    @property
    def learned(self) -> list[str]:
        """Classifiers that have not seen the family that they are tested on."""
        return list(self._left_out)

    def left_out(self, classifier: str, figures: Callable[[str], Floats]) -> Floats:
        """Return figures of a classifier by cell, each by the one that has not seen its family.

        Args:
            classifier: one of :attr:`learned`.
            figures: returns those of a scorer by cell, ``(1 + n, n_cells)``.

        Returns:
            ``(1 + n, n_cells)``, NaN for families that none was made without.
        """
        own = self._left_out[classifier]
        by_family = {family: figures(name) for family, name in own.items()}
        out = np.full_like(next(iter(by_family.values())), np.nan)
        for number, cell in enumerate(self.cells):
            found = by_family.get(family_of(cell.kind))
            if found is not None:
                out[:, number] = found[:, number]
        return out

    def auc(self, scorer: str, site: bool) -> Floats:
        """Return the ROC AUC of each cell, ``(1 + n, n_cells)``."""
        return self.measured(scorer, site).auc

    def partial_auc(self, scorer: str, site: bool) -> Floats:
        """Return the standardised AUC up to 1% false alarms of each cell, ``(1, n_cells)``."""
        return self.measured(scorer, site).pauc[np.newaxis]

    def detected(self, scorer: str, rate: float, site: bool) -> Floats:
        """Return the share of each cell above the threshold, ``(1 + n, n_cells)``."""
        return self.measured(scorer, site).detected[:, RATES.index(rate)]

    def has_thresholds(self, rate: float) -> bool:
        """Whether there are enough calibration segments to tell a rate."""
        return len(self.bench.calibration) >= 1 / rate - 1

    def false_alarms(self, scorer: str, rate: float, site: bool) -> Floats:
        """Return the rate of false alarms on the test observers, ``(1 + n,)``."""
        return self.measured(scorer, site).far[:, RATES.index(rate)]

    @cached_property
    def false_alarm_rows(self) -> list[dict[str, Any]]:
        """Realised rates of every scorer by conformal and by Gaussian thresholds."""
        rng = np.random.default_rng(_SEED)
        return false_alarm_summary(self.frame.columns, RATES, rng, n_resamples=N_RESAMPLES)

    def pick(
        self,
        modes: Iterable[str] = MODES,
        kinds: Iterable[str] | None = None,
        isrs_db: Iterable[float] | None = None,
        faults: bool = False,
    ) -> NDArray[np.bool_]:
        """Return which cells are of these modes, kinds and ISRs; interferers or faults."""
        modes = set(modes)
        kinds = None if kinds is None else set(kinds)
        isrs_db = None if isrs_db is None else set(isrs_db)
        return np.array(
            [
                cell.mode in modes
                and (kinds is None or cell.kind in kinds)
                and bool(np.isnan(cell.isr_db)) == faults
                and (isrs_db is None or cell.isr_db in isrs_db)
                for cell in self.cells
            ],
            np.bool_,
        )

    @property
    def isrs_db(self) -> list[float]:
        """ISRs of the table, least first."""
        return sorted({cell.isr_db for cell in self.cells if np.isfinite(cell.isr_db)})

    @property
    def kinds(self) -> list[str]:
        """Kinds of interferers, by name."""
        return sorted({cell.kind for cell in self.cells if np.isfinite(cell.isr_db)})

    @property
    def faults(self) -> list[str]:
        """Faults of the station, by name."""
        return sorted({cell.kind for cell in self.cells if np.isnan(cell.isr_db)})

    def moving(self, *contexts: str) -> "DetectionScores | None":
        """Return the table with only those test observers that move so; None without any."""
        if contexts not in self._parts:
            frame = self.frame
            kept = (frame["split"] == "calibration") | np.isin(frame["context"], contexts)
            part = frame.where(kept)
            if not is_whole(part):
                return None
            name = f"{self.name}, {' and '.join(contexts)}"
            self._parts[contexts] = DetectionScores(part, name, self.population)
        return self._parts[contexts]

    def regrouped(
        self, labels: NDArray[np.str_], rows: NDArray[np.bool_]
    ) -> "DetectionScores | None":
        """Return the table with a label of every row in place of kind and ISR.

        Of the test segments with an interferer only those of ``rows`` stay; None without any.
        """
        frame = self.frame
        has_isr = np.isfinite(frame["isr_db"])
        is_clean = np.isin(frame["mode"], ("warmup", "normal"))
        part = Frame(
            {
                **frame.columns,
                "kind": np.where(has_isr, labels, ""),
                "isr_db": np.where(has_isr, 0.0, np.nan),
            }
        ).where(is_clean | (has_isr & rows))
        return DetectionScores(part, self.name, self.population) if is_whole(part) else None

    @property
    def labels(self) -> list[str]:
        """What :meth:`regrouped` has told apart, in order of the number that each begins with."""
        return sorted(self.kinds, key=_first_number)

    def n_rows_of(self, kind: str) -> int:
        """Return the number of test segments with an interferer of a kind, in all modes."""
        is_test = self.frame["split"] == "test"
        return int(np.count_nonzero(is_test & (self.frame["kind"] == kind)))

    def rows(self, scorer: str, site: bool, cells: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Return the scores of all normal test segments and of those in some cells."""
        scores = self.bench.scores(scorer, "site" if site else "raw")
        rows = self.layout.anomalous.rows[self._is_in(cells)]
        return scores[self.layout.normal.rows], scores[rows]

    def _is_in(self, cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which rows of the anomalous pile are in some cells."""
        pile = self.layout.anomalous
        n_blocks = np.diff(np.append(pile.cell_start, pile.n_blocks))
        return np.repeat(cells, n_blocks)[pile.block]

    def roc(
        self, scorer: str, site: bool, cells: NDArray[np.bool_], far: Floats, n_draws: int = 100
    ) -> Floats:
        """Return the detection rate at some false-alarm rates, ``(1 + n_draws, n_far)``.

        All segments of the cells count alike, each draw with its own threshold.
        """
        normal, anomalous = self.rows(scorer, site, cells)
        order, is_in = np.argsort(-normal, kind="stable"), self._is_in(cells)
        anomalous_order = np.argsort(-anomalous, kind="stable")
        # How many anomalous scores lie above each normal one, the highest first.
        n_above = np.searchsorted(-anomalous[anomalous_order], -normal[order], "left")
        normal_block = self.layout.normal.block[order]
        anomalous_block = self.layout.anomalous.block[is_in][anomalous_order]
        out = []
        once = (np.ones(self.layout.normal.n_blocks), np.ones(self.layout.anomalous.n_blocks))
        for of_normal, of_anomalous in (once, *self.bench.draws[:n_draws]):
            alarms = np.cumsum(of_normal[normal_block])
            found = np.concatenate([[0.0], np.cumsum(of_anomalous[anomalous_block])])
            at = np.searchsorted(alarms, far * alarms[-1], "right")
            rate = found[n_above[np.minimum(at, len(order) - 1)]] / max(found[-1], 1.0)
            out.append(np.where(at < len(order), rate, 1.0))
        return np.asarray(out)

    def above(self, scorer: str, site: bool, threshold: float) -> tuple[Floats, Floats]:
        """Return the rates of false alarms and of detection above a threshold from elsewhere.

        Each ``(1 + n,)``; the latter is the mean over all cells with an interferer of
        :data:`MODES`.
        """
        scores = self.bench.scores(scorer, "site" if site else "raw")
        normal, anomalous = self.layout.normal, self.layout.anomalous
        alarms = normal.by_block((scores[normal.rows] > threshold).astype(np.float64))
        hits = anomalous.by_block((scores[anomalous.rows] > threshold).astype(np.float64))
        n_normal = normal.by_block(np.ones(len(normal.rows)))
        n_anomalous = anomalous.by_block(np.ones(len(anomalous.rows)))
        far, detected = [], []
        once = (np.ones(normal.n_blocks), np.ones(anomalous.n_blocks))
        for of_normal, of_anomalous in (once, *self.bench.draws):
            far.append(alarms @ of_normal / (n_normal @ of_normal))
            with np.errstate(invalid="ignore"):
                share = anomalous.by_cell(hits * of_anomalous)
                share /= anomalous.by_cell(n_anomalous * of_anomalous)
            detected.append(share)
        return np.asarray(far), mean_of(np.asarray(detected), self.pick())


def _first_number(text: str) -> tuple[float, str]:
    found = re.match(r"[-+]?\d+", text)
    return (float(found.group()) if found else np.inf, text)


def without_glimpses(frame: Frame) -> Frame:
    """Return the table with onsets of less than :data:`LEAST_SHARE` under a mode of their own."""
    if "share" not in frame:
        return frame
    is_brief = (frame["mode"] == "onset") & (frame["share"] < LEAST_SHARE)
    mode = np.where(is_brief, "glimpse", frame["mode"].astype(np.str_))
    return Frame({**frame.columns, "mode": mode})


def is_whole(frame: Frame) -> bool:
    """Whether there is all that a figure needs: calibration, normal and anomalous segments."""
    calibration, test = (
        set(frame["mode"][frame["split"] == split].tolist()) for split in ("calibration", "test")
    )
    return "normal" in calibration and "normal" in test and bool(test - {"warmup", "normal"})


def mean_of(values: Floats, cells: NDArray[np.bool_]) -> Floats:
    """Return the mean over some cells, ``(n_draws,)``; cells without a figure are left out."""
    picked = values[:, cells]
    known = np.isfinite(picked)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, picked, 0).sum(1) / known.sum(1))
