"""A bundle at work on a band that is swept: what it needs to be, and what it is given."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from edgespec.config import Config, DetectConfig
from edgespec.detect.detectors import MODEL_DETECTORS
from edgespec.dsp.transforms import open_transform
from edgespec.errors import ModelError
from edgespec.grid import Grid
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.scoring.band_memory import BandMemory
from edgespec.observer.scoring.forecaster import Forecaster
from edgespec.observer.scoring.thresholds import thresholds_of
from edgespec.records import FloatArray, Geometry, SourceInfo
from edgespec.side_input import SideInput
from edgespec.sweep_recipe import SweepRecipe

__all__ = ["SweptModel", "check_model", "swept_recipe", "warmup_segments", "warmup_sweeps_of"]

#: Longest part of a recording that a warm-up may take, and what it takes instead.
_LONGEST_SHARE, _USUAL_SHARE, _LEAST_SWEEPS = 0.6, 0.4, 8
#: Scores of a model in a warm-up: half of them say what is normal at a site.
_LEAST_HORIZONS = 16


def swept_recipe(bundle: Bundle) -> SweepRecipe:
    """Return which sweeps a bundle was made for.

    Raises:
        ModelError: it was made for samples.
    """
    made_with = bundle.manifest.made_with
    if not isinstance(made_with, SweepRecipe):
        raise ModelError(
            f"the bundle {bundle.manifest.name!r} was made for samples at "
            f"{made_with.sample_rate_hz:.10g} S/s, but the source gives sweeps: leave it out, or "
            "train one on sweeps (edgespec-converter dataset-sweeps)"
        )
    return made_with


@dataclass(frozen=True, slots=True, eq=False)
class SweptModel:
    """A bundle with its runtime; ``thresholds`` of its detector, in deviations at the site.

    ``warning`` says what is to be known of them; '' for nothing.
    """

    bundle: Bundle
    backend: Backend
    thresholds: Mapping[str, float]
    warning: str = ""

    @property
    def role(self) -> str:
        """What the model does: ``forecast`` or ``reconstruction``."""
        return self.bundle.manifest.model.role

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return self.bundle.manifest.name

    @property
    def sides(self) -> tuple[SideInput, ...]:
        """What the model is given beside its context."""
        return self.bundle.manifest.side_inputs

    @property
    def spread_db(self) -> dict[str, FloatArray]:
        """Spread of every point's mean error on normal sweeps, of its detector."""
        spread_db = self.bundle.manifest.error_std_db
        return {self.detector: np.asarray(spread_db, np.float32)} if spread_db else {}

    @property
    def detector(self) -> str:
        """The detector that goes by it."""
        return MODEL_DETECTORS[self.role]

    def forecaster(self, memory: BandMemory | None) -> Forecaster:
        """Return the model at work; ``memory`` gives it hours and days, where it takes them."""
        return Forecaster(self.bundle, self.backend, open_transform(), memory)

    def geometry(self, grid: Grid) -> Geometry:
        """Return how sweeps on a grid become segments.

        Raises:
            ModelError: the bundle was made for other sweeps.
        """
        recipe = swept_recipe(self.bundle)
        others = recipe.misfit(grid.freqs_hz, grid.frame_s)
        if others:
            raise ModelError(
                f"the bundle {self.bundle.manifest.name!r} was made for {recipe.words}, but the "
                f"source gives {others}: sweep as it was trained, or train one on these"
            )
        # Whole seconds tell an interval of a few only roughly: the clock is the source's.
        return replace(recipe.geometry, frame_s=grid.frame_s)


def check_model(bundle: Bundle, detect: DetectConfig) -> tuple[dict[str, float], str]:
    """Return the thresholds of a bundle's own detector on sweeps, and a warning.

    Raises:
        ModelError: it was made for samples, or was not calibrated for what is asked.
    """
    swept_recipe(bundle)
    name = MODEL_DETECTORS[bundle.manifest.model.role]
    return thresholds_of(bundle.manifest, (name,), detect)


def warmup_sweeps_of(config: Config, source: SourceInfo, geometry: Geometry | None = None) -> int:
    """Return how many sweeps are learnt from: of a short recording not as many as configured.

    A model of a ``geometry`` needs its context and sixteen horizons at least.
    """
    asked = config.sweep.warmup_sweeps
    if geometry is not None:
        hop = max(geometry.n_horizon, geometry.hop_frames)
        asked = max(asked, geometry.n_context + _LEAST_HORIZONS * hop)
    if source.is_live or source.n_samples is None or asked <= _LONGEST_SHARE * source.n_samples:
        return asked
    return max(int(_USUAL_SHARE * source.n_samples), _LEAST_SWEEPS)


def warmup_segments(n_sweeps: int, geometry: Geometry) -> int:
    """Return how many segments so many sweeps are."""
    return ceil(n_sweeps / geometry.hop_frames)
