"""From a configuration to open parts: source, bundle, runtime, chain, sinks, monitor."""

import importlib.util
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from edgespec import __version__
from edgespec.alarm.sink import Sink
from edgespec.config import Config
from edgespec.detect.detectors import resolve_names
from edgespec.dsp.levels import RssPlan
from edgespec.errors import ConfigError
from edgespec.inference.backend import Backend
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path
from edgespec.mqtt.url import BrokerUrl
from edgespec.observer.band import BandChain
from edgespec.observer.choice import OURS, candidates_for, open_fastest
from edgespec.observer.monitor import Monitor, block_samples_for
from edgespec.records import Event
from edgespec.sources import open_source
from edgespec.sources.schemes import SOURCES
from edgespec.sources.source import Source
from edgespec.sources.uri import parse_uri

# Who names no broker does not pay for its client: 4 MB.
if TYPE_CHECKING:
    from edgespec.alarm.mqtt import MqttSink

__all__ = [
    "Observer",
    "check_config",
    "open_band_source",
    "open_broker",
    "open_chain",
    "open_model",
    "open_observer",
]


@dataclass(frozen=True, slots=True)
class Observer:
    """The open parts of one observer."""

    source: Source
    bundle: Bundle
    backend: Backend
    chain: BandChain
    broker: "MqttSink | None"
    monitor: Monitor


def check_config(config: Config) -> Bundle:
    """Return the bundle that ``config`` names, if all of it can work together.

    Opens neither radio nor broker.

    Raises:
        UsageError: the source's URI cannot be understood.
        ConfigError: a detector is unknown, the broker's URL cannot be understood, or the sample
            rate is not the model's.
        ModelError: the bundle cannot be used, or was not calibrated for what is asked.
    """
    source, detect = config.source[0], config.detect
    parse_uri(source.uri, {scheme: kind.keys for scheme, kind in SOURCES.items()})
    if config.mqtt.url is not None:
        BrokerUrl.parse(config.mqtt.url)
    bundle = load_bundle(config.band[0].model or shipped_bundle_path())
    for name in resolve_names(detect.detectors, bundle.manifest.model.role):
        bundle.manifest.threshold(name, detect.false_alarm_rate, detect.threshold)
    needed_hz = bundle.manifest.geometry.sample_rate_hz
    if source.sample_rate_hz not in (None, needed_hz):
        raise ConfigError(
            f"source.sample_rate_hz is {source.sample_rate_hz:.10g}, but the bundle "
            f"{bundle.manifest.name!r} was made for {needed_hz:.10g}: delete the line, or choose "
            "a bundle made for this rate"
        )
    return bundle


def open_model(config: Config) -> tuple[Bundle, Backend]:
    """Load the band's bundle and check it on its golden vectors before anything runs.

    The backend ``auto`` is the fastest here: see :mod:`edgespec.observer.choice`.

    Raises:
        ModelError: the bundle or the runtime cannot be used, or gives other results.
    """
    band = config.band[0]
    bundle = load_bundle(band.model or shipped_bundle_path())
    if band.front_end != "scipy" and importlib.util.find_spec("numba"):
        from edgespec.jit import leave_out_blas

        leave_out_blas()
    if band.backend in ("auto", OURS):
        # One name alone still has the widths of its vectors to choose.
        names = candidates_for(band.front_end) if band.backend == "auto" else (OURS,)
        return bundle, open_fastest(bundle, config.node.state_dir, names)
    backend = open_backend(bundle, band.backend)
    check_golden(bundle, backend)
    return bundle, backend


def open_band_source(config: Config, bundle: Bundle) -> Source:
    """Open the source; what the configuration leaves open is set to what the bundle needs."""
    source = config.source[0]
    return open_source(
        source.uri,
        center_freq_hz=source.center_freq_hz,
        sample_rate_hz=source.sample_rate_hz or bundle.manifest.geometry.sample_rate_hz,
        gain_db=source.gain_db,
        ppm=source.ppm,
    )


def open_chain(config: Config, bundle: Bundle, backend: Backend, source: Source) -> BandChain:
    """Return the chain between ``source`` and events."""
    geometry, band = bundle.manifest.geometry, config.band[0]
    rss = None
    if config.node.site is not None:
        rss = RssPlan(config.node.id, config.node.site, band.id, band.subbands, band.full_scale_dbm)
    return BandChain(
        bundle,
        backend,
        source.info,
        band,
        config.detect,
        max_block_samples=block_samples_for(geometry.frame_samples, geometry.hop_frames),
        update_s=config.alarm.update_s,
        front_end=band.front_end,
        rss=rss,
    )


def open_broker(config: Config, bundle: Bundle) -> "MqttSink | None":
    """Return the way to the broker, connecting in the background; None where none is named."""
    if config.mqtt.url is None:
        return None
    from edgespec.alarm.mqtt import MqttSink
    from edgespec.alarm.spool import Spool

    info: dict[str, Any] = {
        "version": __version__,
        "board": platform.machine(),
        "model": bundle.manifest.name,
        "model_sha256": bundle.sha256,
        "config_sha256": sha256(repr(config).encode()).hexdigest(),
    }
    spool = Spool(config.node.state_dir / "spool", config.mqtt.spool_max_bytes)
    return MqttSink(
        config.mqtt, config.node.id, [config.source[0].id], [config.band[0].id], info, spool
    )


def open_observer(
    config: Config,
    sinks: Sequence[Sink] = (),
    *,
    require_broker_s: float | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Observer:
    """Open everything that ``config`` names, ready to run.

    Args:
        config: checked configuration.
        sinks: further sinks, such as the console.
        require_broker_s: fail unless the broker answers within this time.
        on_event: called after the sinks with every event.

    Raises:
        ConfigError: the broker is required and none is named.
        SourceError: the source cannot be opened or has another sample rate.
        ModelError: the model cannot be used.
        BrokerError: the broker is required and does not answer.
    """
    if require_broker_s is not None and config.mqtt.url is None:
        raise ConfigError(
            "--require-broker was given but no broker is named: add --mqtt URL or mqtt.url to the "
            "configuration"
        )
    bundle, backend = open_model(config)
    source = open_band_source(config, bundle)
    broker = None
    try:
        chain = open_chain(config, bundle, backend, source)
        broker = open_broker(config, bundle)
        if broker is not None and require_broker_s is not None:
            broker.wait_connected(require_broker_s)
    except BaseException:
        source.close()
        if broker is not None:
            broker.close()
        raise
    if broker is not None:
        broker.radio(config.source[0].id, online=True)
    monitor = Monitor(
        source,
        chain,
        [*sinks, *([broker] if broker else [])],
        state_s=config.alarm.state_s,
        health=lambda: (broker.connected, broker.waiting) if broker else (None, 0),
        on_event=on_event,
        on_radio=partial(broker.radio, config.source[0].id) if broker else lambda online: None,
    )
    return Observer(source, bundle, backend, chain, broker, monitor)
