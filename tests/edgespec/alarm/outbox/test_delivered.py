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
    # Once is enough: what is confirmed the second time is not said a third time.
    delivered.lost_link()
    assert taken(delivered) == []


def test_o10_a_link_that_breaks_again_loses_nothing_of_it(now_s: list[float]) -> None:
    delivered = Delivered(5.0, lambda: now_s[0])
    for sequence in (1, 2, 3):
        delivered.confirmed(sequence, b"message")
    delivered.lost_link()
    delivered.confirmed(1, b"message")
    now_s[0] += 1000.0
    delivered.lost_link()
    assert taken(delivered) == [2, 3]


def test_o10_it_is_bounded_and_off_by_default(now_s: list[float]) -> None:
    for replay_s, n_kept in ((0.0, 0), (3600.0, 1000)):
        delivered = Delivered(replay_s, lambda: now_s[0])
        for sequence in range(1, 5001):
            delivered.confirmed(sequence, b"message")
        delivered.lost_link()
        assert taken(delivered) == list(range(5001 - n_kept, 5001))
