"""Who is simulated for what: the observers of a population in each split, by their own seeds."""

import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from converter.data.dataset import SPLITS
from converter.lab.experiment import Experiment
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec

__all__ = ["calibration_specs", "clean_twin", "dataset_specs", "split_seed", "test_specs"]


def split_seed(seed: int, population: str, split: str, number: int = 0) -> int:
    """Return the seed of one split's observers: no two splits, and no two populations, share one.

    ``number`` tells sets of test observers apart.
    """
    entropy = [seed, zlib.crc32(population.encode()), SPLITS.index(split), number]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def clean_twin(experiment: Experiment, population: str) -> str:
    """Return the population that is the same without contamination; a clean one is its own.

    A contaminated population hears the observers of its twin, so that whatever is trained on the
    two differs by the contamination alone. Without a twin in the experiment it is its own.
    """
    clean = _without_contamination(experiment.populations[population])
    if clean == experiment.populations[population]:
        return population
    twins = (name for name, other in experiment.populations.items() if other == clean)
    return next(twins, population)


def dataset_specs(experiment: Experiment, population: str) -> dict[str, list[RecordingSpec]]:
    """Return the observers of the train and validation splits, poisoned if the population is."""
    found = {}
    for split in ("train", "validation"):
        seed = split_seed(experiment.seed, clean_twin(experiment, population), split)
        specs = _specs(experiment, population, split, seed)
        specs = experiment.populations[population].contaminated(specs, seed)
        found[split] = [replace(spec, name=f"{split}-{spec.name}") for spec in specs]
    return found


def calibration_specs(experiment: Experiment, population: str) -> list[RecordingSpec]:
    """Return the observers that set thresholds."""
    seed = split_seed(experiment.seed, population, "calibration")
    return _specs(experiment, population, "calibration", seed)


def test_specs(experiment: Experiment, population: str) -> Iterator[tuple[int, RecordingSpec]]:
    """Yield the number of the simulator seed and each observer that is measured."""
    for number in range(experiment.observers_of(population).n_seeds):
        seed = split_seed(experiment.seed, population, "test", number)
        for spec in _specs(experiment, population, "test", seed):
            yield number, spec


def _without_contamination(population: Population) -> Population:
    usual = Population()
    return replace(
        population,
        contamination=usual.contamination,
        contamination_isr_db=usual.contamination_isr_db,
    )


def _specs(experiment: Experiment, population: str, split: str, seed: int) -> list[RecordingSpec]:
    observers = experiment.observers_of(population)
    return experiment.populations[population].specs(
        getattr(observers, split),
        getattr(observers, f"{split}_s"),
        experiment.recipe_of(population).sample_rate_hz,
        seed,
    )
