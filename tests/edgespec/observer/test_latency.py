"""The histogram never understates, and never overstates by more than a bin."""

import numpy as np
import pytest

from edgespec.observer.latency import EDGES_S, LatencyHistogram

#: From one edge to the next.
STEP = 10.0**0.1


def filled(durations_ns: np.ndarray) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for duration_ns in durations_ns:
        histogram.add(int(duration_ns))
    return histogram


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99, 1.0])
def test_quantiles_are_at_most_one_bin_too_large(share: float, rng: np.random.Generator) -> None:
    durations_ns = np.exp(rng.normal(np.log(2e6), 2.0, 5000)).clip(2e3, 5e10).astype(int)
    found_s = filled(durations_ns).quantile_s(share)
    exact_s = np.quantile(durations_ns, share, method="inverted_cdf") / 1e9
    assert exact_s <= found_s <= exact_s * STEP * 1.001


def test_every_duration_is_in_one_bin(rng: np.random.Generator) -> None:
    durations_ns = 10 ** rng.uniform(1, 12, 2000)
    histogram = filled(durations_ns)
    bins = list(histogram.bins())
    assert sum(count for _, count in bins) == histogram.n == 2000
    assert histogram.max_ns == int(durations_ns.max())
    edges = [edge for edge, _ in bins]
    assert edges[-1] is None
    assert edges[:-1] == sorted(set(edges[:-1]) & set(EDGES_S))
    for edge_s, count in bins[1:-1]:
        inside = (durations_ns <= 1e9 * edge_s) & (durations_ns > 1e9 * edge_s / STEP)
        assert abs(count - inside.sum()) <= 2  # a duration within rounding of an edge


@pytest.mark.parametrize("edge_s", EDGES_S[::16])
def test_an_edge_belongs_to_its_bin(edge_s: float) -> None:
    on, above = LatencyHistogram(), LatencyHistogram()
    on.add(round(1e9 * edge_s))
    above.add(round(1e9 * edge_s) + 1)
    assert next(on.bins())[0] == edge_s
    assert next(above.bins())[0] != edge_s


def test_what_lies_outside_is_counted_too() -> None:
    histogram = filled(np.array([-5, 0, 1, 10**12]))
    assert list(histogram.bins()) == [(EDGES_S[0], 3), (None, 1)]
    assert histogram.quantile_s(1.0) == 1000.0
    assert histogram.quantile_s(0.5) == EDGES_S[0]


def test_nothing_counted_says_nothing() -> None:
    histogram = LatencyHistogram()
    assert histogram.summary_s() == {}
    assert histogram.quantile_s(0.5) == 0.0
    assert not list(histogram.bins())
    histogram.add(3_000_000)
    assert histogram.summary_s() == {"p50": 0.003, "p99": 0.003, "max": 0.003}
