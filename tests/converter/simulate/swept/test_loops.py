"""Calls that come and go, and what is heard of them, against the plainest loops."""

import numpy as np
import pytest

from converter.simulate.swept.loops import CALLS, follow_calls, hear
from tests import naive


def test_calls_are_those_of_the_plain_loops(rng: np.random.Generator) -> None:
    n_sweeps, n_carriers = 300, 5
    luck = rng.random((n_sweeps, n_carriers, 2), np.float32)
    normals = rng.standard_normal((n_sweeps, n_carriers)).astype(np.float32)
    load = rng.uniform(0, 1, n_sweeps)
    calls, own_db = np.array([0, 1, 3, 7, 8]), rng.standard_normal(n_carriers)
    expected = naive.follow_calls(luck, normals, load, 0.1, 6.0, calls, own_db)
    share = np.empty((n_sweeps, n_carriers), np.float32)
    level_db = np.empty_like(share)
    follow_calls(luck, normals, load, 0.1, 6.0, calls, own_db, share, level_db)
    for found, wanted in zip((share, level_db, calls, own_db), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert share.min() + share.max() > 0
    assert share.max() <= 1


def test_a_load_is_the_share_of_the_calls_that_there_are(rng: np.random.Generator) -> None:
    n_sweeps, n_carriers, load = 4000, 20, 0.3
    share = np.empty((n_sweeps, n_carriers), np.float32)
    follow_calls(
        rng.random((n_sweeps, n_carriers, 2), np.float32),
        np.zeros((n_sweeps, n_carriers), np.float32),
        np.full(n_sweeps, load),
        0.05,
        0.0,
        np.zeros(n_carriers, np.int64),
        np.zeros(n_carriers),
        share,
        np.empty_like(share),
    )
    assert share[500:].mean() == pytest.approx(load, abs=0.03)
    # A carrier never serves more than its calls, however many want to.
    assert set(np.unique(share * CALLS)) <= set(range(CALLS + 1))


def test_what_is_heard_is_that_of_the_plain_loops(rng: np.random.Generator) -> None:
    n_sweeps, n_points, first = 40, 12, np.array([-1, 3, 5, 10])
    shape = np.array([0.1, 1.0, 1.0, 0.5, 0.1])
    luck = rng.random((n_sweeps, len(first), 3), np.float32)
    flutter = rng.uniform(0.5, 2.0, (n_sweeps, n_points)).astype(np.float32)
    share = rng.random((n_sweeps, len(first)), np.float32)
    power = rng.random((n_sweeps, len(first)), np.float32)
    heard = np.zeros((n_sweeps, n_points), np.float32)
    hear(luck, flutter, share, power, first, shape, 2, heard)
    expected = naive.hear(luck, flutter, share, power, first, shape, 2)
    np.testing.assert_allclose(heard, expected, rtol=1e-5)
    assert (heard == 0).any()
    assert (heard > 0).any()
