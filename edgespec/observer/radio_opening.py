"""A radio, or any other source, and the chains of its bands, opened as a configuration says."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from edgespec.config import Config, SourceConfig
from edgespec.config.mask import Mask
from edgespec.detect.detectors import resolve_names
from edgespec.errors import ModelError
from edgespec.framing import Recipe
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path
from edgespec.observer.band import BandChain
from edgespec.observer.fixed_gain import check_gains, gains_of
from edgespec.observer.monitor import Radio
from edgespec.observer.opening.band_model import is_installed, models_at, named_bundle
from edgespec.observer.opening.dwelling import check_source, request_of, take_turns
from edgespec.observer.opening.mask_place import mask_caution
from edgespec.observer.opening.opening import open_chain
from edgespec.observer.opening.parts import (
    band_rate_hz,
    bundle_there,
    source_rate_hz,
    warmup_s_of,
)
from edgespec.observer.opening.unheeded import unheeded
from edgespec.observer.runtimes.runtime import open_runtime
from edgespec.observer.scoring.basis import Basis, needs_network
from edgespec.observer.swept.swept_opening import SweptBand
from edgespec.records import SourceInfo
from edgespec.sources import open_source
from edgespec.sources.dwell import DwellSource
from edgespec.sources.schemes import SOURCES, parse_source
from edgespec.sources.source import Source
from edgespec.sweep_recipe import SweepRecipe
from edgespec.units import format_hz

__all__ = ["open_band_source", "open_basis", "open_radio"]

_LOG = logging.getLogger(__name__)
#: Seconds that a radio may wait, unheard, until its chains are open; then it is opened anew.
_UNHEARD_S = 3.0


def open_basis(
    config: Config, source: SourceInfo, bundle: Bundle | None, *, may_fall_back: bool = True
) -> Basis:
    """Return what the first band is judged by.

    By ``bundle``, its :func:`~edgespec.observer.opening.band_model.named_bundle`; where there is
    none, or :func:`~edgespec.observer.opening.parts.bundle_there` leaves it out, by the installed
    or the shipped one that was made for the rate of the band, else by the detectors that need none.
    An installed one that nothing here can run leaves its place to the next, where it
    ``may_fall_back``.

    Raises:
        ConfigError: a detector is unknown, or needs a model that is not there.
        ModelError: the bundle or the runtime cannot be used, or gives other results.
    """
    band = config.band[0]
    rate_hz, named = band_rate_hz(band, source, bundle), bundle
    bundle = bundle_there(band, source, bundle)
    if named is not None and bundle is None:
        _LOG.warning("band %s: %s", band.id, _modelless(source, named, rate_hz))
    models = [] if band.model else models_at(config, rate_hz)
    if bundle is not None and all(one.sha256 != bundle.sha256 for one in models):
        models = [bundle]
    for model in models:
        try:
            return _basis_by(config, model)
        except ModelError as error:
            if not (may_fall_back and is_installed(config, model)):
                raise
            _LOG.warning("band %s: the installed model does not run: %s", band.id, error)
    recipe = Recipe.for_rate(rate_hz)
    return Basis.without_bundle(recipe, config.detect, load_bundle(shipped_bundle_path()))


def _modelless(source: SourceInfo, bundle: Bundle, rate_hz: float) -> str:
    """Return that a part of a source is not judged by a bundle, and what is watched."""
    manifest = bundle.manifest
    return (
        f"the {source.sample_rate_hz:.10g} samples/s of {source.uri} are no whole number of times "
        f"the {manifest.recipe.sample_rate_hz:.10g} of the model {manifest.name}, which does not "
        f"run: the widest part about the band's middle is watched, {format_hz(rate_hz)} of it"
    )


def _basis_by(config: Config, bundle: Bundle) -> Basis:
    backend = None
    if needs_network(resolve_names(config.detect.detectors, bundle.manifest.model.role)):
        backend = open_runtime(config, bundle)
    return Basis.of_bundle(bundle, backend, config.detect)


def open_band_source(
    config: Config, bundles: Sequence[Bundle | None], *, is_awaited: bool = False
) -> Source:
    """Open the source; what the configuration leaves open is set to what the bundles need.

    Args:
        config: of one source.
        bundles: of all its bands, in their order; None where a band takes any rate.
        is_awaited: a radio that is not there yet is no error.

    Raises:
        ConfigError: the bands cannot be watched together in this source.
        SourceError: it cannot be opened.
    """
    source = config.source[0]
    views = [config.only(band).band[0] for band in config.band]
    rate_hz = source_rate_hz(source, list(zip(views, bundles, strict=True)))
    turns = config.turns_of(source)
    if turns:
        check_source(config, source)
        check_gains(config)
    asked = request_of(config, source, rate_hz)
    opened = open_source(
        source.address,
        center_freq_hz=asked.center_freq_hz,
        sample_rate_hz=rate_hz,
        gain_db=asked.gain_db,
        ppm=source.ppm,
        is_awaited=is_awaited,
        later=asked.later,
    )
    for words in unheeded(source, opened.info):
        _LOG.warning("source %s: %s", source.id, words)
    if not turns:
        return opened
    return take_turns(opened, turns, source.settle_s, gains_of(config, source))


def open_radio(
    config: Config,
    source: SourceConfig,
    *,
    is_awaited: bool = False,
    masks: Mapping[str, Mask] = MappingProxyType({}),
    switches_models: bool = True,
    opened: Source | None = None,
) -> Radio:
    """Open a source, if it is not, and the chain of every band that is watched in it.

    Bands are compared with their ``masks``, by their ids. With ``is_awaited``, a radio that is not
    there yet is no error. Where it ``switches_models``, a cell with a bundle of its own is judged
    by that.

    A radio speaks from the moment on in which it is opened. Where its chains took long, such as a
    minute of the compiler's in the first run on a machine, what it said first is old, and most of
    the rest lost where nobody counts it: it is opened once more, now that nothing is to be made.
    That it is there is known by then: a server that has not let go of the client before it yet, or
    a dongle that the system has not, is waited for.

    Raises:
        ConfigError: its bands cannot be watched together.
        SourceError: the source cannot be opened or has another sample rate.
        ModelError: a model cannot be used.
    """

    def made(*, is_awaited: bool) -> Radio:
        return _open_radio(
            config,
            source,
            is_awaited=is_awaited,
            masks=masks,
            switches_models=switches_models,
            opened=opened,
        )

    begun_s = time.monotonic()
    radio = made(is_awaited=is_awaited)
    unheard_s = time.monotonic() - begun_s
    if opened is None and unheard_s > _UNHEARD_S and _is_radio(source, radio.source):
        radio.source.close()
        _LOG.info(
            "%s is opened anew: the %.0f s until all was ready were not heard", source.id, unheard_s
        )
        radio = made(is_awaited=True)
    for chain in radio.chains:
        _say_mask(chain, masks.get(chain.info.band))
    if radio.source.info.grid is None:
        _say_warmup(config, radio.source.info)
    return radio


def _is_radio(source: SourceConfig, opened: Source) -> bool:
    """Whether it speaks whether somebody listens or not: no file, and no pipe, which waits."""
    scheme = parse_source(source.address).scheme
    return opened.info.is_live and (SOURCES[scheme].has_gain or scheme == "sweep")


def _open_radio(
    config: Config,
    source: SourceConfig,
    *,
    is_awaited: bool,
    masks: Mapping[str, Mask],
    switches_models: bool,
    opened: Source | None,
) -> Radio:
    bands = config.bands_of(source)
    views = [config.only(band) for band in bands]
    bundles = [named_bundle(view) for view in views]
    of_source = replace(config, source=(source,), band=bands)
    rates_of = [
        None if one is None or isinstance(one.manifest.made_with, SweepRecipe) else one
        for one in bundles
    ]
    opened = opened or open_band_source(of_source, rates_of, is_awaited=is_awaited)
    is_swept = opened.info.grid is not None
    swept = [
        SweptBand(view, opened.info, bundle, masks.get(view.band[0].id))
        for view, bundle in zip(views, bundles, strict=True)
        if is_swept
    ]
    try:
        chains = tuple(one.open() for one in swept) or tuple(
            _open_chain_of(view, opened, bundle, masks, switches_models=switches_models)
            for view, bundle in zip(views, bundles, strict=True)
        )
    except BaseException:
        opened.close()
        raise
    centers_hz = tuple(band.center_freq_hz or 0.0 for band in bands)
    return Radio(
        source.id,
        opened,
        chains,
        centers_hz if source.dwell_s is not None else (),
        swept[0].open_again if swept else None,
    )


def _say_warmup(config: Config, source: SourceInfo) -> None:
    warmup_s = warmup_s_of(config.detect, source)
    if warmup_s != config.detect.warmup_s:
        _LOG.info("a short recording: its first %.3g s teach what is normal", warmup_s)


def _open_chain_of(
    view: Config,
    source: Source,
    bundle: Bundle | None,
    masks: Mapping[str, Mask],
    *,
    switches_models: bool,
) -> BandChain:
    """Return the chain of the only band of ``view``, where the source shows it."""
    info, center_hz = source.info, view.source[0].center_freq_hz
    mask = masks.get(view.band[0].id)
    if isinstance(source, DwellSource) and center_hz is not None:
        info = replace(info, center_freq_hz=center_hz)
    basis = open_basis(view, info, bundle)
    return open_chain(view, info, basis, mask, switches_models=switches_models)


def _say_mask(chain: BandChain, mask: Mask | None) -> None:
    said = "" if mask is None else mask_caution(chain.info.band, mask, chain.grid.range_hz)
    if said:
        _LOG.warning("%s", said)
