"""A warm-up is bounded, judges itself, and is compared with the last run's and the bundle (A5)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.observer.kept.kept import kept_file, load_kept
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.warmup import FEWEST_SEGMENTS, LONGEST_S, Judgement, WarmUp
from edgespec.records import Forecast, FrameFlag, Geometry, Scaling, Score, Segment

GEOMETRY = Geometry(n_bins=32, frame_s=1e-3, n_context=8, n_horizon=4, hop_frames=4)
N_WARMUP = 40
NS_H = 3_600_000_000_000
ERROR_STD_DB = (2.0,) * 32


class Grid:
    """What a warm-up asks of the grid."""

    freqs_hz = 800e6 + 1e4 * np.arange(32)
    range_hz = (800e6, 800.32e6)


def segments(rng, n=N_WARMUP, from_=None, until=None, bins=slice(20, 22), step_db=15.0, flag=0):
    """Traffic that moves the band by 10 dB, and an interferer from one segment to another."""
    for number in range(n):
        power = -60.0 + rng.normal(0, 1.5, (12, 32)) + 10.0 * rng.integers(0, 2)
        if from_ is not None and from_ <= number < (until or n):
            power[:, bins] += step_db
        power = power.astype(np.float32)
        flags = np.full(12, flag, np.uint8)
        yield Segment(power[:8], power[8:], np.arange(12), flags)


def judged(rng, kept=None, utc_ns=0, **how) -> Judgement:
    warmup = WarmUp(GEOMETRY, N_WARMUP, kept, ERROR_STD_DB, lambda: utc_ns)
    for segment in segments(rng, **how):
        warmup.add(segment)
    assert not warmup.is_judged
    found = warmup.judge(Grid())
    assert warmup.is_judged
    assert warmup.distrust == found.distrust
    warmup.reset()
    assert (warmup.distrust, warmup.is_judged) == ("", False)
    return found


def test_a5_traffic_is_trusted(rng) -> None:
    for _ in range(20):
        assert judged(rng) == Judgement()


@pytest.mark.parametrize("from_", [12, 20, 28])
@pytest.mark.parametrize("step_db", [15.0, -15.0])
def test_a5_what_comes_or_goes_in_the_warm_up_is_said(rng, from_: int, step_db: float) -> None:
    distrust = judged(rng, from_=from_, step_db=step_db).distrust
    assert f"{step_db:+.0f}"[0] in distrust
    assert "800.2" in distrust
    assert f"after {from_ / N_WARMUP:.0%} of the warm-up" in distrust


@pytest.mark.parametrize("step_db", [15.0, -15.0])
def test_a5_the_quieter_part_of_a_warm_up_is_learnt_from(rng, step_db: float) -> None:
    """Not a segment of it has the interferer, and nearly all that have it not are there."""
    instead = judged(rng, from_=20, step_db=step_db).instead
    assert instead is not None
    assert 15 <= len(instead) < 20
    rows_db = instead.rows_dbfs()
    beside_db = rows_db[:, 20:22].mean(axis=1) - np.median(rows_db, axis=1)
    np.testing.assert_array_less(np.abs(beside_db - min(step_db, 0.0)), 5.0)


def test_a5_a_band_that_moves_as_a_whole_has_changed(rng) -> None:
    found = judged(rng, from_=20, bins=slice(0, 32), step_db=40.0)
    assert "the band changed by +" in found.distrust
    assert found.instead is not None
    assert len(found.instead) < 20


def test_a5_too_short_a_quiet_part_teaches_nothing(rng) -> None:
    found = judged(rng, from_=FEWEST_SEGMENTS)
    assert "the band changed" in found.distrust
    assert found.instead is None


def test_a5_an_overload_all_along_is_not_trusted(rng) -> None:
    assert "overloaded" in judged(rng, flag=FrameFlag.CLIPPED).distrust


@pytest.mark.parametrize(("bias_db", "is_trusted"), [(2.0, True), (12.0, False)])
def test_a5_what_the_model_never_expects_is_not_trusted(rng, bias_db, is_trusted) -> None:
    """An interferer is there all along, and there was no run before this one."""
    warmup = WarmUp(GEOMETRY, N_WARMUP, None, ERROR_STD_DB)
    for segment in segments(rng):
        error_db = rng.normal(0.0, 2.0, (4, 32)).astype(np.float32)
        error_db[:, 7] += np.float32(bias_db)
        warmup.add(segment, (Score("forecast", 3.0, error_db), Score("zscore", 1.0, error_db)))
    found = warmup.judge(Grid())
    assert found.instead is None
    assert ("less at 800.07 MHz than was there all along" in found.distrust) is not is_trusted


def test_a5_a_restart_under_attack_is_said_and_the_last_run_counts(rng, tmp_path: Path) -> None:
    kept = kept_file(tmp_path, "LTE / 'ä'", "rtlsdr:1", 20.0, "ab")
    assert judged(rng, kept).distrust == ""
    written = kept.path.read_bytes()
    for _ in range(2):
        # What is not trusted is not kept: the next restart is no wiser, and no less wary.
        again = judged(rng, kept, 5 * NS_H, from_=0)
        assert "differs from the last run, 5.0 h ago, by +1" in again.distrust
        assert kept.path.read_bytes() == written
        assert again.instead is not None
        normal = load_kept(kept.path)
        assert normal is not None
        np.testing.assert_array_equal(again.instead.targets_dbfs, normal.heard.targets_dbfs)
    assert judged(rng, kept).distrust == ""
    assert [path.suffix for path in kept.path.parent.iterdir()] == [".normal"]


def test_a5_the_last_run_counts_where_no_part_of_the_warm_up_was_quiet(rng, tmp_path: Path) -> None:
    """One interferer is there all along, and another comes."""
    kept = kept_file(tmp_path, "cell", "rtlsdr:1", 20.0, "ab")
    judged(rng, kept)
    warmup = WarmUp(GEOMETRY, N_WARMUP, kept, ERROR_STD_DB, lambda: 0)
    for number, segment in enumerate(segments(rng, from_=0)):
        segment.target[:, 5] += np.float32(20.0 * (number >= 20))
        warmup.add(segment)
    found = warmup.judge(Grid())
    assert "the band changed by +" in found.distrust
    assert "differs from the last run" in found.distrust
    normal = load_kept(kept.path)
    assert found.instead is not None
    assert normal is not None
    np.testing.assert_array_equal(found.instead.targets_dbfs, normal.heard.targets_dbfs)


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ({"model_sha256": "cd"}, {}),
        ({}, {"step_db": -15.0}),
        ({}, {"utc_ns": round((LONGEST_S + 1) * 1e9)}),
    ],
    ids=["another bundle", "quieter now", "too long ago"],
)
def test_a5_what_an_unlike_run_learnt_is_compared_only(rng, tmp_path: Path, change, how) -> None:
    kept = kept_file(tmp_path, "cell", "rtlsdr:1", 20.0, "ab")
    judged(rng, kept)
    found = judged(rng, replace(kept, **change), from_=0, **how)
    assert "differs from the last run" in found.distrust
    assert found.instead is None


def test_a5_a_receiver_that_sets_its_own_gain_has_another_level(rng, tmp_path: Path) -> None:
    """The last run is moved to the level of this one."""
    kept = kept_file(tmp_path, "cell", "rtlsdr:1", None, "ab")
    judged(rng, kept)
    warmup = WarmUp(GEOMETRY, N_WARMUP, kept, ERROR_STD_DB, lambda: 0)
    for segment in segments(rng, from_=0):
        segment.target[:] += np.float32(20.0)
        warmup.add(segment)
    instead = warmup.judge(Grid()).instead
    assert instead is not None
    assert np.median(instead.rows_dbfs()) == pytest.approx(-35.0, abs=6.0)
    assert len(instead) == N_WARMUP


@pytest.mark.parametrize("change", [{"source": "rtlsdr:2"}, {"gain_db": 30.0}, {"gain_db": None}])
def test_a5_another_source_or_gain_is_no_last_run(rng, tmp_path: Path, change) -> None:
    kept = kept_file(tmp_path, "cell", "rtlsdr:1", 20.0)
    judged(rng, kept)
    assert judged(rng, replace(kept, **change), from_=0).distrust == ""


def scorer() -> Scorer:
    return Scorer(None, ("zscore", "energy"), GEOMETRY, N_WARMUP)


@pytest.mark.parametrize("n_missed", [0, 3, 10])
def test_a5_the_warm_up_does_not_last_longer_for_what_is_missed(rng, n_missed: int) -> None:
    """Half of it may be missed in each half of it."""
    one = scorer()
    n_passed = 0
    for number, segment in enumerate(segments(rng, 2 * N_WARMUP)):
        if number in (5, 15):
            one.miss(n_missed)
            n_passed += n_missed
        one.score(segment)
        n_passed += 1
        assert one.n_warmup_left == max(N_WARMUP - n_passed, 0)
        assert one.is_warm == (n_passed > N_WARMUP)
        if one.is_warm:
            break


def test_a5_of_nothing_nothing_is_learnt(rng) -> None:
    one = scorer()
    one.miss(1000)
    assert one.n_warmup_left >= N_WARMUP - N_WARMUP // 4
    for segment in segments(rng, N_WARMUP):
        one.score(segment)
    assert one.is_warm
    with_gaps = max(score.value for s in segments(rng, 20) for score in one.score(s))
    assert with_gaps < 20.0


def test_a5_a_detector_without_its_context_learns_later(rng) -> None:
    class Forecaster:
        discriminant = "rmse"

        def forecast(self, segment):
            return Forecast(np.full((4, 32), -55.0, np.float32), Scaling(0.0, 1.0))

    one = Scorer(Forecaster(), ("forecast", "zscore"), GEOMETRY, N_WARMUP)
    for segment in segments(rng, N_WARMUP):
        one.score(replace(segment, has_context=False))
    names = [tuple(score.detector for score in one.score(segment)) for segment in segments(rng, 30)]
    n_late = names.count(("zscore",))
    assert n_late == 10
    assert names == [("zscore",)] * n_late + [("forecast", "zscore")] * (30 - n_late)


def test_a5_what_was_learnt_again_is_what_counts(rng) -> None:
    """References and scales are those of a scorer that heard nothing else."""
    warmup = WarmUp(GEOMETRY, N_WARMUP)
    poisoned, clean = scorer(), scorer()
    for number, segment in enumerate(segments(rng, from_=0, until=N_WARMUP // 2)):
        poisoned.score(segment)
        warmup.add(segment)
        if number >= N_WARMUP // 2 + 2:
            clean.score(segment)
    instead = warmup.judge(Grid()).instead
    assert instead is not None
    clean.relearn(instead)
    poisoned.relearn(instead)
    assert poisoned.is_warm is False
    assert poisoned.scales["zscore"].mean == clean.scales["zscore"].mean
    worst = [score.value for s in segments(rng, 10) for score in poisoned.score(s)]
    assert max(worst) < 15.0
    (hot,) = segments(rng, 1, from_=0)
    assert {score.detector: score.value for score in poisoned.score(hot)}["zscore"] > 20.0


def test_a5_what_is_usual_at_this_hour_is_trusted_however_the_last_run_was(
    rng, tmp_path: Path
) -> None:
    kept = kept_file(tmp_path, "cell", "rtlsdr:1", 20.0, "ab")
    judged(rng, kept)
    for more_db, is_trusted in ((0.0, False), (15.0, True)):
        warmup = WarmUp(GEOMETRY, N_WARMUP, kept, ERROR_STD_DB, lambda: 5 * NS_H)
        usual_dbfs = np.full(32, -55.0)
        usual_dbfs[20:22] += more_db
        warmup.usual_dbfs = lambda usual=usual_dbfs: usual
        for segment in segments(rng, from_=0):
            warmup.add(segment)
        found = warmup.judge(Grid())
        assert ("differs from the last run" in found.distrust) is not is_trusted


def test_a5_a_part_that_is_too_short_to_learn_from_is_not(rng) -> None:
    warmup = WarmUp(GEOMETRY, N_WARMUP, error_std_db=ERROR_STD_DB, least_part=N_WARMUP + 1)
    for segment in segments(rng, from_=20):
        warmup.add(segment)
    found = warmup.judge(Grid())
    assert "changed" in found.distrust
    assert found.instead is None
