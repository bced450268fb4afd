"""What is said once more after a broker died (O10)."""

import pytest

from edgespec.alarm.outbox.delivered import Delivered


def taken(delivered: Delivered) -> list[int]:
    """Say again all that is to be said, and return its sequence numbers."""
    said = []
    while (oldest := delivered.oldest()) is not None:
        said.append(oldest[0])
        delivered.confirmed(*oldest)
    return said


@pytest.fixture
def now_s() -> list[float]:
    return [100.0]


def test_o10_what_was_confirmed_shortly_before_the_end_is_said_again(now_s: list[float]) -> None:
    delivered = Delivered(5.0, lambda: now_s[0])
    for sequence in range(1, 11):
        delivered.confirmed(sequence, b"message")
        now_s[0] += 1.0
    assert delivered.oldest() is None
    delivered.lost_link()
    assert taken(delivered) == [6, 7, 8, 9, 10]
    # This link, too, must last: what was confirmed again may be lost again.
    now_s[0] += 4.0
    delivered.lost_link()
    assert taken(delivered) == [6, 7, 8, 9, 10]
    # Three times is enough, however soon it breaks.
    delivered.lost_link()
    assert taken(delivered) == []


def test_o10_what_a_link_outlives_is_safe(now_s: list[float]) -> None:
    delivered = Delivered(5.0, lambda: now_s[0])
    delivered.confirmed(1, b"message")
    delivered.lost_link()
    assert taken(delivered) == [1]
    now_s[0] += 6.0
    delivered.lost_link()
    assert taken(delivered) == []


def test_o10_a_link_that_breaks_again_loses_nothing_of_it(now_s: list[float]) -> None:
    delivered = Delivered(5.0, lambda: now_s[0])
    for sequence in (1, 2, 3):
        delivered.confirmed(sequence, b"message")
    delivered.lost_link()
    delivered.confirmed(1, b"message")
    now_s[0] += 1.0
    delivered.lost_link()
    assert taken(delivered) == [1, 2, 3]
    now_s[0] += 6.0
    delivered.confirmed(4, b"message")
    delivered.lost_link()
    delivered.confirmed(4, b"message")
    # However long nothing could be said.
    now_s[0] += 1000.0
    for _ in range(3):
        delivered.lost_link()
    assert taken(delivered) == []


def test_o10_what_could_not_be_said_again_waits_for_ever(now_s: list[float]) -> None:
    delivered = Delivered(5.0, lambda: now_s[0])
    for sequence in (1, 2):
        delivered.confirmed(sequence, b"message")
    for _ in range(3):
        delivered.lost_link()
        now_s[0] += 1000.0
    assert taken(delivered) == [1, 2]


def test_o10_it_is_bounded_and_can_be_switched_off(now_s: list[float]) -> None:
    for replay_s, n_kept in ((0.0, 0), (3600.0, 1000)):
        delivered = Delivered(replay_s, lambda: now_s[0])
        for sequence in range(1, 5001):
            delivered.confirmed(sequence, b"message")
        delivered.lost_link()
        assert taken(delivered) == list(range(5001 - n_kept, 5001))
