"""What the cost of discriminants is measured beside gives the same."""

import pytest

from benchmarks.speed.discriminants import PEERS, make_calls


@pytest.mark.parametrize("name", PEERS)
def test_peers_give_the_same(name: str) -> None:
    calls = make_calls(6, 10)
    for number in range(3):
        found, peers = (calls[one](number) for one in (name, f"{name}, NumPy and SciPy"))
        assert found == pytest.approx(peers, rel=1e-5)


def test_what_stops_early_stops_beyond_its_limit() -> None:
    calls = make_calls(6, 10)
    exact, stopped = calls["dtw, loud"](0), calls["dtw, loud, until 5 dB"](0)
    assert isinstance(exact, float)
    assert isinstance(stopped, float)
    assert 5.0 < stopped < exact
