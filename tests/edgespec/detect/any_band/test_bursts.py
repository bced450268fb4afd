"""Bursts are counted once each, wherever they come, and noise is none."""

import numpy as np
import pytest

from edgespec.detect.any_band.bursts import Bursts
from edgespec.detect.any_band.known import Heard
from edgespec.records import FloatArray, Geometry


def counted(hops_db: list[FloatArray]) -> int:
    n_frames, n_bins = hops_db[0].shape
    heard, bursts = Heard(Geometry(n_bins, 2.56e-4, 1, n_frames, n_frames)), Bursts(n_bins)
    for hop in hops_db:
        heard.take(hop)
        bursts.take(heard.levels_db)
    return bursts.n_heard


@pytest.mark.parametrize("n_bins", [4, 32, 128, 130])
def test_each_burst_counts_once(rng: np.random.Generator, n_bins: int) -> None:
    hops = [rng.normal(-90.0, 1.4, (25, n_bins)).astype(np.float32) for _ in range(60)]
    assert counted(hops) == 0
    begins = (10, 20, 33, 50)
    for begin in begins:
        for hop in hops[begin : begin + 3]:
            hop[4:, : max(n_bins // 4, 2)] += 25.0
    assert counted(hops) == len(begins)


def test_who_is_always_there_is_no_burst(rng: np.random.Generator) -> None:
    hops = [rng.normal(-90.0, 1.4, (25, 64)).astype(np.float32) for _ in range(60)]
    for hop in hops:
        hop[:, 8:24] += 30.0
    assert counted(hops) == 0
