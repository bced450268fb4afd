"""The benchmark of the residual plane compares like with like; not how fast."""

import pytest

from benchmarks.speed.prefix import PEER, measure


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("rate_hz", [1.92e6, 20e6])
def test_the_peer_computes_the_same(rate_hz: float) -> None:
    rows = measure(rate_hz, 1, 1e-3)
    assert [row["what"] for row in rows][-1] == PEER
    assert all(row["share"] > 0 for row in rows)
