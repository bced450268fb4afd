"""Rows, changes and objects of what is remembered of a band."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from edgespec.clock import ClockQuality
from edgespec.config import BandConfig, Config, NodeConfig
from edgespec.errors import UsageError
from edgespec.history.levels import minute_rows
from edgespec.history.states import state_row
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.ops.history.report import BandHistory, band_history
from edgespec.wire.text import encode
from tests.made.event import MONDAY_NS, NS, event_of
from tests.made.history import keep, minute_of, store_of

HOUR_NS = 3600 * NS


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(node=NodeConfig(state_dir=tmp_path), band=(BandConfig(id="lte"),))


def keep_scaled(
    config: Config, rng: np.random.Generator, *numbered: tuple[int, LevelScale]
) -> None:
    store = store_of(config.node.state_dir)
    for number, scale in numbered:
        store.keep(minute_rows(minute_of(number, rng), ClockQuality.SYNCHRONISED, scale))
    store.close()


def found(config: Config, n_hours: float = 24.0) -> BandHistory:
    return band_history(config, None, MONDAY_NS, MONDAY_NS + round(n_hours * HOUR_NS))


def test_rows_are_as_long_as_they_must_be(config: Config, rng: np.random.Generator) -> None:
    keep_scaled(config, rng, *((number, UNCALIBRATED) for number in range(0, 600, 2)))
    keep(config.node.state_dir, [event_of(event_id=f"e{k}", at_s=600.0 * k) for k in range(3)])
    heading, names, *rows, _ = found(config).as_text()
    assert heading == (
        "lte, 2026-01-19 08:00 to 2026-01-20 08:00: 300 minutes, 3 events; levels in dBFS"
    )
    assert names.split() == ["from", "(UTC)", "level", "highest", "floor", "occupied", "heard",
                             "events"]  # fmt: skip
    assert [row[:16] for row in rows] == [f"2026-01-19 {hour:02}:00" for hour in range(8, 18)]
    # Every other minute was heard; a carrier of 64 bins.
    assert rows[0].split()[2:] == [
        "-49.0", rows[0].split()[3], "-90.5", "1.6%", "50%", "3",
    ]  # fmt: skip
    assert len(found(config, 0.4).as_text()) == 2 + 12 + 1


def test_levels_mean_what_they_meant_then(config: Config, rng: np.random.Generator) -> None:
    scale = LevelScale(-30.0, None, date(2024, 1, 19))
    keep_scaled(config, rng, (0, scale), (1, replace(scale, full_scale_dbm=-20.0)))
    report = found(config)
    assert report.unit == "dBm"
    exceeded = [row["exceeded"] for row in report.as_json(has_traces=False)]
    assert [one["0.99"] for one in exceeded] == [-80.0, -70.0]
    assert list(exceeded[0]) == ["0.99", "0.9", "0.5", "0.1", "0.01", "0.001", "0.0001"]
    # Of both minutes the median.
    (line,) = (line for line in report.as_text() if "of the frames exceeded: 0.99 -75.0" in line)
    assert line.endswith("0.0001 -63.0")
    assert [row["level"] for row in report.as_json(has_traces=False)] == [-79.0, -69.0]
    assert report.as_text()[-1] == "calibrated 731 days before: calibrate again"
    keep_scaled(config, rng, (2, LevelScale(-30.0)))
    assert found(config).as_text()[-1].startswith("calibrated, nobody says when")
    # One that means something else: all are as they were read.
    keep_scaled(config, rng, (3, UNCALIBRATED))
    assert found(config).unit == "dBFS"
    assert {row["level"] for row in found(config).as_json(has_traces=False)} == {-49.0}


def test_minutes_as_csv_are_those_of_json(config: Config, rng: np.random.Generator) -> None:
    keep_scaled(config, rng, *((number, LevelScale(-30.0)) for number in range(3)))
    report = found(config)
    rows = list(csv.DictReader(io.StringIO(report.as_csv())))
    for row, told in zip(rows, report.as_json(has_traces=False), strict=True):
        exceeded = told.pop("exceeded")
        assert {f"exceeded_{share}": str(level) for share, level in exceeded.items()}.items() <= (
            row.items()
        )
        for name, value in told.items():
            assert row[name] == ("" if value is None else str(value))
    assert rows[0]["level_unit"] == "dBm"


def test_a_field_strength_has_the_antenna_in_it(config: Config, rng: np.random.Generator) -> None:
    keep_scaled(config, rng, (0, LevelScale(-30.0, 24.0)))
    (row,) = found(config).as_json(has_traces=True)
    assert row["level_unit"] == "dBuV/m"
    assert row["level"] == pytest.approx(-49.0 - 30.0 + 106.99 + 24.0)
    assert max(row["max"]) == pytest.approx(row["highest"], abs=0.01)
    assert len(row["freqs_hz"]) == len(row["median"]) == len(row["occupancy"]) == 64


def test_changes_are_lines_the_last_of_many(config: Config) -> None:
    store = store_of(config.node.state_dir)
    watching = {"phase": "watching", "cell": 123, "mqtt_connected": False}
    told = [
        ("", {"run": "begun", "node": "pi"}),
        *[("lte", watching), ("lte", {**watching, "cell": None})] * 20,
        ("gsm", {"phase": "warming up"}),
        ("lte", {"phase": "not scored", "why": "dropped", "troubles": ["overload"],
                 "distrust": "too short"}),
        ("", {"run": "ended"}),
    ]  # fmt: skip
    for number, (band, condition) in enumerate(told):
        quality = ClockQuality.STEPPED if number == 1 else ClockQuality.SYNCHRONISED
        store.keep([state_row(MONDAY_NS + number * NS, quality, band, condition)])
    store.close()
    lines = found(config).as_text()
    assert lines[1] == "... 23 changes before: --json has all"
    assert lines[-3].endswith("  watching, broker unreachable")
    assert lines[-4].endswith("  watching, cell 123, broker unreachable")
    assert lines[-2].endswith("not scored (dropped), overload, not trusted: too short")
    assert lines[-1] == "2026-01-19T08:00:43Z  the observer ended"
    changes = found(config).as_json(has_traces=False)
    assert len(changes) == 43
    assert json.loads(encode(changes[1])) == {
        "schema": "edgespec.change/1", "band": "lte", "time": "2026-01-19T08:00:01.000000Z",
        "clock": "stepped", **watching,
    }  # fmt: skip


def test_what_nobody_knows_is_said_with_what_is_known(
    config: Config, rng: np.random.Generator
) -> None:
    keep(config.node.state_dir, [event_of(band="gsm")])
    assert band_history(config, "gsm", 0, 1 << 62).events
    with pytest.raises(UsageError, match=r"'gms': did you mean 'gsm'\?"):
        band_history(config, "gms", 0, 1)
    with pytest.raises(UsageError, match="--since must be before"):
        band_history(config, None, 5, 5)
