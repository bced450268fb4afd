"""What a person and a program see of events and states."""

import errno
import io
import json
import math
import os
import pty
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import date

import pytest

from edgespec.alarm.console import JsonLinesSink, TableSink
from edgespec.alarm.status_line import StatusLine, status_text
from edgespec.alert import Alert
from edgespec.band_rhythm import BandRhythm, RhythmState
from edgespec.config import Config, MqttConfig, NodeConfig
from edgespec.framing import Framing
from edgespec.heard_cell import CellState, HeardCell
from edgespec.kinds import advice_for
from edgespec.level_scale import LevelScale
from edgespec.promise import Promise
from edgespec.records import BandInfo, Change, Event, EventType, ObserverState
from edgespec.wire.event import parse_event
from edgespec.wire.info import parse_info
from edgespec.wire.state import parse_state
from tests.made.event import MONDAY_NS
from tests.made.screen import Screen, picture

CONFIG = Config(node=NodeConfig(id="pi-1"), mqtt=MqttConfig(url="mqtt://pi:secret@host"))
LTE = BandInfo("lte", Framing(5e6).grid(806e6), "sigmf:a.sigmf-meta", "shipped", "c0ffee")
EVENT = Event(
    "e1", EventType.NEW, "lte", 0, 1_500_000_000, 5, 10, 805.9e6, 806.25e6, 806e6, -41.26,
    Change.GAIN, 12.34, 11.0, "lstm", 3.21, 2.0, 0.8, "tone", latency_s=0.0042,
)  # fmt: skip
STATE = ObserverState(
    0, 1.0, 2, 30, 4, 5, {"noise": 6}, -50.04, -92.06, {"a": 1.0, "b": 1.5}, {"a": 4.0, "b": 2.0},
    12.34, True, False, 7,
)  # fmt: skip


def play(sink: JsonLinesSink | TableSink) -> None:
    sink.header([LTE], CONFIG)
    sink.event(EVENT)
    sink.state(STATE)
    sink.event(replace(EVENT, event_type=EventType.END))
    sink.state(STATE)
    sink.close()


def test_json_lines_are_the_messages_of_the_broker() -> None:
    stream = io.StringIO()
    play(JsonLinesSink(stream))
    info, first, state, last, _ = stream.getvalue().splitlines()
    node, about = parse_info(info)
    assert (node, about["source"], about["model"]) == ("pi-1", LTE.source, "shipped")
    assert (about["center_freq_hz"], about["sample_rate_hz"]) == (806e6, 5e6)
    assert parse_event(first).event == EVENT
    assert [parse_event(line).sequence for line in (first, last)] == [1, 2]
    assert parse_event(last).node == "pi-1"
    assert parse_state(state) == ("pi-1", STATE)
    assert "secret" not in stream.getvalue()


def test_json_lines_are_written_at_once() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as reader, os.fdopen(write_end, "w") as writer:
        JsonLinesSink(writer).event(EVENT)
        assert json.loads(os.read(reader.fileno(), 65536))["id"] == "e1"


def test_a_row_says_when_where_and_how_much() -> None:
    stream = io.StringIO()
    play(TableSink(stream))
    heading, model, columns, first, advice, status, last, _ = stream.getvalue().splitlines()
    assert "sigmf:a.sigmf-meta" in heading
    assert "803.5 MHz to 808.5 MHz" in heading
    assert "shipped" in model
    assert "host" in model
    assert "secret" not in model
    assert first.split() == [
        "00:00:01.500000", "new", "lte", "805.9000", "806.2500", "350.0", "-41.3", "dBFS",
        "+12.3", "3.21/2", "4.2", "tone",
    ]  # fmt: skip
    assert advice.strip() == f"advice: {advice_for('tone')}"
    assert last.split()[1] == "end"
    for name, cell in (("to MHz", "806.2500"), ("latency ms", "4.2"), ("width kHz", "350.0")):
        assert columns.index(name) + len(name) == first.index(f" {cell} ") + 1 + len(cell)
    for part in (
        "ALARM", "level -50.0 dBFS", "noise floor -92.1 dBFS", "30 segments",
        "fit for 12.3x real time", "nothing above its threshold now",
        "broker unreachable, 7 waiting", "5 samples lost", "6 segments noise",
    ):  # fmt: skip
        assert part in status


def test_a_row_says_why_it_is_no_alert() -> None:
    stream = io.StringIO()
    TableSink(stream).event(replace(EVENT, alert=Alert(False, "quiet hours")))
    assert stream.getvalue().endswith("tone (no alert: quiet hours)\n")


def test_a_row_says_how_likely_a_kind_is() -> None:
    stream = io.StringIO()
    sink = TableSink(stream)
    sink.event(replace(EVENT, kind="unknown", kind_probability=0.6, kind_hint="sweep"))
    sink.event(replace(EVENT, kind="chirp", kind_probability=0.875, event_type=EventType.END))
    sink.event(replace(EVENT, kind="of a later version", event_type=EventType.NEW))
    unknown, advice, chirp, later = stream.getvalue().splitlines()
    assert unknown.endswith("  unknown 60%, perhaps sweep")
    assert advice.strip() == f"advice: {advice_for('unknown')}"
    assert chirp.endswith("  chirp 88%")
    assert later.endswith("  of a later version")


def test_advice_waits_for_the_name() -> None:
    stream = io.StringIO()
    sink = TableSink(stream)
    sink.event(replace(EVENT, kind="unknown", kind_probability=0.0))
    for kind in ("chirp", "tone"):
        sink.event(replace(EVENT, kind=kind, event_type=EventType.UPDATE))
    first, chirp, advice, tone = stream.getvalue().splitlines()
    assert first.endswith("  no name yet")
    assert chirp.endswith("  chirp")
    assert advice.strip() == f"advice: {advice_for('chirp')}"
    assert tone.endswith("  tone")


def test_a_state_without_broker_and_scores_is_short() -> None:
    stream = io.StringIO()
    TableSink(stream).state(ObserverState(0, 1.0, 0, 1, 1, 0, scores={"a": 1.0}))
    assert stream.getvalue().startswith("quiet | level")
    assert "broker" not in stream.getvalue()
    assert "| 1 segment | 1 event |" in stream.getvalue()


def test_levels_are_those_that_arrive_where_that_is_known() -> None:
    state = replace(STATE, scale=LevelScale(-30.0, None, date(2026, 1, 9)), utc_ns=MONDAY_NS)
    line = status_text(state)
    assert f"level {STATE.level_dbfs - 30.0:.1f} dBm" in line
    assert f"noise floor {STATE.noise_floor_dbfs - 30.0:.1f} dBm" in line
    assert "levels calibrated 10 days before" in line
    assert "dBFS" not in line
    assert "calibrated" not in status_text(STATE)


def test_the_line_says_what_came_beside_what_was_promised() -> None:
    state = replace(STATE, events_last_day=3, promise=Promise(5.0, 0.5, 9.0, 1800.0, 10**18))
    assert "calibrated for 5 false events a day, 3 events in 24 h" in status_text(state)


def test_the_line_says_what_is_missing_of_a_rhythm_and_then_what_is_told() -> None:
    learning = BandRhythm(RhythmState.CALIBRATING, 20.0, 40.0)
    waiting = replace(learning, left_s=0.0, n_bursts=37, wanted_bursts=100)
    known = BandRhythm(RhythmState.WATCHING, 90.0, loud_db=4.2, fill_db=3.6)
    for rhythm, words in (
        (learning, "calibrating, 40 s left: until then a and b alone watch, nothing is promised"),
        (waiting, "calibrating, 37 of 100 bursts heard: until then"),
        (known, "told from 4.2 dB over the loudest, 3.6 dB in a gap"),
    ):
        state = replace(STATE, rhythm=rhythm)
        assert words in status_text(state)
        short = StatusLine(["lte", "gsm"]).take(state)
        assert ("calibrating" in short) is rhythm.is_calibrating


def test_a1_trouble_and_what_is_not_scored_are_said() -> None:
    stream = io.StringIO()
    sink = TableSink(stream)
    sink.state(replace(STATE, troubles=("overload",), unscored_reason="", unscored_share=0.0))
    sink.state(replace(STATE, troubles=(), alarm=False, unscored_reason="dropped",
                       unscored_share=0.25))  # fmt: skip
    sink.state(replace(STATE, troubles=("receiver",), unscored_reason="constant",
                       unscored_share=1.0, unscored_s=2.5, scores={}))  # fmt: skip
    clipped, dropped, stuck = stream.getvalue().splitlines()
    assert clipped.startswith("ALARM: overload | ")
    assert "level at least -50.0 dBFS" in clipped
    assert dropped.startswith("quiet | 25% not scored (dropped) | ")
    assert stuck.startswith("ALARM: receiver | 100% not scored (constant, nothing for 2.5 s) | ")


def test_hours_that_a_model_has_not_heard_yet_are_said() -> None:
    line = status_text(replace(STATE, side_inputs="days 1 of 3"))
    assert "the context's mean for hours not heard yet (days 1 of 3)" in line
    assert "hours" not in status_text(STATE)


def test_thresholds_that_are_raised_are_said() -> None:
    line = status_text(replace(STATE, raised={"residual": 2.345, "zscore": 1.5}))
    assert "thresholds raised (residual x2.3, zscore x1.5)" in line
    assert "raised" not in status_text(STATE)


def test_a5_what_is_not_trusted_is_said() -> None:
    stream = io.StringIO()
    why = "the band changed by +9.0 dB at 801 MHz after 50% of the warm-up"
    TableSink(stream).state(replace(STATE, alarm=False, distrust=why))
    assert stream.getvalue().startswith("not trusted | ")
    assert f"not trusted: {why}" in stream.getvalue()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (HeardCell(CellState.SEARCHING), "looking for a cell"),
        (HeardCell(CellState.NONE), "no cell"),
        (HeardCell(CellState.LEARNING, 7, quality=0.9), "cell 7 cancelled (90% of the power, lea"),
        (HeardCell(CellState.TRACKING, 7, quality=0.994), "cell 7 cancelled (99% of the power)"),
        (
            HeardCell(CellState.TRACKING, 7, quality=0.5, technology="nr"),
            "NR cell 7 cancelled (50% of the power)",
        ),
        (HeardCell(CellState.TRACKING, 7, quality=0.2, distrust="much is left"), "says little"),
    ],
)
def test_what_is_known_of_the_cell_is_said(cell: HeardCell, words: str) -> None:
    stream = io.StringIO()
    TableSink(stream).state(replace(STATE, cell=cell))
    assert words in stream.getvalue()


def test_before_the_first_score_the_state_says_so() -> None:
    stream = io.StringIO()
    sink = TableSink(stream)
    sink.state(ObserverState(0, 1.0, 0, 0, 0, 0, warmup_left_s=1.96))
    assert stream.getvalue().startswith("warming up, 2.0 s left | 0 segments")
    assert "level" not in stream.getvalue()
    sink.state(replace(STATE, alarm=False, scores={"a": -1.0}))
    assert "a at 0% of its threshold" in stream.getvalue()


@pytest.mark.parametrize(
    ("alarm", "score", "said"),
    [
        (False, 1.5, "quiet | a at 75% of its threshold | "),
        (False, 24.7, "noticed | a at 1235% of its threshold | "),
        (True, 24.7, "ALARM | a at 1235% of its threshold | "),
        (True, 0.56, "ALARM | nothing above its threshold now | "),
    ],
)
def test_a8_the_status_line_never_says_two_things(alarm: bool, score: float, said: str) -> None:
    stream = io.StringIO()
    state = replace(
        STATE, alarm=alarm, scores={"a": score}, thresholds={"a": 2.0, "b": 2.0, "c": 2.0}
    )
    TableSink(stream).state(state)
    # A score that is none hides no other, and is not shown.
    TableSink(stream).state(replace(state, scores={"b": math.nan, "a": score, "c": math.inf}))
    assert [line.startswith(said) for line in stream.getvalue().splitlines()] == [True, True]


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_under_the_output_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    play(JsonLinesSink(FullDisk()))
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text


def test_an_unknown_centre_is_said() -> None:
    stream = io.StringIO()
    TableSink(stream).header([replace(LTE, grid=Framing(5e6).grid())], Config())
    assert "5 MHz around an unknown centre" in stream.getvalue()
    assert "this screen only" in stream.getvalue()


def test_no_control_characters_where_nobody_watches() -> None:
    stream = io.StringIO()
    play(TableSink(stream))
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_on_a_terminal_the_state_overwrites_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    stream = Screen()
    sink = TableSink(stream)
    sink.state(STATE)
    sink.state(STATE)
    assert picture(stream.getvalue(), 60) == [
        "ALARM | nothing above its threshold now | level -50.0 dBFS |",
        "noise floor -92.1 dBFS | 30 segments | 4 events | fit for",
        "12.3x real time | 5 samples lost | 6 segments noise | broker",
        "unreachable, 7 waiting",
    ]
    sink.event(EVENT)
    assert "\x1b[1;31m" in stream.getvalue()
    sink.state(STATE)
    sink.close()
    assert stream.getvalue().endswith("\n")


def test_no_colours_where_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Screen()
    play(TableSink(stream))
    assert "\x1b[1;31m" not in stream.getvalue()


PROGRAM = """
    import sys
    from edgespec.alarm.console import JsonLinesSink, TableSink
    from edgespec.records import ObserverState

    sink = {sink}(sys.stdout)
    for _ in range(5000):
        sink.state(ObserverState(0, 1.0, 0, 0, 0, 0))
    sink.close()
    print("done", file=sys.stderr)
"""


@pytest.mark.parametrize("sink", ["JsonLinesSink", "TableSink"])
def test_a_reader_that_leaves_ends_the_output_only(sink: str) -> None:
    program = textwrap.dedent(PROGRAM.format(sink=sink))
    # Unbuffered: what Python has left to write at its end is the command's to drop.
    command = [sys.executable, "-u", "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b"done\n"
        assert process.wait() == 0


def test_a_real_terminal_gets_a_line_that_fits() -> None:
    primary, secondary = pty.openpty()
    with os.fdopen(primary, "rb", buffering=0) as screen, os.fdopen(secondary, "w") as stream:
        sink = TableSink(stream)
        sink.state(STATE)
        assert screen.read(4096).startswith(b"ALARM")
        sink.close()


GSM = replace(
    LTE, band="gsm", grid=Framing(5e6).grid(925e6), source="rtl_tcp:h:1", model_sha256="0ddba11"
)


@pytest.mark.parametrize(
    ("tuned", "duty", "said"),
    [
        (True, 0.484, "tuned here, heard 48% of the time"),
        (False, 0.5, "tuned elsewhere, heard 50% of the time"),
        (True, 1.0, None),
    ],
)
def test_whose_turn_of_a_radio_it_is_is_said_where_it_takes_turns(
    tuned: bool, duty: float, said: str | None
) -> None:
    state = replace(STATE, tuned=tuned, duty=duty)
    for line in (status_text(state), StatusLine(["lte", "gsm"]).take(state)):
        assert said in line if said else "heard" not in line


def test_every_line_of_several_bands_says_whose_it_is() -> None:
    stream = io.StringIO()
    sink = JsonLinesSink(stream)
    sink.header([LTE, GSM], CONFIG)
    sink.event(EVENT)
    sink.state(replace(STATE, band="gsm", model_sha256="0ddba11"))
    sink.event(replace(EVENT, band="gsm"))
    first, second, *rest = stream.getvalue().splitlines()
    assert [parse_info(line)[1]["band"] for line in (first, second)] == ["lte", "gsm"]
    assert parse_info(second)[1]["model_sha256"] == "0ddba11"
    assert [json.loads(line)["band"] for line in rest] == ["lte", "gsm", "gsm"]
    assert json.loads(rest[1])["model_sha256"] == "0ddba11"


def test_the_states_of_several_bands_are_lines_of_their_own() -> None:
    stream = io.StringIO()
    sink = TableSink(stream)
    sink.header([LTE, GSM], CONFIG)
    sink.event(replace(EVENT, band="gsm"))
    sink.state(replace(STATE, band="gsm"))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "listening to sigmf:a.sigmf-meta: band lte, 803.5 MHz to 808.5 MHz"
    assert lines[1] == "listening to rtl_tcp:h:1: band gsm, 922.5 MHz to 927.5 MHz"
    assert lines[2].startswith("model shipped, alarms to mqtt://")
    assert " gsm " in lines[4]
    assert lines[6].startswith("gsm: ALARM | nothing above its threshold now | level ")


def test_the_states_of_several_bands_share_the_line_of_a_terminal() -> None:
    stream = Screen()
    sink = TableSink(stream)
    sink.header([LTE, GSM], CONFIG)
    sink.state(replace(STATE, band="gsm"))
    sink.state(replace(STATE, band="lte", alarm=False))
    *_, last, gsm = picture(stream.getvalue())
    assert last == "lte: quiet, b at 75% of its threshold, fit for 12.3x real time | gsm: ALARM,"
    assert gsm.startswith("nothing above its threshold now")
