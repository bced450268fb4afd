"""What a meter says between targets, and which of them minutes hear."""

import numpy as np

from edgespec.config.mask import Mask, MaskRow
from edgespec.dsp.minute import MinuteMeter
from edgespec.framing import Framing
from edgespec.kinds import OVER_MASK
from edgespec.observer.mask_watch import MaskWatch
from edgespec.observer.meter import BandMeter
from edgespec.records import EventType, Geometry

GRID = Framing(1.92e6).grid(806e6)
GEOMETRY = Geometry(GRID.n_bins, GRID.frame_s)


def target(level_dbfs: float) -> np.ndarray:
    return np.full((GEOMETRY.n_horizon, GRID.n_bins), level_dbfs, np.float32)


def test_levels_are_those_of_the_last_target_good_or_not() -> None:
    meter = BandMeter(GEOMETRY)
    assert meter.levels_dbfs(1.0) == (-200.0, -200.0)
    reused = target(-60.0)
    for level_dbfs, is_good in ((-60.0, True), (-40.0, False)):
        reused[:] = level_dbfs
        meter.hear(reused, 0, 0, is_good=is_good)
        reused[:] = 0.0
        np.testing.assert_allclose(meter.levels_dbfs(1.0)[1], level_dbfs, atol=1e-3)
    meter.finish()
    meter.retune(GRID)
    assert meter.take_minutes() == []


def test_minutes_hear_what_is_good_and_are_taken_once() -> None:
    meter = BandMeter(GEOMETRY)
    meter.minutes = MinuteMeter("lte", GRID, GEOMETRY.n_horizon)
    meter.hear(target(-60.0), 0, 0, is_good=True)
    meter.hear(target(0.0), 1, 0, is_good=False)
    meter.retune(Framing(1.92e6).grid(900e6))
    meter.hear(target(-50.0), 2, 0, is_good=True)
    meter.finish()
    assert [round(float(one.max_dbfs.max())) for one in meter.take_minutes()] == [-60, -50]
    assert meter.take_minutes() == []


def test_a_mask_hears_the_minutes_to_the_last() -> None:
    meter = BandMeter(GEOMETRY)
    meter.minutes = MinuteMeter("lte", GRID, GEOMETRY.n_horizon)
    meter.mask = MaskWatch(Mask((MaskRow(805.5e6, 806.5e6, "BTS", max_dbfs=-55.0),)), "lte")
    meter.hear(target(-50.0), 7, 0, is_good=True)
    assert not meter.is_open
    meter.finish()
    new, end = meter.take_events()
    assert (new.kind, new.event_type, new.sample_start) == (OVER_MASK, EventType.NEW, 7)
    assert end.event_type is EventType.END
    assert meter.take_events() == []
    assert len(meter.take_minutes()) == 1
