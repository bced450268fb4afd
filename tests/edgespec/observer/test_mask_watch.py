"""Minutes beside a mask: what is told, when, and what is not."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edgespec.band_minute import BandMinute
from edgespec.cli import main
from edgespec.config.hours import Hours
from edgespec.config.mask import Mask, MaskRow
from edgespec.kinds import MISSING, OVER_MASK
from edgespec.observer.mask_watch import MaskWatch
from edgespec.records import Change, Event, EventType

NS = 1_000_000_000
#: A Monday, 08:00 UTC.
MONDAY_NS = 1_768_809_600 * NS
FREQS_HZ = 800e6 + 100e3 * np.arange(100)
FLOOR_DBFS = -90.0
ROW = MaskRow(804e6, 805e6, "BTS", max_dbfs=-40.0, min_dbfs=-60.0)
MIDDLE = 45


def minute_of(number: int, levels: dict[int, float], minute_s: float = 60.0) -> BandMinute:
    """Return the ``number``-th minute, with bins at those levels."""
    most = np.full(len(FREQS_HZ), FLOOR_DBFS, np.float32)
    for index, level_dbfs in levels.items():
        most[index] = level_dbfs
    tick = round(1e6 * minute_s)
    return BandMinute(
        "lte", MONDAY_NS + round(number * minute_s * NS), minute_s, 9000, FREQS_HZ, 150e3, -60.0,
        FLOOR_DBFS, most, most, most, most * 0.0, number * tick, (number + 1) * tick,
    )  # fmt: skip


def told(row: MaskRow, *levels: float | dict[int, float]) -> list[tuple[int, EventType, Event]]:
    """Return what is said of each minute, and, behind them, at the end."""
    watch, said, is_open = MaskWatch(Mask((row,)), "lte", "ab"), [], set()
    for number, level in enumerate(levels):
        levels_of = level if isinstance(level, dict) else {MIDDLE: level}
        events = watch.take(minute_of(number, levels_of))
        said += [(number, event.event_type, event) for event in events]
        is_open |= {event.event_id for event in events}
        is_open -= {event.event_id for event in events if event.event_type is EventType.END}
        assert watch.is_open == bool(is_open)
    said += [(len(levels), event.event_type, event) for event in watch.finish()]
    assert not watch.is_open
    return said


def test_what_is_within_its_levels_is_nothing() -> None:
    assert told(ROW, *[-50.0] * 30) == []
    # Neither border is beyond it.
    assert told(ROW, *[-40.0] * 30) == []
    assert told(ROW, *[-60.0] * 30) == []


def test_what_is_too_strong_is_told_with_its_first_minute() -> None:
    (at, new, begun), (until, end, ended) = told(ROW, -50.0, -37.0, *[-50.0] * 12)
    assert (at, new, until, end) == (1, EventType.NEW, 11, EventType.END)
    assert (begun.kind, begun.change, begun.detector) == (OVER_MASK, Change.GAIN, "mask")
    assert (begun.excess_db, begun.score, begun.threshold) == (3.0, 3.0, 0.0)
    assert (begun.peak_dbfs, begun.peak_freq_hz) == (-37.0, FREQS_HZ[MIDDLE])
    assert (begun.freq_lower_hz, begun.freq_upper_hz) == (804e6, 805e6)
    assert begun.start_ns == MONDAY_NS + 60 * NS
    assert (begun.sample_start, begun.n_samples) == (60_000_000, 60_000_000)
    # Its end is when it was last too strong.
    assert ended == replace(begun, event_type=EventType.END)


def test_what_comes_and_goes_within_ten_minutes_is_one_event() -> None:
    said = told(ROW, *([-37.0] + [-50.0] * 8) * 5)
    assert {event.event_id for _, _, event in said} == {said[0][2].event_id}
    assert said[-1][1] is EventType.END


def test_what_goes_on_is_said_again_every_ten_minutes() -> None:
    times = [at for at, event_type, _ in told(ROW, *[-37.0] * 35) if event_type is EventType.UPDATE]
    assert {after - before for before, after in pairwise(times)} == {10}


def test_what_is_not_there_for_ten_minutes_is_missing_until_it_is() -> None:
    assert told(ROW, *[-61.0] * 9, -50.0, *[-61.0] * 9) == []
    (at, _, begun), (until, end, _) = told(ROW, *[-61.0] * 10, -50.0)
    assert (at, until, end) == (9, 10, EventType.END)
    assert (begun.kind, begun.change, begun.excess_db) == (MISSING, Change.LOSS, -1.0)
    assert begun.start_ns == MONDAY_NS


def test_a_neighbour_at_the_edge_is_not_its_own_excess() -> None:
    """A taper spreads a carrier over two bins; a bin more is clear of it."""
    assert told(replace(ROW, min_dbfs=None), *[{39: -10.0, 40: -16.0, 41: -40.5}] * 3) == []
    assert told(replace(ROW, min_dbfs=None), {44: -39.0})[0][2].kind == OVER_MASK


def test_a_carrier_at_the_edge_of_its_entry_is_there() -> None:
    for edge in (40, 50):
        assert told(ROW, *[{edge: -50.0}] * 20) == []


def test_of_a_narrow_entry_its_middle_counts() -> None:
    narrow = MaskRow(804.49e6, 804.51e6, "link", max_dbfs=-40.0, min_dbfs=-60.0)
    assert told(narrow, *[-50.0] * 20) == []
    assert told(narrow, -37.0)[0][2].kind == OVER_MASK
    assert told(narrow, *[FLOOR_DBFS] * 10)[0][2].kind == MISSING


def test_what_the_band_does_not_show_whole_is_not_missing() -> None:
    for lower_hz, upper_hz in ((790e6, 801e6), (809e6, 811e6), (700e6, 701e6)):
        row = replace(ROW, lower_hz=lower_hz, upper_hz=upper_hz)
        assert told(row, *[FLOOR_DBFS] * 20) == []
    # What is seen of it may be too strong all the same.
    seen = replace(ROW, lower_hz=790e6, upper_hz=801e6)
    assert told(seen, {5: -37.0})[0][2].kind == OVER_MASK


def test_outside_its_hours_nothing_is_told_and_what_was_is_over() -> None:
    hours = (Hours.parse("08:00-08:15"),)
    said = told(replace(ROW, hours=hours), *[FLOOR_DBFS] * 40)
    assert [(at, event_type) for at, event_type, _ in said] == [
        (9, EventType.NEW), (15, EventType.END),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_every_life_is_whole(seed: int) -> None:
    """Whatever the levels: an event begins once, ends once, and its time never runs back."""
    rng = np.random.default_rng(seed)
    said = told(ROW, *rng.choice([-37.0, -50.0, -70.0], 400, p=[0.05, 0.05, 0.9]).tolist())
    lives: dict[str, list[Event]] = {}
    for _, _, event in said:
        lives.setdefault(event.event_id, []).append(event)
    assert len(lives) > 3
    for life in lives.values():
        assert life[0].event_type is EventType.NEW
        assert life[-1].event_type is EventType.END
        assert {one.event_type for one in life[1:-1]} <= {EventType.UPDATE}
        assert all(a.end_ns <= b.end_ns for a, b in pairwise(life))


def test_a_carrier_that_was_there_all_along_is_told_by_the_mask_alone(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    """From samples to the last message: the warm-up takes it for normal, the mask does not."""
    rate_hz = 100_000
    n = 3 * rate_hz
    carrier = 40.0 * np.exp(2j * np.pi * 20e3 / rate_hz * np.arange(n))
    iq = rng.normal(0.0, 10.0, (n, 2)) + np.column_stack([carrier.real, carrier.imag]) + 127.5
    np.clip(np.rint(iq), 0, 255).astype(np.uint8).tofile(tmp_path / "carrier.cu8")
    (tmp_path / "mask.csv").write_text(
        "start,stop,what,max_dbm,min_dbm\n"
        "433.915M,433.925M,meter,-90,-120\n"
        "433.87M,433.88M,gate,,-50\n"
    )
    uri = f"raw:{tmp_path}/carrier.cu8?datatype=cu8&sample_rate={rate_hz}&center_freq=433.9M"
    (tmp_path / "edgespec.toml").write_text(
        f"[node]\nstate_dir = 'state'\ncomputing = 'plain'\n[[source]]\nuri = '{uri}'\n"
        "[[band]]\nmask = 'mask.csv'\nfull_scale_dbm = -60.0\n"
        "[detect]\ndetectors = ['zscore', 'energy']\n"
    )
    got = CliRunner().invoke(main, ["monitor", "-c", str(tmp_path / "edgespec.toml"), "--json"])
    assert got.exit_code == 0, got.output
    said = [json.loads(line) for line in got.stdout.splitlines()]
    events = [one for one in said if one["schema"] == "edgespec.event/2"]
    assert [(one["kind"], one["event_type"]) for one in events] == [
        (OVER_MASK, "new"), (OVER_MASK, "end"),
    ]  # fmt: skip
    (first, _) = events
    assert (first["mask"], first["listed_as"]) == ("over", "meter")
    assert first["peak_freq_hz"] == pytest.approx(433.92e6, abs=2e3)
    # A carrier of 40 of 127.5 is 10 dB below full scale, or -70 dBm here; a taper takes some.
    assert first["peak_dbm"] == pytest.approx(-70.0, abs=2.5)
    assert first["over_mask_db"] == pytest.approx(first["peak_dbm"] + 90.0, abs=1e-3)
