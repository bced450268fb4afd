"""Scores that are made of others, each in standard deviations of the observer's own warm-up."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["COMBINED", "Combination", "combined_of"]

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Combination:
    """The ``largest`` of some scores, or their sum; a part that is not a number says nothing."""

    parts: tuple[str, ...]
    largest: bool = True

    def of(self, scores: Callable[[str], Float]) -> Float:
        """Return the combination, NaN where none of the parts is a number."""
        parts = np.stack([scores(name) for name in self.parts])
        is_there = np.isfinite(parts)
        empty = -np.inf if self.largest else 0.0
        known = np.where(is_there, parts, empty)
        whole = known.max(axis=0) if self.largest else known.sum(axis=0)
        return np.asarray(np.where(is_there.any(axis=0), whole, np.nan), np.float64)


#: Combinations by the name that they have in a table. ``device`` is what the observer looks at by
#: default without a bundle; what it cannot score because it is overloaded it tells as an event.
COMBINED: Mapping[str, Combination] = {
    "max(residual, scan)": Combination(("residual", "device-scan")),
    "sum(residual, scan)": Combination(("residual", "device-scan"), largest=False),
    "max(residual, zscore)": Combination(("residual", "device-zscore")),
    "sum(residual, zscore)": Combination(("residual", "device-zscore"), largest=False),
    "max(any-band, zscore, energy)": Combination(("any-band", "device-zscore", "device-energy")),
    "device": Combination(("residual", "device-zscore", "device-energy", "overload")),
}


def combined_of(scorers: Collection[str]) -> list[str]:
    """Return the combinations whose parts are all among some scorers."""
    return [name for name, item in COMBINED.items() if set(item.parts) <= set(scorers)]
