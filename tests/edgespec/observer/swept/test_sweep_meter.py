"""Minutes of a swept band are of single sweeps, whatever a model's horizon and hop are."""

import numpy as np
import pytest

from edgespec.band_minute import BandMinute
from edgespec.dsp.minute import MinuteMeter
from edgespec.observer.scoring.band_memory import BandMemory
from edgespec.observer.swept.sweep_meter import SweepMeter
from edgespec.records import FloatArray, Geometry
from edgespec.side_input import HOURS
from edgespec.sweep_block import sweep_grid

STEP_S, N_POINTS, BEGIN_NS = 20.0, 3, 400_000 * 3_600_000_000_000
GRID = sweep_grid(1e6 * np.arange(1, N_POINTS + 1), STEP_S)


def told(levels_db: FloatArray, geometry: Geometry, *, has_memory: bool = False) -> SweepMeter:
    """Return a meter that heard every target of some sweeps, the first of them whole."""
    meter = SweepMeter(geometry, GRID)
    meter.minutes = MinuteMeter("b", GRID, 1, minute_s=60.0)
    if has_memory:
        meter.memory = BandMemory((HOURS,), geometry)
    n_horizon = geometry.n_horizon
    for first in range(0, len(levels_db) - n_horizon + 1, geometry.hop_frames):
        utc_ns = BEGIN_NS + round(first * STEP_S * 1e9)
        target_db = levels_db[first : first + n_horizon]
        meter.hear(target_db, first, utc_ns, is_good=True)
    return meter


def as_heard_alone(levels_db: FloatArray) -> list[BandMinute]:
    minutes = MinuteMeter("b", GRID, 1, minute_s=60.0)
    found = [
        minutes.add(row[None], tick, BEGIN_NS + round(tick * STEP_S * 1e9))
        for tick, row in enumerate(levels_db)
    ]
    return [one for one in (*found, minutes.finish()) if one is not None]


@pytest.mark.parametrize("has_memory", [False, True])
@pytest.mark.parametrize("hop", [1, 2, 4])
def test_every_sweep_counts_once(rng: np.random.Generator, hop: int, *, has_memory: bool) -> None:
    levels_db = rng.uniform(-90, -60, (20, N_POINTS)).astype(np.float32)
    geometry = Geometry(N_POINTS, STEP_S, 4, 4, hop)
    meter = told(levels_db, geometry, has_memory=has_memory)
    meter.finish()
    found, expected = meter.take_minutes(), as_heard_alone(levels_db)
    assert [one.n_means for one in found] == [one.n_means for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one.utc_ns, one.tick_start, one.duration_s) == (
            *(other.utc_ns, other.tick_start, other.duration_s),
        )
        assert np.array_equal(one.mean_dbfs, other.mean_dbfs)


def test_a_target_of_a_model_with_hours_is_heard_when_the_next_one_comes(
    rng: np.random.Generator,
) -> None:
    levels_db = rng.uniform(-90, -60, (40, N_POINTS)).astype(np.float32)
    geometry = Geometry(N_POINTS, STEP_S, 4, 20, 20)
    at_once, later = (told(levels_db, geometry, has_memory=one) for one in (False, True))
    assert len(at_once.take_minutes()) == 13
    assert len(later.take_minutes()) == 6


def test_a_target_that_is_not_good_is_in_no_minute(rng: np.random.Generator) -> None:
    levels_db = rng.uniform(-90, -60, (8, N_POINTS)).astype(np.float32)
    meter = SweepMeter(Geometry(N_POINTS, STEP_S, 4, 4, 4), GRID)
    meter.minutes = MinuteMeter("b", GRID, 1, minute_s=60.0)
    meter.hear(levels_db[:4], 0, BEGIN_NS, is_good=False)
    meter.hear(levels_db[4:], 4, BEGIN_NS + round(4 * STEP_S * 1e9), is_good=True)
    meter.finish()
    assert sum(one.n_means for one in meter.take_minutes()) == 4
