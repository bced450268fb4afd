"""What is written can be read, and what is wrong is refused with its name."""

import json
import math
from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest

from edgespec.alert import Alert
from edgespec.band_rhythm import BandRhythm, RhythmState
from edgespec.clock import ClockQuality
from edgespec.errand import Errand
from edgespec.heard_cell import CellState, HeardCell
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.listing import Listing, MaskWord
from edgespec.promise import Promise
from edgespec.records import Change, Event, EventType, ObserverState
from edgespec.wire.event import EventMessage, event_payload, mark_replayed, parse_event
from edgespec.wire.info import info_payload, parse_info
from edgespec.wire.state import parse_state, state_payload
from edgespec.wire.text import PayloadError, decode, encode

NS = 1_000_000_000


def random_event(rng: np.random.Generator) -> Event:
    """Any event, its times and its latency in whole microseconds."""
    start_ns = int(rng.integers(0, 4_000_000_000_000_000)) * 1000
    return Event(
        event_id=f"id-{rng.integers(1 << 40):x}",
        event_type=EventType(rng.choice(["new", "update", "end"])),
        band="LTE 'ä' \"880\"",
        start_ns=start_ns,
        end_ns=start_ns + int(rng.integers(0, 1_000_000)) * 1000,
        sample_start=int(rng.integers(0, 1 << 62)),
        n_samples=int(rng.integers(1, 1 << 40)),
        freq_lower_hz=float(rng.uniform(-1e6, 6e9)),
        freq_upper_hz=float(rng.uniform(-1e6, 6e9)),
        peak_freq_hz=float(rng.uniform(-1e6, 6e9)),
        peak_dbfs=float(rng.normal(-50, 30)),
        change=Change(rng.choice(["gain", "loss"])),
        severity_db=float(rng.exponential(10)),
        excess_db=float(rng.normal(10, 30)),
        detector="lstm",
        score=float(rng.exponential(1e3)),
        threshold=float(rng.exponential(1e-3)),
        sureness=float(rng.uniform()),
        clock=ClockQuality(rng.choice(["synchronised", "stepped", "recorded"])),
        latency_s=int(rng.integers(0, 100_000)) / 1e6,
        model_sha256=[None, "c0ffee"][int(rng.integers(2))],
        share=[None, float(rng.uniform())][int(rng.integers(2))],
        cell_identity=[None, 503][int(rng.integers(2))],
        unheard_s=int(rng.integers(0, 1_000_000)) / 1e6,
        alert=[Alert(), Alert(False, "quiet hours", "i-1")][int(rng.integers(2))],
        scale=random_scale(rng),
        listing=[
            None, Listing(MaskWord.NOT_LISTED), Listing(MaskWord.OVER, "BTS ä", 2.5)
        ][int(rng.integers(3))],
    )  # fmt: skip


def random_state(rng: np.random.Generator) -> ObserverState:
    return ObserverState(
        utc_ns=int(rng.integers(0, 4_000_000_000_000_000)) * 1000,
        uptime_s=float(rng.exponential(1e4)),
        n_samples=int(rng.integers(1 << 50)),
        n_segments=int(rng.integers(1 << 30)),
        n_events=int(rng.integers(1 << 20)),
        n_dropped=int(rng.integers(1 << 20)),
        n_skipped={"noise": 3, "clip/ped~": 1},
        level_dbfs=float(rng.normal(-50, 20)),
        noise_floor_dbfs=float(rng.normal(-90, 20)),
        scores={"lstm": float(rng.normal()), "schema": 1.0},
        thresholds={"lstm": float(rng.normal())},
        speed=float(rng.exponential(10)),
        alarm=bool(rng.integers(2)),
        mqtt_connected=[None, True, False][int(rng.integers(3))],
        spool_events=int(rng.integers(100)),
        n_untold=int(rng.integers(100)),
        rhythm=[
            None,
            BandRhythm(RhythmState.CALIBRATING, 31.25, 28.75, 12, 100),
            BandRhythm(RhythmState.WATCHING, 90.125, 0.0, 412, 0, 4.25, 1.5),
        ][int(rng.integers(3))],
        board=("undervoltage", "too hot")[: int(rng.integers(3))],
        errand=[None, Errand("record", "record-1", "lte", 0.25)][int(rng.integers(2))],
        model_caution=str(rng.choice(["", "the installed model cannot be used"])),
        history_problem=str(rng.choice(["", "No space left on device"])),
        side_inputs=str(rng.choice(["", "days 1 of 3"])),
        raised=[{}, {"residual": 2.345, "zscore": 1.5}][int(rng.integers(2))],
        last_test_ns=[None, 1_768_809_600_123_456_000][int(rng.integers(2))],
        warmup_left_s=float(rng.uniform(0, 2)),
        unscored_reason=["", "constant"][int(rng.integers(2))],
        unscored_share=float(rng.uniform()),
        unscored_s=float(rng.exponential(10)),
        troubles=[(), ("overload", "dropped")][int(rng.integers(2))],
        distrust=["", "it changed"][int(rng.integers(2))],
        center_freq_hz=float(rng.uniform(0, 6e9)),
        tuned=bool(rng.integers(2)),
        duty=int(rng.integers(0, 1_000_001)) / 1e6,
        cell=random_cell(rng),
        events_last_day=int(rng.integers(1 << 16)),
        promise=[None, Promise(5.0, 0.5, float(rng.exponential(9)), 1800.0, 10**18)][
            int(rng.integers(2))
        ],
        latency_s={"p50": int(rng.integers(0, 100_000)) / 1e6, "max": 0.25},
        band="lte",
        model_sha256=[None, "c0ffee"][int(rng.integers(2))],
        scale=random_scale(rng),
    )


def random_scale(rng: np.random.Generator) -> LevelScale:
    scales = (UNCALIBRATED, LevelScale(-30.0), LevelScale(-28.5, 24.0, date(2026, 11, 28), 12.5))
    return scales[int(rng.integers(3))]


def random_cell(rng: np.random.Generator) -> HeardCell | None:
    if rng.integers(3) == 0:
        return None
    state = list(CellState)[int(rng.integers(4))]
    if rng.integers(2):
        return HeardCell(state)
    numbers = map(float, rng.normal(size=4))
    return HeardCell(state, int(rng.integers(504)), "tdd", *numbers, "much is left", "lte")


def test_events_round_trip(rng: np.random.Generator) -> None:
    for _ in range(200):
        event = random_event(rng)
        message = EventMessage(event, "pi-1", int(rng.integers(1 << 60)), bool(rng.integers(2)))
        assert parse_event(encode(event_payload(message))) == message


def test_levels_are_claimed_in_dbm_where_a_band_is_calibrated_alone(
    rng: np.random.Generator,
) -> None:
    """50 ohms: 0 dBm are 107 dBuV, over which the antenna has 24 dB/m."""
    event = replace(
        random_event(rng), peak_dbfs=-41.0, end_ns=1_795_000_000 * NS, scale=UNCALIBRATED
    )

    def said(scale: LevelScale) -> list[object]:
        payload = event_payload(EventMessage(replace(event, scale=scale), "pi", 1))
        assert payload["peak_dbfs"] == -41.0
        assert payload["level_unit"] == "dBFS"
        names = ("peak_dbm", "peak_dbuv_m", "calibrated", "calibration_age_days")
        return [payload[name] for name in names]

    assert said(UNCALIBRATED) == [None] * 4
    assert said(LevelScale(None, 24.0)) == [None] * 4
    assert said(LevelScale(-30.0)) == [-71.0, None, None, None]
    dbm, dbuv_m, day, age = said(LevelScale(-30.0, 24.0, date(2026, 11, 8)))
    assert (dbm, day, age) == (-71.0, "2026-11-08", 10)
    assert dbuv_m == pytest.approx(-71.0 + 107.0 + 24.0, abs=0.02)


def test_states_say_their_levels_in_what_they_are_known_in(rng: np.random.Generator) -> None:
    state = replace(
        random_state(rng), level_dbfs=-41.0, noise_floor_dbfs=-90.0, utc_ns=1_795_000_000 * NS
    )

    def said(scale: LevelScale) -> list[object]:
        payload = state_payload(replace(state, scale=scale), "pi")
        assert (payload["level_dbfs"], payload["noise_floor_dbfs"]) == (-41.0, -90.0)
        assert payload["level_unit"] == "dBFS"
        names = ("level_dbm", "noise_floor_dbm", "level_dbuv_m", "calibration_age_days")
        return [payload[name] for name in names]

    assert said(UNCALIBRATED) == [None] * 4
    assert said(LevelScale(-30.0)) == [-71.0, -120.0, None, None]
    dbm, floor_dbm, dbuv_m, age = said(LevelScale(-30.0, 24.0, date(2026, 11, 8)))
    assert (dbm, floor_dbm, age) == (-71.0, -120.0, 10)
    assert dbuv_m == pytest.approx(-71.0 + 107.0 + 24.0, abs=0.02)


def test_a_state_of_before_there_were_scales_is_read(rng: np.random.Generator) -> None:
    payload = state_payload(random_state(rng), "pi")
    for name in ("full_scale_dbm", "antenna_factor_db", "calibrated", "level_dbm"):
        del payload[name]
    assert parse_state(encode(payload))[1].scale == UNCALIBRATED


def test_a_calibration_of_no_day_is_refused(rng: np.random.Generator) -> None:
    payload = event_payload(EventMessage(random_event(rng), "n", 1))
    with pytest.raises(PayloadError, match="calibrated is '2026-13-40'; a day looks like"):
        parse_event(encode({**payload, "calibrated": "2026-13-40"}))


def test_states_round_trip(rng: np.random.Generator) -> None:
    for _ in range(200):
        state = random_state(rng)
        assert parse_state(encode(state_payload(state, "pi-1"))) == ("pi-1", state)


def test_info_round_trips() -> None:
    info = {"version": "1.0", "model_sha256": "ab", "nested": {"list": [1, 2.5, None, "x"]}}
    assert parse_info(encode(info_payload(info, "pi-1"))) == ("pi-1", info)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["peak_dbfs", "score", "freq_lower_hz", "sureness"])
def test_what_is_not_finite_is_null_with_its_reason(
    rng: np.random.Generator, name: str, value: float
) -> None:
    # A calibrated level says the same in other units.
    event = replace(random_event(rng), scale=UNCALIBRATED, **{name: value})
    text = encode(event_payload(EventMessage(event, "n", 1)))

    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} in JSON")

    payload = json.loads(text, parse_constant=refuse)
    assert list(payload["not_finite"].values()) == [str(value)]
    read = getattr(parse_event(text).event, name)
    assert read == value or (math.isnan(read) and math.isnan(value))


def test_not_finite_reaches_into_nested_values(rng: np.random.Generator) -> None:
    state = replace(random_state(rng), scores={"a/b~c": math.inf, "d": 1.0})
    text = encode(state_payload(state, "n"))
    assert json.loads(text)["not_finite"] == {"/scores/a~1b~0c": "inf"}
    assert parse_state(text) == ("n", state)
    assert decode(encode({"list": [1.0, [math.inf]]})) == {"list": [1.0, [math.inf]]}


def test_numpy_scalars_are_numbers(rng: np.random.Generator) -> None:
    event = replace(random_event(rng), score=np.float32(1.5), n_samples=np.int64(7))
    message = parse_event(encode(event_payload(EventMessage(event, "n", 1))))
    assert (message.event.score, message.event.n_samples) == (1.5, 7)
    assert decode(encode({"n": np.int32(4), "x": np.float32(0.5)})) == {"n": 4, "x": 0.5}


def test_the_outside_sees_the_agreed_names() -> None:
    event = Event(
        "e1", EventType.NEW, "lte", 0, NS, 5, 10, 8e8, 8.1e8, 8.05e8, -40.0,
        Change.GAIN, 12.0, 9.0, "lstm", 3.0, 2.0, 0.8, latency_s=0.0015, model_sha256="ab",
    )  # fmt: skip
    assert event_payload(EventMessage(event, "pi", 9)) == {
        "schema": "edgespec.event/2",
        "event_type": "new",
        "id": "e1",
        "sequence": 9,
        "replayed": False,
        "node": "pi",
        "band": "lte",
        "start": "1970-01-01T00:00:00.000000Z",
        "end": "1970-01-01T00:00:01.000000Z",
        "unheard_s": 0.0,
        "core:sample_start": 5,
        "core:sample_count": 10,
        "core:freq_lower_edge": 8e8,
        "core:freq_upper_edge": 8.1e8,
        "peak_freq_hz": 8.05e8,
        "peak_dbfs": -40.0,
        "change": "gain",
        "excess_db": 12.0,
        "severity_db": 9.0,
        "level_unit": "dBFS",
        "kind": "unknown",
        "kind_probability": 1.0,
        "kind_hint": "",
        "advice": "look at the spectrum yourself: its shape is none that is known",
        "detector": "lstm",
        "score": 3.0,
        "threshold": 2.0,
        "sureness": 0.8,
        "clock": "unsynchronised",
        "model_sha256": "ab",
        "share": None,
        "cell_identity": None,
        "latency_ms": 1.5,
        "alert": True,
        "no_alert_reason": "",
        "incident": "",
        "peak_dbm": None,
        "peak_dbuv_m": None,
        "full_scale_dbm": None,
        "antenna_factor_db": None,
        "calibrated": None,
        "calibration_age_days": None,
        "gain_db": None,
        "mask": None,
        "listed_as": "",
        "over_mask_db": None,
    }


def test_every_field_of_a_record_travels(rng: np.random.Generator) -> None:
    """A field added to a record and forgotten here would come back as its default."""
    state = replace(
        random_state(rng), alarm=True, mqtt_connected=True, spool_events=3, model_sha256="ab"
    )
    event = replace(
        random_event(rng),
        kind="tone",
        kind_probability=0.625,
        kind_hint="sweep",
        change=Change.LOSS,
        clock=ClockQuality.STEPPED,
        latency_s=0.25,
        model_sha256="ab",
        alert=Alert(False, "muted", "i-1"),
    )
    _, read_state = parse_state(encode(state_payload(state, "n")))
    read_event = parse_event(encode(event_payload(EventMessage(event, "n", 1)))).event
    for record, read in ((state, read_state), (event, read_event)):
        for field in fields(record):
            assert getattr(read, field.name) == getattr(record, field.name), field.name


def test_replayed_is_all_that_a_replay_changes(rng: np.random.Generator) -> None:
    message = EventMessage(replace(random_event(rng), score=math.inf), "n", 4)
    assert parse_event(mark_replayed(encode(event_payload(message)))) == replace(
        message, replayed=True
    )


@pytest.mark.parametrize("name", ["id", "sequence", "start", "core:sample_start", "score", "node"])
def test_a_missing_field_is_named(rng: np.random.Generator, name: str) -> None:
    payload = event_payload(EventMessage(random_event(rng), "n", 1))
    del payload[name]
    with pytest.raises(PayloadError, match=f"'{name}' is missing"):
        parse_event(encode(payload))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schema", "edgespec.event/1"),
        ("event_type", "begin"),
        ("sequence", 1.5),
        ("sequence", True),
        ("replayed", 0),
        ("score", "3"),
        ("score", None),
        ("core:sample_start", False),
        ("start", "2026-01-31T12:00:00+01:00"),
        ("start", "2026-13-31T12:00:00Z"),
        ("start", 5),
        ("level_unit", "dBm"),
        ("model_sha256", 5),
    ],
)
def test_a_wrong_field_is_named_with_its_value(
    rng: np.random.Generator, name: str, value: object
) -> None:
    payload = event_payload(EventMessage(random_event(rng), "n", 1)) | {name: value}
    with pytest.raises(PayloadError) as caught:
        parse_event(encode(payload))
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"not_finite": 3}',
        b'{"not_finite": {"/a": "nan"}}',
        b'{"a": 1, "not_finite": {"/a": "nan"}}',
        b'{"a": null, "not_finite": {"/a": "huge"}}',
        b'{"a": null, "not_finite": {"": "nan"}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_payload_is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError):
        decode(data)


def test_unknown_fields_are_left_alone(rng: np.random.Generator) -> None:
    message = EventMessage(random_event(rng), "n", 1)
    assert parse_event(encode(event_payload(message) | {"later": [1]})).sequence == 1


def test_info_may_not_pose_as_its_envelope() -> None:
    with pytest.raises(PayloadError, match="node"):
        info_payload({"node": "other"}, "n")


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(PayloadError, match="JSON"):
        encode({"a": object()})


def test_a_wrong_state_is_refused(rng: np.random.Generator) -> None:
    payload = state_payload(random_state(rng), "n")
    for name, value in (("n_skipped", 3), ("scores", {"a": "b"}), ("mqtt_connected", 1)):
        with pytest.raises(PayloadError, match=name):
            parse_state(encode(payload | {name: value}))
