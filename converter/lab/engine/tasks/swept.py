"""Steps of swept bands: places as files, networks of them, and scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from converter.lab.engine.folder import WorkFolder
from converter.lab.engine.task import Task
from converter.lab.engine.tasks.measures import TableTask
from converter.lab.experiment import ModelSpec
from converter.lab.swept import SweptDetection, SweptPopulation

__all__ = ["PlaceScores", "SimulatePlaces", "TrainOnSweeps"]

#: Seconds that one core takes to simulate a day of a place, to learn from one segment, and to score
#: one segment by one discriminant.
_DAY_S, _LEARN_S, _SCORE_S = 0.3, 4e-3, 1e-3


@dataclass(frozen=True, slots=True)
class SimulatePlaces(Task):
    """All places of a population, as a data set of sweeps."""

    population: str
    places: SweptPopulation
    seed: int

    @property
    def name(self) -> str:
        """``places.POPULATION``."""
        return f"places.{self.population}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    @property
    def weight(self) -> float:
        """Every day of every place."""
        return _DAY_S * self.places.days * sum(self.places.counts)

    def output(self, folder: WorkFolder) -> Path:
        """Return the folder of the data set."""
        return folder.data(self.population)

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Simulate."""
        from converter.simulate.swept.population import simulate_sweep_dataset

        counts = self.places.counts
        shares = [count / sum(counts) for count in counts]
        out.mkdir(parents=True)
        made = simulate_sweep_dataset(self.places.specs(self.seed), out, shares, self.seed)
        return {"sha256": made.sha256, "places": sum(counts)}


@dataclass(frozen=True, slots=True)
class TrainOnSweeps(Task):
    """A network trained from scratch on the places of a band."""

    is_training: ClassVar[bool] = True

    model: ModelSpec
    places: SweptPopulation

    @property
    def name(self) -> str:
        """``train.MODEL``."""
        return f"train.{self.model.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Its data set."""
        return (f"places.{self.model.population}",)

    @property
    def weight(self) -> float:
        """Every segment, every epoch."""
        return 5.0 + _LEARN_S * self.model.epochs * self.model.n_windows

    def output(self, folder: WorkFolder) -> Path:
        """Return the model's folder."""
        return folder.model(self.model.name)

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Train."""
        from converter.data.sweeps.band_sweeps import open_band
        from converter.training.train import train

        places = self.places
        band = open_band(
            folder.data(self.model.population),
            places.band,
            n_context=places.n_past,
            n_horizon=places.n_future,
        )
        done = train(band, out, self.model.settings).training
        return {
            "best_val_loss": min(done["val_losses"]),
            **{key: done[key] for key in ("best_epoch", "epochs", "n_windows", "seconds")},
        }


@dataclass(frozen=True, slots=True)
class PlaceScores(TableTask):
    """Scores of every segment of the calibration and test places by every forecaster."""

    detection: SweptDetection
    places: SweptPopulation
    seed: int

    @property
    def place(self) -> tuple[str, ...]:
        """The detection."""
        return "swept", self.detection.name

    @property
    def needs(self) -> tuple[str, ...]:
        """The places, and the networks."""
        trained = (f"train.{name}" for name in self.detection.models)
        return (f"places.{self.detection.population}", *trained)

    @property
    def weight(self) -> float:
        """Every segment, with and without an anomaly, by every forecaster and discriminant."""
        detection, places = self.detection, self.places
        n_normal = (detection.n_warmup + detection.n_segments) * (places.calibration + places.test)
        n_added = detection.n_anomalies * len(detection.kinds) * len(detection.isrs_db)
        n_scores = len(detection.models) + len(detection.baselines)
        n_scores *= 1 + len(detection.discriminants)
        return 5.0 + _SCORE_S * n_scores * (n_normal + n_added * places.test)

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Fit the bars, forecast, add what is to be told apart, score."""
        from converter.data.sweeps.sweep_dataset import load_sweep_dataset
        from converter.lab.measures.swept.forecasters import TrainedNetwork, fitted_bar
        from converter.lab.measures.swept.place_scores import place_scores
        from converter.lab.measures.swept.places import Cut, open_place
        from converter.lab.tables import write_table

        detection, places = self.detection, self.places
        dataset = load_sweep_dataset(folder.data(detection.population))
        lengths = places.n_past, places.n_future
        forecasters = {
            name: fitted_bar(name, dataset, *lengths, detection.n_windows, self.seed)
            for name in detection.baselines
        } | {name: TrainedNetwork(folder.model(name)) for name in detection.models}
        cut = Cut(*lengths, places.first_day, detection.n_warmup + detection.n_segments)
        found = []
        for split in ("calibration", "test"):
            for part in dataset.split(split):
                scored = place_scores(
                    open_place(cut, dataset, part),
                    detection,
                    forecasters,
                    self.seed,
                    inject=split == "test",
                )
                n_rows = len(scored["mode"])
                head = {
                    "detection": [detection.name] * n_rows,
                    "population": [detection.population] * n_rows,
                    "split": [split] * n_rows,
                    "seed": [0] * n_rows,
                    "observer": [part.name] * n_rows,
                }
                found.append({**head, **scored})
        columns = {name: [one for each in found for one in each[name]] for name in found[0]}
        return {"rows": write_table(out, columns)}
