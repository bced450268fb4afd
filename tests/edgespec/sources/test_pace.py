"""Samples come as fast as a radio would give them, whatever came between."""

from types import SimpleNamespace

import pytest

from edgespec.sources.pace import MOST_LATE_S, Pacer
from tests.made.clock import Clock

RATE_HZ = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("edgespec.sources.pace.time", SimpleNamespace(monotonic=clock.perf_counter))
    return clock


def paced(clock: Clock) -> Pacer:
    pacer = Pacer(RATE_HZ)
    pacer._closed = SimpleNamespace(wait=clock.sleep)  # type: ignore[assignment]
    return pacer


def play(pacer: Pacer, start: int, stop: int, step: int = 10) -> None:
    for end in range(start + step, stop + 1, step):
        pacer.wait(step, end)


def test_from_the_first_sample_on_it_is_real_time(clock: Clock) -> None:
    begun_s = clock.perf_counter()
    play(paced(clock), 0, 5000)
    assert clock.perf_counter() - begun_s == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("pause_s", "caught_up_s"), [(0.4, 0.4), (MOST_LATE_S, MOST_LATE_S), (20.0, MOST_LATE_S)]
)
def test_after_a_pause_no_more_is_caught_up_than_a_driver_keeps(
    clock: Clock, pause_s: float, caught_up_s: float
) -> None:
    pacer = paced(clock)
    play(pacer, 0, 1000)
    clock.sleep(pause_s)
    begun_s = clock.perf_counter()
    play(pacer, 1000, 31_000)
    assert clock.perf_counter() - begun_s == pytest.approx(30.0 - caught_up_s, abs=0.02)
