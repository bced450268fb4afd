"""Who forecasts a band: bars that are fitted to its train places, and networks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.papers.peng2022.swept_experiment import Network, SweptExperiment
from benchmarks.papers.peng2022.unseen_place import UnseenPlace
from converter.baselines.baselines import make_baseline
from converter.baselines.forecast_error import ForecastError
from converter.baselines.segments import Segments, context_scaling
from converter.data.side_inputs import side_rows, with_sides
from converter.data.sweeps.sweep_dataset import SweepDataset, load_sweep_part
from converter.data.sweeps.windows import gather_windows, window_starts
from converter.models.architectures import MODELS
from edgespec.errors import UsageError
from edgespec.records import FloatArray, Geometry

__all__ = ["BandForecaster", "fitted_bar", "geometry_of", "trained_network"]

#: Segments that a network is given at once.
_BATCH = 32
#: A bar learns no more from more segments.
_MOST_SEGMENTS = 2000


class BandForecaster(Protocol):
    """Expects the futures of a place."""

    facts: dict[str, Any]

    def expect(self, place: UnseenPlace) -> FloatArray:
        """Return float32 ``(n, n_future, n_points)`` in dB."""
        ...


def geometry_of(experiment: SweptExperiment, n_points: int, sweep_s: float) -> Geometry:
    """Return how sweeps become segments, side by side."""
    return Geometry(n_points, sweep_s, experiment.n_past, experiment.n_future, experiment.n_future)


@dataclass(slots=True)
class _Bar:
    error: ForecastError
    facts: dict[str, Any] = field(default_factory=dict)

    def expect(self, place: UnseenPlace) -> FloatArray:
        return self.error.forecast(place.past_db, place.future_db)


def fitted_bar(experiment: SweptExperiment, name: str, dataset: SweepDataset) -> BandForecaster:
    """Return a bar, fitted to segments of the train places, as many of each.

    Raises:
        UsageError: the baseline of that name forecasts nothing.
    """
    parts = dataset.split("train")
    most = -(-min(experiment.n_windows, _MOST_SEGMENTS) // len(parts))
    pasts, futures = [], []
    n_points, sweep_s = 0, 0.0
    for part in parts:
        table = load_sweep_part(dataset, part)
        n_points, sweep_s = table.n_points, table.sweep_s
        starts = window_starts(table, experiment.n_past, experiment.n_future)
        chosen = np.linspace(0, len(starts) - 1, min(most, len(starts))).round().astype(np.int64)
        past, future, _ = gather_windows(
            table, starts[chosen], experiment.n_past, experiment.n_future
        )
        pasts.append(past)
        futures.append(future)
    geometry = geometry_of(experiment, n_points, sweep_s)
    bar = make_baseline(name, geometry, experiment.seed)
    if not isinstance(bar, ForecastError):
        raise UsageError(f"the baseline {name!r} forecasts nothing: leave it out of bars")
    bar.fit(Segments(geometry, np.concatenate(pasts), np.concatenate(futures)))
    return _Bar(bar)


@dataclass(slots=True)
class _Network:
    model: Any
    architecture: str
    facts: dict[str, Any]

    def expect(self, place: UnseenPlace) -> FloatArray:
        sides = MODELS[self.architecture].side_inputs
        n_past = place.past_db.shape[1]
        given = with_sides(place.past_db, side_rows(place.table, sides, place.starts, n_past))
        rest = self.model.predict(given.for_keras, batch_size=_BATCH, verbose=0)
        mean_db, scale_db = context_scaling(place.past_db)
        expected: FloatArray = np.asarray(rest, np.float32).reshape(place.future_db.shape)
        return expected * scale_db + mean_db


def trained_network(
    experiment: SweptExperiment,
    network: Network,
    band: str,
    folder: Path,
    out: Path,
    progress: Callable[[str], None],
) -> BandForecaster:
    """Return a network that was trained on the train places of a band.

    Args:
        experiment: how it is trained.
        network: which one.
        band: its name in the data set.
        folder: the data set.
        out: where the model is written.
        progress: told of each epoch.
    """
    from converter.data.sweeps.band_sweeps import open_band
    from converter.training.modeldir import load_model
    from converter.training.settings import TrainSettings
    from converter.training.train import EpochReport, train

    settings = TrainSettings(
        architecture=network.kind,
        hyper=network.hyper,
        n_windows=experiment.n_windows,
        epochs=experiment.epochs,
        batch_size=experiment.batch_size,
        learning_rate=experiment.learning_rate,
        patience=experiment.patience,
        seed=experiment.seed % (1 << 31),
    )
    data = open_band(folder, band, n_context=experiment.n_past, n_horizon=experiment.n_future)

    def tell(epoch: EpochReport) -> None:
        progress(
            f"{band}, {network.name}: epoch {epoch.epoch} of {epoch.n_epochs}, loss "
            f"{epoch.val_loss:.4f}, {epoch.seconds:.0f} s"
        )

    card = train(data, out, settings, tell)
    _, model = load_model(out)
    kept = ("n_parameters", "n_windows", "epochs", "best_epoch", "seconds", "side_inputs_known")
    facts = {key: card.training[key] for key in kept if key in card.training}
    return _Network(model, network.kind, facts)
