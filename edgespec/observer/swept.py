"""The chain of a band that is swept: frames of seconds, without samples and without a bundle.

Nothing behind a plane knows what it was made of: what is here is what says so of a band of samples
by its rate, or by its bundle. A target is one sweep, and so is a hop. What looks at samples (the
cell, the naming of kinds) and what counts in hours of frames (slow levels of a site) is not there.
"""

import logging
import time

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
from edgespec.dsp.minute import MinuteMeter
from edgespec.dsp.sweep_plane import SweepPlane
from edgespec.errors import ConfigError
from edgespec.observer.alerting import open_budget
from edgespec.observer.band import BandChain
from edgespec.observer.basis import NO_BUNDLE
from edgespec.observer.calibrated import calibration_path, promised
from edgespec.observer.kept import kept_file
from edgespec.observer.opening import mask_watch, setting_of
from edgespec.observer.scorer import Scorer
from edgespec.observer.swept_site import watch_site
from edgespec.observer.warmup import WarmUp
from edgespec.records import BandInfo, Geometry, SourceInfo
from edgespec.sources.schemes import gives_sweeps, parse_source
from edgespec.sources.sweeps.hop_plan import HopPlan
from edgespec.sources.sweeps.hopping import rate_of

__all__ = ["check_swept", "open_swept_chain", "sweep_text", "swept_names", "warmup_sweeps_of"]

_LOG = logging.getLogger(__name__)
#: Longest part of a recording that a warm-up may take, and what it takes instead.
_LONGEST_SHARE, _USUAL_SHARE, _LEAST_SWEEPS = 0.6, 0.4, 8
#: Least spread of scores that a site may have: that of the largest of a hundred normal values.
_SMALLEST_STD = 0.4
_MINUTE_S = 60.0


def swept_names(detect: DetectConfig) -> tuple[str, ...]:
    """Return the detectors of sweeps: the scan is there for what looks at the cell in samples.

    It looks at single sweeps and bins, and at the level, as well: zscore and energy beside it would
    add false events alone.

    Raises:
        ConfigError: one is unknown, or needs a model.
    """
    needless = {"model", CELL} | (
        {BinZScore.name, EnergyLevel.name} if RESIDUAL in detect.detectors else set()
    )
    named = [
        SweepScan.name if name in ONE_OF_THEM else name
        for name in detect.detectors
        if name not in needless
    ]
    named = list(dict.fromkeys(named)) or [SweepScan.name]
    for name in named:
        if name in MODEL_DETECTORS.values():
            raise ConfigError(
                f"detect.detectors names {name!r}, which needs a model, and sweeps have none: "
                "leave it out"
            )
    return resolve_names(named, next(iter(MODEL_DETECTORS)))


def check_swept(config: Config, source: SourceConfig) -> tuple[BandConfig, ...]:
    """Return the bands of a source if that gives sweeps, having checked them; nothing is opened.

    Raises:
        ConfigError: a band or a detector asks for what sweeps do not have.
    """
    if not gives_sweeps(source.address):
        return ()
    sweep_text(source)
    bands = config.bands_of(source)
    for band in bands:
        _check_band(band, source.address)
    swept_names(config.detect)
    return bands


def _check_band(band: BandConfig, address: str) -> None:
    """Refuse what a band of sweeps cannot have."""
    for key, value in (("model", band.model), ("center_freq_hz", band.center_freq_hz)):
        if value is not None:
            raise ConfigError(
                f"band {band.id!r} has {key} = {str(value)!r:.80}, but {address!r:.120} gives "
                "sweeps, all of which are the band, and which no bundle was made for: leave it out"
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


def warmup_sweeps_of(config: Config, source: SourceInfo) -> int:
    """Return how many sweeps are learnt from: of a short recording not as many as configured."""
    asked = config.sweep.warmup_sweeps
    if source.is_live or source.n_samples is None or asked <= _LONGEST_SHARE * source.n_samples:
        return asked
    return max(int(_USUAL_SHARE * source.n_samples), _LEAST_SWEEPS)


def open_swept_chain(config: Config, source: SourceInfo, mask: Mask | None = None) -> BandChain:
    """Return the chain of the first band, which is all that a source of sweeps gives.

    It is compared with its ``mask``; None: with none.

    Raises:
        ConfigError: the band or its detectors ask for what sweeps do not have.
    """
    band, rules, grid = config.band[0], config.sweep, source.grid
    if grid is None:
        raise ConfigError(f"{source.uri} gives samples, and no sweeps")
    _check_band(band, source.uri)
    names, interval_s = swept_names(config.detect), grid.frame_s
    geometry = Geometry(grid.n_bins, interval_s, n_context=1, n_horizon=1, hop_frames=1)
    info = BandInfo(band.id, grid, source.uri, NO_BUNDLE)
    utc = UtcWatch().quality if source.is_live else lambda: ClockQuality.RECORDED
    n_warmup = warmup_sweeps_of(config, source)
    scorer = Scorer(
        None, names, geometry, n_warmup, dict.fromkeys(names, _SMALLEST_STD), open_arithmetic()
    )
    detect = config.detect
    limit = threshold_of_largest(
        detect.budget_per_day, interval_s, len(names), detect.false_alarm_rate
    )
    hold_off_s = rules.hold_off_sweeps * interval_s
    path = calibration_path(config.node.state_dir, band.id)
    setting = setting_of(config, grid, interval_s, None)
    thresholds, promise = promised(
        path, setting, detect.budget_per_day, dict.fromkeys(names, limit), band.id
    )
    tracker = EventTracker(
        info,
        EventRules(rules.k, rules.n, config.detect.hysteresis, hold_off_s, config.alarm.update_s),
        {},
        time.monotonic_ns,
        utc,
        interval_s,
        SweepDescriber(grid.n_bins),
    )
    kept = None
    if source.is_live:
        gain_db = config.source[0].gain_db
        kept = kept_file(config.node.state_dir, band.id, source.uri, gain_db, "")
    chain = BandChain(
        SweepPlane(grid),
        geometry,
        scorer,
        thresholds,
        tracker,
        promise=promise,
        trouble=TroubleWatch(
            info,
            TroubleRules(max(hold_off_s, interval_s), config.alarm.update_s),
            time.monotonic_ns,
            utc,
        ),
        # A part of so few sweeps says too little: that there was a change is told.
        warmup=WarmUp(geometry, scorer.n_warmup, kept, least_part=scorer.n_warmup + 1),
    )
    budget = open_budget(config, band.id, tracker.rules, interval_s, is_live=source.is_live)
    chain.keep_to(budget)
    watch_site(chain, config, source, utc)
    chain.meter.mask = mask_watch(mask, info, utc)
    keeps_levels = source.is_live and config.history.max_bytes and config.history.levels
    if keeps_levels or chain.meter.mask is not None:
        minute_s = max(_MINUTE_S, interval_s)
        chain.meter.minutes = MinuteMeter(band.id, grid, 1, minute_s=minute_s)
    return chain
