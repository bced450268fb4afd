"""Filling the cache of machine code, so that no later start compiles anything."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from edgespec.computing import Computing
from edgespec.config import Config
from edgespec.dsp.prefix.cancelling import load_usual
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.opening.making import make_chain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import FloatArray, Geometry, IqBlock, SampleFormat

__all__ = ["warm_path"]


class _Silent:
    """A model that costs nothing: the runtimes are warmed up where one is chosen."""

    name = "silent"

    def __init__(self, geometry: Geometry) -> None:
        self._expected: FloatArray = np.zeros((geometry.n_horizon, geometry.n_bins), np.float32)

    def predict(self, window: FloatArray, *sides: FloatArray) -> FloatArray:
        return self._expected


def warm_path(
    config: Config,
    bundle: Bundle,
    progress: Callable[[str], None] = lambda text: None,
    *,
    rate_hz: float | None = None,
) -> float:
    """Run noise of every sample format from samples to decisions; return the seconds it took.

    Whatever kernels that needs are compiled and kept; where they were kept before, it takes a
    moment. What cancels a cell, which noise has none of, is loaded for ``rate_hz``, that of the
    bundle where it is not known.
    """
    begun_s = time.monotonic()
    computing = Computing.named(config.node.computing)
    cell_rate_hz = rate_hz or bundle.manifest.recipe.sample_rate_hz
    has_parts = any(band.center_freq_hz is not None for band in config.band)
    if computing is Computing.COMPILED and has_parts:
        from edgespec.dsp import channel_loops

        progress("parts of a source")
        channel_loops.load()
    if computing is Computing.COMPILED and config.history.levels:
        from edgespec.dsp import minute_loops

        progress("minutes of a band")
        minute_loops.load()
    for sample_format in SampleFormat:
        progress(f"from samples ({sample_format}) to scores")
        load_usual(cell_rate_hz, sample_format, computing)
        _run(config, bundle, _Silent(bundle.manifest.geometry), sample_format)
    return time.monotonic() - begun_s


def _run(config: Config, bundle: Bundle, backend: Backend, sample_format: SampleFormat) -> None:
    recipe = bundle.manifest.recipe
    front_end = FrontEnd(
        recipe.framing,
        sample_format,
        max_block_samples=recipe.hop_samples,
        computing=config.node.computing,
    )
    # The shortest warm-up there is, and detectors that every bundle is calibrated for.
    detect = replace(config.detect, warmup_s=0.0)
    chain = make_chain(Basis.of_bundle(bundle, backend, detect), front_end, config.band[0], detect)
    for block in _noise(recipe, sample_format):
        for _event in chain.process(block):
            pass
        if chain.scorer.is_warm:
            return


def _noise(recipe: Recipe, sample_format: SampleFormat) -> Iterator[IqBlock]:
    """Yield hops of weak noise without end."""
    rng = np.random.default_rng(0)
    n_samples = recipe.hop_samples
    parts = 0.05 * rng.standard_normal((n_samples, 2), np.float32)
    if sample_format is SampleFormat.CF32:
        samples = parts.view(np.complex64).reshape(-1)
    else:
        levels = sample_format.full_scale * parts + sample_format.zero
        samples = levels.astype(sample_format.dtype)
    start = 0
    while True:
        yield IqBlock(samples, recipe.sample_rate_hz, 0.0, start, 0)
        start += n_samples
