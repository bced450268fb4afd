"""A recording's warm-up is learnt once, and nothing that is scored after it changes another."""

import numpy as np
import pytest

from benchmarks.detection.hop_scores import AnyBandScores
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
    scores = AnyBandScores(samples, INFO, RECIPE, N_WARMUP)
    usual, other, again = (scores.of(x) for x in (samples, loud, samples))
    for name, values in usual.items():
        assert len(values) == N_HOPS
        assert np.isnan(values[:N_WARMUP]).all()
        assert np.array_equal(values, again[name], equal_nan=True)
        assert np.array_equal(values[:46], other[name][:46], equal_nan=True)
    assert other["any-band"][47:].min() > usual["any-band"][N_WARMUP:].max() + 3.0
    # Noise has no channel of a constant envelope.
    assert np.isneginf(usual["modulus"][N_WARMUP:]).all()
