"""Transferred models beside the models that their targets have of their own."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from converter.lab.numbers.intervals import Interval
from converter.report.kinship import Kin, Kinship
from converter.report.resamples import Floats, interval
from converter.report.results import Results

__all__ = ["AS_SELF_DB", "METHODS", "Step", "steps"]

#: A transfer within this is as good as self: the difference between the 2.65 dB of a transfer that
#: Li et al. 2019, sec. 5.2 call as good, and the 2.59 dB of self.
AS_SELF_DB = 0.06
#: Fewest layers first, as tables and pictures show them.
METHODS = ("zero-shot", "threshold", "affine", "1L", "closed-form", "2L", "All-L", "self")


@dataclass(frozen=True, slots=True)
class Step:
    """One method with one amount of data: its error less that of self, mean over the targets.

    ``excess_draws`` are of the errors above the floor, less those of self.
    """

    method: str
    seconds: float
    selves_s: tuple[float, ...]
    n_targets: int
    draws: Floats
    excess_draws: Floats

    @property
    def difference(self) -> Interval:
        """In dB, with its interval."""
        return interval(self.draws)

    @property
    def self_seconds(self) -> float:
        """Seconds of data that self had, mean over the targets."""
        return float(np.mean(self.selves_s))

    @property
    def less_data(self) -> float:
        """How many times less data than self had; infinite for none."""
        return self.self_seconds / self.seconds if self.seconds > 0 else float("inf")


def steps(
    results: Results, kinship: Kinship, kin: Kin, targets: Collection[str] | None = None
) -> list[Step]:
    """Return every method and amount of data, over the targets of a kind that have a self.

    ``targets`` leaves out all others: means over different targets cannot be compared.
    """
    errors = results.errors
    found: dict[tuple[str, float], list[tuple[float, Floats, Floats]]] = {}
    for target in kinship.populations(kin):
        own = kinship.own(target)
        if own is None or not errors.has(target, own) or target not in (targets or {target}):
            continue
        of_target: dict[tuple[str, float], tuple[float, Floats, Floats]] = {}
        candidates = {
            name: (spec.method or "", _seconds(kinship, name))
            for name, spec in kinship.transfers(target).items()
        }
        candidates.setdefault(kinship.unified, ("zero-shot", 0.0))
        for name, key in candidates.items():
            if errors.has(target, name):
                part = errors.difference(name, own, target)
                excess = errors.excess(name, target) - errors.excess(own, target)
                of_target.setdefault(key, (kinship.seconds(own), part, excess))
        for key, parts in of_target.items():
            found.setdefault(key, []).append(parts)
    return [
        Step(
            method,
            seconds,
            tuple(of_self for of_self, _, _ in parts),
            len(parts),
            np.asarray(np.mean([draws for _, draws, _ in parts], axis=0)),
            np.asarray(np.mean([excess for _, _, excess in parts], axis=0)),
        )
        for (method, seconds), parts in sorted(
            found.items(), key=lambda item: (METHODS.index(item[0][0]), item[0][1])
        )
    ]


def _seconds(kinship: Kinship, model: str) -> float:
    """Return the seconds of data; methods that look at none have none."""
    is_blind = kinship.experiment.models[model].method in ("zero-shot", "threshold")
    return 0.0 if is_blind else kinship.seconds(model)
