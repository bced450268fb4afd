"""A warm-up is bounded, judges itself, and is compared with the last run's (A5)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.observer.kept import KeptNormal, kept_file, load_kept, save_kept
from edgespec.observer.scorer import Scorer
from edgespec.observer.warmup import WarmUp
from edgespec.records import Forecast, FrameFlag, Geometry, Scaling, Segment

GEOMETRY = Geometry(n_bins=32, frame_s=1e-3, n_context=8, n_horizon=4, hop_frames=4)
N_WARMUP = 40
NS_H = 3_600_000_000_000


class Grid:
    """What a warm-up asks of the grid."""

    freqs_hz = 800e6 + 1e4 * np.arange(32)
    range_hz = (800e6, 800.32e6)


def segments(rng, n=N_WARMUP, from_=None, bins=slice(20, 22), step_db=15.0, flag=0):
    """Traffic that moves the band by 10 dB, and an interferer from one segment on."""
    for number in range(n):
        power = -60.0 + rng.normal(0, 1.5, (12, 32)) + 10.0 * rng.integers(0, 2)
        if from_ is not None and number >= from_:
            power[:, bins] += step_db
        power = power.astype(np.float32)
        flags = np.full(12, flag, np.uint8)
        yield Segment(power[:8], power[8:], np.arange(12), flags)


def judged(rng, kept=None, utc_ns=0, **how) -> WarmUp:
    warmup = WarmUp(GEOMETRY, N_WARMUP, kept, lambda: utc_ns)
    for segment in segments(rng, **how):
        warmup.add(segment)
    warmup.judge(Grid())
    return warmup


def test_a5_traffic_is_trusted(rng) -> None:
    for _ in range(20):
        assert judged(rng).distrust == ""


@pytest.mark.parametrize("from_", [12, 20, 28])
@pytest.mark.parametrize("step_db", [15.0, -15.0])
def test_a5_what_comes_or_goes_in_the_warm_up_is_said(rng, from_: int, step_db: float) -> None:
    warmup = judged(rng, from_=from_, step_db=step_db)
    assert f"{step_db:+.0f}"[0] in warmup.distrust
    assert "800.2" in warmup.distrust
    assert f"after {round(from_ / N_WARMUP * 8) / 8:.0%} of the warm-up" in warmup.distrust
    assert warmup.is_judged
    warmup.reset()
    assert (warmup.distrust, warmup.is_judged) == ("", False)


def test_a5_an_overload_all_along_is_not_trusted(rng) -> None:
    assert "overloaded" in judged(rng, flag=FrameFlag.CLIPPED).distrust


def test_a5_a_restart_under_attack_is_said(rng, tmp_path: Path) -> None:
    kept = kept_file(tmp_path, "LTE / 'ä'", "rtlsdr:1", 20.0)
    assert judged(rng, kept).distrust == ""
    for _ in range(2):
        # What is not trusted is not kept: the next restart is no wiser, and no less wary.
        again = judged(rng, kept, 5 * NS_H, from_=0)
        assert "differs from the last run, 5.0 h ago, by +1" in again.distrust
    assert judged(rng, kept).distrust == ""
    assert [path.suffix for path in kept.path.parent.iterdir()] == [".json"]


@pytest.mark.parametrize("change", [{"source": "rtlsdr:2"}, {"gain_db": 30.0}, {"gain_db": None}])
def test_a5_another_source_or_gain_is_no_last_run(rng, tmp_path: Path, change) -> None:
    kept = kept_file(tmp_path, "cell", "rtlsdr:1", 20.0)
    judged(rng, kept)
    assert judged(rng, replace(kept, **change), from_=0).distrust == ""


def test_what_is_kept_round_trips(tmp_path: Path) -> None:
    kept = KeptNormal(5, "sim:", None, (1.0, 2.0), (-50.25, -60.0))
    save_kept(tmp_path / "a" / "b.json", kept)
    assert load_kept(tmp_path / "a" / "b.json") == kept


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"utc_ns":1e999,"source":"","gain_db":null,"range_hz":[0,1],"normal_dbfs":[]}',
        b'{"utc_ns":1,"source":"","gain_db":null,"range_hz":[0],"normal_dbfs":[]}',
        b'{"utc_ns":1,"source":"","gain_db":null,"range_hz":[0,1],"normal_dbfs":[NaN]}',
        b"[" * 100_000,
        b" " * 300_000,
        b"\xff",
    ],
)
def test_a_damaged_file_is_said_and_not_used(tmp_path: Path, caplog, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert load_kept(path) is None
    assert "is not used" in caplog.text
    assert len(caplog.text) < 500


def test_nothing_kept_is_nothing_said(tmp_path: Path, caplog) -> None:
    assert load_kept(tmp_path / "none.json") is None
    assert not caplog.records


def test_a_disk_that_refuses_costs_the_file_alone(tmp_path: Path, caplog) -> None:
    (tmp_path / "normal").write_text("no folder")
    save_kept(kept_file(tmp_path, "cell", "", None).path, KeptNormal(0, "", None, (0.0, 1.0), ()))
    assert "not kept" in caplog.text


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
        def forecast(self, segment):
            return Forecast(np.full((4, 32), -55.0, np.float32), Scaling(0.0, 1.0))

    one = Scorer(Forecaster(), ("forecast", "zscore"), GEOMETRY, N_WARMUP)
    for segment in segments(rng, N_WARMUP):
        one.score(replace(segment, has_context=False))
    names = [tuple(score.detector for score in one.score(segment)) for segment in segments(rng, 30)]
    n_late = names.count(("zscore",))
    assert n_late == 10
    assert names == [("zscore",)] * n_late + [("forecast", "zscore")] * (30 - n_late)
