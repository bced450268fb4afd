"""Sums along drifts against the definition."""

import numpy as np
import pytest

from edgespec.dsp.prefix.folding import fold_drifts
from tests import naive


@pytest.mark.parametrize("n", [1, 2, 4, 16])
def test_equals_the_definition(rng, n):
    rows = rng.integers(0, 100, (3, n, 50)).astype(np.float32)
    np.testing.assert_array_equal(fold_drifts(rows), naive.fold_drifts(rows))


@pytest.mark.parametrize("drift", [-15, -6, 0, 1, 9, 15])
def test_what_drifts_in_a_line_adds_up_at_its_drift(drift):
    n, width, start = 16, 60, 3
    rows = np.zeros((n, width), np.float32)
    for j in range(n):
        exact = start + drift * j / (n - 1)
        # As wide as the peak of a PSS at 1.92 MS/s: half a sample beside it is still the peak.
        for column in (np.floor(exact), np.ceil(exact)):
            rows[j, int(column) % width] = 1.0
    folded = fold_drifts(rows)
    assert folded[n - 1 + drift, start] == n
    # No other drift that far away gathers all of them.
    others = np.delete(folded[:, start], slice(max(n - 3 + drift, 0), n + 2 + drift))
    assert others.max() < n
