"""All that a WORK folder holds, read once: the experiment, its tables, and how it was run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from converter.lab.experiment import Experiment
from converter.lab.tables import read_table
from converter.report.detection_scores import DetectionScores, is_whole
from converter.report.frame import Frame
from converter.report.kinship import Kin, Kinship
from converter.report.prediction_errors import PredictionErrors
from edgespec.decode.text import parse_object, read_bounded
from edgespec.errors import SourceError

__all__ = ["Results"]


@dataclass(frozen=True)
class Results:
    """An experiment and what is there of its tables. What was not run is empty, not an error."""

    experiment: Experiment
    work: Path
    errors: PredictionErrors
    detections: Mapping[str, DetectionScores]
    episodes: Mapping[str, Frame]
    poisonings: Mapping[str, Frame]
    real: Mapping[str, Frame]
    markers: Mapping[str, Mapping[str, Any]]
    swept: Mapping[str, DetectionScores]

    @classmethod
    def read(
        cls, experiment: Experiment, work: Path, progress: Callable[[str], None] = lambda _: None
    ) -> "Results":
        """Read what the folder has of the experiment's tables.

        Raises:
            SourceError: a table is damaged.
        """
        tables = work / "tables"

        def read(kind: str, names: Mapping[str, Any]) -> dict[str, Frame]:
            found = {}
            for name in names:
                folder = tables / kind / name
                path = folder if folder.is_dir() else folder.with_name(f"{name}.parquet")
                is_there = path.is_file() or any(path.rglob("*.parquet"))
                if is_there:
                    progress(f"reading {kind} {name}")
                    found[name] = Frame.from_arrow(read_table(path))
            return found

        predictions = read("prediction", experiment.predictions)
        detections = read("detection", experiment.detections)
        for name, learned in read("learned", experiment.detections).items():
            if name in detections and len(learned) == len(detections[name]):
                detections[name] = Frame({**detections[name].columns, **learned.columns})
        return cls(
            experiment,
            work,
            PredictionErrors(_joined(list(predictions.values()))),
            {
                name: DetectionScores(frame, name, experiment.detections[name].population)
                for name, frame in detections.items()
                if is_whole(frame)
            },
            read("episodes", experiment.episodes),
            read("poisoning", experiment.poisonings),
            read("real", experiment.real),
            {path.stem: _marker(path) for path in sorted((work / "done").glob("*.json"))},
            {
                name: DetectionScores(frame, name, experiment.swept_detections[name].population)
                for name, frame in read("swept", experiment.swept_detections).items()
                if is_whole(frame)
            },
        )

    @cached_property
    def kinship(self) -> Kinship | None:
        """How populations and models relate to the unified model; None where there is none."""
        return Kinship.of(self.experiment)

    @cached_property
    def main(self) -> DetectionScores | None:
        """The detection table on the unified model's population with the most scorers.

        Of any population where the experiment trains no unified model.
        """
        kinship = self.kinship
        home = [
            d
            for d in self.detections.values()
            if (d.population == kinship.home if kinship else not self.experiment.models)
        ]
        return max(home, key=lambda d: len(d.scorers), default=None)

    def detection_with(self, population: str, *scorers: str | None) -> DetectionScores | None:
        """Return a detection table on a population that has all the scorers."""
        for detection in self.detections.values():
            if detection.population == population and set(scorers) <= set(detection.scorers):
                return detection
        return None

    def is_quantised(self, scorer: str) -> bool:
        """Whether a scorer is a quantised model."""
        return scorer in self.experiment.quantisations

    def is_model(self, scorer: str) -> bool:
        """Whether a scorer is a trained model, quantised or not."""
        return scorer in self.experiment.models or self.is_quantised(scorer)

    def title_of(self, population: str) -> str:
        """Return a population's name for a table, with what sets it apart."""
        if self.kinship is None or self.kinship.kin(population) is Kin.SAME:
            return population
        return f"{population} ({self.kinship.kin(population)})"


def _marker(path: Path) -> dict[str, Any]:
    advice = "run the task again with `edgespec-converter evaluate`"
    return parse_object(read_bounded(path, SourceError, advice), SourceError, str(path), advice)


def _joined(frames: list[Frame]) -> Frame:
    if not frames:
        return Frame({})
    names = [name for name in frames[0].columns if all(name in frame for frame in frames)]
    return Frame({name: np.concatenate([frame[name] for frame in frames]) for name in names})
