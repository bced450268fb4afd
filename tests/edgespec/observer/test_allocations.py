"""The worker allocates no array per segment, and nothing piles up.

Python objects of a few hundred bytes (the records of the chain, views of buffers, floats) come and
go with every segment, 4.2 kB of them at once. What is forbidden is memory for samples, frames or
bins: with 1024 bins even one row of float32 is 4 kB. The buffers through which NumPy
leads operands that it must broadcast are its own, and made small here; compiled loops have none.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.config import BandConfig, DetectConfig
from edgespec.dsp.prefix.jump import PrefixEdges
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock
from edgespec.framing import Recipe
from edgespec.inference.bundle import Bundle
from edgespec.observer.band import BandChain
from edgespec.records import FloatArray, IqBlock, SampleFormat, SourceInfo, Spectrogram
from tests.made import tiny
from tests.made.chain import chain_of
from tests.made.ofdm import OfdmCell, encode

RECIPE = Recipe(1e6, n_fft=1024, n_averages=2, n_context=16, n_horizon=8, hop_frames=8)
FRAMING, GEOMETRY = RECIPE.framing, RECIPE.geometry
ROW_BYTES = 4 * GEOMETRY.n_bins
#: Room for the objects, and none for a row besides them.
MAX_BYTES = 6000
HOP = RECIPE.hop_samples
N_SEGMENTS = 100
DETECTORS = ("forecast", "zscore", "energy", "ewma")
#: Its plain arithmetic sums up runs of bins in arrays of its own.
ANY_BAND = "any-band"


class Flat:
    """A model that expects the mean everywhere, without any work."""

    name = "flat"

    def __init__(self) -> None:
        self._out: FloatArray = np.zeros((GEOMETRY.n_horizon, GEOMETRY.n_bins), np.float32)

    def predict(self, window: FloatArray) -> FloatArray:
        return self._out


class CannedFrontEnd:
    """Frames of noise instead of a front end; the readable one allocates, and says so."""

    def __init__(self, rng: np.random.Generator) -> None:
        shape = (GEOMETRY.hop_frames, GEOMETRY.n_bins)
        self._power_dbfs = rng.normal(-60.0, 1.4, shape).astype(np.float32)
        self._flags = np.zeros(GEOMETRY.hop_frames, np.uint8)
        self._steps = np.arange(GEOMETRY.hop_frames) * FRAMING.frame_samples
        self._starts = np.empty_like(self._steps)
        self.grid = FRAMING.grid()

    def process(self, block: IqBlock) -> Spectrogram:
        np.add(self._steps, block.sample_start, out=self._starts)
        return Spectrogram(self._power_dbfs, self._flags, self._starts, self.grid, is_whole=True)


def bundle_of(recipe: Recipe) -> Bundle:
    """Return a bundle that is never run, with thresholds that noise does not reach."""
    geometry = recipe.geometry
    limits = tiny.calibration(
        thresholds={"0.001": {"quantile": 1e6}}, error_std_db=(1.0,) * geometry.n_bins
    )
    manifest = tiny.manifest(
        made_with=recipe,
        model=tiny.model_info(
            input_shape=(1, geometry.n_context, geometry.n_bins),
            output_shape=(1, geometry.n_horizon * geometry.n_bins),
        ),
        detectors=dict.fromkeys(DETECTORS, limits),
    )
    nothing = np.empty((0, 0, 0), np.float32)
    return Bundle(manifest, b"", nothing, nothing, "", Path())


def chain_for(computing: str, rhythm_s: float, detectors: tuple[str, ...]) -> BandChain:
    source = SourceInfo("test:", FRAMING.sample_rate_hz, 0.0, SampleFormat.CU8, False)
    return chain_of(
        bundle_of(RECIPE),
        Flat(),
        source,
        BandConfig(),
        DetectConfig(warmup_s=0.0, detectors=detectors),
        max_block_samples=HOP,
        computing=computing,
        rhythm_s=(rhythm_s, rhythm_s),
    )


def blocks(rng: np.random.Generator) -> Iterator[IqBlock]:
    """Yield one hop of noise after the other, without end."""
    samples = rng.integers(100, 156, (HOP, 2), np.uint8)
    template = IqBlock(samples, FRAMING.sample_rate_hz, 0.0, 0, 0, received_ns=1)
    start = 0
    while True:
        yield replace(template, sample_start=start)
        start += HOP


def highest_rise(step: Callable[[], object], n_steps: int) -> int:
    """Return how many bytes more than at its beginning one step ever held, numpy's included."""
    worst, n_buffered = 0, np.setbufsize(16)
    tracemalloc.start()
    try:
        for _ in range(n_steps):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            step()
            worst = max(worst, tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
        np.setbufsize(n_buffered)
    return worst


@pytest.fixture(
    params=[
        ("plain", 0.0),
        pytest.param(("compiled", 0.0), marks=pytest.mark.slow_without_jit),
        # The rhythm of the band is still learnt all along.
        pytest.param(("compiled", 60.0), marks=pytest.mark.slow_without_jit),
    ],
    ids=str,
)
def step(request: pytest.FixtureRequest, rng: np.random.Generator) -> Callable[[], object]:
    """One hop through a warm chain that has decided on some segments."""
    computing, rhythm_s = request.param
    detectors = DETECTORS if computing == "plain" else (*DETECTORS, ANY_BAND)
    chain = chain_for(computing, rhythm_s, detectors)
    if computing == "plain":
        chain.front_end = CannedFrontEnd(rng)  # type: ignore[assignment]
    stream = blocks(rng)

    def one_hop() -> None:
        for _event in chain.process(next(stream)):
            raise AssertionError("noise is no event")

    while chain.n_segments < chain.scorer.n_warmup + 2 * GEOMETRY.n_segment:
        one_hop()
    assert chain.scorer.is_warm
    assert chain.last is not None
    expected = DETECTORS if rhythm_s else detectors
    assert [score.detector for score in chain.last.scores] == list(expected)
    return one_hop


def test_no_array_is_allocated_between_a_block_and_its_decision(
    step: Callable[[], object],
) -> None:
    rise = highest_rise(step, N_SEGMENTS)
    assert 0 < rise < MAX_BYTES


@pytest.mark.slow_without_jit
def test_no_array_is_allocated_to_tell_a_jump_of_timing(rng: np.random.Generator) -> None:
    """Which is asked of every hop that leaves more than noise: of a walker's, most."""
    plan = PrefixPlan(19.2e6)
    edges = PrefixEdges(plan, SampleFormat.CI16, Computing.COMPILED)
    samples = encode(0.1 * OfdmCell(19.2e6).samples(rng, 100_000), SampleFormat.CI16)
    clock = SlotClock(0.0, plan.slot_samples)
    clock.skip_to(len(samples))
    for _ in range(16):
        edges.learn(samples, 0, clock, 0.0)
    assert edges.is_ready
    # The edges of one prefix, a mean over many, would be 2 kB; a block is 400.
    assert 0 < highest_rise(lambda: edges.jump(samples, 0, clock, 0.0), 3) < 1000


def test_the_measure_sees_one_row() -> None:
    """What the law above rests on: memory of numpy counts, even if it is given back at once."""
    row = np.ones(GEOMETRY.n_bins, np.float32)
    assert highest_rise(lambda: row + row, 3) >= ROW_BYTES


def test_nothing_piles_up_on_normal_signal(step: Callable[[], object]) -> None:
    numpy_only = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        step()
        n_before = sys.getallocatedblocks()
        for _ in range(N_SEGMENTS):
            step()
        n_after = sys.getallocatedblocks()
        kept = tracemalloc.take_snapshot().filter_traces([numpy_only]).traces
        kept_bytes = [trace.size for trace in kept]
    finally:
        tracemalloc.stop()
        gc.enable()
    # A few blocks of the interpreter's own free lists come and go; one a segment would be 100.
    assert n_after - n_before < N_SEGMENTS // 10
    assert sum(kept_bytes) < ROW_BYTES
