"""The chain of a band for a source that is open, as a configuration says."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from edgespec.clock import ClockQuality, UtcWatch
from edgespec.config import Config
from edgespec.config.mask import Mask
from edgespec.detect.slow.watch import SlowRules
from edgespec.dsp.levels import RssPlan
from edgespec.dsp.minute import MinuteMeter
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.grid import Grid
from edgespec.history.past import Past
from edgespec.observer.alerting import open_budget, open_normals
from edgespec.observer.band import BandChain
from edgespec.observer.fixed_gain import kept_gain_db, scale_of
from edgespec.observer.forgetting import Forgetting
from edgespec.observer.kept.calibrated import Setting, calibration_path, promised
from edgespec.observer.kept.kept import kept_of
from edgespec.observer.kept.kept_band import rhythm_file
from edgespec.observer.kept.kept_cell import cell_file
from edgespec.observer.kept.kept_scales import scales_file
from edgespec.observer.kept.kept_site import site_file
from edgespec.observer.mask_watch import MaskWatch
from edgespec.observer.meter import BandMeter
from edgespec.observer.opening.making import make_chain
from edgespec.observer.opening.parts import open_channel, rhythm_s_of, warmup_s_of
from edgespec.observer.opening.recalled_hours import recall_hours, say_forgetful
from edgespec.observer.recall import recall
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.cell_models import cell_models
from edgespec.observer.scoring.cell_scales import ScalesPlan
from edgespec.observer.scoring.known_scales import KnownScales
from edgespec.observer.scoring.yardstick import Terms
from edgespec.observer.site_reference import SiteReference, load_site
from edgespec.observer.watched_site import SitePlan
from edgespec.records import BandInfo, SourceInfo
from edgespec.sources.schemes import gives_sweeps

__all__ = ["mask_watch", "open_chain", "setting_of", "site_plan"]


def open_chain(
    config: Config,
    source: SourceInfo,
    basis: Basis,
    mask: Mask | None = None,
    *,
    switches_models: bool = True,
) -> BandChain:
    """Return the chain between a source and events, of the first band, which ``basis`` judges.

    ``source`` is what it delivers of that band: of a radio that takes turns, in the band's own.
    One for a recording of an alert goes by what was normal then, where that is kept beside it, and
    by its thresholds. Else a cell that has a bundle of its own is judged by that, where the chain
    ``switches_models``. ``mask`` is of the band; None: nothing is compared with one.
    """
    path = source.normal_path
    site = None if path is None or source.is_live else load_site(path)
    chain = _chain_of(config, source, basis, site, mask, switches_models=switches_models)
    if site is None or recall(chain, site):
        return chain
    return _chain_of(config, source, basis, None, mask, switches_models=switches_models)


def _chain_of(
    config: Config,
    source: SourceInfo,
    basis: Basis,
    kept: SiteReference | None,
    mask: Mask | None,
    *,
    switches_models: bool,
) -> BandChain:
    recipe, band, detect = basis.recipe, config.band[0], config.detect
    warmup_s = warmup_s_of(detect, source)
    rss = None
    site = config.site_of(band)
    if site is not None:
        rss = RssPlan(
            config.node.id, site, band.id, band.subbands, band.full_scale_dbm,
            band.rss_every_s, band.rss_step_db,
        )  # fmt: skip
    channel = open_channel(config, recipe, source)
    front_end = FrontEnd.for_source(
        recipe.framing,
        source if channel is None else channel.info,
        max_block_samples=recipe.hop_samples if channel is None else channel.max_out_samples,
        computing=config.node.computing,
        max_clipped_fraction=config.detect.max_clipped_fraction,
    )
    setting = setting_of(config, front_end.grid, recipe.geometry.hop_s, basis.model_sha256)
    if kept is not None:
        then = Terms.without_promise({**basis.thresholds, **kept.thresholds})
        scales = ScalesPlan(lambda cell, its: then)
    else:
        grid = front_end.grid
        models = cell_models(config, basis, grid) if switches_models else {}
        scales = ScalesPlan(_terms(config, setting), models, _known_scales(config, source, grid))
    place = _place(config, source, front_end.grid)
    utc = UtcWatch().quality if source.is_live else lambda: ClockQuality.RECORDED
    chain = make_chain(
        basis,
        front_end,
        band,
        replace(detect, warmup_s=warmup_s),
        source=source.uri,
        update_s=config.alarm.update_s,
        rss=rss,
        channel=channel,
        # A recording is played again from where it was: it has no last run.
        kept=kept_of(config, band, source.uri, basis.model_sha256) if source.is_live else None,
        site=site_plan(config, source),
        cells=cell_file(*place) if source.is_live else None,
        rhythm_s=rhythm_s_of(source),
        rhythm=rhythm_file(*place) if source.is_live else None,
        scales=scales,
        is_live=source.is_live,
        utc=utc,
    )
    if source.is_live and chain.scales is not None:
        chain.forgets = Forgetting(config.node.state_dir, band.id, chain.scales.usual_terms)
    chain.meter.mask = mask_watch(mask, chain.info, utc)
    rules, hop_s = chain.tracker.rules, recipe.geometry.hop_s
    chain.keep_to(open_budget(config, band.id, rules, hop_s, is_live=source.is_live))
    grid, computing = front_end.grid, front_end.computing
    make_minutes = partial(MinuteMeter, band.id, grid, recipe.n_horizon, computing)
    open_minutes(config, source, chain.meter, grid, make_minutes)
    return chain


def _terms(config: Config, setting: Setting) -> Callable[[str, Basis], Terms]:
    """Return what gives the thresholds of a cell of the first band, by a model."""
    band, per_day = config.band[0].id, config.detect.budget_per_day
    path = calibration_path(config.node.state_dir, band)

    def terms(cell: str, basis: Basis) -> Terms:
        with_it = replace(setting, model_sha256=basis.model_sha256 or "")
        usual = basis.thresholds
        return Terms(*promised(path, with_it, per_day, usual, band, cell), usual)

    return terms


def _known_scales(config: Config, source: SourceInfo, grid: Grid) -> KnownScales:
    """Return what earlier runs learnt in the cells of the first band; of a recording nothing."""
    if not source.is_live:
        return KnownScales()
    return KnownScales(scales_file(*_place(config, source, grid)))


def _place(
    config: Config, source: SourceInfo, grid: Grid
) -> tuple[Path, str, str, float | None, tuple[float, float]]:
    """Return where levels of the first band are kept, and of what: as the files take it."""
    band = config.band[0]
    gain_db = kept_gain_db(config, band)
    return config.node.state_dir, band.id, source.uri, gain_db, grid.range_hz


def open_minutes(
    config: Config,
    source: SourceInfo,
    meter: BandMeter,
    grid: Grid,
    make: Callable[[], MinuteMeter],
) -> None:
    """Let a meter of the first band tell minutes to those who want them, and recall earlier ones.

    Args:
        config: of the observer.
        source: what is heard.
        meter: knows who wants them: a mask, a model that takes hours.
        grid: of the band.
        make: what makes minutes of it.
    """
    band, memory = config.band[0], meter.memory
    keeps_levels = source.is_live and config.history.max_bytes and config.history.levels
    if memory is not None and keeps_levels:
        past = Past(config.node.state_dir)
        recall_hours(memory, past, band.id, grid, scale_of(config, band))
    elif memory is not None and source.is_live:
        say_forgetful(band.id)
    if keeps_levels or meter.mask is not None or memory is not None:
        meter.minutes = make()


def mask_watch(
    mask: Mask | None, info: BandInfo, utc: Callable[[], ClockQuality]
) -> MaskWatch | None:
    """Return what compares a band with its mask; None where that names no level."""
    if mask is None or all(row.max_dbfs is None and row.min_dbfs is None for row in mask.rows):
        return None
    return MaskWatch(mask, info.band, info.model_sha256, utc)


def site_plan(config: Config, source: SourceInfo) -> SitePlan | None:
    """Return what is told of slow changes in the first band; of a recording nothing is kept."""
    asked = config.site
    if not asked.watch:
        return None
    rules = SlowRules(asked.drift_db, asked.floor_db)
    if not source.is_live:
        return SitePlan(rules)
    folder, band = config.node.state_dir, config.band[0]
    file = site_file(folder, band.id, source.uri, kept_gain_db(config, band))
    return SitePlan(rules, file, open_normals(config))


def setting_of(config: Config, grid: Grid, hop_s: float, model_sha256: str | None) -> Setting:
    """Return what a calibration of the first band goes with."""
    source = config.source[0]
    rules = config.sweep if gives_sweeps(source.address) else config.detect
    return Setting(
        source.address,
        kept_gain_db(config, config.band[0]),
        *grid.range_hz,
        model_sha256 or "",
        rules.k,
        rules.n,
        hop_s,
    )
