"""From a configuration to open parts: sources, bundles, runtimes, chains, sinks, monitor."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from edgespec.alarm.claim import TopicClaim
from edgespec.alarm.notify.whereabouts import Whereabouts
from edgespec.alarm.sink import Sink
from edgespec.alerts.facts import masks_of
from edgespec.alerts.rules import AlertRules
from edgespec.board import Board, BoardWatch
from edgespec.clock import UtcWatch
from edgespec.config import BandConfig, Config, SourceConfig
from edgespec.config.mask import Mask
from edgespec.detect.detectors import resolve_names
from edgespec.dsp.stream import is_near_rate
from edgespec.errors import ConfigError
from edgespec.framing import Recipe
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path
from edgespec.mqtt.url import BrokerUrl
from edgespec.observer.alerting import open_history, open_judge
from edgespec.observer.asked_calibration import calibration_asked
from edgespec.observer.asked_look import look_asked
from edgespec.observer.asked_recording import recording_asked
from edgespec.observer.band import BandChain
from edgespec.observer.basis import Basis, needs_network
from edgespec.observer.board_events import BoardEvents
from edgespec.observer.brokering import open_broker
from edgespec.observer.drill import drills_of
from edgespec.observer.dwelling import check_source, request_of, take_turns
from edgespec.observer.errands import Errands
from edgespec.observer.fixed_gain import check_gains, gains_of
from edgespec.observer.keeping import open_recorder
from edgespec.observer.mask_place import mask_caution
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.notifying import lost_by, open_notifiers
from edgespec.observer.opening import open_chain
from edgespec.observer.parts import source_rate_hz, warmup_s_of
from edgespec.observer.runtime import open_runtime
from edgespec.observer.surroundings import Surroundings
from edgespec.observer.swept import check_swept
from edgespec.observer.swept_opening import SweptBand
from edgespec.observer.thresholds import thresholds_of
from edgespec.records import BandInfo, Event, SourceInfo
from edgespec.sources import open_source
from edgespec.sources.dwell import DwellSource
from edgespec.sources.schemes import check_uri, parse_source
from edgespec.sources.source import Source
from edgespec.sweep_recipe import SweepRecipe

if TYPE_CHECKING:
    from edgespec.alarm.mqtt import MqttSink

__all__ = [
    "Observer",
    "check_config",
    "named_bundle",
    "open_band_source",
    "open_basis",
    "open_model",
    "open_observer",
    "open_radio",
]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Observer:
    """The open parts of one observer."""

    radios: tuple[Radio, ...]
    broker: "MqttSink | None"
    monitor: Monitor

    @property
    def bands(self) -> tuple[BandInfo, ...]:
        """What is watched, in the order of the radios."""
        return tuple(chain.info for radio in self.radios for chain in radio.chains)


def check_config(config: Config) -> tuple[Bundle | None, ...]:
    """Return each band's :func:`named_bundle` if all that ``config`` names can work together.

    Opens neither radio nor broker.

    Raises:
        UsageError: a source's URI cannot be understood, or says too little.
        SourceError: a radio cannot be set to it.
        ConfigError: a detector is unknown, a rule names what is not there, the broker's URL cannot
            be understood, a token or a mask cannot be read, a sample rate is not the model's, or a
            calibrated band has no fixed gain.
        ModelError: a bundle cannot be used, or was not calibrated for what is asked.
    """
    detect = config.detect
    AlertRules.of(config)
    masks_of(config)
    check_gains(config)
    for source in config.source:
        check_source(config, source)
    open_notifiers(config, None)
    if config.mqtt.url is not None:
        BrokerUrl.parse(config.mqtt.url)
    views = [config.only(band).band[0] for band in config.band]
    bundles = {band.id: named_bundle(band) for band in views}
    swept = {band.id for source in config.source for band in check_swept(config, source, bundles)}
    for bundle in (bundle for band, bundle in bundles.items() if band not in swept):
        # Without one, what is shipped gives the thresholds, too.
        manifest = (bundle or load_bundle(shipped_bundle_path())).manifest
        names = resolve_names(detect.detectors, manifest.model.role)
        thresholds_of(manifest, names, detect)
    for source in config.source:
        shown = [(band, bundles[band.id]) for band in views if band.source == source.id]
        rate_hz = source_rate_hz(source, [one for one in shown if one[0].id not in swept])
        check_uri(parse_source(source.address), request_of(config, source, rate_hz))
    return tuple(bundles.values())


def named_bundle(band: BandConfig) -> Bundle | None:
    """Return the bundle that a band is judged by whatever its source delivers.

    A band that names none has the shipped one where it is a part of a source, whose rate the
    bundle then sets; a band that is all of its source waits for the source's rate: None.

    Raises:
        ModelError: it cannot be used.
    """
    if band.model is None and band.center_freq_hz is None:
        return None
    return load_bundle(band.model or shipped_bundle_path())


def open_basis(config: Config, source: SourceInfo, bundle: Bundle | None) -> Basis:
    """Return what the first band is judged by.

    By ``bundle``, its :func:`named_bundle`; where there is none, by the shipped one if that was
    made for the rate of the source, else by the detectors that need none.

    Raises:
        ConfigError: a detector is unknown, or needs a model that is not there.
        ModelError: the bundle or the runtime cannot be used, or gives other results.
    """
    detect = config.detect
    if bundle is None:
        shipped = load_bundle(shipped_bundle_path())
        if not is_near_rate(source.sample_rate_hz, shipped.manifest.recipe.sample_rate_hz):
            recipe = Recipe.for_rate(source.sample_rate_hz)
            return Basis.without_bundle(recipe, detect, shipped)
        bundle = shipped
    backend = None
    if needs_network(resolve_names(detect.detectors, bundle.manifest.model.role)):
        backend = open_runtime(config, bundle)
    return Basis.of_bundle(bundle, backend, detect)


def open_model(config: Config) -> tuple[Bundle, Backend]:
    """Load the first band's bundle, the shipped one where it names none, and its runtime.

    Raises:
        ModelError: the bundle or the runtime cannot be used, or gives other results.
    """
    bundle = load_bundle(config.band[0].model or shipped_bundle_path())
    return bundle, open_runtime(config, bundle)


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

    Raises:
        ConfigError: its bands cannot be watched together.
        SourceError: the source cannot be opened or has another sample rate.
        ModelError: a model cannot be used.
    """
    bands = config.bands_of(source)
    views = [config.only(band) for band in bands]
    bundles = [named_bundle(view.band[0]) for view in views]
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
        for chain in chains:
            _say_mask(chain, masks.get(chain.info.band))
        if not is_swept:
            _say_warmup(config, opened.info)
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


def open_observer(
    config: Config,
    sinks: Sequence[Sink] = (),
    *,
    require_broker_s: float | None = None,
    require_source: bool = False,
    on_event: Callable[[Event], None] = lambda event: None,
    on_progress: Callable[[], None] = lambda: None,
) -> Observer:
    """Open everything that ``config`` names, ready to run.

    Args:
        config: checked configuration; wrong rules are said before anything is opened.
        sinks: further sinks, such as the console.
        require_broker_s: fail unless the broker answers within this time.
        require_source: fail where a radio is not there yet, instead of waiting for it.
        on_event: called after the sinks with every event.
        on_progress: called now and then while the observer gets on.

    Raises:
        ConfigError: the broker is required and none is named, a rule names what is not there, a
            mask cannot be read, or a calibrated band has no fixed gain.
        SourceError: a source cannot be opened or has another sample rate.
        ModelError: a model cannot be used.
        BrokerError: the broker is required and does not answer.
    """
    if require_broker_s is not None and config.mqtt.url is None:
        raise ConfigError(
            "--require-broker was given but no broker is named: add --mqtt URL or mqtt.url to the "
            "configuration"
        )
    AlertRules.of(config)
    masks = masks_of(config)
    check_gains(config)
    with ExitStack() as stack:
        radios = []
        for source in config.source:
            radio = open_radio(config, source, is_awaited=not require_source, masks=masks)
            stack.callback(radio.source.close)
            radios.append(radio)
        bands = [chain.info for radio in radios for chain in radio.chains]
        is_live = any(radio.source.info.is_live for radio in radios)
        judge, keeper = open_judge(config, bands, masks, is_live=is_live)
        history = open_history(config, is_live=is_live)
        errands = Errands(config.node.state_dir)
        broker = open_broker(config, bands, errands)
        if broker is not None:
            stack.callback(broker.close)
            mqtt = config.mqtt
            broker.hold(TopicClaim(mqtt.public_url or "", mqtt.topic_prefix, config.node.id).open())
            if require_broker_s is not None:
                broker.wait_connected(require_broker_s)
            for radio in radios:
                # A live one is online once it is heard.
                broker.radio(radio.id, online=not radio.source.info.is_live)
        board = BoardWatch(Board()).troubles
        whereabouts = Whereabouts()
        recorder = open_recorder(config, radios, whereabouts.put, whereabouts.drawn)
        if recorder is not None:
            stack.callback(recorder.close)
        tapes = {} if recorder is None else recorder.tapes
        notifiers = open_notifiers(config, whereabouts if recorder is not None else None)
        # The broker's journal first: what is said has been written, and outlives a kill.
        told = [
            sink
            for sink in (broker, *sinks, history, keeper, *notifiers, recorder, errands)
            if sink is not None
        ]
        monitor = Monitor(
            radios,
            told,
            state_s=config.alarm.state_s,
            health=lambda: (broker.connected, broker.waiting) if broker else (None, 0),
            on_event=on_event,
            on_radio=broker.radio if broker else lambda radio, online: None,
            on_progress=on_progress,
            surroundings=Surroundings(
                n_untold=lost_by(notifiers),
                board=board,
                history_problem=lambda: "" if history is None else history.problem,
                errand=errands.now,
            ),
            on_minute=history.minute
            if history is not None and config.history.levels
            else lambda minute: None,
            judge=judge,
            tapes=tapes,
            drills=drills_of(config, tapes),
            board=BoardEvents(board, quality=UtcWatch().quality) if is_live else None,
        )
        if broker is not None:
            shelf = None if recorder is None else recorder.shelf
            record = partial(recording_asked, config, monitor.ears, shelf)
            look = partial(look_asked, config, monitor.ears, broker.picture)
            chains = {chain.info.band: chain for radio in radios for chain in radio.chains}
            calibrate = partial(calibration_asked, config, monitor.ears, chains, monitor.renew)
            errands.begin({"record": record, "look": look, "calibrate": calibrate}, broker.respond)
        # From here on, they are the monitor's to close.
        stack.pop_all()
    return Observer(tuple(radios), broker, monitor)
