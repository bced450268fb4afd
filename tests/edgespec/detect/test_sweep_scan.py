"""Laws of the scan of sweeps."""

import math

import numpy as np
import pytest

from edgespec.detect.largest import threshold_of_largest
from edgespec.detect.sweep_scan import FOLLOWS_WITHIN, SweepScan
from edgespec.observer.scoring.scorer import Scorer
from edgespec.records import Geometry, Score, Segment
from tests import naive
from tests.made import sweeps

N_BINS, N_WARMUP = 40, 60
GEOMETRY = Geometry(N_BINS, 1.0, n_context=1, n_horizon=1, hop_frames=1)
NO_CONTEXT = np.empty((0, N_BINS), np.float32)


def segment(row_db: np.ndarray) -> Segment:
    return Segment(NO_CONTEXT, row_db[None, :].astype(np.float32), np.zeros(1, np.int64))


def scan_of(table: np.ndarray) -> tuple[SweepScan, list[float]]:
    """Return a scan that took a table, and its scores behind the warm-up."""
    scan = SweepScan(GEOMETRY, N_WARMUP)
    found = [scan.score(segment(row_db), None) for row_db in table[:N_WARMUP]]
    assert found == [None] * N_WARMUP
    # Nothing more is proven, as at the end of a warm-up.
    scan.take_reference(scan.reference() | {"n_left": np.zeros(1)})
    found = [scan.score(segment(row_db), None) for row_db in table[N_WARMUP:]]
    return scan, [score.value for score in found if isinstance(score, Score)]


def test_it_is_what_plain_loops_say() -> None:
    table = sweeps.levels(75, N_BINS)
    table[70:, 8] += 6.0
    scan, _ = scan_of(table[:74])
    reference = scan.reference()
    excess = [reference[f"excess{number}"] for number in range(4)]
    last = scan.score(segment(table[74]), None)
    usual_db, spread_db = reference["bins"]
    # What is usual moved a little with each sweep that is gone.
    want = naive.sweep_scan_score(table[60:75], usual_db, spread_db, excess)
    assert last is not None
    assert last.value == pytest.approx(want, rel=0.02)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("n_sweeps", "excess_db"), [(1, 8.0), (3, 4.5), (10, 2.5)])
def test_what_lasts_longer_may_be_weaker(n_sweeps: int, excess_db: float, sign: float) -> None:
    table = sweeps.levels(120, N_BINS, seed=3)
    table[100 : 100 + n_sweeps, 20:23] += sign * excess_db
    _, found = scan_of(table)
    quiet, loud = max(found[:39]), max(found[40 : 40 + n_sweeps])
    assert loud > 1.5 * quiet


def test_a_receiver_whose_level_drifts_says_nothing_and_one_that_steps_does() -> None:
    table = sweeps.levels(400, N_BINS)
    drift_db = np.linspace(0.0, 5.0, 400, dtype=np.float32)[:, None]
    assert max(scan_of(table + drift_db)[1]) < 1.1 * max(scan_of(table)[1])
    stepped = table.copy()
    stepped[200:] += 6.0
    scan, found = scan_of(stepped)
    assert min(found[140:]) > 1.5 * max(found[:140])
    # Once the step is told to be the gain's, it is normal.
    scan.follow(6.0)
    last = scan.score(segment(table[399] + 6.0), None)
    assert last is not None
    assert last.value < 1.2 * max(found[:140])


def test_a_slow_change_of_a_bin_is_followed_and_a_carrier_that_stays_is_not() -> None:
    n = 1500
    table = sweeps.levels(n, N_BINS)
    slow = table.copy()
    slow[:, 9] += np.linspace(0.0, 3.0, n)
    _, usual = scan_of(table)
    _, found = scan_of(slow)
    assert np.quantile(found, 0.99) < 1.5 * np.quantile(usual, 0.99)
    stays = table.copy()
    stays[100:, 9] += 8.0
    _, found = scan_of(stays)
    assert min(found[41:]) > 2.0 * np.quantile(usual, 0.99)
    assert n > 5 * FOLLOWS_WITHIN


def test_one_strong_sweep_does_not_ring() -> None:
    table = sweeps.levels(120, N_BINS)
    table[100, 9] += 40.0
    _, found = scan_of(table)
    assert found[40] > 30.0
    assert max(found[41:50]) < 0.2 * found[40]


def test_what_was_learnt_can_be_handed_on() -> None:
    table = sweeps.levels(80, N_BINS)
    scan = SweepScan(GEOMETRY, N_WARMUP)
    assert scan.reference() == {}
    for row_db in table[:N_WARMUP]:
        scan.score(segment(row_db), None)
    scan.take_reference(scan.reference() | {"n_left": np.zeros(1)})
    other = SweepScan(GEOMETRY, N_WARMUP)
    other.take_reference(scan.reference())
    for row_db in table[N_WARMUP:]:
        mine, its = scan.score(segment(row_db), None), other.score(segment(row_db), None)
        assert mine is not None
        assert its is not None
        assert mine.value == its.value
    other.reset()
    assert other.score(segment(table[0]), None) is None


def test_fewer_bins_than_the_widest_window_will_do() -> None:
    geometry = Geometry(5, 1.0, n_context=1, n_horizon=1, hop_frames=1)
    scan = SweepScan(geometry, 20)
    table = np.random.default_rng(1).normal(-50.0, 1.0, (40, 5))
    found = [
        scan.score(Segment(np.empty((0, 5), np.float32), row[None].astype(np.float32), np.zeros(1)),
                   None)  # type: ignore[arg-type]
        for row in table
    ]  # fmt: skip
    assert all(score is not None and math.isfinite(score.value) for score in found[20:])


def test_the_threshold_is_met_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    gumbel = (rng.gumbel(size=400_000) - 0.5772157) * math.sqrt(6.0) / math.pi
    largest = rng.normal(size=(100_000, 64)).max(axis=1)
    largest = (largest - largest.mean()) / largest.std()
    for share in (1e-2, 1e-3):
        limit = threshold_of_largest(share * 86_400.0, 1.0, most_share=0.1)
        assert np.mean(gumbel > limit) == pytest.approx(share, rel=0.2)
        # Of the largest of many normal values the tail is lighter.
        assert np.mean(largest > limit) < share


def test_fewer_false_events_take_a_higher_threshold() -> None:
    found = [threshold_of_largest(per_day, 1.0) for per_day in (80.0, 5.0, 0.1)]
    assert found == sorted(found)
    assert threshold_of_largest(5.0, 900.0) < threshold_of_largest(5.0, 1.0)
    assert threshold_of_largest(5.0, 1.0, 2) > threshold_of_largest(5.0, 1.0)
    # A sweep a day has no five false events a day.
    assert threshold_of_largest(5.0, 86_400.0) == threshold_of_largest(5.0, 900.0)


def test_a_point_that_comes_and_goes_does_not_set_what_is_normal_for_the_others() -> None:
    rng = np.random.default_rng(7)
    table = sweeps.levels(200, N_BINS)
    table[:, 9] += np.where(rng.random(200) < 0.2, 20.0, 0.0).astype(np.float32)
    # It was quiet while the reference was learnt.
    table[:N_WARMUP, 9] = sweeps.levels(N_WARMUP, N_BINS)[:, 9]
    table[180, 25] += 8.0
    scan = SweepScan(GEOMETRY, N_WARMUP)
    found = [scan.score(segment(row_db), None) for row_db in table]
    after = [score.value for score in found[2 * N_WARMUP :] if score is not None]
    usual = np.delete(np.array(after), 180 - 2 * N_WARMUP)
    assert after[180 - 2 * N_WARMUP] > 1.5 * usual.max()


def test_a_scorer_lets_it_prove_in_the_second_half_of_a_warm_up_and_no_longer() -> None:
    table = sweeps.levels(120, N_BINS)
    table[45:50, 9] += 30.0
    table[100, 25] += 8.0
    scorer = Scorer(None, ("scan",), GEOMETRY, 60, {"scan": 0.4})
    found = [scorer.score(segment(row_db)) for row_db in table]
    values = [scores[0].value for scores in found[60:]]
    # What was proven to come and go at one point is no news there; what comes at another is.
    assert values[40] > 2.0 * max(np.delete(np.array(values), 40))
    table[110, 9] += 30.0
    again = Scorer(None, ("scan",), GEOMETRY, 60, {"scan": 0.4})
    found = [again.score(segment(row_db)) for row_db in table]
    assert found[110][0].value < found[100][0].value
