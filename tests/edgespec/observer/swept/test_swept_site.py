"""The slow levels of a swept band: what its points do, and not what its receiver does."""

import time

import numpy as np
import pytest

from edgespec.clock import ClockQuality
from edgespec.detect.slow.watch import SlowRules
from edgespec.kinds import DRIFT
from edgespec.observer.swept.swept_site import SweptSite
from edgespec.observer.watched_site import SitePlan
from edgespec.records import BandInfo, Decision, Event, EventType, Geometry
from edgespec.sweep_block import sweep_grid
from tests.made import sweeps
from tests.made.sweeps import LOWER_HZ, START, STEP_HZ

N_POINTS, INTERVAL_S = 40, 10.0
_NS = 1_000_000_000


def watch(table: np.ndarray) -> list[Event]:
    """Return what is said of sweeps, ten seconds apart."""
    grid = sweep_grid(LOWER_HZ + STEP_HZ * np.arange(N_POINTS), INTERVAL_S)
    site = SweptSite(
        SitePlan(SlowRules()),
        BandInfo("b", grid, "made", "none"),
        Geometry(N_POINTS, INTERVAL_S, n_context=1, n_horizon=1, hop_frames=1),
        time.monotonic_ns,
        lambda: ClockQuality.SYNCHRONISED,
    )
    start_ns = int(START.timestamp()) * _NS
    said: list[Event] = []
    for tick, row in enumerate(table):
        utc_ns = start_ns + tick * round(INTERVAL_S * _NS)
        decision = Decision((), (), tick, 1, utc_ns, 0)
        said += site.look(decision, row[None], is_alarm=False)
    return [*said, *site.finish()]


def risen(rise_db: float, bins: slice, n_sweeps: int = 1500) -> np.ndarray:
    table = sweeps.levels(n_sweeps, N_POINTS)
    ramp_db = np.linspace(0.0, rise_db, n_sweeps - 300, dtype=np.float32)
    table[300:, bins] += ramp_db[:, None]
    return table


@pytest.mark.parametrize("bins", [slice(25, 28), slice(25, 30, 2)], ids=["side by side", "a gap"])
def test_points_that_rise_slowly_are_a_drift_where_and_since_they_rise(bins: slice) -> None:
    said = watch(risen(8.0, bins))
    new = [event for event in said if event.event_type is EventType.NEW]
    assert {event.kind for event in new} == {DRIFT}
    event = new[0]
    assert event.freq_lower_hz >= LOWER_HZ + 24 * STEP_HZ
    assert event.freq_upper_hz <= LOWER_HZ + 30 * STEP_HZ
    # In dB of the receiver, and not of the shape.
    assert event.peak_dbfs == pytest.approx(-60.0 + event.excess_db, abs=1.5)
    # It began behind the ramp's begin, and not in 1970.
    begun = (event.start_ns / _NS - START.timestamp()) / INTERVAL_S
    assert 300 < begun < 1500
    (end,) = [
        one for one in said if one.event_id == event.event_id and one.event_type is EventType.END
    ]
    assert end.peak_dbfs > -60.0


@pytest.mark.parametrize("rise_db", [-5.0, 5.0, 12.0])
def test_a_level_that_moves_everywhere_is_the_receivers(rise_db: float) -> None:
    assert watch(risen(rise_db, slice(None))) == []


def test_normal_sweeps_are_quiet() -> None:
    assert watch(sweeps.levels(1500, N_POINTS)) == []
