"""How the populations and models of an experiment are related to its unified model.

The report reads nothing from names: a population with a place belongs to Table 1(a) because it has
a place, a model is a population's own because it was trained on nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from converter.lab.experiment import Experiment, ModelSpec
from converter.simulate.population import Population

__all__ = ["LAST_LAYER", "Kin", "Kinship", "relation"]

#: A closed-form refit is the last layer's too: the same layer moves, to its optimum at once.
LAST_LAYER = ("1L", "closed-form")


class Kin(StrEnum):
    """What sets a population apart from the unified model's own."""

    SAME = "same"
    PLACE = "place"
    TIME = "time"
    MOBILITY = "mobility"
    BAND = "band"
    CELL = "cell"
    UPLINK = "uplink"
    MIXED = "mixed"
    TRAFFIC = "traffic"
    POISONED = "poisoned"


def relation(population: Population, base: Population) -> Kin:
    """Return by what a population differs from another; by the heaviest, if by several things."""
    if population.direction != base.direction:
        return Kin.UPLINK
    if population.contamination > base.contamination:
        return Kin.POISONED
    if population.setting != base.setting:
        return Kin.TRAFFIC
    if population.place is not None and population.place != base.place:
        return Kin.PLACE
    if population.band != base.band:
        return Kin.BAND if population.band else Kin.MIXED
    if population.hours != base.hours and population.hours is not None:
        return Kin.TIME
    if set(population.contexts) < set(base.contexts):
        return Kin.MOBILITY
    if population.cells != base.cells:
        return Kin.CELL
    return Kin.TRAFFIC if population.traffic != base.traffic else Kin.SAME


@dataclass(frozen=True, slots=True)
class Kinship:
    """The unified model's name, and everything in relation to it."""

    experiment: Experiment
    unified: str

    @classmethod
    def of(cls, experiment: Experiment) -> "Kinship | None":
        """Return the relations around the model ``unified``, or the first that is like it."""
        if "unified" in experiment.models:
            return cls(experiment, "unified")
        for name, model in experiment.models.items():
            if model.teacher is None and model.transform and model.architecture == "lstm":
                return cls(experiment, name)
        return None

    @property
    def home(self) -> str:
        """The unified model's population."""
        return self.experiment.models[self.unified].population

    def kin(self, population: str) -> Kin:
        """Return what sets a population apart from the unified model's."""
        populations = self.experiment.populations
        return relation(populations[population], populations[self.home])

    def populations(self, kin: Kin) -> list[str]:
        """Return the populations of a kind, in the order of the experiment."""
        return [name for name in self.experiment.populations if self.kin(name) is kin]

    def is_plain(self, model: ModelSpec) -> bool:
        """Whether it was trained as the unified model was, but for the population.

        The number of layers may differ: the paper gives the uplink one more.
        """
        unified = self.experiment.models[self.unified]
        return (
            model.teacher is None
            and model.transform == unified.transform
            and model.architecture == unified.architecture
            and model.seconds == unified.seconds
        )

    def own(self, population: str) -> str | None:
        """Return the model trained on a population and nothing else, on all there is of it.

        Populations that are described alike are one, however much was heard of each; of several
        models the one with the most data is its own.
        """
        own = [
            name
            for name, model in self.experiment.models.items()
            if self._alike(model.population, population) and self.is_plain(model)
        ]
        return max(own, key=self.seconds, default=None)

    def transfers(self, population: str) -> Mapping[str, ModelSpec]:
        """Return the models that a teacher from elsewhere was fitted to a population for.

        Populations that are described alike are one, however much was heard of each.
        """
        return {
            name: model
            for name, model in self.experiment.models.items()
            if model.teacher is not None
            and self._alike(model.population, population)
            and not self._alike(self.experiment.models[model.teacher].population, population)
        }

    def targets(self, kin: Kin) -> list[str]:
        """Return the populations of a kind that something was transferred to; one of any alike."""
        found: list[str] = []
        for name in self.populations(kin):
            if self.transfers(name) and not any(self._alike(name, other) for other in found):
                found.append(name)
        return found

    def _alike(self, one: str, other: str) -> bool:
        return self.experiment.populations[one] == self.experiment.populations[other]

    def variants(self, architecture: str | None = None, transform: bool | None = None) -> list[str]:
        """Return other models trained on the unified model's population, from scratch."""
        return [
            name
            for name, model in self.experiment.models.items()
            if name != self.unified
            and model.teacher is None
            and model.population == self.home
            and (architecture is None or model.architecture == architecture)
            and (transform is None or model.transform == transform)
        ]

    def seconds(self, model: str) -> float:
        """Return the seconds of signal that a model was fitted on."""
        spec = self.experiment.models[model]
        if spec.seconds is not None:
            return spec.seconds
        observers = self.experiment.observers_of(spec.population)
        return observers.train * observers.train_s
