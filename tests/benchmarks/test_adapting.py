"""Bars learn what they say, and tables of an adaptation add up: tiny, and by construction."""

import math
from typing import Any

import numpy as np
import pytest

from benchmarks.detection.adapting_bars import Bars
from benchmarks.detection.adapting_tables import ALONE, DEFAULT, OLD, markdown, said_s
from edgespec.dsp.transform import log_power_floor_db
from edgespec.records import Geometry, Segment

GEOMETRY = Geometry(8, 1e-3, n_context=6, n_horizon=3, hop_frames=3)


def segment(context: np.ndarray, target: np.ndarray) -> Segment:
    n = len(context) + len(target)
    return Segment(
        context.astype(np.float32), target.astype(np.float32), np.arange(n, dtype=np.int64)
    )


def test_bars_find_the_slope_and_offset_of_each_bin_and_what_a_frame_follows_from(
    rng: np.random.Generator,
) -> None:
    slope, offset = rng.uniform(0.5, 2.0, 8), rng.normal(size=8)
    bars = Bars(GEOMETRY, 10.0)
    for n in range(400):
        frames = np.cumsum(rng.normal(size=(9, 8)), axis=0)
        # All of the horizon is as the newest frame of the context.
        frames[6:] = frames[5]
        output = rng.normal(size=(3, 8)).astype(np.float32)
        target = output * slope + offset
        at_s = n / 40.0
        assert bars.wants(at_s)
        bars.add(
            segment(frames[:6], frames[6:]), at_s, output.reshape(-1), target.astype(np.float32), 1
        )
    bars.settle()
    output = rng.normal(size=24).astype(np.float32)
    wanted = output.reshape(3, 8) * slope + offset
    np.testing.assert_allclose(bars.affine(output), wanted, atol=1e-3)
    context = np.cumsum(rng.normal(size=(6, 8)), axis=0).astype(np.float32)
    newest = np.tile(context[-1], (3, 1))
    np.testing.assert_allclose(bars.linear(context), newest, atol=0.05)


def row(errors_db: dict[str, float], n_found: int, n_false: int) -> dict[str, Any]:
    floor_db = log_power_floor_db(10)
    episodes = [
        {"kind": "tone", "isr_db": 0.0, "found": number < n_found, "auc": 0.5 + 0.1 * number}
        for number in range(4)
    ]
    heard = {
        "normal_s": 30.0, "false_before": n_false, "false_between": 0, "episodes": episodes
    }  # fmt: skip
    return {
        "observer": "static-000",
        "amounts_s": [10.0, 300.0],
        "errors_db": {way: math.hypot(floor_db, value) for way, value in errors_db.items()},
        "trials": {said_s(10.0): {"better": True, "difference_db": -0.25}},
        "heard": {model: {ALONE: heard, DEFAULT: heard} for model in (OLD, "adapted, 5 min")},
    }


def test_tables_set_every_forecast_against_five_minutes_and_add_up_what_was_found() -> None:
    ways = {OLD: 3.5, "adapted, 10 s": 3.05, "adapted, 5 min": 3.0}
    text = markdown([row(ways, 3, 1), row({way: 2 * db for way, db in ways.items()}, 1, 0)], 10)
    lines = [
        [cell.strip() for cell in line.split("|")] for line in text.splitlines() if "|" in line
    ]
    by_first = {line[1]: line for line in lines}
    assert by_first[OLD][3] == "+0.750 [+0.500, +1.000]"
    assert by_first["adapted, 10 s"][4] == "+0.100"
    assert by_first["10 s"][2:4] == ["2 of 2", "-0.250"]
    (alone,) = (line for line in lines if line[1:3] == [ALONE, OLD])
    assert alone[3:6] == ["1 in 1.0 min", "0", "4 of 8 (0.650)"]


@pytest.mark.parametrize(("seconds", "words"), [(10.0, "10 s"), (300.0, "5 min"), (0.9, "0.9 s")])
def test_an_amount_is_said_in_its_unit(seconds: float, words: str) -> None:
    assert said_s(seconds) == words
