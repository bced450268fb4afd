"""What a table of sweeps accepts."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.errors import SourceError
from edgespec.sweep_table import SweepTable

GOOD = SweepTable(
    "fm",
    np.array([1.0, 3.0]),
    np.array([88e6, 88.2e6, 89e6]),
    np.full((2, 3), np.nan, np.float32),
    1.8,
    200e3,
    "dBm",
)


def test_a_table_says_how_large_it_is() -> None:
    assert (GOOD.n_sweeps, GOOD.n_points) == (2, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"levels_db": np.zeros((3, 2), np.float32)},
            r"shape \(3, 2\), but 2 times.*ask for \(2, 3\)",
        ),
        ({"utc_s": np.array([1.0, 1.0])}, "times of sweeps must be finite, and rise"),
        ({"utc_s": np.array([1.0, np.inf])}, "times"),
        ({"freqs_hz": np.array([3.0, 2.0, 1.0])}, "frequencies of sweeps"),
        ({"freqs_hz": np.array([1.0, np.nan, 3.0])}, "frequencies"),
        ({"sweep_s": 0.0}, "sweep_s is 0; it must be positive"),
        ({"sweep_s": float("inf")}, "sweep_s is inf"),
        ({"rbw_hz": float("nan")}, "rbw_hz is nan"),
    ],
)
def test_what_is_no_table_is_said(change: dict[str, object], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        replace(GOOD, **change)  # type: ignore[arg-type]
