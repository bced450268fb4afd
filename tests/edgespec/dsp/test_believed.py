"""Samples that are no numbers, or far beyond any, are silence; all others stay as they are."""

import numpy as np
import pytest

from edgespec.dsp.believed import MOST_PART, silence_unbelieved


@pytest.mark.filterwarnings("error")
def test_only_what_is_no_number_is_silenced(rng) -> None:
    samples = (rng.normal(size=100) + 1j * rng.normal(size=100)).astype(np.complex64)
    samples[:3] = MOST_PART, -1j * MOST_PART, 1e-40
    odd = samples.copy()
    odd[10:16] = np.nan, 1j * np.nan, np.inf, complex(1.0, -np.inf), 2 * MOST_PART, -2j * MOST_PART
    expected = samples.copy()
    expected[10:16] = 0.0
    assert np.array_equal(silence_unbelieved(odd), expected)
    assert np.array_equal(silence_unbelieved(samples.copy()), samples)
    assert len(silence_unbelieved(samples[:0])) == 0
