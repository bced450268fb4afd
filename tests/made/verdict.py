"""A verdict on a site of two units, one of which is missing."""

import math
from dataclasses import replace

import numpy as np

from edgespec.wire.position import Position
from edgespec.wire.verdict import TwinStatus, TwinVerdict

NS = 1_000_000_000
T0 = 1_800_000_000 * NS


def verdict_of(second: int, alarm: bool = False, **changes: object) -> TwinVerdict:
    levels = np.array([[-70.0, -71.0], [math.nan, math.nan]])
    found = {
        "source": Position(3.0, 4.0, 1.5, 2.0), "power_dbm": 20.0, "freq_lower_hz": 1e9,
        "freq_upper_hz": 2e9, "kind": "narrowband", "advice": "leave these blocks out",
    }  # fmt: skip
    verdict = TwinVerdict(
        "hall", "n78", T0 + second * NS, second, TwinStatus.WATCHING, "likelihood",
        9.0 if alarm else -6.0, -4.0, alarm, 1, 1, ("a", "b"), levels, levels - 1.0, levels * 0.0,
        (1e9, 1.5e9, 2e9), units_missing=("b",), implausible={"c": "repeats itself"},
        **(found if alarm else {}),
    )  # fmt: skip
    return replace(verdict, **changes)
