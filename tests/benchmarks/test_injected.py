"""Interferers in real captures: what is drawn can be heard, and what was said is judged rightly."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.detection.injected import KINDS, draw_interferer, judged
from benchmarks.detection.injected_report import markdown
from benchmarks.detection.real_cases import Case, Recording
from edgespec.records import Change, Event, EventType, SampleFormat, SourceInfo
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.interferers import complete

RATE_HZ = 1.92e6
BIN_HZ = RATE_HZ / 128
CENTER_HZ = 2645e6
START_S = 0.5
RECORDING = Recording(
    "capture",
    SourceInfo("test:", RATE_HZ, CENTER_HZ, SampleFormat.CI16, False),
    np.zeros((round(RATE_HZ), 2), np.int16),
)
NOISE = Case("noise", InterfererConfig("barrage", offset_hz=1e5, bandwidth_hz=4e5), 10.0)
EVENT = Event(
    event_id="a",
    event_type=EventType.NEW,
    band="band",
    start_ns=0,
    end_ns=0,
    sample_start=round(START_S * RATE_HZ),
    n_samples=round(0.03 * RATE_HZ),
    freq_lower_hz=CENTER_HZ - 1e5,
    freq_upper_hz=CENTER_HZ + 3e5,
    peak_freq_hz=CENTER_HZ,
    peak_dbfs=-20.0,
    change=Change.GAIN,
    excess_db=20.0,
    severity_db=20.0,
    detector="zscore",
    score=9.0,
    threshold=5.0,
    sureness=1.0,
)


def life(event: Event, stop_s: float) -> list[Event]:
    """The first and the last message of an event that ends at ``stop_s``."""
    n_samples = round(stop_s * RATE_HZ) - event.sample_start
    return [event, replace(event, event_type=EventType.END, n_samples=n_samples)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_drawn_lies_in_the_band_and_looks_like_no_frame(kind: str) -> None:
    drawn = [draw_interferer(kind, RATE_HZ, np.random.default_rng(seed)) for seed in range(200)]
    for interferer in drawn:
        full = complete(interferer, RATE_HZ)
        assert full.kind == KINDS[kind]
        assert abs(full.offset_hz) + full.bandwidth_hz / 2 <= 0.42 * RATE_HZ + full.bandwidth_hz / 4
        in_ms = 1e3 * interferer.period_s
        assert not in_ms or in_ms < 0.95 or abs(in_ms - round(in_ms)) > 0.05
    assert len({interferer.offset_hz for interferer in drawn}) == 200
    assert draw_interferer(kind, RATE_HZ, np.random.default_rng(7)) == drawn[7]


def test_an_event_from_the_interferers_start_is_a_find() -> None:
    found = judged(RECORDING, NOISE, life(EVENT, 0.9), START_S)
    assert (found.is_found, found.n_false_events, found.inside_false_event) == (True, 0, False)
    assert found.delay_ms == pytest.approx(30.0, abs=1e-3)
    assert found.edge_error_bins == pytest.approx(0.0, abs=1e-6)
    off = replace(EVENT, freq_upper_hz=EVENT.freq_upper_hz + 3 * BIN_HZ)
    assert judged(RECORDING, NOISE, life(off, 0.9), START_S).edge_error_bins == pytest.approx(3.0)
    new, end = life(EVENT, 0.9)
    coarse = replace(new, freq_lower_hz=EVENT.freq_lower_hz - 9 * BIN_HZ)
    mended = judged(RECORDING, NOISE, [coarse, end], START_S)
    assert mended.edge_error_bins == pytest.approx(9.0)
    assert mended.last_edge_error_bins == pytest.approx(0.0, abs=1e-6)
    assert mended.n_seen == 1


def test_a1_trouble_with_the_receiver_is_a_find_and_has_no_edges() -> None:
    overload = replace(EVENT, event_id="c", kind="overload", freq_upper_hz=CENTER_HZ + 9e5)
    found = judged(RECORDING, NOISE, life(overload, 0.9), START_S)
    assert (found.is_found, found.first_kind, found.edge_error_bins) == (True, "overload", None)
    both = judged(RECORDING, NOISE, [*life(overload, 0.9), *life(EVENT, 0.9)], START_S)
    assert both.edge_error_bins == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("stop_s", "is_inside"), [(0.4, False), (0.9, True)])
def test_an_event_that_was_open_before_is_false(stop_s: float, is_inside: bool) -> None:
    early = replace(EVENT, event_id="b", sample_start=round(0.3 * RATE_HZ))
    found = judged(RECORDING, NOISE, life(early, stop_s), START_S)
    assert (found.is_found, found.n_false_events) == (False, 1)
    assert found.inside_false_event is is_inside
    both = judged(RECORDING, NOISE, [*life(early, stop_s), *life(EVENT, 0.9)], START_S)
    assert (both.is_found, both.n_false_events) == (True, 1)


def test_every_event_of_an_untouched_capture_is_false() -> None:
    found = judged(RECORDING, Case("untouched"), life(EVENT, 0.9), START_S)
    assert (found.is_found, found.n_false_events) == (False, 1)
    text = markdown([found, judged(RECORDING, NOISE, life(EVENT, 0.9), START_S)], list(KINDS))
    assert "1 false events in 1 x" in text
    assert "| +10 | 1 of 1 |" in text
