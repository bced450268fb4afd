"""Laws of the twin of one site: what it takes, when it alarms, whom it believes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.errors import ConfigError
from edgespec.records import RssReport
from edgespec.twin.advice import KINDS, kind_of
from edgespec.twin.central import ReportRefused, SiteTwin
from edgespec.twin.detectors.window import Window
from edgespec.twin.expected import Expectation
from edgespec.twin.level_kind import MEASURED
from edgespec.twin.site import Site
from edgespec.twin.state import TwinState
from edgespec.twin.trained import load_trained, save_trained, train
from edgespec.wire.verdict import TwinStatus, TwinVerdict
from tests.made.twin_site import SECOND_NS, START_NS, Clock, World, hall, jammer, report

pytestmark = pytest.mark.slow_without_jit

SITE = hall()


@pytest.fixture
def world(rng: np.random.Generator) -> World:
    """The hall with a twin that is wrong by 3 dB at each unit."""
    return World(SITE, rng)


@pytest.fixture
def clock(world: World) -> Clock:
    """A trained twin that has watched the hall for a while."""
    clock = Clock(SiteTwin(SITE, trained=world.trained(), gain=world.gain))
    for _ in range(SITE.detect.averages):
        assert not clock.tell(world.levels_db()).is_alarm
    return clock


def watch(clock: Clock, world: World, n: int, **more: Any) -> list[TwinVerdict]:
    return [clock.tell(world.levels_db(), **more) for _ in range(n)]


def is_near(verdict: TwinVerdict, x_m: float, y_m: float, within_m: float) -> bool:
    source = verdict.source
    assert source is not None
    return bool(np.hypot(source.x_m - x_m, source.y_m - y_m) <= within_m)


# Reports


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        ({"node": "cellar"}, "unknown_unit", "'cellar' is no unit of site 'hall'"),
        ({"site": "yard"}, "site", "'yard'"),
        ({"band": "b7"}, "band", "the site's is 'n78'"),
        ({"level_unit": "dBFS"}, "level_unit", "calibrate the unit"),
        ({"levels_db": (np.nan,) * 8}, "not_finite", "no finite number"),
        ({"levels_db": (-90.0,) * 7 + (np.inf,)}, "not_finite", "no finite number"),
        ({"levels_db": (-90.0,) * 7 + (300.0,)}, "out_of_range", "must lie between -250 and 100"),
        ({"levels_db": (-90.0,) * 7}, "subbands", "7 levels"),
        ({"edges_hz": tuple(np.linspace(1e9, 2e9, 9))}, "subbands", "configure all units alike"),
        ({"edges_hz": ()}, "subbands", "configure all units alike"),
        ({"edges_hz": (np.nan,) * 9}, "subbands", "configure all units alike"),
        ({"utc_ns": START_NS + 60 * SECOND_NS}, "future", "60 s from now; set its clock"),
        ({"utc_ns": START_NS - 60 * SECOND_NS}, "stale", "that snapshot is closed"),
        ({"clipped_share": np.nan}, "not_finite", "no finite number"),
    ],
)
def test_a_wrong_report_is_refused_counted_and_changes_nothing(
    change: dict[str, Any], reason: str, said: str
) -> None:
    twin = SiteTwin(SITE)
    good = report(SITE, 3, START_NS, np.full(8, -90.0))
    with pytest.raises(ReportRefused) as caught:
        twin.accept(replace(good, **change), START_NS)
    assert caught.value.reason == reason
    assert said in str(caught.value)
    assert twin.counts == {reason: 1}
    twin.accept(good, START_NS)
    assert twin.counts["accepted"] == 1


def test_a_report_counts_once_and_late_ones_only_while_the_snapshot_is_open() -> None:
    twin = SiteTwin(SITE)
    reports = [report(SITE, unit, START_NS, np.full(8, -90.0 + unit)) for unit in range(12)]
    for one in reports[:6]:
        twin.accept(one, START_NS)
    with pytest.raises(ReportRefused, match="before") as caught:
        twin.accept(reports[0], START_NS)
    assert caught.value.reason == "duplicate"
    assert twin.advance(START_NS + SECOND_NS // 10) == []
    (verdict,) = twin.advance(START_NS + SECOND_NS)
    assert verdict.units_missing == SITE.nodes[6:]
    np.testing.assert_array_equal(verdict.level_db[5], -85.0)
    with pytest.raises(ReportRefused) as caught:
        twin.accept(reports[7], START_NS + SECOND_NS)
    assert caught.value.reason == "stale"
    assert twin.advance(START_NS + SECOND_NS) == []


def test_a_complete_snapshot_does_not_wait() -> None:
    twin = SiteTwin(SITE)
    for unit in range(12):
        assert twin.advance(START_NS) == []
        twin.accept(report(SITE, unit, START_NS, np.full(8, -90.0)), START_NS)
    (verdict,) = twin.advance(START_NS)
    assert verdict.units_missing == ()
    assert verdict.utc_ns - START_NS in range(SECOND_NS)


def test_order_of_arrival_does_not_matter(rng: np.random.Generator) -> None:
    levels_db = rng.normal(-90, 3, (3, 12, 8))
    reports = [
        report(SITE, unit, START_NS + second * SECOND_NS, levels_db[second, unit])
        for second in range(3)
        for unit in range(12)
    ]
    found = []
    for order in (range(36), rng.permutation(36)):
        twin = SiteTwin(SITE)
        # The first report opens the first snapshot, whoever sends it.
        twin.accept(reports[0], START_NS)
        for index in order:
            if index:
                twin.accept(reports[index], START_NS)
        found.append([one.level_db for one in twin.advance(START_NS + 9 * SECOND_NS)][:3])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], levels_db)


def test_units_out_of_step_with_jitter_leave_no_holes(rng: np.random.Generator) -> None:
    """Each unit reports once a second at its own phase, early or late by up to 0.2 s."""
    twin = SiteTwin(SITE)
    phase_s = rng.uniform(0, 1, 12)
    phase_s[:2] = 0.0, 0.999
    n = 30
    times_s = np.arange(n)[:, None] + 10 + phase_s + rng.uniform(-0.2, 0.2, (n, 12))
    events = sorted((times_s[i, unit], unit) for i in range(n) for unit in range(12))
    verdicts = []
    for time_s, unit in events:
        now_ns = START_NS + round(time_s * SECOND_NS)
        twin.accept(report(SITE, unit, now_ns, np.full(8, -90.0)), now_ns + 10_000_000)
        verdicts += twin.advance(now_ns + 10_000_000)
    assert twin.counts["accepted"] == n * 12
    assert [one.snapshot for one in verdicts] == sorted({one.snapshot for one in verdicts})
    # All but the ends are complete: no report was counted twice or lost.
    n_missing = [len(one.units_missing) for one in verdicts[2:-2]]
    assert len(verdicts) >= n - 3
    assert sum(n_missing) == 0


def test_edges_may_be_rounded() -> None:
    twin = SiteTwin(SITE)
    rounded = tuple(edge + 100.0 for edge in SITE.edges_hz)
    one = report(SITE, 0, START_NS, np.full(8, -90.0))
    twin.accept(replace(one, edges_hz=rounded), START_NS)
    assert twin.counts["accepted"] == 1


def test_silence_of_all_units_is_told_and_a_long_one_is_cut_short() -> None:
    twin = SiteTwin(SITE)
    twin.accept(report(SITE, 0, START_NS, np.full(8, -90.0)), START_NS)
    verdicts = twin.advance(START_NS + 4 * SECOND_NS)
    assert [len(one.units_missing) for one in verdicts] == [11, 12, 12, 12]
    assert {one.status for one in verdicts} == {TwinStatus.TOO_FEW_UNITS}
    assert len(twin.advance(START_NS + 3600 * SECOND_NS)) <= 10
    assert twin.counts["skipped_snapshots"] > 3500
    # The same if somebody was heard before the twin looked at its watch.
    late_ns = START_NS + 9000 * SECOND_NS
    twin.accept(report(SITE, 0, late_ns, np.full(8, -90.0)), late_ns)
    verdicts = twin.advance(late_ns + SECOND_NS)
    assert len(verdicts) <= 12
    assert len(verdicts[-1].units_missing) == 11


# Alarms


def test_without_training_the_first_snapshots_are_learnt_from(rng: np.random.Generator) -> None:
    site = hall(learn_snapshots=60)
    world = World(site, rng)
    clock = Clock(SiteTwin(site, gain=world.gain))
    verdicts = watch(clock, world, 60)
    assert {one.status for one in verdicts} == {TwinStatus.LEARNING}
    assert [one.n_to_learn for one in verdicts] == list(range(59, -1, -1))
    assert not any(one.is_alarm for one in verdicts)
    assert clock.tell(world.levels_db()).status is TwinStatus.WATCHING
    world.jammers = [jammer(15.0, 20.0)]
    assert clock.tell(world.levels_db()).is_alarm


@pytest.mark.parametrize("n_subbands", [1, 3])
def test_other_numbers_of_subbands_work_alike(rng: np.random.Generator, n_subbands: int) -> None:
    site = replace(SITE, n_subbands=n_subbands)
    world = World(site, rng)
    clock = Clock(SiteTwin(site, trained=world.trained(), gain=world.gain))
    assert not any(one.is_alarm for one in watch(clock, world, 20))
    world.jammers = [jammer(15.0, 20.0, 20.0)]
    verdict = clock.tell(world.levels_db())
    assert verdict.is_alarm
    assert is_near(verdict, 15.0, 20.0, 8.0)


def test_units_need_no_calibration_if_they_were_trained(rng: np.random.Generator) -> None:
    """What a receiver reads in dBFS is off by a constant, another one for each unit."""
    site = replace(SITE, level_unit="dBFS")
    world = World(site, rng)
    offset_db = rng.uniform(0, 60, (12, 1))
    heard, world.levels_db = world.levels_db, lambda: heard() + offset_db  # type: ignore[method-assign]
    clock = Clock(SiteTwin(site, trained=world.trained(), gain=world.gain))
    assert not any(one.is_alarm for one in watch(clock, world, 20))
    world.jammers = [jammer(15.0, 20.0, 10.0)]
    verdict = clock.tell(world.levels_db())
    assert verdict.is_alarm
    assert is_near(verdict, 15.0, 20.0, 6.0)


def test_a_site_without_transmitters_hears_any_source(rng: np.random.Generator) -> None:
    site = replace(SITE, transmitter=())
    world = World(site, rng)
    clock = Clock(SiteTwin(site, trained=world.trained(), gain=world.gain))
    assert not any(one.is_alarm for one in watch(clock, world, 20))
    world.jammers = [jammer(15.0, 20.0, -5.0)]
    assert is_near(clock.tell(world.levels_db()), 15.0, 20.0, 6.0)


def test_normal_operation_gives_no_alarm_and_no_distrust(clock: Clock, world: World) -> None:
    verdicts = watch(clock, world, 150)
    assert not any(one.is_alarm for one in verdicts)
    assert not any(one.implausible for one in verdicts)
    assert all(one.source is None and one.kind == "" and one.advice == "" for one in verdicts)


@pytest.mark.parametrize(("x_m", "y_m", "power_dbm"), [(15.0, 20.0, 10.0), (36.0, 3.0, 0.0)])
def test_a_jammer_is_found_and_its_end_too(
    clock: Clock, world: World, x_m: float, y_m: float, power_dbm: float
) -> None:
    world.jammers = [jammer(x_m, y_m, power_dbm)]
    verdicts = watch(clock, world, 3)
    assert all(one.is_alarm for one in verdicts)
    assert all(is_near(one, x_m, y_m, 6.0) for one in verdicts)
    power_found_dbm = verdicts[-1].power_dbm
    assert power_found_dbm is not None
    assert abs(power_found_dbm - power_dbm) < 8.0
    assert verdicts[-1].advice != ""
    world.jammers = []
    assert not any(one.is_alarm for one in watch(clock, world, 5))


def test_averaging_finds_weaker_jammers(rng: np.random.Generator) -> None:
    """Where noise of the levels hides it from one snapshot."""
    weakest_dbm = {}
    for averages in (1, 10):
        site = hall(averages=averages)
        world = World(site, rng, noise_db=3.0)
        trained = world.trained()
        for power_dbm in range(-40, 20, 4):
            clock = Clock(SiteTwin(site, trained=trained, gain=world.gain))
            world.jammers = [jammer(20.0, 20.0, float(power_dbm))]
            if sum(one.is_alarm for one in watch(clock, world, 20)) >= 5:
                weakest_dbm[averages] = power_dbm
                break
    assert weakest_dbm[10] <= weakest_dbm[1] - 4


def test_a_jammer_that_hops_is_found_in_every_hop(
    clock: Clock, world: World, rng: np.random.Generator
) -> None:
    """Schoesser et al. 2024, sec. II-A: a smart jammer changes its frequency."""
    for subband in rng.permutation(len(SITE.edges_hz) - 1):
        edges = ((SITE.edges_hz[subband],), (SITE.edges_hz[subband + 1],))
        world.jammers = [
            jammer(15.0, 20.0, freq_lower_hz=edges[0], freq_upper_hz=edges[1]),
        ]
        verdict = clock.tell(world.levels_db())
        assert verdict.is_alarm
        assert is_near(verdict, 15.0, 20.0, 5.0)


def test_a_narrow_jammer_is_told_by_its_subbands(clock: Clock, world: World) -> None:
    low_hz, high_hz = SITE.edges_hz[5], SITE.edges_hz[6]
    world.jammers = [jammer(15.0, 20.0, 0.0, freq_lower_hz=(low_hz,), freq_upper_hz=(high_hz,))]
    verdict = clock.tell(world.levels_db())
    assert verdict.is_alarm
    assert (verdict.freq_lower_hz, verdict.freq_upper_hz) == (low_hz, high_hz)
    assert verdict.kind == "narrowband"
    assert "exclude the resource blocks" in verdict.advice


def test_kinds_have_their_advice(clock: Clock, world: World) -> None:
    world.jammers = [jammer(15.0, 20.0, 0.0)]
    assert clock.tell(world.levels_db()).kind == "wideband"
    quiet = tuple(replace(one, power_dbm=0.0) for one in SITE.transmitter)
    world.transmitters, world.jammers = quiet, [jammer(20.0, 20.0, 30.0)]
    clock.twin.set_transmitters(quiet, START_NS)
    verdict = clock.tell(world.levels_db())
    assert verdict.kind == "severe"
    assert "remove it" in verdict.advice
    clock.twin.set_transmitters(SITE.transmitter, START_NS + 1)
    world.jammers = []
    world.transmitters = (replace(SITE.transmitter[0], x_m=25.0, y_m=25.0), *SITE.transmitter[1:])
    verdict = clock.tell(world.levels_db())
    assert verdict.kind == "moved-transmitter"
    assert "robot-1" in verdict.advice
    assert is_near(verdict, 25.0, 25.0, 6.0)
    assert verdict.kind in KINDS


def test_a_beam_is_told_from_a_source_that_all_hear(world: World) -> None:
    localiser = SiteTwin(SITE, gain=world.gain).localiser
    expectation = Expectation(SITE, world.gain)
    usual_dbm = expectation.level_dbm
    off_deg = []
    places_m = world.gain.grid().xyz_m[::80]
    for place_m in places_m:
        for azimuth_deg in (None, float(world.rng.uniform(0, 360))):
            source = jammer(place_m[0], place_m[1], 15.0)
            if azimuth_deg is not None:
                source = replace(source, antenna="sector", azimuth_deg=azimuth_deg, width_deg=50.0)
            expectation.set((*SITE.transmitter, source))
            residual_db = expectation.level_dbm - usual_dbm
            residual_db += world.rng.normal(0, 2, (12, 1)) * (residual_db > 1)
            measured = np.full(12, MEASURED, np.uint8)
            scale_db = np.ones_like(residual_db)
            window = Window(residual_db, scale_db, usual_dbm, residual_db[:, 0], measured, 2)
            found = localiser.beam(window, localiser.source(window))
            if azimuth_deg is None:
                assert found is None
            elif found is not None:
                assert found.azimuth_deg is not None
                assert kind_of(window, found, -110.0) == "directional"
                off_deg.append(abs((found.azimuth_deg - azimuth_deg + 180) % 360 - 180))
    # Many beams pass for a source elsewhere behind walls; what is called a beam looks there.
    assert len(off_deg) >= len(places_m) / 4
    assert np.median(off_deg) < 45.0


def test_a_transmitter_that_is_told_to_move_or_stop_raises_no_alarm(
    clock: Clock, world: World
) -> None:
    world.transmitters = (replace(SITE.transmitter[0], x_m=25.0, y_m=25.0), *SITE.transmitter[1:])
    clock.twin.set_transmitters(world.transmitters, START_NS)
    verdicts = watch(clock, world, 5)
    world.transmitters = SITE.transmitter[1:]
    clock.twin.set_transmitters(world.transmitters, START_NS + 1)
    assert not any(one.is_alarm for one in verdicts + watch(clock, world, 5))
    # Older news than the last is no news.
    clock.twin.set_transmitters(SITE.transmitter, START_NS)
    assert clock.twin.transmitters == world.transmitters
    assert clock.twin.counts["stale_transmitters"] == 1


def test_a_transmitter_that_is_off_is_named_and_hides_nothing(clock: Clock, world: World) -> None:
    world.transmitters = SITE.transmitter[1:]
    verdicts = watch(clock, world, 15)
    assert not any(one.is_alarm or one.implausible for one in verdicts)
    assert {one.transmitters_silent for one in verdicts} == {("robot-1",)}
    world.jammers = [jammer(15.0, 20.0, 0.0)]
    verdicts = watch(clock, world, 5)
    assert all(one.is_alarm and not one.implausible for one in verdicts)
    assert {one.transmitters_silent for one in verdicts} == {("robot-1",)}
    world.jammers, world.transmitters = [], SITE.transmitter
    assert watch(clock, world, 2)[-1].transmitters_silent == ()


# Whom to believe


@pytest.mark.parametrize("lie_db", [20.0, -20.0, 60.0, -60.0])
def test_a_liar_raises_no_alarm_is_found_and_hides_none(
    clock: Clock, world: World, lie_db: float
) -> None:
    def lied() -> np.ndarray:
        levels_db = world.levels_db()
        levels_db[4] += lie_db
        return levels_db

    verdicts = [clock.tell(lied()) for _ in range(40)]
    assert not any(one.is_alarm for one in verdicts)
    word = "more" if lie_db > 0 else "less"
    assert f"{abs(lie_db):.0f} dB {word} than expected" in verdicts[-1].implausible["hall-05"]
    assert all(one.units_implausible == ("hall-05",) for one in verdicts[10:])
    assert verdicts[-1].n_units == 11
    world.jammers = [jammer(15.0, 20.0, 0.0)]
    verdicts = [clock.tell(lied()) for _ in range(12)]
    assert all(one.is_alarm and is_near(one, 15.0, 20.0, 6.0) for one in verdicts)
    assert f"{abs(lie_db):.0f} dB {word} than expected" in verdicts[-1].implausible["hall-05"]
    # It is believed again when it agrees again.
    world.jammers = []
    assert watch(clock, world, 30)[-1].implausible == {}


def test_a_unit_that_begins_to_lie_beside_a_jammer_hides_it_not(clock: Clock, world: World) -> None:
    world.jammers = [jammer(15.0, 20.0, 0.0)]
    for n in range(30):
        levels_db = world.levels_db()
        levels_db[1] -= 40.0 * (n > 3)
        verdict = clock.tell(levels_db)
        assert verdict.is_alarm
        assert is_near(verdict, 15.0, 20.0, 6.0)
    assert verdict.units_implausible == ("hall-02",)


def test_a_stuck_unit_is_found(clock: Clock, world: World) -> None:
    stuck_db = world.levels_db()[7]
    for _ in range(30):
        levels_db = world.levels_db()
        levels_db[7] = stuck_db
        verdict = clock.tell(levels_db)
        assert not verdict.is_alarm
    assert "have not changed" in verdict.implausible["hall-08"]


def test_a_unit_that_drifts_away_is_found_without_an_alarm(clock: Clock, world: World) -> None:
    for n in range(150):
        levels_db = world.levels_db()
        levels_db[2] += 0.15 * n
        verdict = clock.tell(levels_db)
        assert not verdict.is_alarm
    assert verdict.units_implausible == ("hall-03",)


def test_most_units_cannot_be_outvoted(clock: Clock, world: World) -> None:
    for _ in range(30):
        levels_db = world.levels_db()
        levels_db[:9] -= np.linspace(15.0, 40.0, 9)[:, None]
        assert len(clock.tell(levels_db).implausible) <= 5


def test_too_few_units_say_so_and_never_alarm(clock: Clock, world: World) -> None:
    world.jammers = [jammer(15.0, 20.0, 20.0)]
    for verdict in watch(clock, world, 3, units=[1, 2, 7]):
        assert verdict.status is TwinStatus.TOO_FEW_UNITS
        assert not verdict.is_alarm
        assert np.isnan(verdict.score)
        assert len(verdict.units_missing) == 9
    assert clock.tell(world.levels_db(), units=[0, 2, 7, 9]).is_alarm


def test_saturated_units_are_bounds_not_values(clock: Clock, world: World) -> None:
    world.jammers = [jammer(15.0, 20.0, 30.0)]
    for _ in range(3):
        levels_db = world.levels_db()
        clipped = tuple(int(unit) for unit in np.flatnonzero(levels_db.max(axis=1) > -45.0))
        assert len(clipped) >= 4
        verdict = clock.tell(np.minimum(levels_db, -50.0), clipped=clipped)
        assert verdict.is_alarm
        assert verdict.units_saturated == tuple(SITE.nodes[unit] for unit in clipped)
        assert is_near(verdict, 15.0, 20.0, 8.0)
    # That a unit clips says nothing bad of it: its level is at least what is expected.
    world.jammers = []
    quiet = watch(clock, world, 15, clipped=(4,))
    assert not any(one.is_alarm or one.implausible for one in quiet)


# Learning online


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_no_ramp_moves_a_bias_beyond_its_bound_or_faster_than_its_rate(
    rng: np.random.Generator, sign: float
) -> None:
    site = hall(bias_bound_db=0.4, bias_db_per_hour=0.6, interval_s=60.0)
    world = World(site, rng)
    twin = SiteTwin(site, trained=world.trained(), gain=world.gain)
    clock = Clock(twin)
    is_found = False
    for n in range(150):
        ramp_db = sign * 0.02 * n
        before_db = twin.state().drift_db
        verdict = clock.tell(world.levels_db() + ramp_db)
        moved_db = np.abs(twin.state().drift_db - before_db)
        assert moved_db.max() <= 0.6 / 60 + 1e-9
        assert np.abs(twin.state().drift_db).max() <= 0.4
        is_found |= verdict.is_alarm
    # It did follow, or it was found: else nothing was tried.
    assert is_found or np.abs(twin.state().drift_db).max() > 0.3


def test_a_jammer_that_rises_slowly_is_found_all_the_same(rng: np.random.Generator) -> None:
    site = hall(bias_db_per_hour=60.0, interval_s=60.0)
    world = World(site, rng)
    twin = SiteTwin(site, trained=world.trained(), gain=world.gain)
    clock = Clock(twin)
    for power_dbm in np.arange(-70.0, 20.0, 0.5):
        world.jammers = [jammer(20.0, 20.0, power_dbm)]
        if clock.tell(world.levels_db()).is_alarm:
            break
    assert np.abs(twin.state().drift_db).max() <= site.detect.bias_bound_db
    # An untrained ear for 3 dB more than what is found at once.
    assert power_dbm < -15.0


def test_nothing_is_learnt_while_there_is_an_alarm(rng: np.random.Generator) -> None:
    site = hall(bias_db_per_hour=60.0, interval_s=60.0)
    world = World(site, rng)
    twin = SiteTwin(site, trained=world.trained(), gain=world.gain)
    clock = Clock(twin)
    watch(clock, world, 5)
    drift_db = twin.state().drift_db
    world.jammers = [jammer(15.0, 20.0, 10.0)]
    assert all(one.is_alarm for one in watch(clock, world, 20))
    np.testing.assert_array_equal(twin.state().drift_db, drift_db)


def test_a_drift_within_the_bound_is_followed(rng: np.random.Generator) -> None:
    site = hall(bias_db_per_hour=30.0, interval_s=60.0)
    world = World(site, rng)
    twin = SiteTwin(site, trained=world.trained(), gain=world.gain)
    clock = Clock(twin)
    for n in range(400):
        levels_db = world.levels_db()
        levels_db[6] += min(0.005 * n, 1.5)
        verdict = clock.tell(levels_db)
        assert not verdict.is_alarm
    drift_db = twin.state().drift_db
    assert drift_db[6] == pytest.approx(1.5, abs=0.4)
    assert np.abs(np.delete(drift_db, 6)).max() < 0.4


# Hand-over and files


def test_a_successor_with_the_state_judges_alike(clock: Clock, world: World) -> None:
    data = clock.twin.state().to_bytes()
    assert len(data) < 10_000
    successor = Clock(SiteTwin(SITE, state=TwinState.from_bytes(data), gain=world.gain))
    successor.now_ns = clock.now_ns
    for power_dbm in (None, None, 10.0, None):
        world.jammers = [] if power_dbm is None else [jammer(15.0, 20.0, power_dbm)]
        levels_db = world.levels_db()
        mine, its = clock.tell(levels_db), successor.tell(levels_db)
        assert (mine.status, mine.is_alarm, mine.kind) == (its.status, its.is_alarm, its.kind)
        # Rounded to 0.01 dB.
        np.testing.assert_allclose(mine.residual_db, its.residual_db, atol=0.02)


def test_a_state_of_a_twin_that_still_learns_round_trips() -> None:
    state = SiteTwin(SITE).state()
    again = TwinState.from_bytes(state.to_bytes())
    assert (again.site, again.nodes, again.trained) == (state.site, state.nodes, None)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"schema": "edgespec.twin-state/1"}', b"\xff", b"[" * 100_000]
)
def test_a_broken_state_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError, match="learnt again"):
        TwinState.from_bytes(data)


def test_state_and_training_of_another_site_are_refused(clock: Clock, world: World) -> None:
    state = clock.twin.state()
    other = replace(SITE, name="yard")
    with pytest.raises(ConfigError, match="does not belong to 'yard'"):
        SiteTwin(other, state=state)
    with pytest.raises(ConfigError, match=r"averages 10, not 5"):
        SiteTwin(hall(averages=5), state=state, gain=world.gain)
    with pytest.raises(ConfigError, match=r"site hall, not yard"):
        SiteTwin(other, trained=state.trained, gain=world.gain)


def test_drift_of_a_state_stays_within_the_bound(clock: Clock, world: World) -> None:
    state = replace(clock.twin.state(), drift_db=np.full(12, 99.0))
    taken = SiteTwin(SITE, state=state, gain=world.gain).state()
    assert taken.drift_db.max() == SITE.detect.bias_bound_db


def reports_of(site: Site, world: World, n: int) -> list[RssReport]:
    return [
        report(site, unit, START_NS + second * SECOND_NS, level_db)
        for second in range(n)
        for unit, level_db in enumerate(world.levels_db())
    ]


@pytest.mark.parametrize("detector", ["energy", "matched", "lof"])
def test_each_detector_trains_from_reports_and_alarms(
    tmp_path: Path, rng: np.random.Generator, detector: str
) -> None:
    site = hall(detector=detector)
    world = World(site, rng)
    trained = train(site, reports_of(site, world, 150), gain=world.gain)
    assert trained.n_snapshots > 140
    path = tmp_path / "hall.npz"
    save_trained(trained, path)
    clock = Clock(SiteTwin(site, trained=load_trained(path, site), gain=world.gain))
    assert not any(one.is_alarm for one in watch(clock, world, 20))
    world.jammers = [jammer(15.0, 20.0, 20.0)]
    verdict = clock.tell(world.levels_db())
    assert verdict.is_alarm
    assert verdict.detector == detector
    assert is_near(verdict, 15.0, 20.0, 6.0)


def test_training_files_that_do_not_fit_are_refused(tmp_path: Path, world: World) -> None:
    path = tmp_path / "hall.npz"
    with pytest.raises(ConfigError, match="cannot be read"):
        load_trained(path, SITE)
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ConfigError, match="edgespec twin train"):
        load_trained(path, SITE)
    np.savez(path, bias_db=np.zeros(3))
    with pytest.raises(ConfigError, match="edgespec twin train"):
        load_trained(path, SITE)
    save_trained(world.trained(60), path)
    assert load_trained(path, SITE).n_snapshots == 60
    with pytest.raises(ConfigError, match="detector likelihood, not energy; train again"):
        load_trained(path, hall(detector="energy"))
    with pytest.raises(ConfigError, match="cannot be written"):
        save_trained(world.trained(60), tmp_path)


def test_training_says_why_there_is_too_little(world: World) -> None:
    wrong = [replace(one, level_unit="dBFS") for one in reports_of(SITE, world, 30)]
    with pytest.raises(ConfigError, match=r"0 snapshots of at least 4 units \(level_unit: 360\)"):
        train(SITE, wrong, gain=world.gain)


def test_lof_without_its_samples_learns_again(rng: np.random.Generator) -> None:
    site = hall(detector="lof")
    world = World(site, rng)
    trained = world.trained(60)
    state = SiteTwin(site, trained=trained, gain=world.gain).state()
    bare = TwinState.from_bytes(state.to_bytes())
    clock = Clock(SiteTwin(site, state=bare, gain=world.gain))
    assert clock.tell(world.levels_db()).status is TwinStatus.LEARNING
    again = SiteTwin(site, state=bare, trained=trained, gain=world.gain)
    assert Clock(again).tell(world.levels_db()).status is TwinStatus.WATCHING


# What is learnt without `twin train`.


@pytest.mark.parametrize("level_unit", ["dBm", "dBFS"])
def test_c6_a_jammer_while_learning_is_not_learnt(
    rng: np.random.Generator, level_unit: str
) -> None:
    """C6: 20 dBm at 14, 20 from the start; where nothing is calibrated, in half of the band."""
    site = replace(hall(learn_snapshots=60), level_unit=level_unit)
    share = (site.freq_lower_hz, site.center_freq_hz) if level_unit == "dBFS" else ()
    source = jammer(14.0, 20.0, freq_lower_hz=share[:1], freq_upper_hz=share[1:])
    world = World(site, rng, jammers=[source])
    clock = Clock(SiteTwin(site, gain=world.gain))
    told = watch(clock, world, 61)
    assert clock.twin.counts["learning_refused"] == 1
    assert told[-1].status is TwinStatus.LEARNING
    assert told[-1].n_to_learn == 59
    assert "Was a source on the air?" in told[-1].notes[0]
    world.jammers.clear()
    told = watch(clock, world, 62)
    assert told[-1].status is TwinStatus.WATCHING
    assert told[-1].notes == ()
    world.jammers.append(source)
    assert watch(clock, world, 3)[-1].is_alarm


def test_c6_learnt_under_a_jammer_is_not_inherited(rng: np.random.Generator) -> None:
    world = World(SITE, rng, jammers=[jammer(14.0, 20.0)])
    former = SiteTwin(SITE, trained=world.trained(), gain=world.gain)
    with pytest.raises(ConfigError, match="not believed"):
        SiteTwin(SITE, TwinState.from_bytes(former.state().to_bytes()), gain=world.gain)
    # What somebody trained, and keeps in a file, is theirs to judge.
    assert SiteTwin(SITE, trained=world.trained(), gain=world.gain)
