"""By what segments are measured in a cell: a model, what its detectors learnt, and thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgespec.detect.sightings import Lookout
from edgespec.observer.scoring.scorer import Scorer
from edgespec.promise import Promise

__all__ = ["Terms", "Yardstick"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a score must exceed, by detector, and what that promises; None for nothing.

    ``usual`` are the thresholds without a calibration.
    """

    thresholds: Mapping[str, float] = field(default_factory=dict)
    promise: Promise | None = None
    usual: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def without_promise(cls, thresholds: Mapping[str, float]) -> "Terms":
        """Return the usual thresholds, which promise nothing."""
        return cls(thresholds, None, thresholds)


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """What goes together: a part of it means nothing beside one of another cell or model.

    ``scorer`` compares with the model of that name and hash, ``lookout`` knows the maps of normal
    signal. ``distrust`` says why what they learnt is not to be trusted, '' where it is.
    """

    scorer: Scorer
    lookout: Lookout
    terms: Terms
    model: str
    model_sha256: str | None
    distrust: str = ""
