"""Who forecasts a swept band: bars that are fitted to its train places, and trained networks."""

from pathlib import Path
from typing import Protocol

import numpy as np

from converter.baselines.baselines import make_baseline
from converter.baselines.forecast_error import ForecastError
from converter.baselines.segments import Segments, context_scaling
from converter.data.side_inputs import side_rows, with_sides
from converter.data.sweeps.sweep_dataset import SweepDataset, load_sweep_part
from converter.data.sweeps.windows import gather_windows, window_starts
from converter.lab.measures.swept.places import UnseenPlace
from edgespec.errors import UsageError
from edgespec.records import FloatArray, Geometry

__all__ = ["PlaceForecaster", "TrainedNetwork", "fitted_bar", "forecasting_baseline"]

#: Segments that a network is given at once.
_BATCH = 32


class PlaceForecaster(Protocol):
    """Expects the futures of a place."""

    def expect(self, place: UnseenPlace) -> FloatArray:
        """Return float32 ``(n, n_future, n_points)`` in dB."""
        ...


class FittedBar:
    """A baseline that was fitted to a band."""

    def __init__(self, error: ForecastError) -> None:
        self._error = error

    def expect(self, place: UnseenPlace) -> FloatArray:
        """Return what it expects."""
        return self._error.forecast(place.past_db, place.future_db)


class TrainedNetwork:
    """A network of sweeps, as ``train`` has written it to a folder."""

    def __init__(self, folder: Path) -> None:
        from converter.training.modeldir import load_model

        self._card, self._model = load_model(folder)

    def expect(self, place: UnseenPlace) -> FloatArray:
        """Return what it expects, with hours and days if it takes them."""
        sides, n_past = self._card.side_inputs, place.past_db.shape[1]
        given = with_sides(place.past_db, side_rows(place.table, sides, place.starts, n_past))
        rest = self._model.predict(given.for_keras, batch_size=_BATCH, verbose=0)
        mean_db, scale_db = context_scaling(place.past_db)
        expected: FloatArray = np.asarray(rest, np.float32).reshape(place.future_db.shape)
        return expected * scale_db + mean_db


def forecasting_baseline(name: str, geometry: Geometry, seed: int) -> ForecastError:
    """Return a baseline that forecasts, not fitted yet.

    Raises:
        UsageError: the baseline is unknown, or forecasts nothing.
    """
    bar = make_baseline(name, geometry, seed)
    if not isinstance(bar, ForecastError):
        raise UsageError(
            f"the baseline {name!r} forecasts nothing, so that sweeps cannot be scored by it: "
            "leave it out"
        )
    return bar


def fitted_bar(
    name: str, dataset: SweepDataset, n_past: int, n_future: int, n_windows: int, seed: int
) -> FittedBar:
    """Return a bar, fitted to ``n_windows`` segments of the train places, as many of each.

    Raises:
        UsageError: the baseline of that name forecasts nothing.
    """
    parts = dataset.split("train")
    most = -(-n_windows // len(parts))
    pasts, futures = [], []
    n_points, sweep_s = 0, 0.0
    for part in parts:
        table = load_sweep_part(dataset, part)
        n_points, sweep_s = table.n_points, table.sweep_s
        starts = window_starts(table, n_past, n_future)
        chosen = np.linspace(0, len(starts) - 1, min(most, len(starts))).round().astype(np.int64)
        past, future, _ = gather_windows(table, starts[chosen], n_past, n_future)
        pasts.append(past)
        futures.append(future)
    geometry = Geometry(n_points, sweep_s, n_past, n_future, n_future)
    bar = forecasting_baseline(name, geometry, seed)
    bar.fit(Segments(geometry, np.concatenate(pasts), np.concatenate(futures)))
    return FittedBar(bar)
