"""Times as people type them."""

import time

import click
import pytest

from edgespec.errors import UsageError
from edgespec.when import When, check_span

NS = 10**9


@pytest.mark.parametrize(
    ("text", "ago_s"),
    [("0s", 0), ("90min", 5400), ("2 h", 7200), ("1.5d", 129600), ("1w", 604800), ("5m", 300)],
)
def test_how_long_ago(text: str, ago_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)
    assert When().convert(text, None, None) == 10**18 - ago_s * NS


@pytest.mark.parametrize(
    "text", ["2026-01-19T08:00:00Z", "2026-01-19T09:00+01:00", "2026-01-19 08:00", " 20260119T08 "]
)
def test_a_date_without_a_zone_is_utc(text: str) -> None:
    assert When().convert(text, None, None) == 1_768_809_600 * NS
    assert When().convert(1_768_809_600 * NS, None, None) == 1_768_809_600 * NS


@pytest.mark.parametrize(
    "text", ["", "h", "2", "2 years", "-2h", "nan", "1e5h", "2026-13-01", "99999-01-01", "x" * 9999]
)
def test_what_is_no_time_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(click.BadParameter, match="90min, 2h, 3d") as refused:
        When().convert(text, None, None)
    assert len(str(refused.value)) < 250


def test_times_have_64_bits_and_a_span_an_order() -> None:
    # A store of SQLite has no larger number.
    assert When().convert("999999999w", None, None) == When().convert("0001-01-01", None, None) == 0
    with pytest.raises(click.BadParameter, match="'2262-01-01' is not before 2262"):
        When().convert("2262-01-01", None, None)
    check_span(1, 2)
    check_span(None, 2)
    with pytest.raises(UsageError, match="--since must be before"):
        check_span(2, 2)
