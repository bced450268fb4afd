"""Which deviations of what is left of a cell are normal at a site, learnt behind its reference."""

from dataclasses import replace

import numpy as np

from edgespec.detect.scan.deviation import Deviation
from edgespec.detect.scan.residual_scan import ResidualScan
from edgespec.detect.site import SiteScale
from edgespec.observer.scoring.steps import change_in, quieter_part
from edgespec.records import Score
from edgespec.reference import Reference

__all__ = ["SITE_STD", "ResidualScale"]

#: Mean and least spread of the largest deviation of a hop, of cells at rest, and how many hops
#: tell more of a site.
USUAL_MEAN, SITE_STD, LEAST_HOPS = 2.7, 0.6, 32
#: Where noise moves by itself, as beside a neighbour cell, seconds tell little of minutes: there a
#: deviation counts so much.
RESTLESS_SHARE = 0.5


class ResidualScale:
    """Gathers the deviations of the rest of a warm-up, and scores what comes then.

    Args:
        n_warmup: slots of the warm-up, those of the reference included.

    Attributes:
        is_restless: whether noise moved by itself while the reference was learnt.
    """

    def __init__(self, n_warmup: int) -> None:
        self._n_warmup = n_warmup
        self.begin()

    @property
    def is_settled(self) -> bool:
        """Whether the warm-up is over."""
        return self.site.is_settled

    def begin(self) -> None:
        """Begin the warm-up anew."""
        self.site = SiteScale(SITE_STD)
        self._n_heard = 0
        self._values: list[float] = []
        self.is_restless = False

    def learn(self, found: Deviation | None, n_slots: int, *, has_reference: bool) -> str:
        """Take the slots of a hop, and the deviation in them; settle where the warm-up ends.

        Returns:
            Why what was learnt is not to be trusted, '' where it is.
        """
        self._n_heard += n_slots
        if found is not None:
            self._values.append(found.value)
        if not has_reference or self._n_heard < self._n_warmup:
            return ""
        values, doubt = np.asarray(self._values), ""
        self._values = []
        # A deviation goes with the power of whoever is there.
        change = change_in(10.0 * np.log10(np.maximum(values, 1.0))[:, None])
        if change is not None:
            values = values[quieter_part(change, len(values))]
            doubt = (
                f"someone {'came' if change.step_db > 0 else 'went'} while it was learnt what is "
                "normal beside the cell: only the rest counts"
            )
        if len(values) < LEAST_HOPS:
            # A warm-up of 0.4 s: what is usual elsewhere has to do.
            values = np.array([USUAL_MEAN - SITE_STD, USUAL_MEAN + SITE_STD])
        for value in values:
            self.site.learn(Score(ResidualScan.name, float(value)))
        self.site.settle()
        return doubt

    def reference(self) -> Reference:
        """Return mean, spread, and whether noise moved by itself; empty in the warm-up."""
        if not self.is_settled:
            return {}
        return {**self.site.reference(), "restless": np.array([float(self.is_restless)])}

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt, in place of a warm-up."""
        self.begin()
        self._n_heard = self._n_warmup
        self.site.take_reference({"scale": reference["scale"]})
        self.is_restless = bool(reference["restless"].any())

    def apply(self, value: float) -> Score:
        """Return a deviation as a score of this site."""
        score = self.site.apply(Score(ResidualScan.name, value))
        return replace(score, value=RESTLESS_SHARE * score.value) if self.is_restless else score
