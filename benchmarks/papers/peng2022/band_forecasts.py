"""Who forecasts a band: bars that are fitted to its train places, and networks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.papers.peng2022.swept_experiment import Network, SweptExperiment
from converter.data.sweeps.sweep_dataset import SweepDataset
from converter.lab.measures.swept.forecasters import (
    PlaceForecaster,
    TrainedNetwork,
    fitted_bar,
)

__all__ = ["BandForecaster", "bar_of", "trained_network"]

#: A bar learns no more from more segments.
_MOST_SEGMENTS = 2000


@dataclass(frozen=True, slots=True)
class BandForecaster:
    """Who expects the futures of a place, and what a report says of the training."""

    inner: PlaceForecaster
    facts: dict[str, Any] = field(default_factory=dict)


def bar_of(experiment: SweptExperiment, name: str, dataset: SweepDataset) -> BandForecaster:
    """Return a bar, fitted to segments of the train places, as many of each.

    Raises:
        UsageError: the baseline of that name forecasts nothing.
    """
    n_windows = min(experiment.n_windows, _MOST_SEGMENTS)
    lengths = experiment.n_past, experiment.n_future
    return BandForecaster(fitted_bar(name, dataset, *lengths, n_windows, experiment.seed))


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
    kept = ("n_parameters", "n_windows", "epochs", "best_epoch", "seconds", "side_inputs_known")
    facts = {key: card.training[key] for key in kept if key in card.training}
    return BandForecaster(TrainedNetwork(out), facts)
