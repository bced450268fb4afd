"""From the description of an event to a name, and how likely that is."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.description import FEATURES, N_FINE
from edgespec.kinds import LTE_LIKE, NARROWBAND, POWER_STEP, TONE, UNKNOWN, WIDEBAND
from edgespec.records import FloatArray

__all__ = ["NOISE", "NOT_YET", "Namer", "Naming", "shipped_namer"]

#: What is steady and fills its region evenly; how wide it is decides on its name.
NOISE = "noise"
#: From this share of the band on there is no room beside it.
WIDEBAND_SHARE = 1 / 4
#: A name is told from this probability on.
LEAST_PROBABILITY = 0.5
#: What a signal that was there before may look like when it gets stronger.
STEADY = (TONE, NOISE, LTE_LIKE)
#: How far from the mean a feature may count, in deviations.
_MOST_SIGMAS = 5.0
_FILE = "kinds.json"


@dataclass(frozen=True, slots=True)
class Naming:
    """What an event is called, how likely that is, and what else it may be if it is unknown."""

    kind: str
    probability: float = 1.0
    hint: str = ""


#: Nobody has looked.
NOT_YET = Naming(UNKNOWN, 0.0)


class Namer:
    """Multinomial logistic regression on :data:`~edgespec.detect.description.FEATURES`.

    ``p = softmax(W (x - mean) / scale + b)``. Features of samples that were never looked at count
    as their mean.

    Args:
        classes: what the rows of ``weights`` stand for, :data:`~edgespec.kinds.UNKNOWN` among them.
        mean: ``(n_features,)``.
        scale: ``(n_features,)``.
        weights: ``(n_classes, n_features)``.
        bias: ``(n_classes,)``.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        mean: NDArray[np.float64],
        scale: NDArray[np.float64],
        weights: NDArray[np.float64],
        bias: NDArray[np.float64],
    ) -> None:
        self.classes = classes
        self._mean, self._scale, self._weights, self._bias = mean, scale, weights, bias

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Namer":
        """Return what :mod:`benchmarks.detection.kinds` has written."""
        arrays = (np.asarray(data[key]) for key in ("mean", "scale", "weights", "bias"))
        return cls(tuple(data["classes"]), *arrays)

    def probabilities(self, features: FloatArray, *, is_looked_at: bool = True) -> dict[str, float]:
        """Return how likely every class is; they sum to 1.

        Args:
            features: of an event.
            is_looked_at: whether its samples were.
        """
        known = np.clip(np.nan_to_num(features.astype(np.float64)), 0.0, 1.0)
        x = (known - self._mean) / self._scale
        if not is_looked_at:
            x[:N_FINE] = 0.0
        logits = self._weights @ np.clip(x, -_MOST_SIGMAS, _MOST_SIGMAS) + self._bias
        odds = np.exp(logits - logits.max())
        return dict(zip(self.classes, (odds / odds.sum()).tolist(), strict=True))

    def name(
        self, features: FloatArray, *, is_looked_at: bool = True, was_a_signal: bool = False
    ) -> Naming:
        """Return the likeliest kind, or that none is likely.

        Args:
            features: of an event.
            is_looked_at: whether its samples were.
            was_a_signal: whether its region is that of a signal that was there before: what is
                steady then is that signal, stronger.
        """
        known = self.probabilities(features, is_looked_at=is_looked_at)
        none = known.pop(UNKNOWN)
        if was_a_signal:
            known[POWER_STEP] = sum(known.pop(kind) for kind in STEADY)
        best = max(known, key=lambda kind: known[kind])
        probability, kind = known[best], best
        if best == NOISE:
            share = float(features[FEATURES.index("share of the band")])
            kind = WIDEBAND if share >= WIDEBAND_SHARE else NARROWBAND
        if probability < max(LEAST_PROBABILITY, none):
            return Naming(UNKNOWN, 1.0 - probability, kind)
        return Naming(kind, probability)


@cache
def shipped_namer() -> Namer:
    """Return that of the package; its file says what it was trained on."""
    return Namer.of(json.loads(files("edgespec.detect").joinpath(_FILE).read_text("utf-8")))
