"""The observer on sweeps, without a bundle: from a file that rtl_power wrote to events."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from edgespec.config import (
    BandConfig,
    Config,
    DetectConfig,
    NodeConfig,
    SiteConfig,
    SourceConfig,
    SweepConfig,
)
from edgespec.errors import ConfigError
from edgespec.kinds import NARROWBAND, SIGNAL_LOST
from edgespec.observer.startup import check_config, open_observer
from edgespec.observer.swept.swept import swept_names
from edgespec.records import Event, EventType, ObserverState
from tests.made import sweeps
from tests.made.sweeps import LOWER_HZ, START, STEP_HZ

N_POINTS, INTERVAL_S = 40, 10.0
STATION = N_POINTS // 8


def config_of(path: Path, tmp_path: Path, **sweep: int) -> Config:
    return Config(
        node=NodeConfig(id="n", state_dir=tmp_path / "state"),
        source=(SourceConfig(uri=f"rtl_power:{path}?zone=UTC"),),
        sweep=SweepConfig(**sweep),
    )


def run(config: Config) -> tuple[list[Event], ObserverState]:
    told: list[Event] = []
    observer = open_observer(config, on_event=told.append)
    (state,) = observer.monitor.run()
    return told, state


def watch(table: np.ndarray, tmp_path: Path, **sweep: int) -> tuple[list[Event], ObserverState]:
    path = tmp_path / "a.csv"
    path.write_text(sweeps.rtl_power_text(table, n_hops=2, interval_s=INTERVAL_S))
    return run(config_of(path, tmp_path, **sweep))


def opened(told: list[Event]) -> list[Event]:
    return [event for event in told if event.event_type is EventType.NEW]


def ended(told: list[Event]) -> list[Event]:
    return [event for event in told if event.event_type is EventType.END]


def test_normal_sweeps_are_quiet(tmp_path: Path) -> None:
    told, state = watch(sweeps.levels(400, N_POINTS), tmp_path)
    assert told == []
    assert state.n_samples == state.n_segments + 1 == 400
    assert set(state.thresholds) == {"scan"}
    assert not state.troubles


@pytest.mark.parametrize(("n_sweeps", "excess_db"), [(1, 25.0), (3, 12.0), (10, 8.0)])
def test_a_burst_is_an_event_at_its_place_and_time(
    tmp_path: Path, n_sweeps: int, excess_db: float
) -> None:
    table = sweeps.levels(200, N_POINTS)
    table[120 : 120 + n_sweeps, 14] += excess_db
    told, _ = watch(table, tmp_path)
    (event,) = opened(told)
    (end,) = ended(told)
    center_hz = LOWER_HZ + 14 * STEP_HZ
    assert event.freq_lower_hz <= center_hz <= event.freq_upper_hz
    assert event.freq_upper_hz - event.freq_lower_hz <= 3 * STEP_HZ
    assert event.kind == NARROWBAND
    begun_s = event.start_ns / 1e9 - START.timestamp()
    assert begun_s == pytest.approx(120 * INTERVAL_S, abs=2 * INTERVAL_S)
    lasted_s = (end.end_ns - end.start_ns) / 1e9
    assert lasted_s == pytest.approx(n_sweeps * INTERVAL_S, abs=4 * INTERVAL_S)


def test_a_carrier_that_stays_is_one_event_to_the_end(tmp_path: Path) -> None:
    table = sweeps.levels(700, N_POINTS)
    table[100:, 20] += 12.0
    told, _ = watch(table, tmp_path)
    (end,) = ended(told)
    assert len(opened(told)) == 1
    assert (end.end_ns - end.start_ns) / 1e9 == pytest.approx(600 * INTERVAL_S, rel=0.02)


def test_a_station_that_goes_silent_is_lost(tmp_path: Path) -> None:
    table = sweeps.levels(200, N_POINTS)
    table[100:, STATION] -= 28.0
    told, _ = watch(table, tmp_path)
    assert [event.kind for event in opened(told)] == [SIGNAL_LOST]
    (event,) = opened(told)
    assert event.freq_lower_hz <= LOWER_HZ + STATION * STEP_HZ <= event.freq_upper_hz
    assert event.excess_db < 0


def test_the_warm_up_is_counted_in_sweeps(tmp_path: Path) -> None:
    table = sweeps.levels(100, N_POINTS)
    table[65, 14] += 25.0
    assert len(opened(watch(table, tmp_path, warmup_sweeps=50)[0])) == 1
    told, state = watch(table, tmp_path, warmup_sweeps=58)
    assert len(opened(told)) == 1
    # Of a recording that is hardly longer it takes 40%.
    assert len(opened(watch(table, tmp_path, warmup_sweeps=90)[0])) == 1
    assert state.warmup_left_s == 0.0


def test_k_of_n_sweeps_open_an_event(tmp_path: Path) -> None:
    table = sweeps.levels(200, N_POINTS)
    table[120, 14] += 25.0
    assert opened(watch(table, tmp_path, k=2, n=3)[0]) == []
    table[121, 14] += 25.0
    assert len(opened(watch(table, tmp_path, k=2, n=3)[0])) == 1


def test_holes_and_a_gap_are_no_event_of_a_detector(tmp_path: Path) -> None:
    table = sweeps.levels(300, N_POINTS)
    table[150, 3:7] = np.nan
    table[160:163] = np.nan
    rows = sweeps.rtl_power_text(table, n_hops=2, interval_s=INTERVAL_S).splitlines(True)
    path = tmp_path / "a.csv"
    path.write_text("".join(rows[:400] + rows[420:]))
    told, state = run(config_of(path, tmp_path))
    assert {event.kind for event in opened(told)} <= {"receiver", "dropped"}
    assert state.n_dropped == 10
    assert state.n_skipped["nonfinite"] == 3


def test_a_receiver_that_drifts_by_5_db_is_at_most_one_event(tmp_path: Path) -> None:
    table = sweeps.levels(500, N_POINTS)
    table[100:400] += np.linspace(0.0, 5.0, 300, dtype=np.float32)[:, None]
    table[400:] += 5.0
    told, _ = watch(table, tmp_path)
    assert len(opened(told)) <= 1


@pytest.mark.parametrize("n_points", [30, N_POINTS])
def test_another_span_begins_anew(tmp_path: Path, n_points: int) -> None:
    before, behind = sweeps.levels(100, N_POINTS), sweeps.levels(120, n_points, seed=2)
    before[80:, 14] += 25.0
    behind[100, 3] += 25.0
    text = sweeps.rtl_power_text(before, interval_s=INTERVAL_S) + "".join(
        sweeps.rtl_power_line(
            START + timedelta(seconds=INTERVAL_S * (100 + number)), 98e6, row.tolist()
        )
        for number, row in enumerate(behind)
    )
    path = tmp_path / "a.csv"
    path.write_text(text)
    told, state = run(config_of(path, tmp_path))
    assert [round(event.freq_lower_hz / 1e7) for event in opened(told)] == [9, 10]
    assert len(ended(told)) == 2
    # The event of the span before ends with it, and at its edges.
    assert ended(told)[0].freq_upper_hz < 92e6
    assert state.n_samples == 219


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("residual", "model", "zscore", "energy", "any-band"), ("scan",)),
        (("model",), ("scan",)),
        (("zscore",), ("zscore",)),
        (("any-band", "residual", "zscore"), ("scan",)),
        (("any-band", "energy"), ("scan", "energy")),
        (("residual", "cell", "ewma"), ("scan", "ewma")),
    ],
)
def test_the_scan_is_there_for_what_looks_at_samples(
    names: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert swept_names(DetectConfig(detectors=names)) == found


def test_what_sweeps_do_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(sweeps.rtl_power_text(sweeps.levels(20, N_POINTS)))
    config = config_of(path, tmp_path)
    assert check_config(config) == (None,)
    with pytest.raises(ConfigError, match="gives sweeps"):
        check_config(replace(config, band=(BandConfig(center_freq_hz=89e6),)))
    with pytest.raises(ConfigError, match="needs a model"):
        check_config(replace(config, detect=DetectConfig(detectors=("forecast",))))


def test_samples_have_no_scan_of_sweeps(tmp_path: Path) -> None:
    config = Config(
        source=(SourceConfig(uri="sim:lte-dl"),), detect=DetectConfig(detectors=("scan",))
    )
    with pytest.raises(ConfigError, match="looks at sweeps"):
        check_config(config)


def test_slow_levels_are_not_watched_where_sweeps_are_rare_or_nobody_asks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for interval_s, asked, is_watched in (
        (10.0, True, True),
        (10.0, False, False),
        (60.0, True, False),
    ):
        path.write_text(sweeps.rtl_power_text(sweeps.levels(70, N_POINTS), interval_s=interval_s))
        config = replace(config_of(path, tmp_path), site=SiteConfig(watch=asked))
        observer = open_observer(config)
        (radio,) = observer.radios
        assert (radio.chains[0].site is not None) is is_watched
        observer.monitor.run()
