"""The chain of a band that is swept: frames of seconds, without samples, with a bundle or none.

Nothing behind a plane knows what it was made of: what is here is what says so of a band of samples
by its rate. Without a bundle a target is one sweep, and so is a hop. What looks at samples (the
cell, the naming of kinds) is not there.
"""

import time
from collections.abc import Mapping
from functools import partial

from edgespec.clock import ClockQuality, UtcWatch
from edgespec.config import BandConfig, Config, DetectConfig, SourceConfig
from edgespec.config.mask import Mask
from edgespec.detect.arithmetic import open_arithmetic
from edgespec.detect.detectors import CELL, MODEL_DETECTORS, ONE_OF_THEM, RESIDUAL, resolve_names
from edgespec.detect.events import EventTracker
from edgespec.detect.largest import threshold_of_largest
from edgespec.detect.reference import BinZScore, EnergyLevel
from edgespec.detect.rules import EventRules
from edgespec.detect.sweep_describer import SweepDescriber
from edgespec.detect.sweep_scan import SweepScan
from edgespec.detect.trouble import TroubleRules, TroubleWatch
from edgespec.dsp.sweep_plane import SweepPlane
from edgespec.errors import ConfigError
from edgespec.inference.bundle import Bundle
from edgespec.observer.alerting import open_budget
from edgespec.observer.band import BandChain
from edgespec.observer.forgetting import Forgetting
from edgespec.observer.kept.calibrated import calibration_path, promised
from edgespec.observer.kept.kept import kept_of
from edgespec.observer.opening.opening import mask_watch, open_minutes, setting_of
from edgespec.observer.scoring.band_memory import BandMemory
from edgespec.observer.scoring.basis import NO_BUNDLE
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.warmup import WarmUp
from edgespec.observer.scoring.yardstick import Terms
from edgespec.observer.swept.sweep_meter import SweepMeter, minutes_of_sweeps
from edgespec.observer.swept.swept_model import (
    SweptModel,
    check_model,
    warmup_segments,
    warmup_sweeps_of,
)
from edgespec.observer.swept.swept_site import watch_site
from edgespec.records import BandInfo, Geometry, SourceInfo
from edgespec.sources.schemes import gives_sweeps, parse_source
from edgespec.sources.sweeps.hop_plan import HopPlan
from edgespec.sources.sweeps.hopping import rate_of

__all__ = ["check_swept", "open_swept_chain", "sweep_text", "swept_names"]

#: Least spread of scores that a site may have: that of the largest of a hundred normal values.
_SMALLEST_STD = 0.4


def swept_names(detect: DetectConfig, role: str | None = None) -> tuple[str, ...]:
    """Return the detectors of sweeps: the scan is there for what looks at the cell in samples.

    It looks at single sweeps and bins, and at the level, as well: zscore and energy beside it would
    add false events alone. ``role`` is that of the bundle's model; None: there is no bundle.

    Raises:
        ConfigError: one is unknown, or needs a model that is not there.
    """
    needless = {CELL} | (
        {BinZScore.name, EnergyLevel.name} if RESIDUAL in detect.detectors else set()
    )
    if role is None:
        needless.add("model")
    named = [
        SweepScan.name if name in ONE_OF_THEM else name
        for name in detect.detectors
        if name not in needless
    ]
    named = list(dict.fromkeys(named)) or [SweepScan.name]
    for name in named:
        if name in MODEL_DETECTORS.values() and role is None:
            raise ConfigError(
                f"detect.detectors names {name!r}, which needs a model, and the band has none: "
                "leave it out, or name a bundle of sweeps in band.model"
            )
    return resolve_names(named, role or next(iter(MODEL_DETECTORS)))


def check_swept(
    config: Config, source: SourceConfig, bundles: Mapping[str, Bundle | None]
) -> tuple[BandConfig, ...]:
    """Return the bands of a source if that gives sweeps, having checked them; nothing is opened.

    ``bundles`` are those that bands name, by the bands' ids.

    Raises:
        ConfigError: a band or a detector asks for what sweeps do not have.
        ModelError: a bundle is not for sweeps, or was not calibrated for what is asked.
    """
    if not gives_sweeps(source.address):
        return ()
    sweep_text(source)
    bands = config.bands_of(source)
    for band in bands:
        _check_band(band, source.address)
        bundle = bundles[band.id]
        swept_names(config.detect, None if bundle is None else bundle.manifest.model.role)
        if bundle is not None:
            check_model(bundle, config.detect)
    return bands


def _check_band(band: BandConfig, address: str) -> None:
    """Refuse what a band of sweeps cannot have."""
    if band.center_freq_hz is not None:
        raise ConfigError(
            f"band {band.id!r} has center_freq_hz = {band.center_freq_hz:g}, but {address!r:.120} "
            "gives sweeps, all of which are the band: leave it out"
        )


def sweep_text(source: SourceConfig) -> str:
    """Return in words what a source of sweeps does; '' for what a program wrote.

    Raises:
        UsageError: a value of its address is none.
    """
    uri = parse_source(source.address)
    if uri.scheme != "sweep":
        return ""
    plan = HopPlan.of(uri, rate_of(uri, source.sample_rate_hz))
    return f"source {source.id} sweeps {plan.words()}"


def open_swept_chain(
    config: Config, source: SourceInfo, mask: Mask | None = None, model: SweptModel | None = None
) -> BandChain:
    """Return the chain of the first band, which is all that a source of sweeps gives.

    It is compared with its ``mask``; None: with none. A ``model`` judges segments beside the scan.

    Raises:
        ConfigError: the band or its detectors ask for what sweeps do not have.
        ModelError: the model was made for other sweeps.
    """
    band, rules, grid, detect = config.band[0], config.sweep, source.grid, config.detect
    if grid is None:
        raise ConfigError(f"{source.uri} gives samples, and no sweeps")
    _check_band(band, source.uri)
    names, interval_s = swept_names(detect, None if model is None else model.role), grid.frame_s
    geometry = Geometry(grid.n_bins, interval_s, n_context=1, n_horizon=1, hop_frames=1)
    context_s = interval_s
    if model is not None:
        geometry = model.geometry(grid)
        context_s = geometry.n_segment * interval_s
    name, sha256 = (NO_BUNDLE, None) if model is None else (model.name, model.bundle.sha256)
    info = BandInfo(band.id, grid, source.uri, name, sha256)
    utc = UtcWatch().quality if source.is_live else lambda: ClockQuality.RECORDED
    meter = SweepMeter(geometry, grid)
    meter.mask = mask_watch(mask, info, utc)
    if model is not None and model.sides:
        meter.memory = BandMemory(model.sides, geometry, utc)
    open_minutes(config, source, meter, grid, partial(minutes_of_sweeps, band.id, grid))
    n_warmup = warmup_sweeps_of(config, source, None if model is None else geometry)
    scorer = Scorer(
        None if model is None else model.forecaster(meter.memory),
        names,
        geometry,
        warmup_segments(n_warmup, geometry),
        _smallest_std(names, model),
        open_arithmetic(),
    )
    limit = threshold_of_largest(
        detect.budget_per_day, geometry.hop_s, len(names), detect.false_alarm_rate
    )
    limits = dict.fromkeys(names, limit)
    if model is not None:
        limits |= {name: limit for name, limit in model.thresholds.items() if name in limits}
    hold_off_s = rules.hold_off_sweeps * interval_s
    path = calibration_path(config.node.state_dir, band.id)
    setting = setting_of(config, grid, geometry.hop_s, sha256)
    terms = Terms(*promised(path, setting, detect.budget_per_day, limits, band.id), limits)
    tracker = EventTracker(
        info,
        EventRules(rules.k, rules.n, detect.hysteresis, hold_off_s, config.alarm.update_s),
        {} if model is None else model.spread_db,
        time.monotonic_ns,
        utc,
        context_s,
        SweepDescriber(grid.n_bins),
    )
    kept = kept_of(config, band, source.uri, sha256) if source.is_live else None
    chain = BandChain(
        SweepPlane(grid),
        geometry,
        scorer,
        terms,
        tracker,
        trouble=TroubleWatch(
            info,
            TroubleRules(max(hold_off_s, interval_s), config.alarm.update_s),
            time.monotonic_ns,
            utc,
        ),
        # A part of so few sweeps says too little: that there was a change is told.
        warmup=WarmUp(
            geometry,
            scorer.n_warmup,
            kept,
            () if model is None else model.bundle.manifest.error_std_db,
            least_part=scorer.n_warmup + 1,
        ),
    )
    chain.keep_to(
        open_budget(config, band.id, tracker.rules, geometry.hop_s, is_live=source.is_live)
    )
    watch_site(chain, config, source, utc)
    chain.meter = meter
    if source.is_live:
        # Behind a calibration that is forgotten.
        chain.forgets = Forgetting(
            config.node.state_dir, band.id, lambda: Terms.without_promise(limits)
        )
    return chain


def _smallest_std(names: tuple[str, ...], model: SweptModel | None) -> dict[str, float]:
    """Return the least spread of scores that a site may have; of a model's, its bundle says it."""
    found = dict.fromkeys(names, _SMALLEST_STD)
    if model is not None and model.detector in found:
        found[model.detector] = model.bundle.manifest.site_std.get(model.detector, 0.0)
    return found
