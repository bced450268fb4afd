"""Laws of minutes: what they hold, when they end, and that both ways of computing agree."""

import numpy as np
import pytest

from edgespec.band_minute import EXCEEDED_SHARES
from edgespec.computing import Computing
from edgespec.dsp.minute import OCCUPIED_DB, STEP_DB, MinuteMeter
from edgespec.framing import Framing
from edgespec.records import FloatArray
from tests import naive

FRAMING = Framing(1.92e6)
N_HORIZON = 25
TICKS = N_HORIZON * FRAMING.grid().frame_ticks
EVERY_WAY = pytest.mark.parametrize("computing", list(Computing))


def meter_of(computing: Computing = Computing.PLAIN, minute_s: float = 60.0) -> MinuteMeter:
    return MinuteMeter("lte", FRAMING.grid(806e6), N_HORIZON, computing, minute_s)


def targets(rng: np.random.Generator, n_targets: int) -> list[FloatArray]:
    """Return noise at -80 dBFS, and a carrier in bin 40 of every third target."""
    made = []
    for number in range(n_targets):
        target = rng.normal(-80.0, 5.0, (N_HORIZON, FRAMING.n_bins)).astype(np.float32)
        if number % 3 == 0:
            target[:, 40] = -40.0
        made.append(target)
    return made


@EVERY_WAY
def test_a_minute_is_what_plain_loops_make_of_it(
    rng: np.random.Generator, computing: Computing
) -> None:
    heard, meter = targets(rng, 30), meter_of(computing)
    for number, target in enumerate(heard):
        assert meter.add(target, number * TICKS, 5) is None
    made = meter.finish()
    assert made is not None
    most, mean, median, floor, above = naive.minute(heard, OCCUPIED_DB)
    np.testing.assert_allclose(made.max_dbfs, most, atol=1e-3)
    np.testing.assert_allclose(made.mean_dbfs, mean, atol=1e-3)
    # Levels are counted in steps; what is known of one is its middle.
    np.testing.assert_allclose(made.median_dbfs, median, atol=STEP_DB / 2 + 1e-3)
    assert made.floor_dbfs == pytest.approx(floor, abs=STEP_DB)
    assert made.occupancy[40] == pytest.approx(1 / 3)
    np.testing.assert_allclose(made.occupancy, above, atol=0.1)
    assert (made.band, made.utc_ns, made.n_means) == ("lte", 5, 30)
    assert made.duration_s == pytest.approx(30 * TICKS / 1.92e6)
    assert (made.tick_start, made.tick_end) == (0, 30 * TICKS)
    assert meter.finish() is None


@EVERY_WAY
def test_the_amplitude_distribution_is_that_of_frames(
    rng: np.random.Generator, computing: Computing
) -> None:
    """Bursts of single frames, which no mean over a horizon shows, are in its tail."""
    heard = targets(rng, 80)
    for target in heard:
        target[rng.random(N_HORIZON) < 0.02] = -20.0
    meter, grid = meter_of(computing), FRAMING.grid(806e6)
    for number, target in enumerate(heard):
        meter.add(target, number * TICKS, 5)
    made = meter.finish()
    assert made is not None
    expected = naive.exceeded(heard, EXCEEDED_SHARES, grid.enbw_bins)
    np.testing.assert_allclose(made.exceeded_dbfs, expected, atol=STEP_DB / 2 + 1e-2)
    assert np.all(np.diff(made.exceeded_dbfs) >= 0.0)
    assert made.exceeded_dbfs[4] > made.exceeded_dbfs[2] + 30.0
    # The next minute begins anew.
    meter.add(np.full((N_HORIZON, grid.n_bins), -90.0, np.float32), 0, 0)
    after = meter.finish()
    assert after is not None
    level_dbfs = -90.0 + 10 * np.log10(grid.n_bins / grid.enbw_bins)
    np.testing.assert_allclose(after.exceeded_dbfs, level_dbfs, atol=STEP_DB / 2 + 1e-2)


@EVERY_WAY
def test_its_level_is_the_power_of_the_band(computing: Computing) -> None:
    """Bins add up to the total power times the noise bandwidth of a bin."""
    meter, grid = meter_of(computing), FRAMING.grid(806e6)
    meter.add(np.full((N_HORIZON, grid.n_bins), -50.0, np.float32), 0, 0)
    made = meter.finish()
    assert made is not None
    expected = -50.0 + 10 * np.log10(grid.n_bins / grid.enbw_bins)
    assert made.level_dbfs == pytest.approx(expected, abs=1e-3)


@EVERY_WAY
@pytest.mark.parametrize("level_dbfs", [-200.0, -160.0, 19.9, 60.0])
def test_levels_beyond_what_is_counted_count_at_the_ends(
    computing: Computing, level_dbfs: float
) -> None:
    meter = meter_of(computing)
    meter.add(np.full((N_HORIZON, FRAMING.n_bins), level_dbfs, np.float32), 0, 0)
    made = meter.finish()
    assert made is not None
    np.testing.assert_allclose(made.mean_dbfs, level_dbfs, atol=1e-2)
    assert made.median_dbfs[0] == pytest.approx(np.clip(level_dbfs, -159.75, 19.75), abs=0.26)
    assert not made.occupancy.any()


def test_a_minute_ends_by_the_clock_of_the_samples(rng: np.random.Generator) -> None:
    """Whatever UTC does, and with what was lost in it."""
    meter, (target,) = meter_of(minute_s=10.2 * TICKS / 1.92e6), targets(rng, 1)
    ended = []
    # The clock is set back by an hour in the middle, and half of the targets are lost.
    for number in range(0, 40, 2):
        utc_ns = number * 10**6 - (3600 * 10**9 if number > 20 else 0)
        ended.append(meter.add(target, number * TICKS, utc_ns))
    found = {2 * k: minute for k, minute in enumerate(ended) if minute is not None}
    assert list(found) == [12, 24, 36]
    assert [minute.n_means for minute in found.values()] == [6, 6, 6]
    assert [minute.utc_ns for minute in found.values()] == [
        0,
        12 * 10**6,
        24 * 10**6 - 3600 * 10**9,
    ]
    assert found[12].duration_s == pytest.approx(11 * TICKS / 1.92e6)


def test_another_grid_begins_another_minute(rng: np.random.Generator) -> None:
    meter, (target,) = meter_of(), targets(rng, 1)
    meter.add(target, 0, 0)
    there = FRAMING.grid(900e6)
    first = meter.retune(there)
    assert first is not None
    assert first.freqs_hz.mean() < 807e6
    assert meter.retune(there) is None
    meter.add(target, 0, 0)
    second = meter.finish()
    assert second is not None
    assert second.freqs_hz is there.freqs_hz
    np.testing.assert_array_equal(second.max_dbfs, first.max_dbfs)
