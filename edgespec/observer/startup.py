"""From a configuration to open parts: sources, bundles, runtimes, chains, sinks, monitor."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edgespec.alarm.claim import TopicClaim
from edgespec.alarm.notify.whereabouts import Whereabouts
from edgespec.alarm.sink import Sink
from edgespec.board import Board, BoardWatch
from edgespec.clock import UtcWatch
from edgespec.config import Config
from edgespec.detect.detectors import resolve_names
from edgespec.errors import ConfigError
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path
from edgespec.observer.alerting import open_history, open_judge
from edgespec.observer.board_events import BoardEvents
from edgespec.observer.brokering import open_broker
from edgespec.observer.drill import drills_of
from edgespec.observer.errands.asked_calibration import calibration_asked
from edgespec.observer.errands.asked_look import look_asked
from edgespec.observer.errands.asked_recording import recording_asked
from edgespec.observer.errands.errands import Errands
from edgespec.observer.keeping import open_recorder
from edgespec.observer.models.model_switch import installed_ids, open_switch
from edgespec.observer.models.models_beside import begin_models
from edgespec.observer.models.shadow import Shadows
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.named import check_named
from edgespec.observer.notifying import lost_by, open_notifiers
from edgespec.observer.opening.band_model import model_caution, named_bundle, usual_bundle
from edgespec.observer.opening.dwelling import check_source, request_of
from edgespec.observer.opening.parts import source_rate_hz
from edgespec.observer.radio_opening import open_radio
from edgespec.observer.runtimes.runtime import open_runtime
from edgespec.observer.scoring.thresholds import thresholds_of
from edgespec.observer.surroundings import Surroundings
from edgespec.observer.swept.swept import check_swept
from edgespec.records import BandInfo, Event
from edgespec.sources.schemes import check_uri, parse_source
from edgespec.updates.seen import SeenFile
from edgespec.updates.trust import Clock, check_keys, note_time

if TYPE_CHECKING:
    from edgespec.alarm.mqtt import MqttSink

__all__ = [
    "Observer",
    "check_config",
    "open_model",
    "open_observer",
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
            be understood, a token or a mask cannot be read, a trusted key is none, a sample rate is
            not the model's, or a calibrated band has no fixed gain.
        ModelError: a bundle cannot be used, or was not calibrated for what is asked.
    """
    detect = config.detect
    check_named(config)
    check_keys(config.updates)
    for source in config.source:
        check_source(config, source)
    open_notifiers(config, None)
    only = [config.only(band) for band in config.band]
    views = [view.band[0] for view in only]
    bundles = {view.band[0].id: named_bundle(view) for view in only}
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


def open_model(config: Config) -> tuple[Bundle, Backend]:
    """Load the first band's bundle, named, installed or shipped, and its runtime.

    Raises:
        ModelError: the bundle or the runtime cannot be used, or gives other results.
    """
    bundle = usual_bundle(config)
    return bundle, open_runtime(config, bundle)


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
        ConfigError: the broker is required and none is named, or as
            :func:`~edgespec.observer.named.check_named`.
        SourceError: a source cannot be opened or has another sample rate.
        ModelError: a model cannot be used.
        BrokerError: the broker is required and does not answer.
    """
    if require_broker_s is not None and config.mqtt.url is None:
        raise ConfigError(
            "--require-broker was given but no broker is named: add --mqtt URL or mqtt.url to the "
            "configuration"
        )
    masks = check_named(config)
    note_time(config.updates, SeenFile(config.node.state_dir), Clock())
    # What is installed while the models are opened is taken up afterwards.
    begun_with = installed_ids(config)
    with ExitStack() as stack:
        radios = []
        for source in config.source:
            radio = open_radio(config, source, is_awaited=not require_source, masks=masks)
            stack.callback(radio.source.close)
            radios.append(radio)
        bands = [chain.info for radio in radios for chain in radio.chains]
        cautions = _model_cautions(config, bands)
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
        shadows, switch = Shadows(config), open_switch(config, radios, begun_with)
        # The broker's journal first: what is said has been written, and outlives a kill.
        told = [
            sink
            for sink in (broker, *sinks, history, keeper, *notifiers, recorder, errands, shadows)
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
                model=switch.note,
                model_caution=lambda band, sha256: cautions.get((band, sha256), ""),
            ),
            on_minute=history.minute
            if history is not None and config.history.levels
            else lambda minute: None,
            judge=judge,
            tapes=tapes,
            drills=drills_of(config, tapes),
            board=BoardEvents(board, quality=UtcWatch().quality) if is_live else None,
        )
        for worker in monitor.workers:
            band = worker.chain.info.band
            if (followed := switch.of(band)) is not None:
                worker.tellers.append(followed)
                worker.succession = followed.succession
        stack.callback(shadows.close)
        shadows.begin(monitor)
        stack.callback(switch.close)
        begin_models(config, switch, shadows, broker)
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


def _model_cautions(config: Config, bands: Sequence[BandInfo]) -> dict[tuple[str, str | None], str]:
    """Return what is to be said of bands, and what they run, where that is not what is installed.

    Once another model takes the place of what they run, it does not hold any more.
    """
    runs = {info.band: info.model_sha256 for info in bands}
    found = {}
    for band in config.band:
        sha256 = runs.get(band.id)
        if words := model_caution(config.only(band), sha256):
            _LOG.warning("band %s: %s", band.id, words)
            found[band.id, sha256] = words
    return found
