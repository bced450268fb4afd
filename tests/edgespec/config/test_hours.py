"""Hours of the week: what a text names, minute by minute."""

from datetime import UTC, datetime, timedelta

import pytest

from edgespec.config.hours import Hours, local_time
from edgespec.errors import ConfigError

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = [MONDAY + timedelta(minutes=minute) for minute in range(7 * 24 * 60)]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def held(text: str) -> list[datetime]:
    hours = Hours.parse(text)
    return [when for when in WEEK if hours.hold(when)]


@pytest.mark.parametrize(
    ("text", "n_minutes", "first", "last"),
    [
        ("mon", 1440, "mon 00:00", "mon 23:59"),
        ("sat-sun", 2880, "sat 00:00", "sun 23:59"),
        ("mon-fri 08:00-18:00", 3000, "mon 08:00", "fri 17:59"),
        ("wed 22:00-24:00", 120, "wed 22:00", "wed 23:59"),
        ("thu 22:00-06:00", 480, "thu 22:00", "fri 05:59"),
        ("sun 23:00-01:00", 120, "mon 00:00", "sun 23:59"),
        ("22:00-06:00", 7 * 480, "mon 00:00", "sun 23:59"),
        ("sat-mon 00:00-01:00", 180, "mon 00:00", "sun 00:59"),
        ("00:00-24:00", 7 * 1440, "mon 00:00", "sun 23:59"),
    ],
)
def test_which_minutes_of_a_week(text: str, n_minutes: int, first: str, last: str) -> None:
    minutes = held(text)
    assert len(minutes) == n_minutes
    assert [f"{DAYS[one.weekday()]} {one:%H:%M}" for one in (minutes[0], minutes[-1])] == [
        first, last,
    ]  # fmt: skip


def test_night_and_day_are_the_whole_week() -> None:
    night, day = set(held("22:00-06:00")), set(held("06:00-22:00"))
    assert not night & day
    assert night | day == set(WEEK)


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "8:00-9:00", "24:00-08:00", "08:00-25:00", "mon-", "-mon", "mon08:00-09:00",
     " mon", "mon,tue", "08:00", "10:00-10:00", "00:00-00:00", "mon 08:00-09:00\n", "MON"],
)  # fmt: skip
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"hours are"):
        Hours.parse(text)


def test_clocks_of_a_zone_follow_its_summer() -> None:
    """22:00 in Berlin is 20:00 or 21:00 UTC."""
    for month, utc_hour in ((1, 21), (7, 20)):
        when = datetime(2026, month, 15, utc_hour, tzinfo=UTC)
        assert local_time(int(when.timestamp()) * 10**9, "Europe/Berlin").hour == 22
    assert local_time(0, "UTC").hour == 0


@pytest.mark.parametrize("zone", ["", "nope", "../etc/passwd", "/etc/localtime", "a\0b", "Europe"])
def test_a_zone_that_is_none_is_named(zone: str) -> None:
    with pytest.raises(ConfigError, match="time_zone is"):
        local_time(0, zone)
