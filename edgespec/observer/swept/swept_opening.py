"""A band that is swept, opened: with its bundle where that was made for its sweeps."""

import logging
from dataclasses import dataclass, replace

from edgespec.config import Config
from edgespec.config.mask import Mask
from edgespec.errors import ModelError
from edgespec.grid import Grid
from edgespec.inference.bundle import Bundle
from edgespec.observer.band import BandChain
from edgespec.observer.opening.band_model import named_bundle
from edgespec.observer.runtimes.runtime import open_runtime
from edgespec.observer.scoring.basis import needs_network
from edgespec.observer.swept.swept import open_swept_chain, swept_names
from edgespec.observer.swept.swept_model import SweptModel, check_model
from edgespec.records import SourceInfo

__all__ = ["SweptBand"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SweptBand:
    """The first band of ``config`` in a source of sweeps.

    ``bundle`` is what it names, None for none; it is compared with ``mask``, None: with none.
    """

    config: Config
    source: SourceInfo
    bundle: Bundle | None
    mask: Mask | None = None

    def open(self) -> BandChain:
        """Return its chain.

        Raises:
            ConfigError: the band or its detectors ask for what sweeps do not have.
            ModelError: the bundle was made for other sweeps, was not calibrated for what is asked,
                or its runtime cannot be used.
        """
        try:
            chain = open_swept_chain(self.config, self.source, self.mask, self._model())
        except ModelError as error:
            if self.bundle is None or self.config.band[0].model is not None:
                raise
            _LOG.warning("band %s goes without its model: %s", self.config.band[0].id, error)
            chain = open_swept_chain(self._without_model(), self.source, self.mask)
        n_sweeps = chain.scorer.n_warmup * chain.geometry.hop_frames
        if n_sweeps < self.config.sweep.warmup_sweeps:
            _LOG.info("a short recording: its first %d sweeps teach what is normal", n_sweeps)
        return chain

    def open_beside(self) -> BandChain:
        """Return a chain that is to take the place of another one, and with it what that watches.

        Raises:
            ConfigError: the band or its detectors ask for what sweeps do not have.
            ModelError: the bundle cannot be used.
        """
        config = self._without_model() if self.bundle is None else self.config
        chain = open_swept_chain(config, self.source, None, self._model())
        chain.site = chain.trouble = None
        return chain

    def open_again(self, grid: Grid) -> BandChain:
        """Return its chain for sweeps on another grid, without its bundle where it is of others.

        By what is installed now, where the configuration names no model.
        """
        info, named = replace(self.source, grid=grid), self.config.band[0].model
        bundle = self.bundle if named is not None else named_bundle(self.config)
        one = replace(self, source=info, bundle=bundle)
        try:
            return open_swept_chain(self.config, info, self.mask, one._model())
        except ModelError as error:
            if bundle is None:
                raise
            _LOG.warning("band %s goes on without its model: %s", self.config.band[0].id, error)
        return open_swept_chain(self._without_model(), info, self.mask)

    def _model(self) -> SweptModel | None:
        bundle, detect = self.bundle, self.config.detect
        if bundle is None:
            return None
        thresholds, warning = check_model(bundle, detect)
        if not needs_network(swept_names(detect, bundle.manifest.model.role)):
            _LOG.info(
                "band %s: detect.detectors names no model, so that of its bundle is not asked",
                self.config.band[0].id,
            )
            return None
        return SweptModel(bundle, open_runtime(self.config, bundle), thresholds, warning)

    def _without_model(self) -> Config:
        """Return the configuration without the detectors that need a model."""
        detect = self.config.detect
        names = [name for name in detect.detectors if name == "model" or not needs_network((name,))]
        return replace(self.config, detect=replace(detect, detectors=tuple(names) or ("model",)))
