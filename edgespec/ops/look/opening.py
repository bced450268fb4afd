"""What a look at a band needs open: its source, its frames, and what its last run learnt."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgespec.alerts.facts import masks_of
from edgespec.config import BandConfig, Config
from edgespec.config.mask import Mask
from edgespec.dsp.stream import is_near_rate
from edgespec.errors import ConfigError
from edgespec.framing import Recipe
from edgespec.inference.bundle import Bundle
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.observer.fixed_gain import check_gains, gain_text, scale_of
from edgespec.observer.kept.kept import KeptFile, KeptNormal, kept_of, load_kept
from edgespec.observer.opening.band_model import models_at, named_bundle
from edgespec.observer.radio_opening import open_band_source
from edgespec.ops.collect import Collected
from edgespec.ops.rhythm import RhythmBefore, rhythm_before
from edgespec.sources.schemes import parse_source, refuse_sweeps
from edgespec.sources.sigmf import Annotation, annotations_of
from edgespec.sources.source import Source

__all__ = ["HeardOf", "View", "band_of", "open_view"]


@dataclass(frozen=True, slots=True)
class HeardOf:
    """What an observer that runs has just heard of a source: its recording, and what that is."""

    meta: Path
    source: str


@dataclass(frozen=True, slots=True)
class View:
    """An open source, the frames that its band is watched by, and what there is to compare with.

    ``gain`` is what is known of it, as text, '' for nothing; ``mask`` is what should be there,
    ``scale`` what levels mean, ``rhythm`` what an observer knows of the band if no cell is there.
    """

    source: Source
    recipe: Recipe
    kept: KeptFile
    annotations: tuple[Annotation, ...]
    gain: str
    mask: Mask | None = None
    scale: LevelScale = UNCALIBRATED
    rhythm: RhythmBefore | None = None

    def normal(self, heard: Collected) -> KeptNormal | None:
        """Return what the last run of the same source, frequencies and gain learnt, if any."""
        found = load_kept(self.kept.path)
        grid = self.recipe.framing.grid(heard.center_freq_hz)
        if found is None or not found.is_of(self.kept, grid.range_hz, grid.n_bins):
            return None
        return found


def band_of(config: Config, band_id: str | None) -> BandConfig:
    """Return a band by its id, the first where none is named.

    Raises:
        ConfigError: there is no such band.
    """
    for band in config.band:
        if band_id in (None, band.id):
            return band
    known = ", ".join(band.id for band in config.band)
    raise ConfigError(f"there is no band {band_id!r:.60}; the configuration has {known:.200}")


def open_view(
    config: Config,
    band_id: str | None,
    check: Callable[[Config], None],
    heard: HeardOf | None = None,
) -> View:
    """Open the source of a band, the first where none is named.

    Args:
        config: of an observer.
        band_id: which band.
        check: raises where the source of a band is none to listen to.
        heard: is looked at in place of the source, which an observer listens to.

    Raises:
        ConfigError: there is no such band, its mask cannot be read, it is calibrated and its gain
            is not fixed, or what ``check`` raises.
        UsageError: the URI of the source cannot be understood.
        SourceError: it cannot be opened.
        ModelError: a bundle cannot be used.
    """
    band = band_of(config, band_id)
    source = config.source_of(band)
    if source.dwell_s is not None:
        # A look is at one band: the radio stays there.
        config = config.only(band)
        source, band = config.source[0], config.band[0]
    beside = config.bands_of(source)
    of_source = replace(config, source=(source,), band=beside)
    check(of_source)
    refuse_sweeps(source.address, "this")
    check_gains(of_source)
    mask = masks_of(of_source).get(band.id)
    uri = parse_source(source.address)
    annotations: tuple[Annotation, ...] = ()
    if uri.scheme == "sigmf" and heard is None:
        annotations = annotations_of(Path(uri.rest))
    bundles = [named_bundle(of_source.only(one)) for one in beside]
    played = of_source
    if heard is not None:
        its = replace(
            source,
            uri=f"sigmf:{heard.meta}",
            center_freq_hz=None,
            sample_rate_hz=None,
            gain_db=None,
        )
        played = replace(of_source, source=(its,))
    opened = open_band_source(played, bundles)
    named = opened.info.uri if heard is None else heard.source
    bundle = bundles[beside.index(band)]
    recipe, model_sha256 = _frames(of_source.only(band), bundle, opened.info.sample_rate_hz)
    kept = kept_of(of_source, band, named, model_sha256)
    gain, scale = gain_text(of_source, band), scale_of(of_source, band)
    range_hz = recipe.framing.grid(opened.info.center_freq_hz).range_hz
    rhythm = rhythm_before(of_source, band, range_hz, recipe.geometry)
    return View(opened, recipe, kept, annotations, gain, mask, scale, rhythm)


def _frames(config: Config, bundle: Bundle | None, rate_hz: float) -> tuple[Recipe, str]:
    """Return the frames of a whole source: those of the bundle, or of none at another rate."""
    for one in models_at(config, rate_hz) if bundle is None else (bundle,):
        recipe = one.manifest.recipe
        if is_near_rate(rate_hz, recipe.sample_rate_hz):
            return recipe, one.sha256
    return Recipe.for_rate(rate_hz), ""
