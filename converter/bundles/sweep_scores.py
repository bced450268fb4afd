"""Scores of normal sweeps, as the device's own chain makes them: what thresholds come from."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil

import numpy as np

from converter.bundles.calibration_run import CalibrationRun
from converter.data.sweeps.band_sweeps import BandSweeps
from converter.data.sweeps.sweep_dataset import SweepPart
from converter.data.sweeps.windows import interval_of, resolution_of
from edgespec.clock import ClockQuality
from edgespec.config import Config, DetectConfig, NodeConfig, SourceConfig, SweepConfig
from edgespec.detect.threshold import LEAST_SCORES
from edgespec.errors import ModelError
from edgespec.grid import Grid
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.band import BandChain
from edgespec.observer.swept.sweep_meter import minutes_of_sweeps
from edgespec.observer.swept.swept import open_swept_chain
from edgespec.observer.swept.swept_model import SweptModel, warmup_sweeps_of
from edgespec.records import SampleFormat, Score, SourceInfo
from edgespec.sources.sweeps.count import SweepCount
from edgespec.sweep_block import SweepBlock, sweep_grid
from edgespec.sweep_table import SweepTable

__all__ = ["score_sweeps"]

_NS = 1e9


def score_sweeps(
    bundle: Bundle,
    backend: Backend,
    band: BandSweeps,
    parts: Sequence[SweepPart],
    *,
    warmup_s: float | None = None,
    n_offsets: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[CalibrationRun, float]:
    """Return the scores of a bundle's model behind its warm-up, and how long that was in seconds.

    Each part begins as the device would that day: its memory knows the hours before, and all else
    is learnt anew. ``n_offsets`` passes begin some sweeps later each.

    Raises:
        ModelError: too few scores are left behind the warm-up.
    """
    geometry = band.geometry
    n_warmup = 8 if warmup_s is None else max(ceil(warmup_s / geometry.frame_s), 8)
    config = Config(
        # Nobody calibrated anything there.
        node=NodeConfig(state_dir=band.folder / "no-state"),
        source=(SourceConfig(uri=f"rtl_power:{band.folder}"),),
        detect=DetectConfig(detectors=("model",)),
        sweep=SweepConfig(warmup_sweeps=n_warmup),
    )
    model = SweptModel(bundle, backend, {bundle.manifest.model.role: np.inf})
    run = CalibrationRun.empty((model.detector,), geometry.n_bins)
    for part in parts:
        progress(part.name)
        table = band.load(part)
        grid = sweep_grid(table.freqs_hz, interval_of(table))
        for offset in range(n_offsets):
            first = part.first_sweep + offset * geometry.hop_frames // n_offsets
            source = SourceInfo(part.name, grid.tick_hz, 0.0, SampleFormat.CF32, False, grid=grid)
            chain = open_swept_chain(config, source, model=model)
            _remember(chain, table, first, grid)
            run.add(chain.scorer, _scored(chain, table, first, grid))
    info = SourceInfo("", 1.0 / geometry.frame_s, 0.0, SampleFormat.CF32, False)
    warmup_sweeps = warmup_sweeps_of(config, info, geometry)
    n_scores = sum(len(values) for _, values in run.sites[model.detector])
    if n_scores < LEAST_SCORES:
        longest = max(part.n_sweeps for part in parts)
        least = warmup_sweeps + geometry.n_segment + LEAST_SCORES * geometry.hop_frames
        raise ModelError(
            f"{n_scores} segments of normal sweeps are left behind a warm-up of {warmup_sweeps} "
            f"sweeps, too few for a threshold, which takes {LEAST_SCORES}; the longest calibration "
            f"recording has {longest} sweeps: give one of at least {least} "
            f"({least * geometry.frame_s:.4g} s)"
        )
    return run, warmup_sweeps * geometry.frame_s


def _remember(chain: BandChain, table: SweepTable, first: int, grid: Grid) -> None:
    """Let the model's memory know the sweeps before a part, as a device that heard them would."""
    memory = chain.meter.memory
    if memory is None:
        return
    meter = minutes_of_sweeps("", grid)
    begin = np.searchsorted(table.utc_s, table.utc_s[first] - (memory.n_hours + 1) * 3600.0)
    ended = [
        meter.add(table.levels_db[at][None], tick, round(table.utc_s[at] * _NS))
        for tick, at in enumerate(range(int(begin), first))
        if np.isfinite(table.levels_db[at]).all()
    ]
    minutes = [minute for minute in (*ended, meter.finish()) if minute is not None]
    memory.remember((minute, ClockQuality.RECORDED) for minute in minutes)


def _scored(
    chain: BandChain, table: SweepTable, first: int, grid: Grid
) -> Iterator[tuple[Score, ...]]:
    """Yield the scores of every segment of the sweeps from ``first`` on."""
    count = SweepCount(interval_of(table), resolution_of(table))
    for at in range(first, table.n_sweeps):
        number, n_missing = count.take(float(table.utc_s[at]))
        block = SweepBlock(
            table.levels_db[at][None],
            grid.tick_hz,
            0.0,
            number,
            round(table.utc_s[at] * _NS),
            n_missing,
            grid=grid,
        )
        for scored in chain.scored(block):
            yield scored.scores
