"""A cell that is watched, through the whole chain: what happens to it, and what only seems to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.config import Config, override
from edgespec.observer.band import BandChain
from edgespec.observer.snapshot import snapshot_of
from edgespec.observer.startup import open_observer
from edgespec.records import Change, Event, EventType, IqBlock
from tests.made.simulated import simulated

RATE_HZ = 1.92e6
CELL = f"sim:lte-dl?sample_rate={RATE_HZ:g}&seed=4&snr_db=20&pci=123"
START_S = 1.5


def signal(duration_s: float, options: str = "", uri: str = CELL) -> NDArray[np.int16]:
    return simulated(f"{uri}&duration_s={duration_s:g}{options}", round(duration_s * RATE_HZ))


@pytest.fixture
def chain(tmp_path: Path) -> BandChain:
    """Return one that warms up in 0.5 s."""
    config: Config = override(Config(), source=CELL, state_dir=tmp_path)
    names = ("residual", "cell", "zscore", "energy")
    detect = replace(config.detect, detectors=names, warmup_s=0.5, hold_off_s=0.1)
    return open_observer(replace(config, detect=detect), []).monitor.workers[0].chain


def heard(
    chain: BandChain, samples: NDArray[np.int16], start: int = 0, center_hz: float = 0.0
) -> list[Event]:
    """Return what is said of the cell."""
    hop, said = chain.hop_samples, []
    for first in range(0, len(samples) - hop + 1, hop):
        part = samples[first : first + hop]
        said += chain.process(IqBlock(part, RATE_HZ, center_hz, start + first, utc_ns=0))
    return [event for event in said if event.detector == "cell"]


def louder(samples: NDArray[np.int16], gain: float) -> NDArray[np.int16]:
    return np.clip(np.rint(gain * samples.astype(float)), -32768, 32767).astype(np.int16)


@pytest.mark.slow_without_jit
@pytest.mark.parametrize(
    ("fault", "kind", "least_db", "most_db", "least_hz"),
    [
        ("power-step&step_db=-6", "power-step", -7.0, -5.0, 1.4e6),
        ("power-step&step_db=6", "power-step", 5.0, 7.0, 1.4e6),
        ("frequencies-down&share=0.2", "carriers-down", -30.0, -12.0, 0.3e6),
    ],
)
def test_a_fault_of_the_cell_is_said_once_with_its_size(
    chain: BandChain, fault: str, kind: str, least_db: float, most_db: float, least_hz: float
) -> None:
    said = heard(chain, signal(2.1, f"&fault={fault}&fault_start_s={START_S}"))
    assert [event.event_type for event in said] == [EventType.NEW, EventType.END]
    for event in said:
        assert event.kind == kind
        assert event.cell_identity == 123
        assert event.sample_start / RATE_HZ == pytest.approx(START_S, abs=5e-3)
        assert least_db < event.excess_db < most_db
        assert event.change is (Change.GAIN if event.excess_db > 0 else Change.LOSS)
        assert event.freq_upper_hz - event.freq_lower_hz > least_hz
        assert event.score > event.threshold
    assert said[0].event_id == said[1].event_id
    # What a step has left behind is no alarm that goes on.
    assert chain.cell_events is not None
    assert not chain.cell_events.is_open


@pytest.mark.slow_without_jit
def test_a_station_that_goes_off_is_lost_until_it_is_back(chain: BandChain) -> None:
    off = f"&fault=station-lost&fault_start_s={START_S}&fault_stop_s=2.9"
    said = heard(chain, signal(3.2, off))
    assert [event.event_type for event in said] == [EventType.NEW, EventType.UPDATE, EventType.END]
    assert {(event.kind, event.event_id) for event in said} == {("cell-lost", said[0].event_id)}
    end = said[-1]
    assert end.sample_start / RATE_HZ == pytest.approx(START_S, abs=5e-3)
    assert (end.sample_start + end.n_samples) / RATE_HZ == pytest.approx(2.9, abs=0.06)
    assert end.change is Change.LOSS


@pytest.mark.slow_without_jit
def test_a_lost_cell_is_an_alarm_and_a_retune_ends_it(chain: BandChain) -> None:
    said = heard(chain, signal(1.8, f"&fault=station-lost&fault_start_s={START_S}"))
    assert [event.event_type for event in said] == [EventType.NEW]
    assert snapshot_of(chain).alarm
    said = heard(chain, signal(0.1), round(1.8 * RATE_HZ), center_hz=9e8)
    assert [event.event_type for event in said] == [EventType.END]
    assert chain.cancelled is not None
    assert chain.cancelled.watched is not None
    assert chain.cancelled.watched.identity is None


@pytest.mark.slow_without_jit
def test_the_end_of_the_stream_ends_it(chain: BandChain) -> None:
    heard(chain, signal(1.8, f"&fault=station-lost&fault_start_s={START_S}"))
    (end,) = (event for event in chain.finish() if event.detector == "cell")
    assert (end.event_type, end.kind) == (EventType.END, "cell-lost")


@pytest.mark.slow_without_jit
@pytest.mark.parametrize(
    "interferer",
    ["wideband&isr_db=5", "barrage&isr_db=15", "tone&isr_db=10&offset_hz=200e3", "pulse&isr_db=0"],
)
def test_an_interferer_is_no_fault_of_the_cell(chain: BandChain, interferer: str) -> None:
    assert heard(chain, signal(2.2, f"&kind={interferer}&start_s={START_S}&stop_s=2.0")) == []
    assert chain.n_segments > 250


@pytest.mark.slow_without_jit
def test_a_step_of_the_gain_is_the_receivers_and_the_next_fault_has_its_size(
    chain: BandChain,
) -> None:
    samples = signal(2.6, "&fault=power-step&fault_start_s=2.2&step_db=-6")
    n_before = round(START_S * RATE_HZ)
    samples[n_before:] = louder(samples[n_before:], 10 ** (4.0 / 20))
    said = heard(chain, samples)
    assert [event.kind for event in said] == ["power-step"] * 2
    assert said[0].excess_db == pytest.approx(-6.0, abs=0.5)


@pytest.mark.slow_without_jit
def test_a_gap_is_no_fault_and_the_cell_is_still_watched_behind_it(chain: BandChain) -> None:
    samples = signal(2.6, "&fault=power-step&fault_start_s=2.2&step_db=-6")
    first, second = round(1.2 * RATE_HZ), round(1.5234 * RATE_HZ)
    assert heard(chain, samples[:first]) == []
    said = heard(chain, samples[second:], second)
    assert [event.kind for event in said] == ["power-step"] * 2
    assert said[0].sample_start / RATE_HZ == pytest.approx(2.2, abs=5e-3)


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("is_new", [True, False])
def test_a_second_cell_is_new_unless_it_was_there_in_the_warm_up(
    chain: BandChain, is_new: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = chain.cancelled.watched if chain.cancelled is not None else None
    assert watched is not None
    monkeypatch.setattr(watched, "_pause", round(0.1 * RATE_HZ))
    other = signal(3.0, uri=CELL.replace("pci=123", "pci=301").replace("seed=4", "seed=9"))
    # Its frames begin elsewhere, and it is 6 dB weaker.
    other = louder(np.roll(other, 7000, axis=0), 0.5)
    other[: round(1.6 * RATE_HZ) if is_new else 0] = 0
    said = heard(chain, signal(3.0) // 2 + other // 2)
    found = [(event.event_type.value, event.cell_identity) for event in said
             if event.kind == "new-cell"]  # fmt: skip
    assert found == ([("new", 301), ("end", 301)] if is_new else [])
    for event in said:
        if event.kind == "new-cell":
            assert event.change is Change.GAIN
            assert 0.0 < event.excess_db < 6.0
    assert watched.identity == 123
