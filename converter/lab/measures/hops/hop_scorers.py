"""The scorers of samples by name."""

from collections.abc import Callable, Mapping, Sequence

from converter.lab.measures.hops.any_band.any_band_hops import AnyBandHops
from converter.lab.measures.hops.hop_scorer import HopScorer
from converter.lab.measures.hops.level_hops import LevelHops
from converter.lab.measures.hops.power_features import PowerFeatures
from converter.lab.measures.hops.residual_features import ResidualFeatures
from converter.lab.measures.hops.residual_hops import ResidualHops

__all__ = ["HOP_SCORERS", "make_hop_scorers"]

#: Every scorer of samples: its name in an experiment file, and how it is made.
HOP_SCORERS: Mapping[str, Callable[[], HopScorer]] = {
    "residual": ResidualHops,
    "level": LevelHops,
    "residual-features": ResidualFeatures,
    "power-features": PowerFeatures,
    "any-band": AnyBandHops,
}


def make_hop_scorers(names: Sequence[str]) -> tuple[HopScorer, ...]:
    """Return new scorers of these names."""
    return tuple(HOP_SCORERS[name]() for name in names)
