"""What a configuration says that works, but hardly does what was meant."""

from edgespec.alerts.facts import masks_of
from edgespec.config import BandConfig, Config
from edgespec.observer.opening.band_model import named_bundle
from edgespec.observer.opening.mask_place import mask_caution
from edgespec.observer.opening.parts import band_rate_hz
from edgespec.records import SampleFormat, SourceInfo
from edgespec.sources.schemes import parse_source
from edgespec.sources.tuner import DEFAULT_RATE_HZ, TUNER_SCHEMES, first_of
from edgespec.sweep_recipe import SweepRecipe
from edgespec.updates.store import ModelStore

__all__ = ["cautions"]

#: Noise beside a cell is seen to have fallen by two seconds of signal in one piece, and a cell is
#: pulled in again within a tenth of one.
_LEAST_TURN_S = 2.1


def cautions(config: Config) -> list[str]:
    """Return a sentence for each, as far as can be seen without opening anything.

    Raises:
        EdgespecError: the configuration cannot work.
    """
    return [*_of_masks(config), *_of_turns(config), *_of_models(config)]


def _of_models(config: Config) -> list[str]:
    store = ModelStore(config.node.state_dir)
    found = {band.id: store.running(band.id) for band in config.band if band.model is None}
    return [f"band {band}: {one.caution}" for band, one in found.items() if one.caution]


def _of_masks(config: Config) -> list[str]:
    masks = masks_of(config)
    placed = ((band, _range_hz(config, band)) for band in config.band if band.id in masks)
    said = [
        mask_caution(band.id, masks[band.id], range_hz)
        for band, range_hz in placed
        if range_hz is not None
    ]
    return [words for words in said if words]


def _range_hz(config: Config, band: BandConfig) -> tuple[float, float] | None:
    """Return from where to where a band will reach; None where only its source knows."""
    source = config.source_of(band)
    uri = parse_source(source.address)
    center_hz = first_of(band.center_freq_hz, uri.number("center_freq"), source.center_freq_hz)
    view = config.only(band)
    bundle = named_bundle(view)
    if bundle is not None and isinstance(bundle.manifest.made_with, SweepRecipe):
        return bundle.manifest.made_with.range_hz
    usual_hz = DEFAULT_RATE_HZ if uri.scheme in TUNER_SCHEMES else None
    rate_hz = first_of(uri.number("sample_rate"), source.sample_rate_hz, usual_hz)
    tuned_hz = first_of(uri.number("center_freq"), source.center_freq_hz)
    if bundle is not None and (rate_hz is None or tuned_hz is None):
        rate_hz = bundle.manifest.recipe.sample_rate_hz
    elif bundle is not None and rate_hz is not None and tuned_hz is not None:
        info = SourceInfo(uri.text, rate_hz, tuned_hz, SampleFormat.CF32, False)
        rate_hz = band_rate_hz(view.band[0], info, bundle)
    if center_hz is None or rate_hz is None:
        return None
    return center_hz - rate_hz / 2.0, center_hz + rate_hz / 2.0


def _of_turns(config: Config) -> list[str]:
    said = []
    for source in config.source:
        shortest_s = min(config.turns_of(source).values(), default=_LEAST_TURN_S)
        if shortest_s < _LEAST_TURN_S:
            said.append(
                f"source {source.id} has turns of {shortest_s:.3g} s, in which nobody can see that "
                "noise beside a cell has fallen since it was learnt, so that weak signals there "
                f"are missed from then on: give a dwell_s of {_LEAST_TURN_S:g} or more"
            )
    return said
