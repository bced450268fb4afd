"""The detector for any band on a recording: silent in the warm-up, and a step is heard."""

import numpy as np
import pytest

from benchmarks.detection.hop_scores import any_band_scores
from edgespec.framing import Recipe
from edgespec.records import SampleFormat, SourceInfo

pytestmark = pytest.mark.slow_without_jit

RECIPE = Recipe.for_rate(1.92e6)
INFO = SourceInfo("made", 1.92e6, 0.0, SampleFormat.CI16, is_live=False)
N_WARMUP, N_HOPS = 40, 52


def test_scores_of_a_recording(rng: np.random.Generator) -> None:
    samples = rng.normal(0.0, 300.0, (N_HOPS * RECIPE.hop_samples, 2)).astype(np.int16)
    loud = samples.copy()
    loud[46 * RECIPE.hop_samples :, 0] += 900
    usual, other = (any_band_scores(x, INFO, RECIPE, N_WARMUP) for x in (samples, loud))
    assert len(usual) == N_HOPS
    assert np.isnan(usual[:N_WARMUP]).all()
    assert np.array_equal(usual[:46], other[:46], equal_nan=True)
    # The first segments have no context yet, and are none.
    assert other[47:].min() > np.nanmax(usual) + 3.0
