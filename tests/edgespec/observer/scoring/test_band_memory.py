"""A model's side inputs on the device: from minutes, over a restart, and never silently wrong."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.band_minute import BandMinute
from edgespec.clock import ClockQuality
from edgespec.config import (
    BandConfig,
    Config,
    DetectConfig,
    HistoryConfig,
    NodeConfig,
    SourceConfig,
)
from edgespec.dsp import transform
from edgespec.dsp.transforms import open_transform
from edgespec.history.levels import minute_rows
from edgespec.history.past import Past
from edgespec.history.states import state_row
from edgespec.inference.bundle import Bundle
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.observer.opening.opening import open_chain
from edgespec.observer.opening.recalled_hours import recall_hours
from edgespec.observer.scoring.band_memory import BandMemory
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.forecaster import Forecaster
from edgespec.observer.snapshot import snapshot_of
from edgespec.records import FloatArray, SampleFormat, Scaling, Segment, SourceInfo
from edgespec.side_input import DAYS, HOUR_NS, HOURS
from tests.edgespec.observer.test_allocations import MAX_BYTES, highest_rise
from tests.made import history, tiny
from tests.made.chain import chain_of

#: A whole day of UTC.
DAY_0 = 20_000 * 24
SIDES = (HOURS, DAYS)
GEOMETRY = tiny.GEOMETRY
GRID = tiny.FRAMING.grid()


def minutes(hours: Iterable[int], rng: np.random.Generator, n: int = 4) -> list[BandMinute]:
    """Some minutes of each hour, at levels that differ, on the grid of the tiny frames."""
    made = []
    for hour in hours:
        for number in range(n):
            one = history.minute_of(0, rng, n_bins=GRID.n_bins)
            mean_dbfs = rng.uniform(-90, -50, GRID.n_bins).astype(np.float32)
            utc_ns = hour * HOUR_NS + number * HOUR_NS // n
            made.append(
                replace(
                    one,
                    utc_ns=utc_ns,
                    mean_dbfs=mean_dbfs,
                    max_dbfs=mean_dbfs,
                    freqs_hz=GRID.freqs_hz,
                    rbw_hz=GRID.rbw_hz,
                )
            )
    return made


def memory_of(
    heard: Iterable[BandMinute] = (), quality: ClockQuality = ClockQuality.SYNCHRONISED
) -> BandMemory:
    memory = BandMemory(SIDES, GEOMETRY, lambda: quality)
    for minute in heard:
        memory.take(minute)
    return memory


def rows(memory: BandMemory, hour: int, context: FloatArray | None = None) -> list[FloatArray]:
    """What a model would be given, in dB."""
    memory.at(hour * HOUR_NS)
    if context is None:
        context = np.full((GEOMETRY.n_context, GEOMETRY.n_bins), -70.0, np.float32)
    as_it_is = Scaling(0.0, 1.0)
    return [side.copy() for side in memory.given(context, as_it_is, open_transform())]


def kept(state_dir: Path, heard: Iterable[BandMinute], scale: LevelScale = UNCALIBRATED) -> Past:
    store = history.store_of(state_dir)
    for minute in heard:
        store.keep(minute_rows(minute, ClockQuality.SYNCHRONISED, scale))
    store.close()
    return Past(state_dir)


def test_a_young_memory_gives_the_mean_of_the_context_and_says_so(
    rng: np.random.Generator,
) -> None:
    memory = memory_of()
    context = rng.uniform(-90, -50, (GEOMETRY.n_context, GEOMETRY.n_bins)).astype(np.float32)
    mean = 10 * np.log10(np.mean(10 ** (context / 10.0), axis=0))
    for side in rows(memory, DAY_0, context):
        np.testing.assert_allclose(side, np.tile(mean, (3, 1)), rtol=0, atol=1e-3)
    assert memory.lack == "hours 0 of 3, days 0 of 3"


def test_it_says_less_and_less_until_nothing_is_lacking(rng: np.random.Generator) -> None:
    memory = memory_of()
    said = []
    for hour in range(DAY_0, DAY_0 + 72):
        for minute in minutes([hour], rng):
            memory.at(minute.utc_ns)
            memory.take(minute)
        memory.at((hour + 1) * HOUR_NS)
        said.append(memory.lack)
    assert said[0] == "hours 1 of 3, days 0 of 3"
    assert said[2] == "days 0 of 3"
    # Half a day is enough for one.
    assert said[10:12] == ["days 0 of 3", "days 1 of 3"]
    assert said[-1] == ""


def test_each_row_is_standardised_as_the_context_is(rng: np.random.Generator) -> None:
    heard = minutes(range(DAY_0, DAY_0 + 72), rng)
    memory = memory_of(heard)
    hour = DAY_0 + 72
    plain = rows(memory, hour)
    powers = [10 ** (m.mean_dbfs / 10.0) for m in heard if m.utc_ns // HOUR_NS == hour - 1]
    np.testing.assert_allclose(plain[0][-1], 10 * np.log10(np.mean(powers, axis=0)), atol=1e-3)
    context = rng.normal(-70, 4, (GEOMETRY.n_context, GEOMETRY.n_bins)).astype(np.float32)
    scaling = Scaling(-71.0, 3.5)
    for side, side_db in zip(memory.given(context, scaling, transform), plain, strict=True):
        np.testing.assert_allclose(side, (side_db + 71.0) / 3.5, rtol=0, atol=1e-4)


@pytest.mark.parametrize("is_young", [True, False])
def test_nothing_is_allocated_for_a_segment(rng: np.random.Generator, is_young: bool) -> None:
    # So many bins that a row of them would be more than what is allowed.
    wide = replace(GEOMETRY, n_bins=4096)
    memory = BandMemory(SIDES, wide)
    heard = [] if is_young else minutes(range(DAY_0, DAY_0 + 72), rng, n=3)
    memory.remember(
        (replace(one, mean_dbfs=np.tile(one.mean_dbfs, 64)), ClockQuality.RECORDED) for one in heard
    )
    memory.at((DAY_0 + 72) * HOUR_NS)
    assert (memory.lack == "") != is_young
    context = rng.normal(-70, 4, (wide.n_context, wide.n_bins)).astype(np.float32)
    scaling = transform.scaling_of(context, np.empty_like(context))

    def step() -> None:
        memory.at((DAY_0 + 72) * HOUR_NS + 5)
        memory.given(context, scaling, transform)

    step()
    assert highest_rise(step, 20) < MAX_BYTES < context[0].nbytes


def test_a_restart_loses_no_more_than_half_a_step_of_the_history(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    heard = minutes(range(DAY_0, DAY_0 + 72), rng)
    before = rows(memory_of(heard), DAY_0 + 72)
    memory = memory_of()
    recall_hours(memory, kept(tmp_path, heard), "lte", GRID, UNCALIBRATED)
    after = rows(memory, DAY_0 + 72)
    assert memory.lack == ""
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=0.26)


def test_it_is_read_as_far_back_as_the_last_minute_says(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    # Whatever the clock says when the board begins: long ago, or long after.
    past = kept(tmp_path, minutes(range(DAY_0, DAY_0 + 100), rng, n=3))
    memory = memory_of()
    recall_hours(memory, past, "lte", GRID, UNCALIBRATED)
    rows(memory, DAY_0 + 100)
    assert memory.lack == ""
    rows(memory, 5)
    assert memory.lack == "hours 0 of 3, days 0 of 3"


def test_other_grids_scales_and_bands_are_left_out(
    tmp_path: Path, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    heard = minutes(range(DAY_0, DAY_0 + 72), rng)
    moved = [replace(one, freqs_hz=one.freqs_hz + 1e6) for one in heard[:8]]
    past = kept(tmp_path, [*heard[8:], *moved])
    memory = memory_of()
    with caplog.at_level(logging.WARNING):
        recall_hours(memory, past, "lte", GRID, UNCALIBRATED)
    assert "8 of 288 minutes of the history are of another grid, gain or full scale" in caplog.text
    for band, scale in (("other", UNCALIBRATED), ("lte", LevelScale(-30.0))):
        empty = memory_of()
        recall_hours(empty, past, band, GRID, scale)
        rows(empty, DAY_0 + 72)
        assert empty.lack == "hours 0 of 3, days 0 of 3"


def test_minutes_of_before_the_gain_was_changed_are_left_out(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    store = history.store_of(tmp_path)
    heard = minutes(range(DAY_0, DAY_0 + 72), rng)

    def tell(hour: int, condition: dict[str, object]) -> None:
        at_ns = (DAY_0 + hour) * HOUR_NS
        store.keep([state_row(at_ns, ClockQuality.SYNCHRONISED, "lte", condition)])

    # A version before said nothing of the gain.
    tell(0, {"phase": "watching"})
    tell(1, {"gain_db": 20.0})
    tell(70, {"gain_db": 30.0})
    store.close()
    past = kept(tmp_path, heard)
    for gain_db, lack in (
        (30.0, "hours 2 of 3, days 0 of 3"),
        (20.0, "hours 0 of 3, days 0 of 3"),
        (None, "hours 0 of 3, days 0 of 3"),
    ):
        memory = memory_of()
        recall_hours(memory, past, "lte", GRID, LevelScale(gain_db=gain_db))
        rows(memory, DAY_0 + 72)
        assert memory.lack == lack


def test_a_history_that_cannot_be_read_costs_the_hours_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory = memory_of()
    past = Past(tmp_path)
    recall_hours(memory, past, "lte", GRID, UNCALIBRATED)
    past.path.write_bytes(b"no database" * 1000)
    with caplog.at_level(logging.WARNING):
        recall_hours(memory, past, "lte", GRID, UNCALIBRATED)
    assert "its model begins without the hours before" in caplog.text


def test_a_board_that_begins_in_1970_forgets_nothing(rng: np.random.Generator) -> None:
    memory = memory_of(minutes(range(DAY_0, DAY_0 + 72), rng))
    memory._quality = lambda: ClockQuality.UNSYNCHRONISED
    for minute in minutes(range(1), rng):
        memory.take(minute)
        memory.at(minute.utc_ns)
    assert memory.lack == "hours 0 of 3, days 0 of 3"
    rows(memory, DAY_0 + 72)
    assert memory.lack == ""


def test_a_board_that_is_never_set_goes_by_its_own_clock_after_two_hours(
    rng: np.random.Generator,
) -> None:
    memory = memory_of(minutes(range(DAY_0, DAY_0 + 72), rng))
    memory._quality = lambda: ClockQuality.UNSYNCHRONISED
    for minute in minutes(range(10, 14), rng, n=60):
        memory.take(minute)
    rows(memory, 14)
    assert memory.lack == "hours 2 of 3, days 0 of 3"


def test_a_clock_that_is_set_back_is_believed_at_once_where_something_vouches_for_it(
    rng: np.random.Generator,
) -> None:
    wrong = minutes(range(DAY_0 + 900, DAY_0 + 972), rng)
    right = minutes(range(DAY_0, DAY_0 + 72), rng)
    for one, other in zip(
        rows(memory_of(wrong + right), DAY_0 + 72), rows(memory_of(right), DAY_0 + 72), strict=True
    ):
        assert np.array_equal(one, other)


def test_another_grid_begins_anew_and_a_step_of_the_gain_does_not(
    rng: np.random.Generator,
) -> None:
    memory = memory_of(minutes(range(DAY_0, DAY_0 + 72), rng))
    before = rows(memory, DAY_0 + 72)
    memory.follow(6.0)
    for one, other in zip(before, rows(memory, DAY_0 + 72), strict=True):
        np.testing.assert_allclose(other, one + 6.0, rtol=0, atol=1e-4)
    memory.forget()
    assert memory.lack == "hours 0 of 3, days 0 of 3"


class Told:
    """A model that remembers what it was given."""

    name = "told"

    def __init__(self) -> None:
        self.given: list[tuple[FloatArray, ...]] = []

    def predict(self, window: FloatArray, *sides: FloatArray) -> FloatArray:
        self.given.append(tuple(side.copy() for side in sides))
        return np.zeros((GEOMETRY.n_horizon, GEOMETRY.n_bins), np.float32)


def sided_bundle() -> Bundle:
    limits = tiny.calibration(thresholds={"0.001": {"quantile": 1e6}})
    manifest = tiny.manifest(side_inputs=SIDES, detectors={"forecast": limits})
    nothing = np.empty((0, 0, 0), np.float32)
    return Bundle(manifest, b"", nothing, nothing, "", Path())


def test_a_forecaster_whose_band_has_no_memory_gives_the_mean_of_the_context(
    rng: np.random.Generator,
) -> None:
    model = Told()
    context = rng.normal(-70, 4, (GEOMETRY.n_context, GEOMETRY.n_bins)).astype(np.float32)
    target = np.zeros((GEOMETRY.n_horizon, GEOMETRY.n_bins), np.float32)
    Forecaster(sided_bundle(), model).forecast(Segment(context, target, np.arange(12)))
    (sides,) = model.given
    assert [side.shape for side in sides] == [(3, 64), (3, 64)]
    assert np.array_equal(sides[0], sides[1])


def test_a_chain_gives_its_model_what_its_minutes_said(rng: np.random.Generator) -> None:
    model = Told()
    rate_hz = tiny.FRAMING.sample_rate_hz
    source = SourceInfo("test:", rate_hz, 0.0, SampleFormat.CF32, False)
    detect = DetectConfig(warmup_s=0.0, detectors=("forecast",))
    hop = tiny.RECIPE.hop_samples
    chain = chain_of(sided_bundle(), model, source, BandConfig(), detect, max_block_samples=hop)
    assert snapshot_of(chain).side_inputs == "hours 0 of 3, days 0 of 3"
    assert chain.meter.memory is not None
    chain.meter.memory.remember(
        (minute, ClockQuality.RECORDED) for minute in minutes(range(DAY_0, DAY_0 + 72), rng)
    )
    target = np.full((GEOMETRY.n_horizon, GEOMETRY.n_bins), -60.0, np.float32)
    chain.meter.hear(target, 0, (DAY_0 + 72) * HOUR_NS + 1, is_good=True)
    assert snapshot_of(chain).side_inputs == ""
    chain.retune(chain.grid)
    assert snapshot_of(chain).side_inputs == "hours 0 of 3, days 0 of 3"


@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("levels", [True, False])
def test_a_radio_that_is_opened_again_goes_on_with_the_hours_that_were_kept(
    tmp_path: Path,
    rng: np.random.Generator,
    caplog: pytest.LogCaptureFixture,
    levels: bool,
    is_live: bool,
) -> None:
    kept(tmp_path, minutes(range(DAY_0, DAY_0 + 72), rng))
    rate_hz = tiny.FRAMING.sample_rate_hz
    source = SourceInfo("test:", rate_hz, 0.0, SampleFormat.CF32, is_live)
    detect = DetectConfig(warmup_s=0.0, detectors=("forecast",))
    config = Config(
        node=NodeConfig(state_dir=tmp_path, computing="plain"),
        source=(SourceConfig(uri="sim:lte-dl"),),
        band=(BandConfig(id="lte"),),
        detect=detect,
        history=HistoryConfig(levels=levels),
    )
    with caplog.at_level(logging.WARNING):
        chain = open_chain(config, source, Basis.of_bundle(sided_bundle(), Told(), detect))
    assert chain.meter.memory is not None
    assert chain.meter.minutes is not None
    chain.meter.memory.at((DAY_0 + 72) * HOUR_NS)
    has_all = is_live and levels
    assert (snapshot_of(chain).side_inputs == "") == has_all
    assert ("a restart forgets them" in caplog.text) == (is_live and not levels)
