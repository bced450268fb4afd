"""The chain of a bundle on what a source delivers, as start-up opens it."""

from typing import Any

from edgespec.config import BandConfig, DetectConfig
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.band import BandChain
from edgespec.observer.opening.making import make_chain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import SourceInfo


def chain_of(
    bundle: Bundle,
    backend: Backend,
    source: SourceInfo,
    band: BandConfig,
    detect: DetectConfig,
    *,
    max_block_samples: int,
    computing: str = "auto",
    **options: Any,
) -> BandChain:
    """Return the chain.

    ``options`` are those of :func:`~edgespec.observer.opening.making.make_chain`.
    """
    made = FrontEnd.for_source(
        bundle.manifest.recipe.framing,
        source,
        max_block_samples=max_block_samples,
        computing=computing,
        max_clipped_fraction=detect.max_clipped_fraction,
    )
    basis = Basis.of_bundle(bundle, backend, detect)
    return make_chain(basis, made, band, detect, source=source.uri, **options)
