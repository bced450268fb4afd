"""Units that report by exception: what they said holds, and only for as long as they said."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.errors import ConfigError
from edgespec.records import RssReport
from edgespec.twin.central import SiteTwin
from edgespec.twin.collector import Collector, ReportRefused
from edgespec.twin.held import Told
from edgespec.twin.level_kind import LOWER_BOUND, MEASURED, MISSING
from edgespec.twin.state import TwinState
from edgespec.twin.trained import train
from tests.made import twin_fleet

NS = 1_000_000_000
SITE = twin_fleet.site_of(interval_s=1.0, grace_s=0.5)
T0 = 1_800_000_000 * NS


def reports(k: int, hold_s: float = 30.0) -> list[RssReport]:
    """What all units say of second ``k``."""
    fleet = twin_fleet.virtual(SITE)
    return [replace(one, hold_s=hold_s) for one in fleet.reports(T0 + k * NS, 0.0)]


def closed(collector: Collector, k: int) -> list:
    return collector.closed(T0 + k * NS + NS // 2 + 1)


def test_what_was_said_holds_for_its_time_and_a_margin() -> None:
    collector = Collector(SITE)
    said = reports(0)
    for one in said[:-1]:
        collector.accept(one, T0)
    collector.accept(replace(said[-1], clipped_share=0.5, hold_s=0.0), T0)
    snapshots = [snapshot for k in range(41) for snapshot in closed(collector, k)]
    assert [snapshot.utc_ns for snapshot in snapshots] == [T0 + k * NS for k in range(41)]
    assert not snapshots[0].is_held.any()
    assert snapshots[0].kind.tolist() == [MEASURED] * 5 + [LOWER_BOUND]
    # 30 s, a tenth of them and two snapshots; a report that holds for no time is over at once.
    for k in range(1, 36):
        assert snapshots[k].kind.tolist() == [MEASURED] * 5 + [MISSING]
        assert snapshots[k].is_held.tolist() == [True] * 5 + [False]
        assert snapshots[k].level_db[:5].tolist() == [list(one.levels_db) for one in said[:5]]
    for snapshot in snapshots[36:]:
        assert (snapshot.kind == MISSING).all()
        assert not snapshot.is_held.any()


def test_a_snapshot_is_not_filled_with_what_was_said_later() -> None:
    collector = Collector(SITE)
    first, other, _, later = (reports(k) for k in range(4))
    collector.accept(first[0], T0)
    collector.accept(other[1], T0 + NS)
    # Of the third second nothing is said; the fourth is there before it is closed.
    collector.accept(later[0], T0 + 3 * NS)
    snapshots = closed(collector, 3)
    assert snapshots[2].level_db[0].tolist() == list(first[0].levels_db)
    assert snapshots[3].level_db[0].tolist() == list(later[0].levels_db)
    assert snapshots[0].kind[1] == MISSING


def test_a_summary_that_comes_too_late_holds_all_the_same() -> None:
    collector = Collector(SITE)
    collector.accept(reports(0)[0], T0)
    closed(collector, 4)
    late = replace(reports(2)[1])
    with pytest.raises(ReportRefused, match="that snapshot is closed"):
        collector.accept(late, T0 + 5 * NS)
    assert collector.counts == {"accepted": 1, "stale": 1}
    (snapshot,) = closed(collector, 5)
    assert snapshot.is_held.tolist() == [True, True, False, False, False, False]


def test_a_report_that_holds_no_longer_ends_what_held() -> None:
    collector = Collector(SITE)
    collector.accept(reports(0)[0], T0)
    collector.accept(reports(1, 0.0)[0], T0 + NS)
    snapshots = closed(collector, 4)
    assert [snapshot.kind[0] for snapshot in snapshots] == [MEASURED, MEASURED, 0, 0, 0]


@pytest.mark.slow_without_jit
def test_held_units_are_judged_and_neither_missing_nor_stuck() -> None:
    twin = SiteTwin(SITE, trained=twin_fleet.trained(SITE))
    n_units = []
    for k in range(91):
        if k % 30 == 0:
            for one in reports(k):
                twin.accept(one, T0 + k * NS)
        for verdict in twin.advance(T0 + k * NS + NS // 2 + 1):
            n_units.append(verdict.n_units)
            assert verdict.units_missing == ()
            assert verdict.implausible == {}
            assert not verdict.is_alarm
    assert n_units == [6] * 91


@pytest.mark.slow_without_jit
def test_a_successor_goes_on_with_what_holds() -> None:
    former = SiteTwin(SITE, trained=twin_fleet.trained(SITE))
    assert b'"held"' not in former.state().to_bytes()
    told = reports(0)
    for one in (*told[:-1], replace(told[-1], clipped_share=0.5, hold_s=10.0)):
        former.accept(one, T0)
    for k in range(6):
        former.advance(T0 + k * NS + NS // 2 + 1)
    state = TwinState.from_bytes(former.state().to_bytes())
    successor = SiteTwin(SITE, state)
    for one in reports(6)[:1]:
        successor.accept(one, T0 + 6 * NS)
    verdicts = [
        verdict for k in range(6, 40) for verdict in successor.advance(T0 + k * NS + NS // 2 + 1)
    ]
    assert [one.utc_ns for one in verdicts] == [T0 + k * NS for k in range(6, 40)]
    # Each for as long as it said: 10 s, a tenth and two snapshots; 30 s and as much.
    missing = [len(one.units_missing) for one in verdicts]
    assert missing == [0] * 8 + [1] * 22 + [5] * 4
    assert [len(one.units_saturated) for one in verdicts] == [1] * 8 + [0] * 26
    expected_db = np.array([one.levels_db for one in told[1:]])
    np.testing.assert_allclose(verdicts[0].level_db[1:], expected_db, atol=0.005)
    bare = SiteTwin(SITE, replace(state, held=()))
    bare.accept(reports(6)[0], T0 + 6 * NS)
    (alone,) = bare.advance(T0 + 6 * NS + NS // 2 + 1)
    assert len(alone.units_missing) == 5


def test_levels_that_hold_are_those_of_the_site() -> None:
    state = SiteTwin(SITE, trained=twin_fleet.trained(SITE)).state()
    short = Told(T0, T0 + NS, (-60.0,), MEASURED)
    with pytest.raises(ConfigError, match="have not the 4 subbands"):
        SiteTwin(SITE, replace(state, held=(short, *[None] * 5)))


@pytest.mark.slow_without_jit
def test_a_site_is_learnt_from_units_that_report_by_exception(rng: np.random.Generator) -> None:
    fleet = twin_fleet.virtual(SITE)
    begins = rng.integers(0, 30, 6)
    told = []
    for k in range(400):
        for unit, one in enumerate(fleet.reports(T0 + k * NS, 0.0)):
            if k % 30 == begins[unit]:
                told.append(replace(one, hold_s=30.0))
    learnt = train(SITE, told)
    # From the fourth unit on; until all are heard, some snapshots have less than half.
    assert learnt.n_snapshots >= 370
    assert learnt.repeat_share.tolist() == [0.0] * 6


def test_snapshots_of_a_few_units_spoil_no_learning() -> None:
    site = replace(SITE, detect=replace(SITE.detect, min_units=2))
    fleet = twin_fleet.virtual(site)
    every = [one for k in range(200) for one in fleet.reports(T0 + k * NS, 0.0)]
    few = [one for one in every if one.utc_ns > T0 or one.node in site.nodes[:2]]
    assert train(site, few).n_snapshots == 199
