"""How long to wait, and how seldom to complain."""

import logging

import pytest

from edgespec.mqtt.backoff import Backoff, QuietLog


def test_left_out_messages_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    now_s = iter([100.0, 100.0, 110.0, 159.9, 160.0])
    say = QuietLog(logging.getLogger("quiet"), 60.0, lambda: next(now_s))
    for _ in range(5):
        say(logging.WARNING, "again")
    assert [record.getMessage() for record in caplog.records] == [
        "again",
        "again (and 3 more messages like this)",
    ]


def test_pauses_grow_with_jitter_up_to_the_limit() -> None:
    backoff = Backoff(0.5, 60.0)
    for limit_s in (0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60):
        assert limit_s / 2 <= backoff.next_s() <= limit_s
    backoff.reset()
    assert backoff.next_s() <= 0.5
    assert Backoff(0.5, 0.1).next_s() <= 0.1
