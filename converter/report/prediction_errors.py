"""Prediction errors of models on populations, with intervals over observers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.lab.numbers.intervals import Interval
from converter.report.frame import Frame
from converter.report.resamples import Draws, Floats, interval

__all__ = ["QUANTILES", "ErrorSummary", "PredictionErrors"]

QUANTILES = ("q05_db", "q25_db", "q50_db", "q75_db", "q95_db")


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """One model on one population, in dB.

    ``std_db`` is over all segments, as the paper has it; ``quantiles_db`` are means over observers
    of each observer's own; ``excess`` is what the floor leaves: the root of the difference of mean
    squares.
    """

    model: str
    population: str
    n_observers: int
    rmse: Interval
    std_db: float
    floor_db: float
    excess: Interval
    quantiles_db: tuple[float, ...]


class PredictionErrors:
    """All rows of all prediction tables; a model on a population counts once."""

    def __init__(self, frame: Frame) -> None:
        self._rows: dict[tuple[str, str], Frame] = {}
        self._draws: dict[str, Draws] = {}
        if not len(frame):
            return
        keys, numbers = frame.numbered("model", "population")
        for number, (model, population) in enumerate(keys):
            rows = frame.where(numbers == number)
            first = dict.fromkeys(rows["prediction"].tolist())
            kept = rows.where(rows["prediction"] == next(iter(first)))
            self._rows[model, population] = kept.where(_first_of_each(kept))
        for population in {population for _, population in keys}:
            seen = {
                observer
                for (_, name), rows in self._rows.items()
                if name == population
                for observer in rows.keys("seed", "observer")
            }
            self._draws[population] = Draws(sorted(seen), population)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    @property
    def models(self) -> list[str]:
        """Models that were tested on anything."""
        return list(dict.fromkeys(model for model, _ in self._rows))

    def has(self, population: str, *models: str | None) -> bool:
        """Whether all of the models were tested on a population."""
        return all(model is not None and (model, population) in self for model in models)

    def column(self, model: str, population: str, name: str) -> NDArray[np.float64]:
        """Return a column with one value for every observer of the population, NaN where none."""
        rows, draws = self._rows[model, population], self._draws[population]
        values = np.full(len(draws.observers), np.nan)
        places = [draws.observers[key] for key in rows.keys("seed", "observer")]
        values[places] = rows[name]
        return values

    def resampled(self, model: str, population: str) -> Floats:
        """Return the mean error in dB for every draw of observers."""
        draws = self._draws[population]
        return draws.mean(self.column(model, population, "rmse_db"))

    def difference(self, model: str, other: str, population: str) -> Floats:
        """Return the error of a model less that of another, on observers that both met."""
        mine = self.column(model, population, "rmse_db")
        theirs = self.column(other, population, "rmse_db")
        return self._draws[population].mean(mine - theirs)

    def ratio(self, model: str, other: str, population: str) -> Floats:
        """Return the error of a model over that of another, on observers that both met."""
        mine = self.column(model, population, "rmse_db")
        theirs = self.column(other, population, "rmse_db")
        both = np.isfinite(mine) & np.isfinite(theirs)
        return self._draws[population].ratio(np.where(both, mine, 0), np.where(both, theirs, 0))

    def excess(self, model: str, population: str) -> Floats:
        """Return the error above the irreducible one for every draw, by mean squares."""
        column = self.column(model, population, "excess_db")
        return np.asarray(np.sqrt(self._draws[population].mean(column**2)))

    def summary(self, model: str, population: str) -> ErrorSummary:
        """Return everything about a model on a population."""
        rmse, std, weight, floor = (
            self.column(model, population, name)
            for name in ("rmse_db", "std_db", "n_segments", "floor_db")
        )
        known = np.isfinite(rmse)
        mean = np.average(rmse[known], weights=weight[known])
        spread = np.average(std[known] ** 2 + (rmse[known] - mean) ** 2, weights=weight[known])
        return ErrorSummary(
            model,
            population,
            int(known.sum()),
            interval(self.resampled(model, population)),
            float(np.sqrt(spread)),
            float(np.nanmean(floor)),
            interval(self.excess(model, population)),
            tuple(float(np.nanmean(self.column(model, population, q))) for q in QUANTILES),
        )

    def contexts(self, model: str, population: str) -> Mapping[str, float]:
        """Return the mean error by how observers move."""
        rows = self._rows[model, population]
        return {
            context: float(np.mean(rows["rmse_db"][rows["context"] == context]))
            for context in rows.distinct("context")
        }


def _first_of_each(rows: Frame) -> NDArray[np.bool_]:
    _, numbers = rows.numbered("seed", "observer")
    _, first = np.unique(numbers, return_index=True)
    mask = np.zeros(len(rows), np.bool_)
    mask[first] = True
    return mask
