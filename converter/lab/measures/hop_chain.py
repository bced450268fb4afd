"""The device's chain, fed one hop at a time."""

from edgespec.config import BandConfig, DetectConfig
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.observer.band import BandChain
from edgespec.observer.opening.making import make_chain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import SourceInfo

__all__ = ["open_hop_chain"]


def open_hop_chain(
    basis: Basis, source: SourceInfo, detect: DetectConfig, *, update_s: float = 1.0
) -> BandChain:
    """Return the chain of a default band, for blocks of at most a hop.

    Args:
        basis: what the band is judged by.
        source: what the samples are.
        detect: warm-up and event rules.
        update_s: how often an event that goes on says so.

    Raises:
        SourceError: the source has another sample rate than the basis.
    """
    front_end = FrontEnd.for_source(
        basis.recipe.framing,
        source,
        max_block_samples=basis.recipe.hop_samples,
        max_clipped_fraction=detect.max_clipped_fraction,
    )
    return make_chain(basis, front_end, BandConfig(), detect, update_s=update_s)
