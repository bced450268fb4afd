"""From what a converter reads to what arrives."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from edgespec.level_scale import UNCALIBRATED, LevelScale

#: Noon of 2026-11-28.
NOON_NS = int(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()) * 10**9


def test_units_and_what_is_added() -> None:
    assert (UNCALIBRATED.unit, UNCALIBRATED.offset_db) == ("dBFS", 0.0)
    assert (LevelScale(-30.0).unit, LevelScale(-30.0).offset_db) == ("dBm", -30.0)
    # An antenna alone says nothing of a receiver.
    assert LevelScale(None, 24.0) == LevelScale(None, 24.0)
    assert LevelScale(None, 24.0).unit == "dBFS"


def test_a_field_strength_is_the_voltage_over_50_ohms_and_the_antenna_factor() -> None:
    volts = np.sqrt(1e-3 * 50.0)
    expected = -30.0 + 20 * np.log10(volts / 1e-6) + 24.0
    scale = LevelScale(-30.0, 24.0)
    assert scale.unit == "dBuV/m"
    assert scale.offset_db == pytest.approx(expected, abs=0.02)


def test_a_level_is_told_as_far_as_it_is_known() -> None:
    field = LevelScale(-30.0, 24.0)
    assert [one.dbm(-41.0) for one in (UNCALIBRATED, LevelScale(-30.0), field)] == [
        None,
        -71.0,
        -71.0,
    ]
    assert [one.dbuv_m(-41.0) for one in (UNCALIBRATED, LevelScale(-30.0))] == [None, None]
    assert field.dbuv_m(-41.0) == pytest.approx(60.0, abs=0.02)
    assert [one.text(-41.0) for one in (UNCALIBRATED, LevelScale(-30.0), field)] == [
        "-41.0 dBFS", "-71.0 dBm", "60.0 dBuV/m",
    ]  # fmt: skip


def test_the_age_of_a_calibration() -> None:
    assert LevelScale(-30.0).age_days(NOON_NS) is None
    scale = LevelScale(-30.0, None, date(2025, 11, 28))
    assert scale.age_days(NOON_NS) == 365
    # A recording that does not tell its time tells no age.
    assert scale.age_days(0) is None
    # Nor does a clock that starts in 1970.
    assert scale.age_days(10**9) is None


@pytest.mark.parametrize(
    ("scale", "utc_ns", "said"),
    [
        (UNCALIBRATED, NOON_NS, ""),
        (LevelScale(None, 24.0, date(2026, 11, 28)), NOON_NS, ""),
        (
            LevelScale(-30.0),
            NOON_NS,
            "calibrated, nobody says when (band.calibrated)",
        ),
        (LevelScale(-30.0, None, date(2026, 11, 27)), NOON_NS, "calibrated 1 day before"),
        (LevelScale(-30.0, None, date(2025, 11, 28)), NOON_NS, "calibrated 365 days before"),
        (
            LevelScale(-30.0, None, date(2025, 11, 27)),
            NOON_NS,
            "calibrated 366 days before: calibrate again",
        ),
        # A clock that starts in 1970 would make it one of the future.
        (LevelScale(-30.0, None, date(2026, 11, 27)), 10**9, "calibrated on 2026-11-27"),
        (LevelScale(-30.0, None, date(2026, 11, 27)), 0, "calibrated on 2026-11-27"),
    ],
)
def test_the_age_of_a_calibration_is_said_with_its_levels(
    scale: LevelScale, utc_ns: int, said: str
) -> None:
    assert scale.age_text(utc_ns) == said
