"""The chain of a band, made of its parts."""

import logging
import time
from collections.abc import Callable, Sequence
from math import ceil

from edgespec.clock import ClockQuality
from edgespec.computing import Computing
from edgespec.config import BandConfig, DetectConfig
from edgespec.detect.any_band.detector import ANY_BAND
from edgespec.detect.arithmetic import open_arithmetic
from edgespec.detect.cell.cell_events import CellEvents
from edgespec.detect.describer import Describer
from edgespec.detect.detectors import CELL, RESIDUAL
from edgespec.detect.events import EventTracker
from edgespec.detect.rules import EventRules
from edgespec.detect.trouble import TroubleRules, TroubleWatch
from edgespec.dsp.channel import Channel
from edgespec.dsp.levels import RssPlan, SubbandLevels
from edgespec.dsp.prefix.cancelling import load_usual
from edgespec.dsp.prefix.plan import LEAST_RATE_HZ, can_cancel
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.dsp.transforms import open_transform
from edgespec.errors import ConfigError
from edgespec.observer.band import BandChain
from edgespec.observer.cell.cancelled import CancelledBand
from edgespec.observer.cell.learnt_cells import LearntCells
from edgespec.observer.cell.watched_cell import WatchedCell
from edgespec.observer.kept.band_file import LevelFile
from edgespec.observer.kept.kept import KeptFile
from edgespec.observer.latency import LatencyHistogram
from edgespec.observer.opening.parts import RHYTHM_S
from edgespec.observer.scoring.band_memory import BandMemory
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.cell_scales import CellScales, ScalesPlan
from edgespec.observer.scoring.forecaster import Forecaster
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.warmup import WarmUp
from edgespec.observer.scoring.yardstick import Terms
from edgespec.observer.watched_band import WatchedBand
from edgespec.observer.watched_site import SitePlan, WatchedSite
from edgespec.records import BandInfo, Geometry

__all__ = ["make_chain"]

_LOG = logging.getLogger(__name__)


def make_chain(
    basis: Basis,
    front_end: FrontEnd,
    band: BandConfig,
    detect: DetectConfig,
    *,
    source: str = "",
    update_s: float = 1.0,
    rss: RssPlan | None = None,
    channel: Channel | None = None,
    kept: KeptFile | None = None,
    utc: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
    is_live: bool = False,
    site: SitePlan | None = None,
    cells: LevelFile | None = None,
    rhythm_s: tuple[float, float] = RHYTHM_S,
    rhythm: LevelFile | None = None,
    scales: ScalesPlan | None = None,
) -> BandChain:
    """Return the chain of a band.

    Args:
        basis: what it is judged by.
        front_end: what follows is computed as it computes: where that is plainly, nothing here
            loads Numba.
        band: names the events.
        detect: warm-up and event rules.
        source: URI of what the samples are.
        update_s: how often an event that goes on says so.
        rss: what to report of the received power; None for nothing.
        channel: what makes the front end's samples of the source's.
        kept: file that keeps over a restart what was learnt; None: nothing is kept.
        utc: how good the UTC of the blocks is.
        is_live: the stream waits for nothing: what takes long runs beside it.
        site: what is told of slow changes, and kept; None for nothing.
        cells: file that keeps over a restart what is normal beside each cell; None: nothing is.
        rhythm_s: how long the rhythm of a band without a cell is learnt, least and most.
        rhythm: file that keeps that over a restart; None: nothing is.
        scales: models, scales and thresholds of each cell; None: those of ``basis`` in all, and
            scales are learnt and kept in memory.

    Raises:
        ConfigError: nothing but what is left of a cell is to be scored, and at this sample rate no
            cell can be cancelled.
        ModelError: the bundle was made for other frames.
    """
    if basis.warning:
        _LOG.warning("%s", basis.warning)
    geometry, computing = basis.recipe.geometry, front_end.computing
    info = BandInfo(band.id, front_end.grid, source, basis.model, basis.model_sha256)
    memory = None
    if basis.bundle is not None and basis.backend is not None:
        sides = basis.bundle.manifest.side_inputs
        memory = BandMemory(sides, geometry, utc) if sides else None
    n_warmup = ceil(detect.warmup_s / geometry.hop_s)
    make_scorer = _scorers(geometry, n_warmup, computing, memory)
    scorer = make_scorer(basis)
    plan = scales or ScalesPlan(lambda cell, its: Terms.without_promise(its.thresholds))
    terms = plan.terms("", basis)
    tracker = EventTracker(
        info,
        EventRules(detect.k, detect.n, detect.hysteresis, detect.hold_off_s, update_s),
        basis.spread_db,
        time.monotonic_ns,
        utc,
        geometry.n_segment * geometry.frame_s,
        Describer(front_end),
    )
    levels = None
    if rss is not None:
        levels = SubbandLevels(front_end.grid, rss, front_end.max_frames, computing)
    trouble = TroubleWatch(info, TroubleRules(detect.hold_off_s, update_s), time.monotonic_ns, utc)
    expected = basis.bundle.manifest.error_std_db if basis.bundle is not None else ()
    warmup = WarmUp(geometry, scorer.n_warmup, kept, expected)
    cancelled = _open_cancelled(
        basis.names, geometry, front_end, band, detect, cells, is_live=is_live
    )
    cell_events = None
    if cancelled is not None and cancelled.watched is not None:
        cell_events = CellEvents(info, update_s, time.monotonic_ns, utc)
    watched_band = None
    if ANY_BAND in basis.names:
        watched_band = WatchedBand(
            geometry,
            front_end.grid.range_hz,
            rhythm_s,
            detect.n + 1,
            rhythm,
            computing,
            lambda: not warmup.distrust,
            hop_samples=basis.recipe.hop_samples,
        )
    chain = BandChain(
        front_end,
        geometry,
        scorer,
        terms,
        tracker,
        levels,
        channel,
        trouble,
        warmup,
        cancelled,
        cell_events,
        watched_band,
    )
    chain.meter.memory = memory
    chain.scales = CellScales(plan, basis, make_scorer, geometry, band.id)
    if site is not None:
        chain.site = WatchedSite(
            site, info, geometry, time.monotonic_ns, utc, lambda: not chain.yardstick.distrust
        )
        warmup.usual_dbfs = chain.site.usual_dbfs
    return chain


def _scorers(
    geometry: Geometry, n_warmup: int, computing: Computing, memory: BandMemory | None
) -> Callable[[Basis], Scorer]:
    """Return what makes a scorer that has learnt nothing yet, of a model.

    All share a histogram of times, and what the band was like in the last hours.
    """
    durations = LatencyHistogram()

    def make(basis: Basis) -> Scorer:
        forecaster = None
        if basis.bundle is not None and basis.backend is not None:
            transform = open_transform(computing)
            forecaster = Forecaster(basis.bundle, basis.backend, transform, memory, durations)
        arithmetic = open_arithmetic(computing)
        return Scorer(forecaster, basis.names, geometry, n_warmup, basis.smallest_std, arithmetic)

    return make


def _open_cancelled(
    names: Sequence[str],
    geometry: Geometry,
    front_end: FrontEnd,
    band: BandConfig,
    detect: DetectConfig,
    cells: LevelFile | None,
    *,
    is_live: bool,
) -> CancelledBand | None:
    """Return what cancels the cell of a band; None where nobody asks, or none can be cancelled."""
    rate_hz = front_end.framing.sample_rate_hz
    if RESIDUAL not in names:
        return None
    if not can_cancel(rate_hz):
        said = (
            f"band {band.id}: at {rate_hz:.10g} S/s no cell can be cancelled, which takes "
            f"{LEAST_RATE_HZ:.10g} S/s or more"
        )
        if not {*names} - {RESIDUAL, CELL}:
            raise ConfigError(
                f"{said}, and detect.detectors is {list(names)}: nothing would ever be scored; "
                "raise source.sample_rate_hz, or add zscore or energy"
            )
        _LOG.info("%s: detect.detectors goes without %s", said, RESIDUAL)
        return None
    if is_live:
        load_usual(rate_hz, front_end.sample_format, front_end.computing)
    watched = None
    if CELL in names:
        watched = WatchedCell(
            rate_hz,
            front_end.sample_format,
            detect.warmup_s,
            max_block_samples=front_end.max_block_samples,
            is_live=is_live,
            computing=front_end.computing,
            max_clipped_fraction=detect.max_clipped_fraction,
        )
    return CancelledBand(
        rate_hz,
        front_end.sample_format,
        geometry,
        front_end.framing.grid().freqs_hz,
        detect.warmup_s,
        max_block_samples=front_end.max_block_samples,
        center_freq_hz=front_end.center_freq_hz,
        is_live=is_live,
        computing=front_end.computing,
        max_clipped_fraction=detect.max_clipped_fraction,
        watched=watched,
        learnt=LearntCells(cells),
    )
