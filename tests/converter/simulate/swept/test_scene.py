"""A simulated band: the same for one seed, busy by day, and as loud as it says."""

from dataclasses import replace

import numpy as np
import pytest

from converter.simulate.swept import scene as scene_module
from converter.simulate.swept.receiver import Drift, SweptReceiver
from converter.simulate.swept.scene import SweptSpec, simulate_sweeps
from converter.simulate.swept.swept_band import N_POINTS, POINT_HZ, SWEEP_S, SWEPT_BANDS
from converter.simulate.swept.week import DAY_S, HOUR_S, busyness, warmth
from edgespec.errors import UsageError

#: A Monday at midnight, UTC.
MONDAY_S = 4 * DAY_S
STEADY = SweptReceiver(drift_db=0.0, warmth_db=0.0, gaps_a_day=0.0)


def spec(band: str = "gsm1800-dl", n_sweeps: int = 200, seed: int = 3) -> SweptSpec:
    return SweptSpec(band, band, seed, MONDAY_S, n_sweeps, STEADY)


@pytest.mark.parametrize("band", SWEPT_BANDS)
def test_a_seed_is_a_recording(band: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = simulate_sweeps(spec(band))
    # Any division into blocks gives the same; to rounding, for a logarithm of many is another loop.
    monkeypatch.setattr(scene_module, "_BLOCK_SWEEPS", 7)
    again, other = simulate_sweeps(spec(band)), simulate_sweeps(spec(band, seed=4))
    np.testing.assert_allclose(again.table.levels_db, one.table.levels_db, atol=1e-3)
    np.testing.assert_allclose(again.signal_mw, one.signal_mw, rtol=1e-4)
    assert np.abs(other.table.levels_db - one.table.levels_db).max() > 1


@pytest.mark.parametrize("band", SWEPT_BANDS)
def test_levels_are_signal_and_noise(band: str) -> None:
    recording = simulate_sweeps(spec(band, 400))
    table = recording.table
    assert table.levels_db.shape == (400, N_POINTS)
    assert np.isfinite(table.levels_db).all()
    np.testing.assert_allclose(np.diff(table.freqs_hz), POINT_HZ)
    np.testing.assert_allclose(np.diff(table.utc_s), SWEEP_S, rtol=1e-6)
    total_mw = 10 ** (table.levels_db.astype(float) / 10)
    # The mean of 10^(x/10) for a Gaussian x is more than that of its mean.
    bias = np.exp((np.log(10) / 10 * STEADY.look_db) ** 2 / 2)
    expected = (recording.signal_mw.mean() + recording.noise_mw) * bias
    assert total_mw.sum(axis=1).mean() == pytest.approx(expected, rel=0.02)


def test_a_band_without_calls_is_as_it_is_all_day() -> None:
    quiet = simulate_sweeps(spec("tv", 300)).table.levels_db
    spread = np.std(quiet - quiet.mean(axis=0), axis=0)
    assert spread.max() < 2.5


def day_means(seed: int) -> np.ndarray:
    """Mean level of the band in each hour of a Monday, from 48 sweeps of each hour."""
    hours = [
        simulate_sweeps(
            replace(spec("gsm1800-dl", 600, seed), utc_s=MONDAY_S + hour * HOUR_S)
        ).table.levels_db[300:]
        for hour in (4, 19)
    ]
    return np.array([levels.mean() for levels in hours])


@pytest.mark.slow_without_jit
def test_the_downlink_swings_by_five_decibels_in_a_day() -> None:
    # Peng et al. 2022, sec. 3.1: 'about 5 dBm'.
    swings = [float(np.diff(day_means(seed))[0]) for seed in range(6)]
    assert 3.0 < np.mean(swings) < 7.0


def test_a_week_is_quiet_at_four_and_on_sunday() -> None:
    hours = busyness(MONDAY_S + HOUR_S * np.arange(24.0) + HOUR_S / 2, 0.5)
    assert hours.argmin() == 4
    assert hours.min() == 0
    assert hours.max() == 1
    week = busyness(MONDAY_S + DAY_S * np.arange(7) + 20 * HOUR_S, 0.5)
    np.testing.assert_allclose(week[5:], 0.5 * week[0])
    np.testing.assert_allclose(week[:5], week[0])
    warm = warmth(MONDAY_S + HOUR_S * np.arange(24.0))
    assert warm.argmax() == 15
    assert warm.argmin() == 3


def test_a_receiver_drifts_by_what_it_says(rng: np.random.Generator) -> None:
    drift = Drift(2.0, 60 * SWEEP_S, 200, rng)
    values = np.concatenate([drift.next(200), drift.next(300)])
    assert values.std() == pytest.approx(2.0, rel=0.1)
    correlation = np.corrcoef(values[:-60].ravel(), values[60:].ravel())[0, 1]
    assert correlation == pytest.approx(np.exp(-1), abs=0.1)
    # No step from block to block.
    assert np.abs(np.diff(values, axis=0)).max() < 2.0


def test_what_is_in_a_gap_is_not_there() -> None:
    often = replace(STEADY, gaps_a_day=4000.0, gap_s=20.0)
    whole = simulate_sweeps(spec("fm", 2000))
    holed = simulate_sweeps(replace(spec("fm", 2000), receiver=often))
    steps = np.round(np.diff(holed.table.utc_s) / SWEEP_S).astype(int)
    assert holed.table.n_sweeps < 2000
    assert steps.max() > 1
    assert steps.sum() == 1999
    # What is there is what there would be without gaps.
    where = np.searchsorted(whole.table.utc_s, holed.table.utc_s)
    np.testing.assert_array_equal(whole.table.levels_db[where], holed.table.levels_db)
    np.testing.assert_array_equal(whole.signal_mw[where], holed.signal_mw)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: spec("gsm850"), "known are gsm900-ul"),
        (lambda: spec("tv", 0), "at least 1"),
        (lambda: SweptReceiver(n_looks=0), "must be positive"),
        (lambda: SweptReceiver(drift_db=-1.0), "not negative"),
    ],
)
def test_what_cannot_be_is_said(wrong: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        wrong()  # type: ignore[operator]
